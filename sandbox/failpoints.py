"""A worker that dies at a chosen place: FAILPOINT=called:3 kills it the third time a step has been called (R158).

For tests and the soak, in development alone. SIGKILL, as power cuts and the kernel do it: nothing gets to tidy up.
"""

import os
import signal
from collections.abc import Callable

from app.settings import ConfigurationError, Settings
from domain.payments.ops import BOUNDARIES, Boundary

NAME = "FAILPOINT"


def failpoint(settings: Settings, said: str) -> Callable[[Boundary], None]:
    """What a worker is to call between the parts of each step. Raises `ConfigurationError` for what names no place."""
    if settings.environment == "production":
        raise ConfigurationError(f"{NAME} kills workers: it is for tests, never for production.")
    name, _, nth = said.partition(":")
    known = [boundary.name for boundary in BOUNDARIES]
    if name not in known or not (nth.isascii() and nth.isdigit() and int(nth) > 0):
        raise ConfigurationError(f"{NAME} is <place>:<nth>, where a place is one of {', '.join(known)}.")
    left = int(nth)

    def at_boundary(boundary: Boundary) -> None:
        nonlocal left
        if boundary.name == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return at_boundary


def failpoint_of_environment(settings: Settings) -> Callable[[Boundary], None] | None:
    """The one that the environment asks for; None where it asks for none."""
    said = os.environ.get(NAME)
    return failpoint(settings, said) if said else None
