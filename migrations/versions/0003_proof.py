"""Onboarding, the work on the spot and its proof.

A job's card has new keys, and the events of before lack them: the epoch moves on, so that every cursor handed out
before begins again with a snapshot.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Change what is there and add the rest, statement by statement."""
    script = Path(__file__).with_suffix(".sql").read_text()
    for statement in script.split("\n-- next\n"):
        op.get_bind().exec_driver_sql(statement)
