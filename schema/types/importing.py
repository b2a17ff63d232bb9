"""The report of an import as clients see it."""

import strawberry

from domain.errors import Code
from domain.importing import ImportOutcome
from schema.errors import UserError
from schema.types.described import described


@described
@strawberry.type
class ImportLine:
    """What became of one line of the file."""

    line: int
    """The number of the line in the file; the header is the first."""
    outcome: ImportOutcome
    """What became of it."""
    code: Code | None
    """Why it was refused."""
    field: str | None
    """The column that it was refused for."""
    message: str | None
    """The same in words."""
    customer_id: strawberry.ID | None
    """Its customer; null where it was refused."""
    property_id: strawberry.ID | None
    """Its home, if it speaks of one."""
    job_id: strawberry.ID | None
    """Its job, if it speaks of one."""


@described
@strawberry.type
class ImportReport:
    """What became of a file, line by line."""

    is_dry_run: bool
    """Whether nothing was kept; then the ids lead nowhere."""
    created: int
    """How many lines have brought something new."""
    updated: int
    """How many have changed what was there."""
    unchanged: int
    """How many were there already."""
    refused: int
    """How many were not taken."""
    lines: list[ImportLine]
    """Every line that is not blank, in the file's order."""


@described
@strawberry.type
class ImportCustomersPayload:
    """The answer of importCustomers."""

    report: ImportReport | None
    """What became of the file; null where the file itself was refused."""
    errors: list[UserError]
    """Why the file was refused; what is wrong with a line stands in the report."""
