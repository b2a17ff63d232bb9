"""What every request passes: faults, authentication, decoding and checks, idempotency, the resource, its answer."""

import base64
import binascii
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError
from sandbox.stripe.faults import Fault
from sandbox.stripe.idempotency import Kept, find_kept, fingerprint, keep
from sandbox.stripe.present import expand
from sandbox.stripe.routes import Ask, Route, match
from sandbox.stripe.shapes import shape
from sandbox.stripe.store import Cause, Tx, digest
from sandbox.stripe.wire import body_json, encoded, form

if TYPE_CHECKING:
    from sandbox.stripe.sandbox import Sandbox

API_VERSION = "2026-10-28.endive"
_KEY = re.compile(r"(?:sk|rk)_test_([A-Za-z0-9_-]+)")
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: sent after `delay` seconds; `cut`: never sent, the connection is closed instead."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    cut: bool = False
    reset: bool = False


class Edge:
    """The pipeline, with the keys that are in flight and the statistics of the checks."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._requests = 0
        self._in_flight: set[tuple[str, str]] = set()
        self._late: list[tuple[float, Request]] = []
        self._rates: dict[str, tuple[int, int]] = {}
        self.statistics: Json = {"requests": 0, "requests_validated": 0, "requests_refused": 0}

    def answer(self, request: Request) -> Answer:
        """Never raises for what a client may send; a bug of the sandbox does raise."""
        fault = self._sandbox.faults.pick(request.method, request.path)
        if fault and (early := self._before(fault, request)):
            return early
        answer = self._answered(request)
        return self._after(fault, answer, request) if fault else answer

    def run_late(self) -> None:
        """Do the requests of `late` faults whose time has come: their clients went away long ago."""
        now = self._sandbox.clock.now()
        due = [request for at, request in self._late if at <= now]
        self._late = [(at, request) for at, request in self._late if at > now]
        for request in due:
            self._in_flight.discard(self._flight(request))
            self._answered(request)

    def _answered(self, request: Request) -> Answer:
        self._requests += 1
        self.statistics["requests"] += 1
        request_id = "req_" + digest(self._sandbox.store.seed, self._sandbox.journal.seq, self._requests, length=14)
        headers = {"request-id": request_id, "stripe-version": API_VERSION}
        if "idempotency-key" in request.headers:
            headers["idempotency-key"] = request.headers["idempotency-key"]
        try:
            status, body, more = self._done(request, request_id)
        except StripeError as error:
            status, body, more = error.status, error.body, error.headers
        return Answer(status, encoded(body), headers | more)

    def _done(self, request: Request, request_id: str) -> tuple[int, Json, dict[str, str]]:
        account = account_of(request.headers)
        self._ensure_rate(account)
        found = match(request.method, request.path)
        if found is None:
            raise StripeError(
                404, f"Unrecognized request URL ({request.method}: {request.path}).", "url_invalid", stored=False
            )
        route, args = found
        try:
            return self._performed(request, route, args, account, request_id)
        except StripeError as error:
            self._complete(error, route, request_id)
            raise

    def _performed(
        self, request: Request, route: Route, args: dict[str, str], account: str, request_id: str
    ) -> tuple[int, Json, dict[str, str]]:
        ask = self._checked(request, route, args)
        account = self._acting_for(account, request.headers)
        # v1: GET and DELETE pay no heed to keys.
        key = request.headers.get("idempotency-key") if request.method == "POST" or route.is_v2 else None
        if key is None or request.method == "GET":
            with self._sandbox.tx(account, Cause(f"{request.method} {request.path}", request_id)) as tx:
                body = self._run(tx, route, ask)
            return 200, body, {}
        return self._once(route, ask, account, key, request_id)

    def _once(
        self, route: Route, ask: Ask, account: str, key: str, request_id: str
    ) -> tuple[int, Json, dict[str, str]]:
        if len(key) > _LONGEST_KEY:
            raise StripeError(400, "Idempotency keys can be at most 255 characters long.", stored=False)
        if (account, key) in self._in_flight:
            raise in_use()
        print_ = fingerprint(ask)
        kept = find_kept(self._sandbox.store, account, key, route.is_v2, self._sandbox.clock.now())
        if kept is not None:
            return kept.replayed(print_, key)
        cause = Cause(f"{ask.method} {ask.path}", request_id, key)
        failed: StripeError | None = None
        status, body = 200, {}
        with self._sandbox.tx(account, cause) as tx:
            try:
                body = self._run(tx, route, ask)
            except StripeError as error:
                if not error.keeps:
                    tx.undo()
                if not error.stored or (route.is_v2 and error.status >= 500):
                    raise
                failed, status, body = error, error.status, error.body
            # The answer is kept in the same line as its effects: there is no crash between them.
            keep(tx, Kept(key, print_, status, body, request_id, route.is_v2))
        if failed:
            raise failed
        return status, body, {}

    def _run(self, tx: Tx, route: Route, ask: Ask) -> Json:
        try:
            body = route.handler(tx, ask)
        except StripeError as error:
            # Before it is kept under a key: what is replayed is what was sent.
            self._complete(error, route, tx.cause.request_id or "")
            raise
        if ask.params.get("expand"):
            body = expand(tx, body, ask.params["expand"])
        self._sandbox.contract.check_answer(route, body)
        return body

    def _complete(self, error: StripeError, route: Route, request_id: str) -> None:
        if "request_log_url" in error.error:
            return
        error.error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        if route.is_v2:
            # v2 errors always have a code.
            error.error.setdefault("code", error.error["type"])
        self._sandbox.contract.check_error(route, error)

    def _checked(self, request: Request, route: Route, args: dict[str, str]) -> Ask:
        is_json = route.is_v2 and request.method == "POST"
        raw = request.query if request.method == "GET" else request.body or request.query
        self.statistics["requests_validated"] += 1
        try:
            given = body_json(request.body) if is_json else form(raw)
            # v2 pages are followed by a parameter that the SDK's types do not name.
            place = {"page": given.pop("page")} if route.is_v2 and "page" in given and request.method == "GET" else {}
            params = shape(route.shape, from_text=not is_json)(given, "") | place
            self._sandbox.contract.check_request(route, params)
        except StripeError:
            self.statistics["requests_refused"] += 1
            raise
        return Ask(request.method, request.path, params, args, request.headers)

    def _acting_for(self, account: str, headers: dict[str, str]) -> str:
        other = headers.get("stripe-account") or headers.get("stripe-context")
        if not other or other == account:
            return account
        if self._sandbox.store.whereabouts(other) != (account, "connected"):
            raise StripeError(
                403,
                f"The provided key does not have access to account '{other}' (or that account does not exist).",
                "account_invalid",
                stored=False,
            )
        return other

    def _ensure_rate(self, account: str) -> None:
        cap = self._sandbox.settings["rate_cap"]
        if cap is None:
            return
        second = int(time.monotonic())
        since, count = self._rates.get(account, (second, 0))
        self._rates[account] = (second, count + 1 if since == second else 1)
        if self._rates[account][1] > cap:
            raise rate_limited()

    def _before(self, fault: Fault, request: Request) -> Answer | None:
        seconds = fault.seconds
        match fault.kind:
            case "drop_before":
                return Answer(0, b"", cut=True)
            case "reset_before":
                return Answer(0, b"", cut=True, reset=True)
            case "hang_before":
                return Answer(0, b"", delay=seconds, cut=True)
            case "late":
                self._late.append((self._sandbox.clock.now() + seconds, request))
                self._in_flight.add(self._flight(request))
                return Answer(0, b"", delay=seconds, cut=True)
            case "error_before":
                return _plain(StripeError(500, "An unknown error occurred.", type="api_error"))
            case "rate_limit":
                return _plain(rate_limited({"stripe-should-retry": "true", "retry-after": "1"}))
            case "rate_limit_no_retry":
                return _plain(rate_limited({"stripe-should-retry": "false"}))
            case "conflict":
                return _plain(in_use())
        return None

    def _after(self, fault: Fault, answer: Answer, request: Request) -> Answer:
        match fault.kind:
            case "drop_after":
                return Answer(0, b"", cut=True)
            case "reset_after":
                return Answer(0, b"", cut=True, reset=True)
            case "hang_after":
                return Answer(0, b"", delay=fault.seconds, cut=True)
            case "slow":
                return Answer(answer.status, answer.body, answer.headers, delay=fault.seconds)
            case "truncate":
                return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
            case "error_after":
                return self._broken_afterwards(answer, request)
        return answer

    def _broken_afterwards(self, answer: Answer, request: Request) -> Answer:
        """A 500 although everything was done; it is what the key replays from now on."""
        error = StripeError(500, "An unknown error occurred.", type="api_error")
        key = request.headers.get("idempotency-key")
        if key and request.method == "POST" and answer.status < 500 and "idempotent-replayed" not in answer.headers:
            account = self._acting_for(account_of(request.headers), request.headers)
            id = f"{'v2' if request.path.startswith('/v2/') else 'v1'}:{key}"
            with self._sandbox.tx(account, "fault: error_after") as tx:
                if tx.find("idempotency", id):
                    tx.change("idempotency", id, status=500, body=error.body)
        return Answer(500, encoded(error.body), answer.headers)

    def _flight(self, request: Request) -> tuple[str, str]:
        try:
            account = account_of(request.headers)
        except StripeError:
            account = ""
        return account, request.headers.get("idempotency-key", "")


def account_of(headers: dict[str, str]) -> str:
    """The platform account of the request's key; it springs up by its name. 401 where there is no test key."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            credentials = base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            credentials = ""
    found = _KEY.fullmatch(credentials.strip())
    if found is None:
        shown = f"{credentials[:7]}****" if credentials else "(none)"
        raise StripeError(401, f"Invalid API Key provided: {shown}", stored=False)
    return platform_id(found[1])


def platform_id(name: str) -> str:
    """The account behind `sk_test_<name>`."""
    return "acct_" + digest("platform", name, length=16)


def in_use() -> StripeError:
    """409: the first request of this key still runs."""
    return StripeError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        "twice, and the other request is still going through). Please try again later.",
        "idempotency_key_in_use",
        type="idempotency_error",
        stored=False,
    )


def rate_limited(headers: dict[str, str] | None = None) -> StripeError:
    """429."""
    return StripeError(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here https://docs.stripe.com/rate-limits.",
        "rate_limit",
        stored=False,
        headers=headers,
    )


def _plain(error: StripeError) -> Answer:
    return Answer(error.status, encoded(error.body), {"stripe-version": API_VERSION, **error.headers})
