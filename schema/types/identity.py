"""Tenants, markets and people as clients see them."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from domain.actors import Role
from domain.onboarding import DocumentKind
from domain.scheduling import OnboardingState, Skill
from schema.types.described import described
from schema.types.filters import AssignmentFilter, AssignmentOrder
from schema.types.relay import Connection, Node, paged

if TYPE_CHECKING:
    from schema.types.availability import AvailabilityWindow
    from schema.types.customers import Customer
    from schema.types.onboarding import CleanerProfile, PayoutAccount, SignedDocument
    from schema.types.reliability import Reliability
    from schema.types.scheduling import Assignment


@described
@strawberry.type
class Tenant:
    """One cleaning business. Everything else in an answer belongs to it."""

    slug: str
    """The short name that staff sign in with."""
    name: str
    """The business's name."""
    settings: JSON | None
    """The numbers that differ from their defaults, by section: swaps, scheduling, pay, signIn. For the office."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class SwapTerms:
    """How the business runs its swap market, as far as its people plan by it."""

    approval_required: bool
    """Whether the office has to agree before a shift changes hands."""
    draw_minutes: int
    """How long those who want a shift are collected before one is drawn; 0 means that the first takes it."""
    return_minutes: int
    """How many minutes after taking a shift it may be given back."""
    standing_bids: bool
    """Whether cleaners may place standing bids."""


@described
@strawberry.type
class Business:
    """What everybody who works for the business may know of it."""

    name: str
    """The business's name."""
    currency: str
    """The currency of its money, as a code in lower case: usd."""
    swaps: SwapTerms
    """How it runs its swap market."""


@described
@strawberry.type
class Market(Node):
    """A region with a wall clock of its own: its zone decides days, weeks and deadlines."""

    name: str
    """The market's name, unique in the business."""
    zone: str
    """The IANA time zone, as America/New_York."""
    window_epoch: date | None
    """A submission Sunday; the others lie multiples of 14 days away. For office and cleaners, null for customers."""
    window_lead_days: int | None
    """How many days before the submission Sunday the window opens. For office and cleaners, null for customers."""
    window_deadline_hour: int | None
    """The market-local hour of the deadline on that Sunday. For office and cleaners, null for customers."""
    window_grace_minutes: int | None
    """Minutes after the deadline in which a submission is late but accepted. For office and cleaners, null for
    customers."""
    availability_window: Annotated["AvailabilityWindow", strawberry.lazy("schema.types.availability")] | None
    """The submission window as of now. For office and cleaners, null for customers."""
    archived_at: datetime | None
    """When the market was closed. For office and cleaners, null for customers."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class Staff(Node):
    """Somebody of the office."""

    name: str
    """The person's name."""
    email: str | None
    """Where mail reaches them; for owners and admins, and for the person."""
    role: Role | None
    """What they may do; for owners and admins, and for the person."""
    archived_at: datetime | None
    """When they left."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class Cleaner(Node):
    """A worker. Colleagues see the name alone, as do customers whose jobs the worker is on; the office and the cleaner
    see the rest, and others null.
    """

    name: str
    """The display name."""
    email: str | None
    """Where mail reaches them."""
    phone: str | None
    """The phone number in E.164."""
    pay_tier: str | None
    """The name of the pay tier; owners, admins and the cleaner."""
    onboarding: OnboardingState | None
    """The first stage that is missing; jobs and market open at COMPLETE. INVITED until a first step is done."""
    missing_stages: list[OnboardingState] | None
    """The stages that are not done. An administrator may have opened the gate all the same."""
    profile: Annotated["CleanerProfile", strawberry.lazy("schema.types.onboarding")] | None
    """Who the cleaner is, as they say themselves; null as long as they have not said it."""
    payout_account: Annotated["PayoutAccount", strawberry.lazy("schema.types.onboarding")] | None
    """The account with the payment provider; owners, admins and the cleaner."""
    signed_documents: list[Annotated["SignedDocument", strawberry.lazy("schema.types.onboarding")]] | None
    """What the cleaner has signed, the oldest first; owners, admins and the cleaner."""
    documents_to_sign: list[DocumentKind] | None
    """The documents whose edition in force is not signed; owners, admins and the cleaner. A later edition is asked for
    and closes no gate."""
    certified_at: datetime | None
    """When the cleaner last said what they can do."""
    certified_skills: list[Skill] | None
    """The skills that the cleaner has entered themself; the others are the office's."""
    pay_tiers: list[str] | None
    """The tiers that the cleaner may be paid by: the one given to them, and those that their skills unlock; owners,
    admins and the cleaner."""
    skills: list[Skill] | None
    """What the cleaner is able to do."""
    reliability: Annotated["Reliability", strawberry.lazy("schema.types.reliability")] | None
    """How far the cleaner can be relied on, with every part of the score; the office and the cleaner."""
    market_ids: list[strawberry.ID] | None
    """The markets that the cleaner works in."""
    assignments: Connection[Annotated["Assignment", strawberry.lazy("schema.types.scheduling")]] = paged(
        AssignmentFilter,
        AssignmentOrder,
        description="The cleaner's shifts: for the office and the cleaner all, for a customer those on their own jobs.",
    )
    archived_at: datetime | None
    """When they left."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class Viewer:
    """Who asks: the person behind the credential."""

    role: Role
    """What they may do."""
    tenant: Tenant
    """The business that the credential names."""
    business: Business | None
    """The same, as those who work for it may know it. For staff and cleaners, null for others."""
    staff: Staff | None
    """The person, if of the office."""
    cleaner: Cleaner | None
    """The person, if a cleaner."""
    customer: Annotated["Customer", strawberry.lazy("schema.types.customers")] | None
    """The person, if a customer."""
    sessions: Connection["Session"] = paged(description="The person's own sessions, the newest first.")
    """The person's sign-ins."""
    server_time: datetime
    """Business time on the server; countdowns are measured against this, never against the device's clock."""


@described
@strawberry.type
class Session(Node):
    """One sign-in of a person on a device."""

    role: Role
    """What it may do."""
    device: str
    """The name that the device gave itself."""
    created_at: datetime
    """When it began."""
    seen_at: datetime
    """When it was last renewed."""
    expires_at: datetime
    """When it ends by itself."""
    revoked_at: datetime | None
    """When it was ended."""
    revoked_because: str | None
    """Why it was ended."""


@described
@strawberry.type
class Credentials:
    """What a client keeps after signing in."""

    access_token: str
    """The bearer token, for the Authorization header and for connection_init."""
    refresh_token: str
    """Buys the next pair once; then it is used up."""
    expires_in_seconds: int
    """How long the access token is good."""
    role: Role
    """What the person may do."""
    person_id: strawberry.ID
    """The person's global id."""
    session_id: strawberry.ID
    """The session's global id."""
