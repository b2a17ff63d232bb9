"""What the routes that are no GraphQL need of the process that serves them."""

from typing import Protocol

from db.runner import Runner


class Running(Protocol):
    """A process that has started."""

    @property
    def runner(self) -> Runner:
        """Runs commands."""
