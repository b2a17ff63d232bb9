"""Cursors: places in a tenant's log as clients keep them, signed so that forged and foreign ones are told apart.

Feeds and the query `events` write and read the very same ones.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from db.secrets import Secrets
from domain.actors import TenantId
from domain.errors import Invalid

MAC_CHARACTERS = 22
LONGEST = 128
# ASCII digits only, and few enough for a bigint: a signed text is ours, but it is parsed before that is known.
_FORM = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9a-f]{8})\.([0-9a-f]{22})")


@dataclass(frozen=True, slots=True)
class Place:
    """Everything up to `seq` of the epoch was seen, through the eyes of `view` (a digest of the visibility class)."""

    epoch: int
    seq: int
    view: str


@dataclass(frozen=True, slots=True)
class Cursors:
    """Writes and reads cursors of this installation; clients treat them as opaque."""

    secrets: Secrets

    def write(self, tenant: TenantId, place: Place) -> str:
        """The cursor of a place in this tenant's log."""
        text = f"{place.epoch}.{place.seq}.{place.view}"
        return f"{text}.{self._mac(tenant, text)}"

    def read(self, tenant: TenantId, cursor: str) -> Place:
        """The place, or `Invalid` for a cursor that we have not given to this tenant."""
        found = _FORM.fullmatch(cursor) if len(cursor) <= LONGEST else None
        if found is None or not hmac.compare_digest(found[4], self._mac(tenant, cursor[: found.start(4) - 1])):
            raise Invalid("This is not a cursor of this feed.", field=("after",))
        return Place(int(found[1]), int(found[2]), found[3])

    def _mac(self, tenant: TenantId, text: str) -> str:
        return self.secrets.mac("cursor", tenant.bytes, text).hex()[:MAC_CHARACTERS]


def view_of(*seen: object) -> str:
    """A digest of what decides what a viewer is shown: it goes into every cursor."""
    return blake2b(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS), digest_size=4).hexdigest()


def office_view(role: str) -> str:
    """The view of everybody of the office in this role.

    Whoever sees every market sees the log alike in each feed and in `events`, so a place in one is a place in all.
    """
    return view_of("office", role)
