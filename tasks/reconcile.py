"""Every night: the provider's lists against our rows, both ways (R237, R239, A13).

Lists are walked a page at a time, and nothing is kept of a page but what is wrong with it: memory stays flat however
much there is. What webhooks have brought is found in agreement by one statement a page.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.errors import Refused, Unavailable
from domain.payments.ask import Thing
from domain.payments.webhooks import notice_of
from gateways.payments import Object, Provider, RefusedByProvider
from services.payments.absorbers import ABSORBERS
from services.payments.accounts import ReadKeys, read_keys
from services.payments.alarms import Broken
from services.payments.notices import KeepNotice, keep_notice
from services.payments.reconciling import (
    CASH_DIFFERS,
    NOBODYS_PAYMENT,
    NOT_ABSORBED,
    NOT_THERE,
    UNBOOKED,
    AbsorbListed,
    Balances,
    EntriesAfter,
    EventsListed,
    NoteFound,
    Page,
    absorb_listed,
    cash_differs,
    differing,
    entries_after,
    missed,
    note_found,
    unbooked,
)
from services.payouts.bank import PaidSince, listen_to_banks
from tasks.context import TaskContext

LOOK_BACK = timedelta(days=8)
"""Longer than any hold lives."""
PAGE = 100
LISTS: Sequence[tuple[str, Thing]] = (
    ("payment_intent", Thing.INTENT),
    ("refund", Thing.REFUND),
    ("transfer", Thing.TRANSFER),
    ("dispute", Thing.DISPUTE),
)
SOURCES: Mapping[str, tuple[str, Thing]] = {
    "ch_": ("charge", Thing.CHARGE),
    "py_": ("charge", Thing.CHARGE),
    "re_": ("refund", Thing.REFUND),
    "pyr_": ("refund", Thing.REFUND),
    "tr_": ("transfer", Thing.TRANSFER),
    "dp_": ("dispute", Thing.DISPUTE),
    "du_": ("dispute", Thing.DISPUTE),
    "po_": ("payout", Thing.PAYOUT),
}
"""What a balance transaction is of, by how its source's id begins."""
FIRST = UUID(int=0)
MOST_NAMED = 100


async def reconcile(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Reconcile one business; nothing where it has no provider. Raises `Unavailable` where the provider cannot say."""
    keys = await context.run(read_keys, ReadKeys())
    if keys is None:
        return
    provider = context.tools.provider_of(keys)
    since = context.now - LOOK_BACK
    try:
        await _hear_missed(context, provider, since)
        found = [one async for one in _strangers(context, provider, since)]
        found += [one async for one in _unbooked(context, provider, since)]
        found += await _cash(context, provider, since)
    except RefusedByProvider as refused:
        raise Unavailable("The provider does not let us look.") from refused
    kinds = (NOBODYS_PAYMENT, NOT_ABSORBED, UNBOOKED, NOT_THERE, CASH_DIFFERS)
    await context.run(note_found, NoteFound(kinds, tuple(found)))
    await context.run(listen_to_banks, PaidSince(since))


async def listen(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Work off what a cleaner's account had to tell of its bank and nobody heard. Raises `Unavailable`."""
    keys = await context.run(read_keys, ReadKeys())
    if keys is None:
        return
    since = datetime.fromisoformat(payload["since"])
    try:
        await _hear_missed(context, context.tools.provider_of(keys), since, payload["account"])
    except RefusedByProvider:
        # Its cleaner has left the business with it: nobody tells us of it any more.
        return


async def _hear_missed(context: TaskContext, provider: Provider, since: datetime, account: str | None = None) -> None:
    """Notices that never came are worked off as if they had: of the business's own account, or a cleaner's."""
    of_account = {} if account is None else {"account": account}
    async for page in _pages(provider, Thing.EVENT, since, account):
        notices = {str(one["id"]): notice_of({**one, **of_account}) for one in page}
        ours = {id: one for id, one in notices.items() if one is not None and one.kind in ABSORBERS}
        for id in await context.run(missed, EventsListed(tuple(ours))):
            await context.run(keep_notice, KeepNotice(ours[id]))


async def _strangers(context: TaskContext, provider: Provider, since: datetime) -> AsyncIterator[Broken]:
    """What differs is applied, each by itself; what cannot be, and what is nobody's of ours even then, is named."""
    for kind, thing in LISTS:
        async for page in _pages(provider, thing, since):
            listed = {str(one["id"]): one for one in page}
            for id in await context.run(differing, Page(kind, tuple(page))):
                found = await _judged(context, AbsorbListed(kind, listed[id]))
                if found is not None:
                    yield found


async def _judged(context: TaskContext, stranger: AbsorbListed) -> Broken | None:
    """What is wrong with a thing that differs from our rows even after it was applied; None where all is well."""
    kind, thing = stranger.kind, stranger.thing
    try:
        is_ours = await context.run(absorb_listed, stranger)
    except Refused as refusal:
        said = {"kind": kind, "status": thing.get("status"), "code": refusal.code.value, "message": refusal.message}
        return Broken(NOT_ABSORBED, str(thing["id"]), said)
    if is_ours or kind != "payment_intent":
        return None
    return Broken(NOBODYS_PAYMENT, str(thing["id"]), {"status": thing["status"], "amountCents": thing["amount"]})


async def _unbooked(context: TaskContext, provider: Provider, since: datetime) -> AsyncIterator[Broken]:
    """Movements on the balance that no entry books: their source is read and applied; what is left is named."""
    async for page in _pages(provider, Thing.BALANCE_TRANSACTION, since):
        listed = {str(one["id"]): one for one in page}
        for id in await context.run(unbooked, Page("balance_transaction", tuple(page))):
            await _apply_source(context, provider, str(listed[id].get("source") or ""))
            if await context.run(unbooked, Page("balance_transaction", (listed[id],))):
                names = {"type": "type", "netCents": "net", "source": "source", "currency": "currency"}
                yield Broken(UNBOOKED, id, {name: listed[id].get(of) for name, of in names.items()})


async def _apply_source(context: TaskContext, provider: Provider, source: str) -> None:
    kind, thing = next((found for start, found in SOURCES.items() if source.startswith(start)), (None, None))
    if kind is None or thing is None:
        return
    found = await provider.read(thing, source)
    if found is not None and kind == "charge":
        intent = found.get("payment_intent")
        id = intent.get("id") if isinstance(intent, Mapping) else intent
        kind, found = "payment_intent", None if id is None else await provider.read(Thing.INTENT, str(id))
    if found is None:
        return
    try:
        await context.run(absorb_listed, AbsorbListed(kind, found))
    except Refused:
        # Of a payment that our tables do not let move so: it stays unbooked, and is named.
        return


async def _cash(context: TaskContext, provider: Provider, since: datetime) -> list[Broken]:
    """The books' cash against the balance; where they differ, entries that the provider knows nothing of are named."""
    balance = await provider.read(Thing.BALANCE) or {}
    cents: dict[str, int] = {}
    for part in ("available", "pending"):
        for one in balance.get(part) or ():
            cents[one["currency"]] = cents.get(one["currency"], 0) + int(one["amount"])
    differs = await context.run(cash_differs, Balances(cents))
    if not differs:
        return []
    return [*differs, *[one async for one in _not_there(context, provider, since)]]


async def _not_there(context: TaskContext, provider: Provider, since: datetime) -> AsyncIterator[Broken]:
    after, named = FIRST, 0
    while rows := await context.run(entries_after, EntriesAfter(since, after)):
        for entry, transaction in rows:
            if named < MOST_NAMED and await provider.read(Thing.BALANCE_TRANSACTION, transaction) is None:
                named += 1
                yield Broken(NOT_THERE, str(entry), {"transaction": transaction})
        after = rows[-1][0]


async def _pages(
    provider: Provider, thing: Thing, since: datetime, account: str | None = None
) -> AsyncIterator[list[Object]]:
    """A list in pages, so that each is one question to our rows."""
    page: list[Object] = []
    async for one in provider.pages(thing, account=account, created={"gte": int(since.timestamp())}):
        page.append(one)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
