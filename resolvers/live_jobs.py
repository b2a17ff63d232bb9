"""The cards of the live feeds of jobs: which of their words are ids."""

from typing import Any

from resolvers.common import card_id
from resolvers.engine.sources import computed
from resolvers.registry import registry
from schema.types.live_jobs import CrewCard, JobCard, JobGone, LiveLocation, LocationGone
from schema.types.relay import encode_id


def visit_ids(visit_ids: list[str]) -> list[Any]:
    """Visits as global ids."""
    return [encode_id("Visit", id) for id in visit_ids]


registry.card(
    JobCard,
    id=card_id("Job", "id"),
    customer_id=card_id("Customer", "customer_id"),
    market_id=card_id("Market", "market_id"),
    property_id=card_id("Property", "property_id"),
)
registry.card(
    CrewCard,
    assignment_id=card_id("Assignment", "assignment_id"),
    cleaner_id=card_id("Cleaner", "cleaner_id"),
    visit_id=card_id("Visit", "visit_id"),
)
registry.card(JobGone, job_id=card_id("Job", "job_id"))
registry.card(
    LiveLocation,
    visit_id=card_id("Visit", "visit_id"),
    cleaner_id=card_id("Cleaner", "cleaner_id"),
)
registry.card(LocationGone, visit_ids=computed(visit_ids))
