"""Availability, live: the submission windows of the viewer's markets, and what was submitted (R200, R251)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.actors import Actor
from domain.events import EventType
from services.availability import SUBMISSION_CARD
from subscriptions.feeds import FRESH, OFFICE_CLASS, Asked, Facts, Fresh, Klass, Value, market_class, sees_market
from subscriptions.log import LogEvent
from subscriptions.reads import Rows, Snapshot

WindowCard = Callable[[Mapping[str, Any], datetime], Value]
"""The card of a market's window as of an instant, from the market's row as json."""

# Submissions whose two weeks are over are left out.
_ROWS = f"""select json_build_object(
    'markets', (select coalesce(json_agg(m order by m.name, m.id), '[]') from market m
        where m.tenant_id = stamp.tenant_id and m.archived_at is null),
    'submissions', (select coalesce(json_agg({SUBMISSION_CARD} order by a.period_start, a.id), '[]')
        from availability_submission a join market m on m.tenant_id = a.tenant_id and m.id = a.market_id
        where a.tenant_id = stamp.tenant_id{{own}}
          and a.period_start + 14 > (live.business_now at time zone m.zone)::date))"""
_OWN = " and a.cleaner_id = stamp.actor_id"


class AvailabilityFeed:
    """Windows and submissions (R84 to R93): the office sees everybody's, a cleaner their own."""

    field = "availability"
    replays = True

    def __init__(self, window_card: WindowCard) -> None:
        self._window_card = window_card

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """The office, or one cleaner with their markets: submissions are personal."""
        found = market_class(actor, facts)
        return found if found == OFFICE_CLASS else (*found, f"person {actor.person}")

    def until(self, klass: Klass) -> datetime | None:
        """Time changes nothing about who sees what."""
        return None

    def rows(self, klass: Klass) -> Rows:
        """Markets with their calendars, and submissions with their slots."""
        return Rows(_ROWS.replace("{own}", "" if klass == OFFICE_CLASS else _OWN))

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """The windows as of the snapshot's time."""
        windows = [self._window_card(row, snapshot.now) for row in snapshot.rows["markets"]]
        submissions = snapshot.rows["submissions"]
        return {"__typename": "AvailabilitySnapshot", "windows": windows, "submissions": submissions}

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """Nobody is shown anything else than their class."""
        return None

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """A submission for office and cleaner; a window for all of its market; a new calendar draws all anew."""
        match event.type:
            case EventType.AVAILABILITY_SUBMITTED if _concerns(klass, event.card["cleaner_id"]):
                return {"__typename": "AvailabilitySubmitted", "submission": event.card}
            case EventType.AVAILABILITY_WINDOW_CHANGED if sees_market(klass, event.card["market_id"]):
                return {"__typename": "AvailabilityWindowChanged", "window": event.card}
            case EventType.MARKET_CHANGED if sees_market(klass, str(event.entity_id)):
                return FRESH
            case _:
                return None


def _concerns(klass: Klass, cleaner_id: str) -> bool:
    return klass == OFFICE_CLASS or klass[-1] == f"person {cleaner_id}"
