"""The numbers of rules: where they are cited, and the page `docs/rules.md` that says what each means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_YET = "not yet"
ABOUT_NUMBERS = ("tests/docs/rules.py", "tests/docs/test_docs_rules.py")

# R98, A27b, a range as "R94 to R103", and both as test names write them: _r98, _r160_to_r163.
_RANGE = re.compile(r"(?<![A-Za-z0-9])([RA])(\d+) to \1(\d+)\b|_([ra])(\d+)_to_\4(\d+)(?![a-z0-9])")
_ONE = re.compile(r"(?<![A-Za-z0-9])([RA])([1-9]\d{0,2}b?)(?!\w)|_([ra])([1-9]\d{0,2}b?)(?![a-z0-9])")
_ROW = re.compile(r"^\| ([RA]\d+b?) \| (.*) \| (.*) \| (.*) \|$")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: a number, what it demands, the file of the rule, the files of the proof."""

    number: str
    statement: str
    rule: str
    proofs: tuple[str, ...]

    def printed(self) -> str:
        """As the page has it."""
        return f"| {self.number} | {self.statement} | {self.rule} | {', '.join(self.proofs) or NOT_YET} |"


def cited(text: str) -> set[str]:
    """Every number that a text names, ranges written out."""
    found: set[str] = set()
    for match in _RANGE.finditer(text):
        letter, first, last = match[1] or match[4].upper(), match[2] or match[5], match[3] or match[6]
        found |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    for match in _ONE.finditer(text):
        found.add(f"{match[1] or match[3].upper()}{match[2] or match[4]}")
    return found


@cache
def cited_in(path: str) -> frozenset[str]:
    """The numbers that a file of the project names; none if it does not exist."""
    file = ROOT / path
    return frozenset(cited(file.read_text())) if file.is_file() else frozenset()


@cache
def proving() -> tuple[str, ...]:
    """The files of tests, but for these about numbers themselves."""
    return tuple(sorted(path for path in _python("tests") if path not in ABOUT_NUMBERS))


@cache
def proofs_of(number: str) -> tuple[str, ...]:
    """The files with a test that names the number."""
    return tuple(path for path in proving() if path.rpartition("/")[2].startswith("test_") and number in cited_in(path))


def _python(folder: str) -> Iterator[str]:
    return (path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py"))


def rows(page: str) -> list[Row]:
    """The rows of the page's table."""
    found = (_ROW.match(line) for line in page.splitlines())
    return [Row(one[1], one[2], one[3], _proofs(one[4])) for one in found if one]


def _proofs(cell: str) -> tuple[str, ...]:
    return () if cell == NOT_YET else tuple(cell.split(", "))


def refreshed(page: str) -> str:
    """The page with the proofs as the tests name them now."""
    return "\n".join(_fresh(line) for line in page.split("\n"))


def _fresh(line: str) -> str:
    for row in rows(line):
        return Row(row.number, row.statement, row.rule, proofs_of(row.number)).printed()
    return line
