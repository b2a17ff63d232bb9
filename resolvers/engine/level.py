"""One JSON array in the making: its expressions, and the joins that they need."""

from collections.abc import Callable, Iterable

WIDEST = 100
"""PostgreSQL functions take at most this many arguments."""


class Level:
    """Expressions of one row, each selected once, and lateral joins whose text is known when all is compiled."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._joins: list[Callable[[], str]] = []

    def add(self, expression: str) -> int:
        """The expression's place in the row."""
        return self._places.setdefault(expression, len(self._places))

    def join(self, text: Callable[[], str]) -> None:
        """A join that comes after those already there; its text is asked for last, when its columns are known."""
        self._joins.append(text)

    @property
    def is_wide(self) -> bool:
        """Whether the row comes in several arrays."""
        return len(self._places) > WIDEST

    def array(self) -> str:
        """The row as a JSON array, in arrays of 100 where it is wider."""
        expressions = list(self._places)
        if not self.is_wide:
            return _array(expressions)
        parts = [expressions[start : start + WIDEST] for start in range(0, len(expressions), WIDEST)]
        return _array(_array(part) for part in parts)

    def joins(self) -> str:
        """All joins in order."""
        return "\n".join(text() for text in self._joins)


def _array(expressions: Iterable[str]) -> str:
    return f"json_build_array({', '.join(expressions)})"
