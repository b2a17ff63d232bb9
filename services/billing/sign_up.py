"""A business signs itself up: founded as one that the platform's ops found, and on trial at once (A42)."""

from dataclasses import dataclass

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.billing import FIRST_PLAN, PLANS
from domain.errors import AlreadyExists, Invalid
from models import tenant_subscription
from services.billing.subscriptions import new_subscription_values, own_subscription, tell_subscription
from services.identity.business import PLATFORM_SLUG, FoundBusiness, Founded, found
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class SignUp:
    """A business that wants to begin."""

    slug: str = arg("The name that staff type at sign-in: 2 to 63 lower-case letters, digits and hyphens.")
    name: str = arg("The business's name, at most 200 characters.")
    owner_name: str = arg("The owner's name.")
    owner_email: str = arg("Where the owner's invitation goes, with which they choose their password.")
    market_name: str = arg("The first market's name.")
    zone: str = arg("The first market's IANA time zone.", default="America/New_York")
    plan: str = arg("The plan to try, as `plans` lists it.", default=FIRST_PLAN)


@command(Role.SYSTEM, secret=True)
async def sign_up_business(tx: Tx, input: SignUp) -> Founded:
    """Found a business under the new id that the stamp names, on trial; its owner is invited by mail (A42, R8)."""
    if input.plan not in PLANS:
        raise Invalid(f"A plan is one of {', '.join(PLANS)}.", field=("plan",))
    if input.slug == PLATFORM_SLUG:
        # The platform's own tenant may not have been founded yet.
        raise AlreadyExists("This slug is taken.", field=("slug",))
    form = FoundBusiness(input.slug, input.name, input.owner_name, input.owner_email, input.market_name, input.zone)
    founded = await found(tx, form)
    await tx.insert(tenant_subscription, **new_subscription_values(tx, input.plan))
    if (row := await own_subscription(tx)) is not None:
        tell_subscription(tx, row)
    return founded
