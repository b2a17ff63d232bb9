"""How Stripe's library reaches the network: over httpx2, one pool for all, with one limit on the whole of a call.

The library's own clients treat every failure alike and bring another HTTP library along. Here a call ends in one of
three ways: a readable JSON object of any status, `APIConnectionError` with the reason, or the caller's cancellation,
which is let through after the connection is given up. The library never retries: whoever holds the op decides that.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2
import stripe
import structlog

from domain.payments.outcomes import Doubt

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 5.0


class CallFailed(stripe.APIConnectionError):
    """No readable answer; `reason` says why."""

    def __init__(self, reason: Doubt, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)  # type: ignore[no-untyped-call]  # the library's own
        self.reason = reason
        self.request_id = request_id


class Httpx2Client(stripe.HTTPClient):
    """The public way into Stripe's library for another HTTP client; asynchronous calls only.

    Belongs to the event loop in which it is first used; `close_async` ends it.
    """

    name = "httpx2"

    def __init__(self, seconds: float, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        super().__init__()
        self._seconds = seconds
        self._client = httpx2.AsyncClient(
            transport=transport,
            timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            limits=httpx2.Limits(max_connections=50, max_keepalive_connections=20),
            follow_redirects=False,
            # The sandbox is on this machine: no proxy of the environment's knows it.
            mounts={"all://127.0.0.1": None, "all://localhost": None},
        )

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request; `CallFailed` where there is no readable answer."""
        try:
            # The client's own limits are for each read: a server that drips bytes would never meet them.
            async with asyncio.timeout(self._seconds):
                response = await self._client.request(method, url, headers=dict(headers), content=post_data or None)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise CallFailed(Doubt.TIMEOUT, f"no answer: {type(error).__name__}") from error
        except httpx2.DecodingError as error:
            raise CallFailed(Doubt.UNREADABLE, f"not readable: {type(error).__name__}") from error
        except httpx2.TransportError as error:
            raise CallFailed(Doubt.CONNECTION, f"connection failed: {type(error).__name__}") from error
        _ensure_readable(response)
        return response.content, response.status_code, _quiet(response.headers)

    async def close_async(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    def close(self) -> None:
        """There is nothing that could be closed outside an event loop."""


def _ensure_readable(response: httpx2.Response) -> None:
    """Raise unless the body is a JSON object, which holds an `error` object where the status is no success.

    The library trusts what it reads: a broken answer of a proxy would end in an AttributeError somewhere inside it.
    """
    request_id = response.headers.get("request-id")
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise CallFailed(_doubt(response), f"status {response.status_code}, no JSON", request_id=request_id) from error
    is_fine = isinstance(said, dict) and (response.is_success or isinstance(said.get("error"), dict))
    if not is_fine:
        raise CallFailed(_doubt(response), f"status {response.status_code}, not an answer", request_id=request_id)


def _doubt(response: httpx2.Response) -> Doubt:
    return Doubt.SERVER_ERROR if response.status_code >= 500 else Doubt.UNREADABLE


def _quiet(headers: httpx2.Headers) -> Mapping[str, str]:
    """The headers without the provider's notices: the library would make warnings of them, after the call is done."""
    notice = headers.get("stripe-notice")
    if notice is None:
        return headers
    log.warning("provider_notice", notice=notice)
    kept = headers.copy()
    del kept["stripe-notice"]
    return kept
