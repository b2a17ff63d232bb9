"""The demo: two businesses with people, homes, shifts on the market and documented logins, for development only.

Everything is made by the commands that a real office and its cleaners use. Seeding again changes nothing but what has
run out: fewer than three open offers are followed by another round of jobs.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from app.auth import Auth
from db.runner import Runner
from domain.actors import Role, StaffRole
from domain.errors import Forbidden
from gateways.objects import ObjectStore
from sandbox import SandboxError
from sandbox.demo_day import add_day
from sandbox.demo_people import OPS_EMAIL, Founded, email_of, found_ops, set_up
from sandbox.demo_plan import BUSINESSES, PASSWORD, PIN
from sandbox.demo_rounds import add_round
from services.identity.business import PLATFORM_SLUG

KEPT = "demo.json"


@dataclass(frozen=True, slots=True)
class StaffLogin:
    """How somebody of an office signs in."""

    label: str
    tenant: str
    role: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class CleanerLogin:
    """How a cleaner signs in; `market` names the markets they work in."""

    label: str
    tenant: str
    market: str
    qr_token: str
    pin: str


@dataclass(frozen=True, slots=True)
class CustomerLogin:
    """A customer, who is handed a token: they have no sign-in of their own yet."""

    label: str
    tenant: str
    email: str


@dataclass(frozen=True, slots=True)
class Demo:
    """Who can sign in to the demo, and how. The first tenant is the one to start with."""

    tenants: tuple[str, ...]
    staff: tuple[StaffLogin, ...]
    cleaners: tuple[CleanerLogin, ...]
    customers: tuple[CustomerLogin, ...]

    def as_json(self) -> dict[str, Any]:
        """For the demo's sign-in page: `{tenant, cleaners: [{label, qrToken, ...}], staff: [{label, email, ...}]}`."""
        return {
            "tenant": self.tenants[0],
            "tenants": list(self.tenants),
            "cleaners": [
                {
                    "label": one.label,
                    "tenant": one.tenant,
                    "market": one.market,
                    "qrToken": one.qr_token,
                    "pin": one.pin,
                }
                for one in self.cleaners
            ],
            "customers": [asdict(one) for one in self.customers],
            "staff": [
                {
                    "label": one.label,
                    "tenant": one.tenant,
                    "role": one.role,
                    "email": one.email,
                    "password": one.password,
                }
                for one in self.staff
            ],
        }

    def lines(self) -> list[str]:
        """The logins for a console: staff by tenant, email and password, cleaners by QR token and PIN."""
        staff = [f"{one.tenant:<8} {one.role:<10} {one.email:<26} {one.password}" for one in self.staff]
        cleaners = [f"{one.tenant:<8} {one.label:<32} PIN {one.pin}  QR {one.qr_token}" for one in self.cleaners]
        return [*staff, *cleaners]


async def seed_demo(
    runner: Runner, auth: Auth, data: Path, objects: ObjectStore, founded: Callable[[], Awaitable[None]] | None = None
) -> Demo:
    """Make sure that the demo is there and has shifts to race for; its logins, which are kept in `data`/demo.json.

    `founded` is called once the businesses and their people are there, before anybody works. May be interrupted and
    run again. Raises `Forbidden` in production, where documented passwords have no place.
    """
    if auth.production:
        raise Forbidden("The demo has documented passwords: it is not made in production.")
    kept = _kept_tokens(data / KEPT)
    await found_ops(runner, auth)
    businesses = [await set_up(runner, auth, plan, kept.get(plan.slug, {})) for plan in BUSINESSES]
    demo = _demo(businesses)
    # Before the rounds: tokens that were issued are known nowhere else.
    _keep(data / KEPT, demo)
    if founded is not None:
        await founded()
    for business in businesses:
        await add_round(business)
        await add_day(business, objects)
        await business.desk.leave()
    return demo


def read_demo(data: Path) -> dict[str, Any] | None:
    """What the last seeding has kept, as `Demo.as_json`; None where there is no demo."""
    try:
        kept: dict[str, Any] = orjson.loads((data / KEPT).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return kept


def _demo(businesses: list[Founded]) -> Demo:
    roles = (StaffRole.OWNER, StaffRole.ADMIN, StaffRole.DISPATCHER)
    staff = [
        StaffLogin(f"{role.capitalize()} 1", one.plan.slug, str(role), email_of(role, one.plan), PASSWORD)
        for one in businesses
        for role in roles
    ]
    cleaners = [
        CleanerLogin(who.label, one.plan.slug, " and ".join(who.markets), one.qr_tokens[who.number], PIN)
        for one in businesses
        for who in one.plan.cleaners
        if who.number in one.qr_tokens
    ]
    ops = StaffLogin("Ops 1", PLATFORM_SLUG, str(Role.OPS), OPS_EMAIL, PASSWORD)
    customers = [
        CustomerLogin(f"Customer {number}", one.plan.slug, email_of(f"customer-{number}", one.plan))
        for one in businesses
        for number in sorted({home.customer for home in one.plan.homes})
    ]
    return Demo(tuple(one.plan.slug for one in businesses), (*staff, ops), tuple(cleaners), tuple(customers))


def _kept_tokens(path: Path) -> Mapping[str, Mapping[str, str]]:
    """The QR tokens that were given out, by tenant and label: the database holds their hashes only."""
    tokens: dict[str, dict[str, str]] = {}
    for one in (read_demo(path.parent) or {}).get("cleaners", ()):
        tokens.setdefault(one["tenant"], {})[one["label"]] = one["qrToken"]
    return tokens


def _keep(path: Path, demo: Demo) -> None:
    """Replace the file as a whole, readable by its owner only."""
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(mode=0o600)
        draft.chmod(0o600)
        draft.write_bytes(orjson.dumps(demo.as_json(), option=orjson.OPT_INDENT_2))
        draft.replace(path)
    except OSError as error:
        raise SandboxError(f"{path} cannot be written ({error.strerror}): choose another folder with DATA=.") from error
