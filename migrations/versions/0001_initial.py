"""The schema of the first release: a printed copy of `models` as they were, kept as SQL so that it never changes."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything, statement by statement; a function's body may hold semicolons, hence the separator line."""
    script = Path(__file__).with_suffix(".sql").read_text()
    for statement in script.split("\n-- next\n"):
        op.get_bind().exec_driver_sql(statement)
