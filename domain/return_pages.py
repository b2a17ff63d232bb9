"""Which pages people are sent back to from a bank's: the installation's own, and those that it was told of.

A provider sends people wherever it is asked to: a stranger's page behind a bank's would look like ours (R46, A36).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from domain.errors import Invalid

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PORTS = {"http": 80, "https": 443}
NOT_OURS = "People are not sent back to this page: it is none of this installation's."


@dataclass(frozen=True, slots=True)
class ReturnPages:
    """The origins whose pages people may come back to; with `loopback` also every page of the machine itself."""

    origins: frozenset[str] = frozenset()
    loopback: bool = False

    @classmethod
    def of(cls, urls: Iterable[str], *, loopback: bool = False) -> Self:
        """Pages of the same origins as these addresses."""
        found = (_origin(url) for url in urls)
        return cls(frozenset(origin for origin, _ in found if origin is not None), loopback)

    def ensure(self, url: str, *field: str) -> None:
        """Raise `Invalid` unless people may be sent back to this page."""
        origin, host = _origin(url)
        if origin is None or not (origin in self.origins or (self.loopback and host in LOOPBACK)):
            raise Invalid(NOT_OURS, field=field)


def _origin(url: str) -> tuple[str | None, str | None]:
    """Scheme, host and port as one text, and the host; None for what is no page's address."""
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None, None
    if scheme not in PORTS or not host or "@" in parts.netloc or "\\" in url:
        return None, None
    return f"{scheme}://{host}:{port or PORTS[scheme]}", host
