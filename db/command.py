"""How a use case declares itself: its roles, its input, and whether it deals in secrets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_type_hints

from db.tx import Tx
from domain.actors import Role
from domain.errors import Refused

Input = TypeVar("Input")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A refusal that must not roll back what the command wrote: a counted failure, a revoked family."""

    refusal: Refused


@dataclass(frozen=True, slots=True)
class Command(Generic[Input, Result]):
    """A use case: one transaction, no network. `roles` are all who may run it."""

    name: str
    roles: frozenset[Role]
    body: Callable[[Tx, Input], Awaitable[Result | Remembered]]
    input_type: type[Input]
    result_type: type[Result]
    secret: bool
    """Takes or returns secrets, or has no actor yet: keys of idempotency are ignored and nothing is stored."""
    when_unpaid: bool = False
    """Whether people may run it while the business's plan is unpaid (A42): what lets them in and out, ends access,
    pays, or finishes a clean that is promised. Everything else is refused with READ_ONLY; the installation's own tasks
    go on."""
    by_key: bool = False
    """Whether its statements find their rows by keys: then their plans are made once a connection, and kept."""

    @property
    def doc(self) -> str:
        """What the command promises, in the words of its docstring."""
        return self.body.__doc__ or ""


COMMANDS: dict[str, Command[Any, Any]] = {}
"""Every declared command by name, so that tests can walk them."""


def command(
    *roles: Role, secret: bool = False, when_unpaid: bool = False, by_key: bool = False
) -> Callable[[Callable[[Tx, Input], Awaitable[Result | Remembered]]], Command[Input, Result]]:
    """Declare a use case and who may run it. Declaring nobody is a mistake that is found at import."""
    if not roles:
        message = "a command must declare who may run it"
        raise TypeError(message)

    def declare(body: Callable[[Tx, Input], Awaitable[Result | Remembered]]) -> Command[Input, Result]:
        hints = get_type_hints(body)
        name = body.__name__
        made = Command(name, frozenset(roles), body, hints["input"], hints["return"], secret, when_unpaid, by_key)
        if COMMANDS.setdefault(name, made) is not made:
            message = f"two commands are called {name}"
            raise TypeError(message)
        return made

    return declare
