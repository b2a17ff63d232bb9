"""Short-lived addresses of single objects: the store's own where it signs, else tokens for our routes (R125, A18).

A token is bound to everything that may be done with it: key, length, type, hash and end. It lives by the process's
clock, as access tokens do, not by a tenant's movable business time.
"""

import base64
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson

from db.secrets import Secrets, url_safe
from gateways.objects import ObjectStore

LASTS = timedelta(minutes=10)
"""How long an address is good."""
LONGEST_TOKEN = 2048

Permit = TypeVar(
    "Permit", "UploadPermit", "FilePermit", "DocumentPermit", "BundlePermit", "PayrollPermit", "InvoicePermit"
)


class LinkRefused(Exception):
    """Not a token of this use, or its time is over: the answer is the same for both."""


@dataclass(frozen=True, slots=True)
class UploadPermit:
    """Exactly these bytes may be put under this key, once."""

    key: str
    becomes: str
    """Where the object goes once it was looked at: if it is there, there is nothing more to be put."""
    content_type: str
    size_bytes: int
    sha256: str
    """In lower-case hex."""


@dataclass(frozen=True, slots=True)
class FilePermit:
    """One object may be read. `name` is what a browser would save it as; `inline` whether it may show it."""

    key: str
    content_type: str
    name: str
    inline: bool = True


@dataclass(frozen=True, slots=True)
class DocumentPermit:
    """The paper of one signed document may be read. Ids as text."""

    tenant: str
    document: str


@dataclass(frozen=True, slots=True)
class BundlePermit:
    """The bundle of one job's evidence may be had. Ids as text."""

    tenant: str
    job: str


@dataclass(frozen=True, slots=True)
class PayrollPermit:
    """The file of one payroll export may be had. Ids as text."""

    tenant: str
    export: str


@dataclass(frozen=True, slots=True)
class InvoicePermit:
    """The paper of one invoice may be had. Ids as text."""

    tenant: str
    invoice: str


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads the addresses of one installation."""

    secrets: Secrets
    store: ObjectStore
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def upload(self, permit: UploadPermit, lasts: timedelta = LASTS) -> str:
        """Where to PUT; a path of ours, or a whole address. Good for `lasts`, at most 10 minutes."""
        lasts = min(lasts, LASTS)
        return self.store.upload_url(permit.key, lasts) or f"/uploads/{self._token('upload', permit, lasts)}"

    def file(self, permit: FilePermit, lasts: timedelta = LASTS) -> str:
        """Where to GET; a path of ours, or a whole address. Good for `lasts`, at most 10 minutes."""
        lasts = min(lasts, LASTS)
        return self.store.download_url(permit.key, lasts) or f"/files/{self._token('file', permit, lasts)}"

    def document(self, permit: DocumentPermit) -> str:
        """Where to GET the paper: always a path of ours, which asks the database. Good for 10 minutes."""
        return f"/documents/{self._token('document', permit, LASTS)}"

    def bundle(self, permit: BundlePermit) -> str:
        """Where to GET the bundle: always a path of ours, which puts it together. Good for 10 minutes."""
        return f"/bundles/{self._token('bundle', permit, LASTS)}"

    def payroll(self, permit: PayrollPermit) -> str:
        """Where to GET the file of a payroll export: always a path of ours. Good for 10 minutes."""
        return f"/payroll/{self._token('payroll', permit, LASTS)}"

    def invoice(self, permit: InvoicePermit) -> str:
        """Where to GET the paper of an invoice: always a path of ours. Good for 10 minutes."""
        return f"/invoices/{self._token('invoice', permit, LASTS)}"

    def read_invoice(self, token: str) -> InvoicePermit:
        """What a token of `invoice` allows. Raises `LinkRefused`."""
        return InvoicePermit(**self._read("invoice", token))

    def read_payroll(self, token: str) -> PayrollPermit:
        """What a token of `payroll` allows. Raises `LinkRefused`."""
        return PayrollPermit(**self._read("payroll", token))

    def read_document(self, token: str) -> DocumentPermit:
        """What a token of `document` allows. Raises `LinkRefused`."""
        return DocumentPermit(**self._read("document", token))

    def read_bundle(self, token: str) -> BundlePermit:
        """What a token of `bundle` allows. Raises `LinkRefused`."""
        return BundlePermit(**self._read("bundle", token))

    def read_upload(self, token: str) -> UploadPermit:
        """What a token of `upload` allows. Raises `LinkRefused`."""
        return UploadPermit(**self._read("upload", token))

    def read_file(self, token: str) -> FilePermit:
        """What a token of `file` allows. Raises `LinkRefused`."""
        return FilePermit(**self._read("file", token))

    def _token(self, use: str, permit: Permit, lasts: timedelta) -> str:
        until = int((self.clock() + lasts).timestamp())
        text = url_safe(orjson.dumps({**asdict(permit), "until": until}))
        return f"{text}.{url_safe(self._mac(use, text))}"

    def _read(self, use: str, token: str) -> dict[str, Any]:
        text, _, mac = token.partition(".")
        whole = len(token) <= LONGEST_TOKEN and token.isascii()
        if not whole or not hmac.compare_digest(mac, url_safe(self._mac(use, text))):
            raise LinkRefused
        said: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if said.pop("until") <= self.clock().timestamp():
            raise LinkRefused
        return said

    def _mac(self, use: str, text: str) -> bytes:
        return self.secrets.mac(f"link:{use}", text)
