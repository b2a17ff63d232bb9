"""Booking and money: prices, quotes, plans, payments, payouts, the books, and what a business pays the platform."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Change what is there and add the rest, statement by statement."""
    script = Path(__file__).with_suffix(".sql").read_text()
    for statement in script.split("\n-- next\n"):
        op.get_bind().exec_driver_sql(statement)
