"""The root of the live feeds. Served by `subscriptions`, not by an executor: these fields are their contract."""

from datetime import datetime

import strawberry

from schema.types.availability import AvailabilityFrame
from schema.types.described import described
from schema.types.live_jobs import JobsFrame, LiveLocationFrame
from schema.types.live_money import AutomationFrame, PaymentsFrame, PayoutsFrame
from schema.types.relay import Cursor, arguments
from schema.types.swaps import SwapMarketFrame


@described
@strawberry.type
class Subscription:
    """Live feeds over graphql-transport-ws: a snapshot, then every change once and in order, resumable by cursor."""

    swap_market: SwapMarketFrame = arguments(
        description="The open swaps of the viewer's markets, live. `after` resumes behind a cursor: what was missed is"
        " replayed; a cursor that cannot be resumed from answers Resync and a snapshot.",
        words={"after": "The cursor of the last frame that was handled."},
        after=Cursor | None,
    )
    availability: AvailabilityFrame = arguments(
        description="The submission windows and submissions, live; a window's changes come at their instant.",
        words={"after": "The cursor of the last frame that was handled."},
        after=Cursor | None,
    )
    jobs: JobsFrame = arguments(
        description="Jobs, live. The office: every job of some days. A cleaner: their own that are still to be done;"
        " one that is over or given away leaves by JobGone. A customer: their own that are still to be done.",
        words={
            "after": "The cursor of the last frame that was handled.",
            "from": "Jobs that start then or later. Without `from` and `until` the office gets yesterday to the day"
            " after tomorrow, by the clock of UTC, drawn anew at midnight; everybody else all that is to be done.",
            "until": "Jobs that start before; at most 31 days after `from`.",
        },
        **{"after": Cursor | None, "from": datetime | None, "until": datetime | None},
    )
    job: JobsFrame = arguments(
        description="One job, live: its phases, arrival, progress and proof, also when it is over. The snapshot has no"
        " job where there is none that the viewer may see.",
        words={"id": "The job's global id.", "after": "The cursor of the last frame that was handled."},
        id=strawberry.ID,
        after=Cursor | None,
    )
    live_location: LiveLocationFrame = arguments(
        description="Where a job's cleaners are, live, while it is being done: for the office and for that job's"
        " customer. It always begins with a snapshot: where somebody was before is not told again.",
        words={
            "job_id": "The job's global id.",
            "after": "As in the other feeds; what was missed is not replayed here.",
        },
        job_id=strawberry.ID,
        after=Cursor | None,
    )
    payments: PaymentsFrame = arguments(
        description="Payments under way, live: for owners and administrators all, for a customer their own; one that is"
        " taken, let go or given back leaves by PaymentGone.",
        words={"after": "The cursor of the last frame that was handled."},
        after=Cursor | None,
    )
    payouts: PayoutsFrame = arguments(
        description="Pay on its way to cleaners, live: for owners and administrators all, for a cleaner their own; what"
        " the cleaner's bank has, or is settled otherwise, leaves by PayoutGone.",
        words={"after": "The cursor of the last frame that was handled."},
        after=Cursor | None,
    )
    automation: AutomationFrame = arguments(
        description="How many payments and payouts needed nobody of the office, live: reckoned anew whenever one is"
        " taken, declined, held or released, or somebody lends a hand. For owners and administrators; it always begins"
        " with a snapshot.",
        words={
            "days": "Of how many days back, 1 to 366; 30 unless told.",
            "after": "As in the other feeds; what was missed is not replayed here.",
        },
        days=int | None,
        after=Cursor | None,
    )
