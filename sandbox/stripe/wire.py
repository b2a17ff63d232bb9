"""From bytes to parameters: v1 forms (`a[b][0][c]=x`), queries, v2 JSON; and back to bytes."""

import re
from typing import Any
from urllib.parse import parse_qsl

import orjson

from sandbox.stripe import Json
from sandbox.stripe.errors import invalid

_WORD = re.compile(r"\[([^\[\]]*)\]")


def form(text: bytes | str) -> Json:
    """Nested maps and lists of a form or query; blank values are kept, because blank means unset."""
    tree: Json = {}
    raw = text.decode() if isinstance(text, bytes) else text
    for name, value in parse_qsl(raw, keep_blank_values=True, strict_parsing=False, max_num_fields=5000):
        first, _, rest = name.partition("[")
        words = [first, *_WORD.findall("[" + rest)] if rest else [first]
        _place(tree, words, value, name)
    return {name: _listed(value, name) for name, value in tree.items()}


def _place(tree: Json, words: list[str], value: str, name: str) -> None:
    at = tree
    for place, word in enumerate(words):
        # `expand[]=a&expand[]=b`: blank brackets append.
        key = str(len(at)) if word == "" else word
        if place == len(words) - 1:
            if isinstance(at.get(key), dict):
                raise invalid(f"Invalid object: {name}", None, words[0])
            at[key] = value
        else:
            deeper = at.setdefault(key, {})
            if not isinstance(deeper, dict):
                raise invalid(f"Invalid object: {name}", None, words[0])
            at = deeper


def _listed(value: Any, name: str) -> Any:
    """Maps whose keys are all numbers are lists; a gap is refused."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        if sorted(map(int, value)) != list(range(len(value))):
            raise invalid(f"Invalid array: {name}", None, name)
        return [_listed(value[str(place)], f"{name}[{place}]") for place in range(len(value))]
    return {key: _listed(inner, f"{name}[{key}]") for key, inner in value.items()}


def body_json(text: bytes) -> Json:
    """The body of a v2 request."""
    if not text:
        return {}
    try:
        decoded = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise invalid("Could not parse the JSON body.") from None
    if not isinstance(decoded, dict):
        raise invalid("The JSON body must be an object.")
    return decoded


def encoded(body: Json) -> bytes:
    """The answer's bytes."""
    return orjson.dumps(body)
