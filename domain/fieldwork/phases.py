"""A visit: one cleaner's way through one job, in phases that can be neither skipped nor taken out of order (R104)."""

from collections.abc import Mapping
from enum import StrEnum

from domain.scheduling import ensure_transition


class VisitPhase(StrEnum):
    """Where a cleaner stands in a job (R104)."""

    INSTRUCTION = "INSTRUCTION"
    """Reads the notes, access codes and specifics (R105)."""
    ARRIVAL = "ARRIVAL"
    """Checks in at the place and takes the before photos (R106, R107)."""
    IN_PROGRESS = "IN_PROGRESS"
    """The timer runs, the checklist is worked (R108)."""
    COMPLETION = "COMPLETION"
    """Takes the after photos and what is left of the checklist (R109, R110)."""
    DONE = "DONE"
    """Checked out; the evidence is submitted (R115)."""
    NO_ACCESS = "NO_ACCESS"
    """Was there and could not get in."""


VISIT_TRANSITIONS: Mapping[VisitPhase, frozenset[VisitPhase]] = {
    VisitPhase.INSTRUCTION: frozenset({VisitPhase.ARRIVAL}),
    VisitPhase.ARRIVAL: frozenset({VisitPhase.IN_PROGRESS, VisitPhase.NO_ACCESS}),
    VisitPhase.IN_PROGRESS: frozenset({VisitPhase.COMPLETION}),
    VisitPhase.COMPLETION: frozenset({VisitPhase.DONE}),
    VisitPhase.DONE: frozenset(),
    VisitPhase.NO_ACCESS: frozenset(),
}

OPEN_PHASES = frozenset(phase for phase, after in VISIT_TRANSITIONS.items() if after)
"""Phases from which there is a way on: the visit is under way."""
AT_WORK = frozenset({VisitPhase.IN_PROGRESS, VisitPhase.COMPLETION})


def ensure_visit_transition(before: VisitPhase, after: VisitPhase) -> None:
    """Raise `IllegalTransition` unless a visit may go on so (R104, R260)."""
    ensure_transition(VISIT_TRANSITIONS, before, after)
