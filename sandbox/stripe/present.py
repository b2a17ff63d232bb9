"""How documents are shown: our own keys dropped, views applied, lists paged, ids expanded."""

from collections.abc import Iterable
from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.routes import INCLUDABLE, VIEWS, Ask
from sandbox.stripe.store import Tx

DEFAULT_PAGE = 10
EXPANSION_DEPTH = 4


def shown(tx: Tx, doc: Json) -> Json:
    """The document as the API sends it."""
    apply = VIEWS.get(doc.get("object", ""))
    doc = apply(tx, doc) if apply else doc
    return {key: value for key, value in doc.items() if not key.startswith("_")}


def page(tx: Tx, ask: Ask, documents: Iterable[Json], url: str | None = None) -> Json:
    """A v1 list: `documents` newest first, cut by limit, starting_after, ending_before and created[...]."""
    rows = [doc for doc in documents if _in_range(doc, ask.params.get("created"))]
    limit = ask.params.get("limit", DEFAULT_PAGE)
    if not 1 <= limit <= 100:
        raise invalid("Invalid integer: limit must be between 1 and 100", "parameter_invalid_integer", "limit")
    after, before = ask.params.get("starting_after"), ask.params.get("ending_before")
    if after:
        rows = rows[_place(rows, after, "starting_after") + 1 :]
        more = len(rows) > limit
        rows = rows[:limit]
    elif before:
        rows = rows[: _place(rows, before, "ending_before")]
        more = len(rows) > limit
        rows = rows[-limit:]
    else:
        more = len(rows) > limit
        rows = rows[:limit]
    return {"object": "list", "url": url or ask.path, "has_more": more, "data": [shown(tx, row) for row in rows]}


def sublist(tx: Tx, documents: Iterable[Json], url: str) -> Json:
    """The short list inside another object: its newest ten."""
    rows = list(documents)
    data = [shown(tx, row) for row in rows[:DEFAULT_PAGE]]
    return {"object": "list", "url": url, "has_more": len(rows) > DEFAULT_PAGE, "data": data}


def expand(tx: Tx, answer: Json, paths: list[str]) -> Json:
    """Replace the ids that `expand[]` names by their objects; raises as the provider for a field that cannot be."""
    for path in paths:
        words = path.split(".")
        if len(words) > EXPANSION_DEPTH:
            raise invalid(f"You cannot expand more than {EXPANSION_DEPTH} levels of a property", param="expand")
        _expand(tx, answer, words, path)
    return answer


def _expand(tx: Tx, at: Any, words: list[str], path: str) -> None:
    if not words or at is None:
        return
    if words[0] == "data" and isinstance(at, dict) and isinstance(at.get("data"), list):
        # Copies: what is expanded here must not be so in the store.
        at["data"] = [dict(item) if isinstance(item, dict) else item for item in at["data"]]
        for item in at["data"]:
            _expand(tx, item, words[1:], path)
        return
    if isinstance(at, dict) and (include := INCLUDABLE.get((at.get("object", ""), words[0]))):
        at[words[0]] = include(tx, at)
    if not isinstance(at, dict) or words[0] not in at:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand[0]")
    value = at[words[0]]
    if isinstance(value, str):
        place = tx.store.whereabouts(value)
        if place is None:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand[0]")
        # A destination payment lives on the connected account; everything else on this one.
        at[words[0]] = value = shown(tx.on(place[0]), tx.store.collection(*place)[value])
    elif isinstance(value, dict):
        at[words[0]] = value = dict(value)
    _expand(tx, value, words[1:], path)


def _place(rows: list[Json], id: str, param: str) -> int:
    for place, row in enumerate(rows):
        if row["id"] == id:
            return place
    raise missing("object", id, param)


def _in_range(doc: Json, created: Any) -> bool:
    if created is None or created == "":
        return True
    at = doc.get("created", 0)
    if isinstance(created, int):
        return bool(at == created)
    bounds = {"gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return all(bounds[name](value) for name, value in created.items())


def merged_metadata(before: Json, given: Any) -> Json:
    """Metadata after an update: a blank value unsets its key, blank as a whole unsets all."""
    if given is None:
        return before
    if given == "":
        return {}
    for key, value in given.items():
        if len(key) > 40:
            raise invalid(f"Metadata keys must be under 40 characters long: {key}.", param="metadata")
        if "[" in key or "]" in key:
            raise invalid("Metadata keys cannot contain square brackets.", param="metadata")
        if len(value) > 500:
            raise invalid("Metadata values can have up to 500 characters.", param=f"metadata[{key}]")
    merged = {key: value for key, value in {**before, **given}.items() if value != ""}
    if len(merged) > 50:
        raise invalid("You can have at most 50 metadata keys.", param="metadata")
    return merged
