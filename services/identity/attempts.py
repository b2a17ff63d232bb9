"""Wrong guesses, counted by person and by network address: neither many guesses nor many victims pay (R14, R229, A7).

A login that nobody has is counted like one that somebody has, so that a lock does not tell which logins exist. An
address gets four times as many guesses as a person, because a whole office may share one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, case, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from db.tx import Tx
from domain.actors import Role
from domain.credentials import UNLOCKED, after_failure, is_locked
from domain.errors import BadCredentials, Locked, RateLimited, Refused
from domain.policy import SignInPolicy
from models import credential, sign_in_source
from services.scheduling import tenant_policy

SOURCE_PATIENCE = 4
QUIET = timedelta(days=1)
_LOCKS_THAT_DIFFER = 15
"""A lock of a minute, doubled so often, is longer than any setting lets a lock become."""


@dataclass(frozen=True, slots=True, repr=False)
class Tried:
    """Whom somebody claims to be, and from where; `person_id` is None where there is nobody to be."""

    login: str
    source: str
    person_id: UUID | None = None
    role: Role | None = None
    secret_hash: str | None = None
    """What the secret has to match; None where no secret can."""


@dataclass(frozen=True, slots=True)
class _Counter:
    """A row that counts failures, whose it is, and how many it bears."""

    table: Table
    row: ColumnElement[bool]
    limit: int
    person_id: UUID | None = None


async def ensure_may_try(tx: Tx, tried: Tried) -> None:
    """Raises `RateLimited` where the address is locked, `Locked` where the login is, be it somebody's or nobody's."""
    address = await _locked_until(tx, _by_address(tx, tried, 0))
    if address is not None:
        raise RateLimited(retry_after_ms=_wait_ms(tx, address))
    login = await _locked_until(tx, _by_login(tx, tried, 0))
    if login is not None:
        raise Locked(retry_after_ms=_wait_ms(tx, login))


async def record_failure(tx: Tx, tried: Tried) -> Refused:
    """Count one wrong secret against login and address; the refusal to remember.

    The one UPDATE asks for the lock and counts in the same statement: of parallel guesses only as many are answered as
    may be made before the lock, and a guess that comes after it is neither counted nor looked at (R14).
    """
    policy = (await tenant_policy(tx)).sign_in
    await _ensure_rows(tx, tried)
    if not await _count(tx, _by_login(tx, tried, policy.failures_to_lock), policy):
        until = await _locked_until(tx, _by_login(tx, tried, 0))
        return Locked(retry_after_ms=_wait_ms(tx, until or tx.now))
    await _count(tx, _by_address(tx, tried, policy.failures_to_lock * SOURCE_PATIENCE), policy)
    return BadCredentials()


async def admit(tx: Tx, tried: Tried) -> None:
    """Forget the failures of the proven (R15), unless a lock or a change of secret or role came in between."""
    admitted = update(credential).where(
        tx.own(credential),
        credential.c.person_id == tried.person_id,
        credential.c.login == tried.login,
        credential.c.secret_hash == tried.secret_hash,
        credential.c.role == tried.role,
        credential.c.disabled.is_(False),
        _unlocked(tx, credential),
    )
    if await tx.write(admitted.values(**forgiven())) == 0:
        until = await _locked_until(tx, _by_login(tx, tried, 0))
        raise Locked(retry_after_ms=_wait_ms(tx, until)) if until else BadCredentials()


async def count_wish(tx: Tx, wish: str) -> bool:
    """Count a wish that anybody may make but not often, such as a mail to an address; whether it may be granted now."""
    policy = (await tenant_policy(tx)).sign_in
    key = f"wish:{tx.secrets.mac('wish', wish).hex()}"
    await _ensure_row(tx, key)
    return await _count(tx, _Counter(sign_in_source, _keyed(tx, key), policy.failures_to_lock), policy)


def forgiven() -> dict[str, Any]:
    """The columns of a credential without failures."""
    return {"failures": UNLOCKED.failures, "locks": UNLOCKED.lock_count, "locked_until": UNLOCKED.locked_until}


async def _count(tx: Tx, counter: _Counter, policy: SignInPolicy) -> bool:
    """Count one failure, if the row is not locked; whether it was counted."""
    table = counter.table
    locks_now = table.c.failures + 1 >= counter.limit
    counted = (
        update(table)
        .where(counter.row, _unlocked(tx, table))
        .values(
            failures=case((locks_now, 0), else_=table.c.failures + 1),
            locks=case((locks_now, table.c.locks + 1), else_=table.c.locks),
            locked_until=case((locks_now, _lock_until(tx, table, policy)), else_=null()),
        )
        .returning(table.c.locked_until)
    )
    row = await tx.one(counted)
    if row is not None and row.locked_until is not None:
        detail = {"locked": table.name, "until": row.locked_until.isoformat()}
        tx.audit("Credential", counter.person_id or tx.actor.tenant, detail=detail)
    return row is not None


def _lock_until(tx: Tx, table: Table, policy: SignInPolicy) -> ColumnElement[datetime]:
    """When the next lock ends, by the locks in a row: the rule's own answers, from which the database picks."""
    ends = [after_failure(policy.failures_to_lock, n, tx.now, policy).locked_until for n in range(_LOCKS_THAT_DIFFER)]
    picked: ColumnElement[datetime] = case(dict(enumerate(ends)), value=table.c.locks, else_=ends[-1])
    return picked


def _unlocked(tx: Tx, table: Table) -> ColumnElement[bool]:
    return or_(table.c.locked_until.is_(None), table.c.locked_until <= tx.now)


async def _locked_until(tx: Tx, counter: _Counter) -> datetime | None:
    until: datetime | None = await tx.scalar(select(counter.table.c.locked_until).where(counter.row))
    return until if is_locked(until, tx.now) else None


def _wait_ms(tx: Tx, until: datetime) -> int:
    return ceil((until - tx.now).total_seconds() * 1000)


async def _ensure_rows(tx: Tx, tried: Tried) -> None:
    if tried.person_id is None:
        await _ensure_row(tx, _nobody(tx, tried))
    await _ensure_row(tx, _address(tx, tried))


async def _ensure_row(tx: Tx, key: str) -> None:
    """Have a row to count on; one that was left alone for a day starts anew."""
    fresh = insert(sign_in_source).values(tenant_id=tx.actor.tenant, source=key, seen_at=tx.now)
    quiet = sign_in_source.c.seen_at <= tx.now - QUIET
    await tx.write(
        fresh.on_conflict_do_update(
            index_elements=["tenant_id", "source"],
            set_={
                "failures": case((quiet, 0), else_=sign_in_source.c.failures),
                "locks": case((quiet, 0), else_=sign_in_source.c.locks),
                "seen_at": tx.now,
            },
        )
    )


def _by_login(tx: Tx, tried: Tried, limit: int) -> _Counter:
    if tried.person_id is None:
        return _Counter(sign_in_source, _keyed(tx, _nobody(tx, tried)), limit)
    own = tx.own(credential) & (credential.c.person_id == tried.person_id)
    return _Counter(credential, own, limit, tried.person_id)


def _by_address(tx: Tx, tried: Tried, limit: int) -> _Counter:
    return _Counter(sign_in_source, _keyed(tx, _address(tx, tried)), limit)


def _keyed(tx: Tx, key: str) -> ColumnElement[bool]:
    return tx.own(sign_in_source) & (sign_in_source.c.source == key)


def _nobody(tx: Tx, tried: Tried) -> str:
    return f"login:{tx.secrets.mac('unknown-login', tried.login).hex()}"


def _address(tx: Tx, tried: Tried) -> str:
    return f"address:{tx.secrets.mac('address', network_of(tried.source)).hex()}"


def network_of(address: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 that an IPv6 customer gets."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(known) if isinstance(known, IPv4Address) else str(ip_network(f"{known}/64", strict=False))
