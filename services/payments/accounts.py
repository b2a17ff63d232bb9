"""Whose keys a step is sent with: the business's own account, or the platform's for its plans (A41)."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, and_, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.sealing import Place
from db.tx import Tx
from domain.actors import ADMINS, Role, TenantId
from domain.billing import Feature
from domain.errors import Invalid, NotConfigured, NotFound
from domain.payments.ops import OpKind
from domain.payments.states import ProviderMode
from models import payment, provider_account, subject_key
from services.billing.limits import ensure_feature
from services.checks import text
from services.identity import tokens
from services.inputs import arg
from services.payments.moving import forget_known
from services.subjects import open_for, open_with, seal_for

PLATFORM_OPS = frozenset({OpKind.PLAN_CUSTOMER, OpKind.PLAN_CHECKOUT, OpKind.PLAN_CHANGE, OpKind.PLAN_REFUND})
"""Steps at the platform's own account: its keys are a setting of the installation, not of a business."""
NOT_CONNECTED = "This business has not connected a payment provider."
MOST_SECRETS = 4
LONGEST_KEY = 300
CHECK_TASK = "check_provider"
"""Reads the account that the keys open."""
SWEEP_TASK = "sweep_money"
"""Sends what waits: at once when keys that were held back, or are new, open their account."""


@dataclass(frozen=True, slots=True)
class ProviderKeys:
    """With whose account, and by which key; without one it is the platform's own."""

    secret_key: str | None = field(repr=False, default=None)
    account_id: str | None = None
    version: int | None = None
    """Of the row that they were read from: what is found out by them is said of them alone."""

    @property
    def is_platform(self) -> bool:
        """Whether it is the platform's own account."""
        return self.secret_key is None


@dataclass(frozen=True, slots=True, repr=False)
class ConnectProvider:
    """A business's own account with the payment provider."""

    secret_key: str = arg("A restricted key of the business's account, sk_ or rk_; never shown again.")
    webhook_secrets: list[str] = arg(
        "The signing secrets of its webhook endpoints, whsec_; none before the provider knows the address, at most"
        " four. While one replaces another both are given."
    )
    publishable_key: str | None = arg("What the card field of a page needs, pk_; no secret.", default=None)


@dataclass(frozen=True, slots=True, repr=False)
class WebhookDoor:
    """The unguessable part of a webhook's address."""

    path: str


@dataclass(frozen=True, slots=True)
class ReadKeys:
    """The business's own keys, for the task that tries them."""


@dataclass(frozen=True, slots=True)
class NoteCheck:
    """What the provider has said to the keys, of the version that they were read in."""

    version: int | None
    account_id: str | None
    problem: str | None
    is_strange: bool = False
    """Whether the account knows nobody whom the business's last one knew: it is another one."""


@command(*ADMINS, secret=True)
async def connect_provider(tx: Tx, input: ConnectProvider) -> TenantId:
    """Connect the business's own account with the payment provider, or replace its keys (A41).

    Keys are sealed under a key of the business alone, and nobody is ever shown them. Whether the provider answers to
    them is seen in a moment: `problem` says what is wrong. The address for its webhooks stays the same. In an account
    that knows none of the customers of the last one they give their cards anew.
    """
    await ensure_feature(tx, Feature.CARD_PAYMENTS)
    secret = _key(input.secret_key, "secretKey", "sk_", "rk_")
    hooks = [_key(one, "webhookSecrets", "whsec_") for one in input.webhook_secrets]
    if len(hooks) > MOST_SECRETS:
        raise Invalid(f"There are at most {MOST_SECRETS} signing secrets.", field=("webhookSecrets",))
    tenant = tx.actor.tenant
    values = {
        "mode": (ProviderMode.LIVE if "_live_" in secret else ProviderMode.TEST).value,
        "publishable_key": None
        if input.publishable_key is None
        else _key(input.publishable_key, "publishableKey", "pk_"),
        "secret_key": await seal_for(tx, tenant, _place(tenant, "secret_key"), secret),
        "webhook_secrets": await seal_for(tx, tenant, _place(tenant, "webhook_secrets"), orjson.dumps(hooks).decode()),
        "connected_at": tx.now,
        "checked_at": None,
        "problem": None,
    }
    made = insert(provider_account).values(tenant_id=tenant, webhook_path=tokens.new_webhook_path(tenant), **values)
    await tx.write(
        made.on_conflict_do_update(
            index_elements=["tenant_id"],
            # What is under way is another account's business, until the provider has said that it is the same one.
            set_={
                **values,
                "is_held_back": provider_account.c.account_id.is_not(None),
                "version": provider_account.c.version + 1,
            },
        )
    )
    tx.later(CHECK_TASK, {})
    tx.audit("Tenant", tenant)
    return tenant


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def open_webhook_door(tx: Tx, input: WebhookDoor) -> tuple[str, ...]:
    """The signing secrets of the webhook at this address. Raises `NotFound` for an address that is none (R183)."""
    row = await tx.one(select(provider_account.c.webhook_path).where(tx.own(provider_account)))
    if row is None or not hmac.compare_digest(row.webhook_path.encode(), input.path.encode()):
        raise NotFound(field=("path",))
    return tuple(await webhook_secrets(tx))


@command(Role.SYSTEM, secret=True)
async def read_keys(tx: Tx, input: ReadKeys) -> ProviderKeys | None:
    """The business's own credentials; None where it has connected no account."""
    return await own_keys(tx)


@command(Role.SYSTEM)
async def note_check(tx: Tx, input: NoteCheck) -> TenantId:
    """Write down which account the keys open, and what is wrong with them if anything is.

    Keys to another account than the one in which cards are kept and money is held are a problem, and change nothing;
    unless the business has left that one. Then whom it knew is forgotten.
    Where they open theirs after they were changed or held back, what has waited for them is sent. Where others were
    given meanwhile, nothing changes: those are tried by themselves.
    """
    row = await _account(tx, lock=True)
    if row is None or row.version != input.version:
        return tx.actor.tenant
    values: dict[str, Any] = {"checked_at": tx.now, "problem": input.problem}
    if input.account_id is not None and input.account_id != row.account_id:
        paid = await tx.one(select(payment.c.id).where(tx.own(payment), payment.c.intent_id.is_not(None)).limit(1))
        if row.account_id is not None and paid is not None:
            values["is_held_back"] = True
            values["problem"] = f"These keys open {input.account_id}; what was paid so far is in {row.account_id}."
        else:
            values |= {"account_id": input.account_id, "is_held_back": False}
            if input.is_strange:
                await forget_known(tx)
    elif input.account_id is not None:
        values["is_held_back"] = False
    await tx.write(
        update(provider_account)
        .where(tx.own(provider_account))
        .values(**values, version=provider_account.c.version + 1)
    )
    if values.get("is_held_back") is False and (row.is_held_back or row.checked_at is None):
        tx.later(SWEEP_TASK, {}, dedupe_key=f"sweep:{tx.now.isoformat()}")
    return tx.actor.tenant


async def hold_back(tx: Tx, problem: str) -> None:
    """Send nothing more with keys that the provider does not know, until they are seen to open the account again.

    The money sweep has them tried.
    """
    held = {"is_held_back": True, "problem": problem, "version": provider_account.c.version + 1}
    async with tx.as_system(wholly=True):
        await tx.write(
            update(provider_account).where(tx.own(provider_account), ~provider_account.c.is_held_back).values(**held)
        )


async def ensure_tried(tx: Tx) -> bool:
    """Whether the business's keys are held back; then they are tried again."""
    async with tx.as_system(wholly=True):
        row = await _account(tx)
    if row is None or not row.is_held_back:
        return False
    tx.later(CHECK_TASK, {}, dedupe_key=f"check:{tx.now.isoformat(timespec='minutes')}")
    return True


async def keys_of(tx: Tx, kind: OpKind) -> ProviderKeys | None:
    """The credentials that a step of this kind is sent with; None where there are none, or they are held back."""
    return ProviderKeys() if kind in PLATFORM_OPS else await own_keys(tx, to_send=True)


_WITH_KEY = (
    select(provider_account, subject_key.c.wrapped)
    .outerjoin_from(
        provider_account,
        subject_key,
        and_(
            subject_key.c.tenant_id == provider_account.c.tenant_id,
            subject_key.c.subject_id == provider_account.c.tenant_id,
        ),
    )
    .where(provider_account.c.tenant_id == bindparam("tenant"))
)


async def own_keys(tx: Tx, *, to_send: bool = False) -> ProviderKeys | None:
    """The business's own credentials; None where it has connected no account.

    Also None `to_send` with, until they are known to open the account in which cards are kept and steps are under way:
    a step that was done there would be done again here.
    """
    tenant = tx.actor.tenant
    async with tx.as_system(wholly=True):
        # Both in one statement, before each step. The key is not held: what it opens leaves the transaction anyway.
        row = await tx.one(_WITH_KEY, tenant=tenant)
    if row is None or (to_send and row.is_held_back):
        return None
    opened = open_with(tx, tenant, row.wrapped, _place(tenant, "secret_key"), row.secret_key)
    return None if opened is None else ProviderKeys(opened, row.account_id, row.version)


async def hold_account(tx: Tx) -> Row[Any]:
    """The business's account, locked: its keys stay as they are. Raises `NotConfigured` where there is none."""
    async with tx.as_system(wholly=True):
        row = await _account(tx, lock=True)
    if row is None:
        raise NotConfigured(NOT_CONNECTED)
    return row


async def has_provider(tx: Tx) -> bool:
    """Whether the business takes payments through a provider."""
    async with tx.as_system(wholly=True):
        return await _account(tx) is not None


async def ensure_provider(tx: Tx) -> None:
    """Raise `NotConfigured` where the business has connected no account."""
    if not await has_provider(tx):
        raise NotConfigured(NOT_CONNECTED)


async def webhook_secrets(tx: Tx) -> Sequence[str]:
    """The signing secrets of the business's webhook; none where it has connected no account."""
    async with tx.as_system(wholly=True):
        row = await _account(tx)
        if row is None:
            return ()
        place = _place(tx.actor.tenant, "webhook_secrets")
        opened = await open_for(tx, tx.actor.tenant, place, row.webhook_secrets)
    return () if opened is None else tuple(orjson.loads(opened))


async def _account(tx: Tx, *, lock: bool = False) -> Row[Any] | None:
    found = select(provider_account).where(tx.own(provider_account))
    return await tx.one(found.with_for_update() if lock else found)


def _place(tenant: UUID, column: str) -> Place:
    return Place(tenant, "provider_account", column, tenant)


def _key(given: str, field: str, *begins: str) -> str:
    """A key as the provider writes them. Raises `Invalid` for anything else, an empty one too."""
    key = text(given, field, most=LONGEST_KEY)
    if not key.startswith(begins) or not key.isascii():
        raise Invalid(f"This begins with {' or '.join(begins)}.", field=(field,))
    return key
