"""The root of every read."""

import strawberry

from schema.types.audit import AuditEntry
from schema.types.availability import AvailabilitySubmission, AvailabilityWindow
from schema.types.booking import Service
from schema.types.customers import Customer, Property
from schema.types.described import described
from schema.types.failures import Task
from schema.types.fieldwork import ChecklistTemplate
from schema.types.filters import (
    AssignmentFilter,
    AssignmentOrder,
    AuditFilter,
    AuditOrder,
    ChecklistTemplateFilter,
    CleanerFilter,
    CustomerFilter,
    FailedTaskFilter,
    FailedTaskOrder,
    JobFilter,
    JobOrder,
    MarketFilter,
    NameOrder,
    NotificationFilter,
    NotificationOrder,
    PropertyFilter,
    ServiceFilter,
    StaffFilter,
    StandingBidFilter,
    StandingBidOrder,
    SubmissionFilter,
    SubmissionOrder,
    SwapFilter,
    SwapOrder,
)
from schema.types.identity import Cleaner, Market, Staff, Viewer
from schema.types.notifications import Notification
from schema.types.onboarding import LegalText
from schema.types.relay import Connection, Node, arguments, by_id, by_ids, paged
from schema.types.scheduling import Assignment, Job
from schema.types.swaps import StandingBid, Swap


@described
@strawberry.type
class Reads:
    """Everything that can be read: one statement an operation, only what the credential's tenant and role may see."""

    viewer: Viewer
    """Who asks."""
    node: Node | None = by_id("The object with this global id, or null if there is none that you may see.")
    nodes: list[Node | None] = by_ids("The objects with these global ids, in their order; at most 100.")
    markets: Connection[Market] = paged(MarketFilter, NameOrder, description="The business's markets.")
    staff: Connection[Staff] = paged(StaffFilter, NameOrder, description="The people of the office.")
    cleaners: Connection[Cleaner] = paged(CleanerFilter, NameOrder, description="The workers.")
    cleaner: Cleaner | None = by_id("One worker.")
    customers: Connection[Customer] = paged(CustomerFilter, NameOrder, description="The customers.")
    customer: Customer | None = by_id("One customer.")
    properties: Connection[Property] = paged(PropertyFilter, NameOrder, description="The homes.")
    property: Property | None = by_id("One home.")
    services: Connection[Service] = paged(ServiceFilter, NameOrder, description="What the business offers.")
    service: Service | None = by_id("One service.")
    jobs: Connection[Job] = paged(JobFilter, JobOrder, description="The cleans; a cleaner's own and those offered.")
    job: Job | None = by_id("One clean.")
    assignments: Connection[Assignment] = paged(
        AssignmentFilter,
        AssignmentOrder,
        description="The shifts; a cleaner's own, and those on a customer's own jobs.",
    )
    assignment: Assignment | None = by_id("One shift.")
    checklist_templates: Connection[ChecklistTemplate] = paged(
        ChecklistTemplateFilter, NameOrder, description="What is to be done where; for the office."
    )
    swaps: Connection[Swap] = paged(
        SwapFilter,
        SwapOrder,
        description="The swap market; for a cleaner the open swaps of their markets and their own.",
    )
    swap: Swap | None = by_id("One swap.")
    standing_bids: Connection[StandingBid] = paged(
        StandingBidFilter, StandingBidOrder, description="The cleaners' \"take any of these for me\"; a cleaner's own."
    )
    availability_window: AvailabilityWindow | None = arguments(
        description="A market's submission window as of now, or null if there is no such market for you. For office"
        " and cleaners.",
        words={"market_id": "The market's global id."},
        market_id=strawberry.ID,
    )
    availability_submissions: Connection[AvailabilitySubmission] = paged(
        SubmissionFilter, SubmissionOrder, description="What was submitted; a cleaner's own."
    )
    notifications: Connection[Notification] = paged(
        NotificationFilter,
        NotificationOrder,
        description="Messages to people and what became of them; yours, for the office all.",
    )
    legal_documents: list[LegalText] | None = arguments(
        description="The legal texts in force, one of each kind, as they are to be read before they are signed. For"
        " office and cleaners, null for others."
    )
    audit_log: Connection[AuditEntry] = paged(
        AuditFilter, AuditOrder, description="Who did what; for owners and administrators, empty for everybody else."
    )
    failed_tasks: Connection[Task] = paged(
        FailedTaskFilter,
        FailedTaskOrder,
        description="Work that was given up; for owners and administrators, empty for everybody else.",
    )
