"""The table that a run prints: figures with their units, and the spread over the rounds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: ours, and where there is one, that of the usual way with the ratio."""

    what: str
    ours: str
    usual: str = ""
    ratio: str = ""


@dataclass(slots=True)
class Report:
    """Everything measured, by section."""

    sections: dict[str, list[Line]] = field(default_factory=dict)

    def add(self, section: str, lines: Iterable[Line]) -> None:
        """Add a section's lines."""
        self.sections.setdefault(section, []).extend(lines)

    def print(self, heading: str) -> None:
        """Print one table to the standard output."""
        table = Table(
            "figure", "Cleanshift", "the usual way", "ratio (min to max)", title=heading, title_justify="left"
        )
        for section, lines in self.sections.items():
            table.add_section()
            table.add_row(f"[bold]{section}[/bold]")
            for line in lines:
                table.add_row(f"  {line.what}", line.ours, line.usual, line.ratio)
        console = Console()
        console.width = max(console.width, 130)
        console.print(table)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, with least and most where there is more than one."""
    middle = f"{median(values):,.{digits}f}"
    return middle if len(values) < 2 else f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratios(above: Sequence[float], below: Sequence[float], digits: int = 1) -> str:
    """How many times more, round by round."""
    return spread([high / low for high, low in zip(above, below, strict=True) if low], digits) + " x"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
