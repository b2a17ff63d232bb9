"""Stage 2: the account with the payment provider, opened by plan, call and record (R131, R135, R136).

The row is the recovery point, and its id the key under which the provider knows the account: whatever dies in between,
the same steps again lead to the same account. No transaction is open during a call.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import CleanerId, PayoutAccountId
from domain.onboarding import PayoutAccountStatus
from models import cleaner, cleaner_profile, payout_account
from services.onboarding.stages import hold_own, move_on
from services.payments.accounts import ProviderKeys, ensure_provider, own_keys
from services.payouts.release import consider_cleaner
from services.policies import tenant_policy

OPEN_TASK = "open_payout_account"
REFRESH_TASK = "refresh_payout_account"


@dataclass(frozen=True, slots=True)
class StartPayoutOnboarding:
    """A cleaner who wants to be paid, or needs a new page of the provider's."""


@dataclass(frozen=True, slots=True)
class PayoutWish:
    """Which account a task is about."""

    account: PayoutAccountId


@dataclass(frozen=True, slots=True)
class PayoutPlan:
    """What is to be asked of the provider."""

    account: PayoutAccountId
    provider_id: str | None
    """The provider's own id; None as long as there is no account."""
    is_ready: bool
    requested_at: datetime
    name: str
    email: str | None
    currency: str = "usd"
    keys: ProviderKeys | None = field(repr=False, default=None)
    """The business's own at the provider; None where it has connected none."""


@dataclass(frozen=True, slots=True)
class RecordPayoutAccount:
    """What the provider has answered."""

    account: PayoutAccountId
    provider_id: str | None
    status: PayoutAccountStatus
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordPayoutLink:
    """The provider's page, for the wish that it was asked for."""

    account: PayoutAccountId
    requested_at: datetime
    url: str
    lives: timedelta


@command(Role.CLEANER)
async def start_payout_onboarding(tx: Tx, input: StartPayoutOnboarding) -> CleanerId:
    """Have an account opened with the payment provider, or get a new page of theirs for the one that there is.

    `payoutAccount.link` is there as soon as the provider has answered; a page that is lost or too old is replaced by
    asking again. An account that is ready stays so. Refused with NOT_CONFIGURED where the business has not connected a
    payment provider: nothing is promised that nobody would do (R131).
    """
    row = await hold_own(tx)
    await ensure_provider(tx)
    account = await _account_of(tx, row.id)
    if account is None:
        values = {"status": PayoutAccountStatus.REQUESTED.value, "requested_at": tx.now}
        made = await tx.insert(payout_account, cleaner_id=row.id, **values)
    else:
        made = account.id
        async with tx.as_system():
            # The old page goes at once: whoever asks for a new one must not be sent to it.
            await tx.change(payout_account, made, requested_at=tx.now, link=None, link_expires_at=None)
    tx.later(OPEN_TASK, {"account": str(made)})
    return await move_on(tx, row)


@command(Role.SYSTEM, secret=True)
async def plan_payout_account(tx: Tx, input: PayoutWish) -> PayoutPlan:
    """What is to be asked of the provider for an account."""
    row = await tx.get(payout_account, input.account)
    who = await tx.get(cleaner, row.cleaner_id)
    legal_name = select(cleaner_profile.c.legal_name)
    own = legal_name.where(tx.own(cleaner_profile), cleaner_profile.c.cleaner_id == row.cleaner_id)
    name = await tx.scalar(own) or who.name
    return PayoutPlan(
        account=PayoutAccountId(row.id),
        provider_id=row.account_id,
        is_ready=row.ready_at is not None,
        requested_at=row.requested_at,
        name=name,
        email=who.email,
        currency=(await tenant_policy(tx)).pay.currency,
        keys=await own_keys(tx),
    )


@command(Role.SYSTEM)
async def record_payout_account(tx: Tx, input: RecordPayoutAccount) -> PayoutAccountId:
    """Write down how an account stands; the same again changes nothing. What was ready once counts as done (R136).

    The cleaner's payouts that wait are looked at again: they may be paid now, or not any more (R172, R227).
    """
    who, row = await _held(tx, input.account)
    is_ready = input.status is PayoutAccountStatus.READY
    values: dict[str, Any] = {
        "account_id": input.provider_id or row.account_id,
        "status": input.status.value,
        "requirements": list(input.requirements),
        "ready_at": row.ready_at or (tx.now if is_ready else None),
        # Who is ready needs no page any more.
        "link": None if is_ready else row.link,
        "link_expires_at": None if is_ready else row.link_expires_at,
    }
    if all(getattr(row, name) == value for name, value in values.items()):
        return input.account
    await tx.change(payout_account, row.id, **values)
    await move_on(tx, who)
    await consider_cleaner(tx, who.id)
    return input.account


@command(Role.SYSTEM)
async def record_payout_link(tx: Tx, input: RecordPayoutLink) -> PayoutAccountId:
    """Show the cleaner the provider's page, unless they have asked for another one meanwhile.

    When its time is over the account is looked at again: the cleaner may have finished without our being told.
    """
    who, row = await _held(tx, input.account)
    if row.requested_at == input.requested_at and row.status != PayoutAccountStatus.READY:
        ends_at = tx.now + input.lives
        await tx.change(payout_account, row.id, link=input.url, link_expires_at=ends_at)
        tx.later(REFRESH_TASK, {"account": str(row.id)}, run_at=ends_at)
        await move_on(tx, who)
    return input.account


@command(Role.SYSTEM)
async def notice_payout_change(tx: Tx, input: PayoutWish) -> PayoutAccountId:
    """The provider has something new to tell of an account: have it read."""
    await tx.get(payout_account, input.account)
    refresh_later(tx, input.account)
    return input.account


def refresh_later(tx: Tx, account: UUID) -> None:
    """Have an account read anew at the provider."""
    tx.later(REFRESH_TASK, {"account": str(account)})


async def _account_of(tx: Tx, cleaner_id: UUID) -> Row[Any] | None:
    own = select(payout_account).where(tx.own(payout_account), payout_account.c.cleaner_id == cleaner_id)
    return await tx.one(own)


async def _held(tx: Tx, account: PayoutAccountId) -> tuple[Row[Any], Row[Any]]:
    """The cleaner's row, locked first as every step does, and the account's as it is then."""
    whose = (await tx.get(payout_account, account)).cleaner_id
    who = await tx.get(cleaner, whose, lock=True)
    return who, await tx.get(payout_account, account, lock=True)
