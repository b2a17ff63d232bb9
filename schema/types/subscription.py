"""The root of the live feeds. Served by `subscriptions`, not by an executor: these fields are their contract."""

import strawberry

from schema.types.availability import AvailabilityFrame
from schema.types.described import described
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
