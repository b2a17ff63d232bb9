"""Reliability: a cleaner's kept score, or the one without any history (R81, A47)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain.fieldwork.reliability import rate
from resolvers.common import OFFICE
from resolvers.engine.sources import computed, sql

_KEPT = sql(
    lambda row: (
        f"""(SELECT json_build_object('score', r.score, 'formula', r.formula, 'parts', r.parts,
            'computed_at', r.computed_at)
        FROM reliability r WHERE r.tenant_id = {row.tenant_id} AND r.cleaner_id = {row.id})"""
    ),
    dict,
)


def reliability(kept: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The score with its parts."""
    return {**asdict(rate((), 0)), "computed_at": None} if kept is None else kept


RELIABILITY = computed(reliability, kept=_KEPT).only(*OFFICE, own="id")
"""A cleaner's score: for the office and themselves."""
