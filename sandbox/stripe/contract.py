"""The published contract, where its folder is given: requests and answers against the full OpenAPI schemas."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.routes import Route

FILE = "openapi-subset.json"
_DOCUMENT = "contract:openapi"
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
Validators = dict[tuple[str, str, str], Draft202012Validator | None]


class Contract:
    """Without a folder every check passes at once. Violations of answers are kept for the statistics."""

    def __init__(self, folder: Path | None) -> None:
        self.requests = 0
        self.answers = 0
        self.violations: list[Json] = []
        self._paths: dict[str, Any] = {}
        self._validators: Validators = {}
        if folder is not None:
            self._paths, self._registry, self._validators = _loaded(folder)

    @property
    def is_given(self) -> bool:
        """Whether there is a contract to check against."""
        return bool(self._paths)

    def check_request(self, route: Route, params: Json) -> None:
        """Raise a 400 for a request that the schema of its operation does not allow."""
        if route.method == "GET" or not self._paths:
            return
        validator = self._validator(route, "request")
        if validator is None:
            return
        self.requests += 1
        error = best_match(validator.iter_errors(params))
        if error is not None:
            where = _where(error)
            self._record(route, "request", where, error.message)
            raise invalid(f"Invalid {where or 'request'}: {error.message[:300]}", None, where)

    def check_answer(self, route: Route, body: Json) -> None:
        """Raise a 500, and record a violation, for an answer that its schema does not allow."""
        self._check_sent(route, "answer", body)

    def check_error(self, route: Route, error: StripeError) -> None:
        """The same for the body of a refusal."""
        if error.error["type"] != "sandbox_drift":
            self._check_sent(route, "error", error.body)

    def _check_sent(self, route: Route, side: str, body: Json) -> None:
        if not self._paths:
            return
        validator = self._validator(route, side)
        if validator is None:
            return
        self.answers += 1
        error = best_match(validator.iter_errors(body))
        if error is not None:
            where = _where(error)
            self._record(route, side, where, error.message)
            raise StripeError(
                500,
                f"Sandbox drift in {route.method} {route.template}, {where}: {error.message[:300]}",
                type="sandbox_drift",
                stored=False,
            )

    def _record(self, route: Route, side: str, where: str, message: str) -> None:
        self.violations.append(
            {"operation": f"{route.method} {route.template}", "side": side, "where": where, "message": message[:500]}
        )

    def _validator(self, route: Route, side: str) -> Draft202012Validator | None:
        key = (route.method, route.template, side)
        if key not in self._validators:
            self._validators[key] = self._compiled(route, side)
        return self._validators[key]

    def _compiled(self, route: Route, side: str) -> Draft202012Validator | None:
        path, operations = self._paths.get(_nameless(route.template), ("", {}))
        operation = operations.get(route.method.lower())
        if operation is None:
            return None
        if side == "error" and route.is_v2:
            # The operations name each code's own schema, one of which must fit alone; this one is what all share.
            return Draft202012Validator({"$ref": f"{_DOCUMENT}#/components/schemas/v2.error"}, registry=self._registry)
        steps = ["paths", path, route.method.lower()]
        if side == "request":
            content = operation.get("requestBody", {}).get("content", {})
            steps += ["requestBody", "content"]
        else:
            status = "200" if side == "answer" else "default"
            content = operation["responses"][status]["content"]
            steps += ["responses", status, "content"]
        kind = next((kind for kind in (_FORM, _JSON) if kind in content), None)
        if kind is None:
            return None
        pointer = "/".join(_escaped(step) for step in [*steps, kind, "schema"])
        return Draft202012Validator({"$ref": f"{_DOCUMENT}#/{pointer}"}, registry=self._registry)


@functools.cache
def _loaded(folder: Path) -> tuple[dict[str, Any], "Registry[Any]", Validators]:
    """Read and compiled once a process, however many sandboxes there are."""
    document = json.loads((folder / FILE).read_bytes())
    # The document is no JSON Schema itself: only the parts that are pointed at are read as such.
    registry: Registry[Any] = Registry().with_resource(_DOCUMENT, DRAFT202012.create_resource(document))
    return {_nameless(path): (path, operations) for path, operations in document["paths"].items()}, registry, {}


def _nameless(template: str) -> str:
    """Paths are the same whatever their arguments are called."""
    return "/".join("{}" if part.startswith("{") else part for part in template.split("/"))


def _escaped(step: str) -> str:
    return quote(step.replace("~", "~0").replace("/", "~1"), safe="~")


def _where(error: ValidationError) -> str:
    words: Iterator[str] = map(str, error.absolute_path)
    first = next(words, "")
    return first + "".join(f"[{word}]" for word in words)
