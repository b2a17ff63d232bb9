"""Tracks: where their fields come from, and the mutation that adds to them."""

from collections.abc import Mapping
from typing import Any

from models import track_batch
from resolvers.engine.sources import computed, many, sql
from resolvers.expose import expose
from resolvers.registry import registry
from schema.types.tracks import TrackBatch
from services.fieldwork import tracks as commands


def track_points(points: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The kept points under the contract's names."""
    return [
        {
            "at": point["at"],
            "latitude": point["latitude"],
            "longitude": point["longitude"],
            "accuracy_metres": point["accuracy"],
            "is_mock": point["mock"],
        }
        for point in points
    ]


TRACKS = many(track_batch, via="job_id", order="first_at asc")
"""A job's tracks, by their beginning."""

registry.sources(
    TrackBatch,
    track_batch,
    points=computed(track_points),
    digest=sql(lambda row: f"encode({row.digest}, 'hex')"),
)

MUTATIONS = {"send_track": expose(commands.send_track, TrackBatch)}
