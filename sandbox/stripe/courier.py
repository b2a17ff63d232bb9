"""Signed webhook deliveries: at least once, retried by the sandbox's clock, held, shuffled and doubled on demand."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import httpx2
import orjson
from stripe import WebhookSignature

from sandbox.stripe import Json
from sandbox.stripe.clock import DAY, HOUR, MINUTE
from sandbox.stripe.errors import StripeError
from sandbox.stripe.store import Tx

if TYPE_CHECKING:
    from sandbox.stripe.sandbox import Sandbox

Send = Callable[[str, bytes, dict[str, str]], Awaitable[int]]
"""(url, body, headers) -> HTTP status; 0 where there was none."""

RETRY_AFTER = (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 12 * HOUR)
"""Between attempts; the last one repeats."""
GIVE_UP_AFTER = 3 * DAY
SECRET_OVERLAP = DAY
"""An old secret signs beside the new one for this long after a rotation."""
TIMEOUT_SECONDS = 10.0
_MOST = 500


class Courier:
    """Takes what is due to its endpoints. `send` may be replaced by tests: no sockets are needed then."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self.send: Send = self._post
        self._client: httpx2.AsyncClient | None = None
        self.held = False
        self.shuffled = False
        self.duplicated = 0.0

    async def deliver_due(self, *, even_if_held: bool = False, everything: bool = False, at_once: int = 1) -> int:
        """Send each delivery whose time has come (`everything`: whatever its time), so many at once.

        Returns how many were answered 2xx.
        """
        if self.held and not even_if_held:
            return 0
        due = self._due(everything)
        if not everything:
            # The rest at the pump's next stroke: timers must not wait for a whole backlog.
            due = due[:_MOST]
        if self.shuffled:
            self._sandbox.random.shuffle(due)
        if self.duplicated:
            due += [one for one in due if self._sandbox.random.random() < self.duplicated]
        accepted = 0
        for place in range(0, len(due), at_once):
            accepted += sum(await asyncio.gather(*(self._deliver(*one) for one in due[place : place + at_once])))
        return accepted

    async def close(self) -> None:
        """Close the connections to the endpoints."""
        if self._client:
            await self._client.aclose()

    def pending(self) -> list[Json]:
        """What has not been delivered yet."""
        return [delivery for _, delivery in self._due(everything=True)]

    def replay(self, events: list[str] | None = None) -> int:
        """Queue deliveries again, of these events or of all that have any; how many."""
        now = self._sandbox.clock.now()
        count = 0
        for account, collections in self._sandbox.store.accounts.items():
            again = [
                delivery["id"]
                for delivery in collections.get("deliveries", {}).values()
                if events is None or delivery["event"] in events
            ]
            if again:
                with self._sandbox.tx(account, "control: replay") as tx:
                    for id in again:
                        tx.change("deliveries", id, status="pending", next_at=now, attempts=0, created=now)
            count += len(again)
        return count

    def rotate(self, endpoint: str) -> str:
        """A new secret for an endpoint; the old one signs too for a day. Returns the new one."""
        account, collection = self._sandbox.store.whereabouts(endpoint) or ("", "")
        if collection not in {"webhook_endpoints", "event_destinations"}:
            raise StripeError(404, f"No such webhook endpoint: '{endpoint}'", "resource_missing")
        with self._sandbox.tx(account, "control: rotate") as tx:
            doc = tx.get(collection, endpoint)
            secret = new_secret(tx)
            old = [{**one, "until": tx.at + SECRET_OVERLAP} for one in _secrets(doc) if one["until"] is None]
            tx.change(collection, endpoint, _secrets=[{"secret": secret, "until": None}, *old])
        return secret

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        try:
            return (await self._client.post(url, content=body, headers=headers)).status_code
        except httpx2.TransportError:
            return 0

    def _due(self, everything: bool) -> list[tuple[str, Json]]:
        now = self._sandbox.clock.now()
        return [
            (account, delivery)
            for account, collections in self._sandbox.store.accounts.items()
            if "deliveries" in collections
            for id in (self._sandbox.store.ids_with(account, "deliveries", "status", "pending") or ())
            if everything or collections["deliveries"][id]["next_at"] <= now
            for delivery in (collections["deliveries"][id],)
        ]

    async def _deliver(self, account: str, delivery: Json) -> int:
        sandbox = self._sandbox
        endpoint = sandbox.store.collection(account, delivery["endpoint_kind"]).get(delivery["endpoint"])
        place = sandbox.store.whereabouts(delivery["event"])
        if endpoint is None or place is None:
            with sandbox.tx(account, "webhook") as tx:
                settle(tx, delivery["id"], "failed")
            return 0
        body = orjson.dumps(thin_or_whole(sandbox.store.collection(*place)[delivery["event"]], endpoint))
        at = sandbox.clock.now()
        headers = {"content-type": "application/json; charset=utf-8", "user-agent": "Stripe/1.0 (sandbox)"}
        headers["stripe-signature"] = signature(body, endpoint, at, sandbox.settings["signature_clock"] == "real")
        status = await self.send(_url(endpoint), body, headers)
        with sandbox.tx(account, f"webhook {status}") as tx:
            self._record(tx, delivery["id"], accepted=200 <= status < 300)
        return int(200 <= status < 300)

    def _record(self, tx: Tx, id: str, *, accepted: bool) -> None:
        # Read again: a second delivery of the same event may have been answered meanwhile.
        delivery = tx.get("deliveries", id)
        if delivery["status"] == "delivered":
            return
        if accepted:
            settle(tx, id, "delivered")
            return
        wait = RETRY_AFTER[min(delivery["attempts"], len(RETRY_AFTER) - 1)]
        if tx.at + wait > delivery["created"] + GIVE_UP_AFTER:
            settle(tx, id, "failed")
            return
        tx.change("deliveries", id, attempts=delivery["attempts"] + 1, next_at=tx.at + wait)


def settle(tx: Tx, id: str, status: str) -> None:
    """End a delivery: delivered or failed."""
    delivery = tx.change("deliveries", id, status=status)
    events = tx.on(delivery["event_account"])
    event = events.find("events", delivery["event"])
    if event and event["pending_webhooks"]:
        events.change("events", event["id"], pending_webhooks=event["pending_webhooks"] - 1)


def thin_or_whole(event: Json, endpoint: Json) -> Json:
    """The event as this endpoint gets it."""
    told = {key: value for key, value in event.items() if not key.startswith("_")}
    if event["object"] == "v2.core.event":
        # A notification: what changed is fetched, not told.
        told = {key: value for key, value in told.items() if key not in {"data", "changes"} and value is not None}
    return told


def signature(body: bytes, endpoint: Json, at: float, real_time: bool) -> str:
    """`t=...,v1=...` with one v1 for each secret that is valid now."""
    stamp = int(time.time() if real_time else at)
    secrets = [one["secret"] for one in _secrets(endpoint) if one["until"] is None or one["until"] > at]
    headers = [WebhookSignature.generate_signature_header(body.decode(), secret, stamp) for secret in secrets]
    return ",".join([f"t={stamp}", *(header.partition(",")[2] for header in headers)])


def new_secret(tx: Tx) -> str:
    """A signing secret."""
    return tx.store.new_id("whsec", 32)


def _url(endpoint: Json) -> str:
    return str(endpoint.get("_url") or endpoint["url"])


def _secrets(endpoint: Json) -> list[Json]:
    return list(endpoint.get("_secrets") or [{"secret": endpoint["_secret"], "until": None}])
