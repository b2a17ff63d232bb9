"""Access codes of homes as clients see them: the code itself in one mutation's answer, and who has seen it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.actors import Role
from schema.errors import UserError
from schema.types.described import described

if TYPE_CHECKING:
    from schema.types.scheduling import Job


@described
@strawberry.type
class AccessCodeView:
    """One time that somebody was shown a home's access code."""

    at: datetime
    """When."""
    viewer_id: strawberry.ID
    """Who: the global id of somebody of the office or of a cleaner."""
    viewer_name: str | None
    """What they are called."""
    viewer_role: Role
    """In which role."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """For which job."""


@described
@strawberry.type
class RevealAccessCodePayload:
    """The answer of revealAccessCode: show it, and do not keep it."""

    access_code: str | None
    """How one gets in; null if the mutation was refused."""
    errors: list[UserError]
    """Why it was refused; empty if it was done."""
