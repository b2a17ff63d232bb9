"""Looking addresses up: where a home is, by its street, city and postal code (R27).

The real one asks any server with Nominatim's search (https://nominatim.org/release-docs/latest/api/Search/). The
sandbox's needs no network: an address is always at the same place, near the middle of its city.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import httpx2
import structlog

from domain.errors import Invalid, Unavailable
from domain.geo import Address, Position, rounded

log = structlog.get_logger(__name__)

SECONDS = 4.0
"""For one look-up; somebody is waiting for it."""
AGENT = "cleanshift/1 (geocoding of customers' homes)"
MOST_BYTES = 256 * 1024


class Geocoder(Protocol):
    """Knows where addresses are."""

    async def locate(self, address: Address) -> Position | None:
        """Where it is; None where the provider knows no such address. Raises `Unavailable`."""
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...


class Nominatim:
    """A server with Nominatim's search. Belongs to the event loop in which it is first used."""

    def __init__(self, url: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._client = httpx2.AsyncClient(
            base_url=url.rstrip("/"),
            transport=transport,
            timeout=httpx2.Timeout(SECONDS),
            limits=httpx2.Limits(max_connections=8),
            headers={"user-agent": AGENT, "accept": "application/json"},
            follow_redirects=False,
        )

    async def locate(self, address: Address) -> Position | None:
        """Where the server's best match is."""
        asked = {
            "street": address.address,
            "city": address.city,
            "postalcode": address.postal_code,
            "format": "jsonv2",
            "limit": "1",
        }
        try:
            response = await self._client.get("/search", params=asked)
        except httpx2.HTTPError as error:
            raise _away(type(error).__name__) from error
        # Too many requests, an outage, a proxy's page: nobody knows where the address is, and it may well exist.
        if not response.is_success or len(response.content) > MOST_BYTES:
            raise _away(f"status {response.status_code}")
        return _first(response)

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()


class SandboxGeocoder:
    """Stands in for a server in development. A street that begins with "Nowhere" is found nowhere."""

    CITIES: Mapping[str, tuple[float, float]] = {
        "destin": (30.3935, -86.4958),
        "fort lauderdale": (26.1224, -80.1373),
        "jacksonville": (30.3322, -81.6557),
        "key west": (24.5551, -81.7800),
        "miami": (25.7617, -80.1918),
        "miami beach": (25.7907, -80.1300),
        "naples": (26.1420, -81.7948),
        "orlando": (28.5384, -81.3789),
        "pensacola": (30.4213, -87.2169),
        "tampa": (27.9506, -82.4572),
    }
    SPREAD = 0.04
    """How far from the middle of its city an address lies at most, in degrees: some four kilometres."""

    async def locate(self, address: Address) -> Position | None:
        """The same place for the same address, whoever asks and when."""
        if address.key.startswith("nowhere"):
            return None
        city = " ".join(address.city.casefold().split())
        north, east = self.CITIES.get(city) or _scattered(f"city {city}", (28.0, -81.7), 0.8)
        latitude, longitude = _scattered(address.key, (north, east), self.SPREAD)
        return Position(rounded(latitude, 6), rounded(longitude, 6))

    async def aclose(self) -> None:
        """There is nothing to let go of."""


def _scattered(words: str, middle: tuple[float, float], spread: float) -> tuple[float, float]:
    """A place near the middle that the words alone decide."""
    digest = hashlib.blake2b(words.encode(), digest_size=8).digest()
    parts = (int.from_bytes(digest[:4]) / 2**31 - 1, int.from_bytes(digest[4:]) / 2**31 - 1)
    return middle[0] + parts[0] * spread, middle[1] + parts[1] * spread


def _first(response: httpx2.Response) -> Position | None:
    try:
        found: Any = response.json()
        if not isinstance(found, list):
            raise _away("no list")
        return Position(float(found[0]["lat"]), float(found[0]["lon"])) if found else None
    except (ValueError, KeyError, TypeError, Invalid) as error:
        raise _away("not readable") from error


def _away(why: str) -> Unavailable:
    log.warning("geocoder_away", why=why)
    return Unavailable("Addresses cannot be looked up at the moment.")
