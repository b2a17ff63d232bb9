"""Customers, homes and jobs from a file (R22, R26): look addresses up, take the lines in portions, report each of them.

A request has some seconds. What there is no time for is told so, and comes in when the file is sent again: what was
taken is there, and found again quickly.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import strawberry
from strawberry.types import Info

from db.command import Command
from db.runner import Call
from domain.errors import Refused, Unauthenticated
from domain.importing import COLUMNS, MOST_LINES, ImportOutcome, LineReport, read_csv
from resolvers.context import Context
from resolvers.expose import mutation
from resolvers.places import look_up_many
from schema.errors import UserError
from schema.inputs import input_type, to_command
from schema.types.importing import ImportCustomersPayload, ImportLine, ImportReport
from schema.types.relay import encode_id
from services.importing import ImportLines, find_unplaced_lines, import_lines
from services.inputs import arg

LOOK_UP_SECONDS = 3.0
SECONDS = 8.0
"""For all of it; the operation itself may take ten."""
PORTION = 50
"""So many lines are one transaction."""

_COLUMNS = "\n".join(f"* `{name}`: {words}" for name, words in COLUMNS.items())


@dataclass(frozen=True, slots=True)
class ImportCustomers:
    """A file of customers, their homes, and jobs there; one line each."""

    csv: str = arg(
        "The text of the file: comma-separated values with a header, quoted as spreadsheets do, at most 1 MiB and"
        f" {MOST_LINES:,} lines. Columns, in any order:\n\n{_COLUMNS}"
    )
    dry_run: bool = arg("Whether the report is all that is wanted: nothing is kept.", default=False)


async def import_customers(info: Info[Context, None], input: Any) -> Any:
    """Take customers, homes and jobs from a file (R22, R26, R27); for the office.

    Each line is taken wholly or not at all, and a refused one loses nothing of the others. The same file again changes
    nothing: the same email is the same customer, the same address the same home, the same start the same job.
    """
    until = time.monotonic() + SECONDS
    try:
        reports = await _taken(info.context, to_command(ImportCustomers, input), until)
    except Unauthenticated:
        raise
    except Refused as refusal:
        return ImportCustomersPayload(report=None, errors=[UserError.of(refusal)])
    return ImportCustomersPayload(report=_report(reports, is_dry_run=input.dry_run), errors=[])


async def _taken(context: Context, wish: ImportCustomers, until: float) -> list[LineReport]:
    lines = ImportLines(read_csv(wish.csv), wish.dry_run, is_over=lambda: time.monotonic() > until)
    missing = await _run(context, find_unplaced_lines, lines)
    lines = replace(lines, away=await look_up_many(context, missing, LOOK_UP_SECONDS))
    if wish.dry_run:
        # In one: a line may speak of whom an earlier one would have brought.
        dry: list[LineReport] = await _run(context, import_lines, lines)
        return dry
    reports: list[LineReport] = []
    for start in range(0, len(lines.lines), PORTION):
        portion = replace(lines, lines=lines.lines[start : start + PORTION])
        reports += await _run(context, import_lines, portion)
    return reports


async def _run(context: Context, command: Command[ImportLines, Any], lines: ImportLines) -> Any:
    call = Call(context.signed_in, command, lines, request_id=context.request_id, origin=context.origin)
    return await context.services.runner.run(call)


def _report(reports: Sequence[LineReport], *, is_dry_run: bool) -> ImportReport:
    counts = Counter(one.outcome for one in reports)
    return ImportReport(
        is_dry_run=is_dry_run,
        created=counts[ImportOutcome.CREATED],
        updated=counts[ImportOutcome.UPDATED],
        unchanged=counts[ImportOutcome.UNCHANGED],
        refused=counts[ImportOutcome.REFUSED],
        lines=[_line(one) for one in reports],
    )


def _line(one: LineReport) -> ImportLine:
    ids = {kind: strawberry.ID(encode_id(kind.capitalize(), id)) for kind, id in one.ids.items()}
    return ImportLine(
        line=one.line,
        outcome=one.outcome,
        code=one.code,
        field=one.column,
        message=one.message,
        customer_id=ids.get("customer"),
        property_id=ids.get("property"),
        job_id=ids.get("job"),
    )


def _exposed() -> Any:
    hints = {"input": input_type(ImportCustomers, keyed=False), "return": ImportCustomersPayload}
    import_customers.__annotations__.update(hints)
    return mutation(import_customers, "import_customers", import_customers.__doc__ or "")


MUTATIONS = {"import_customers": _exposed()}
