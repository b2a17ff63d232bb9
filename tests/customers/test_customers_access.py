"""Customers come in by a mailed link: once, for 15 minutes, and nobody learns whose address is known (R30, A7)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.actors import Actor, Role
from domain.ids import CustomerId
from services.customers import (
    ArchiveCustomer,
    CreateCustomer,
    UpdateCustomer,
    archive_customer,
    create_customer,
    update_customer,
)
from services.identity.tokens import link_token
from tests.product.world import Api, Town, World, gid

ENTER = """mutation ($token: String!) { signInWithLink(input: { token: $token, device: "Phone" }) {
    credentials { accessToken refreshToken role personId } errors { code field } } }"""
ASK = """mutation ($tenant: String!, $email: String!) {
    requestSignInLink(input: { tenant: $tenant, email: $email }) { ok errors { code field } } }"""


async def customer(town: Town, address: str | None = None, name: str = "Customer One") -> CustomerId:
    made: CustomerId = await town.world.run(town.owner, create_customer, CreateCustomer(name, address))
    return made


async def links(town: Town) -> list[Any]:
    """The mailed sign-ins that are still good, the oldest first."""
    rows: list[Any] = await town.world.root.fetch(
        """select * from mailed_link where tenant_id = $1 and purpose = 'sign-in' and used_at is null order by id""",
        town.tenant,
    )
    return rows


async def mailed(api: Api, town: Town, address: str) -> str:
    """Ask for a link, and read its token as the mail would have it."""
    asked = await api.data(None, ASK, tenant=town.slug, email=address)
    assert asked["requestSignInLink"] == {"ok": True, "errors": []}
    link = (await links(town))[-1]
    return link_token(town.world.runner.secrets, town.tenant, link["id"])


async def entered(api: Api, token: str) -> Any:
    return (await api.data(None, ENTER, token=token))["signInWithLink"]


BROKEN = {"credentials": None, "errors": [{"code": "LINK_INVALID", "field": ["token"]}]}


async def test_a_customer_signs_in_by_a_mailed_link_and_sees_their_own_record(
    api: Api, town: Town, other: Town
) -> None:
    """R30: the credential leads to the customer's record, and to nobody else's."""
    me = await customer(town, "one@mail.example")
    await customer(town, "two@mail.example", "Customer Two")
    await customer(other, "one@mail.example", "Customer of another business")

    answer = await entered(api, await mailed(api, town, " One@Mail.example "))

    credentials = answer["credentials"]
    assert (credentials["role"], credentials["personId"]) == ("CUSTOMER", gid("Customer", me))
    headers = {"authorization": f"Bearer {credentials['accessToken']}"}
    asked = await api.http.post(
        "/graphql",
        json={"query": "{ viewer { role customer { name } } customers { nodes { name } } }"},
        headers=headers,
    )
    data = asked.json()["data"]
    assert data["viewer"] == {"role": "CUSTOMER", "customer": {"name": "Customer One"}}
    assert data["customers"]["nodes"] == [{"name": "Customer One"}]


async def test_a_link_works_once_and_for_a_quarter_of_an_hour(api: Api, town: Town) -> None:
    """R30: a second use and a late one are the same refusal, and open no session."""
    await customer(town, "one@mail.example")
    first = await mailed(api, town, "one@mail.example")
    assert (await entered(api, first))["errors"] == []
    assert await entered(api, first) == BROKEN

    late = await mailed(api, town, "one@mail.example")
    await town.world.move_clock(town.tenant, timedelta(minutes=15, seconds=1))

    assert await entered(api, late) == BROKEN
    assert await town.world.count("session", town.tenant, "role = 'customer'") == 1


async def test_asking_leaves_the_same_rows_whoever_exists(api: Api, town: Town) -> None:
    """R30, A7: somebody's address and nobody's cannot be told apart, and neither can be asked for without end."""
    await customer(town, "one@mail.example")
    before = {table: await town.world.count(table, town.tenant) for table in ("mailed_link", "task", "audit")}

    for place, address in enumerate(("one@mail.example", "nobody@mail.example"), start=1):
        assert (await api.data(None, ASK, tenant=town.slug, email=address))["requestSignInLink"]["ok"]
        after = {table: await town.world.count(table, town.tenant) for table in before}
        assert after == {table: count + place for table, count in before.items()}

    for _ in range(8):
        assert (await api.data(None, ASK, tenant=town.slug, email="nobody@mail.example"))["requestSignInLink"]["ok"]
    assert await town.world.count("mailed_link", town.tenant) < before["mailed_link"] + 8
    unknown = await api.data(None, ASK, tenant="no-such-business", email="one@mail.example")
    assert unknown["requestSignInLink"] == {"ok": True, "errors": []}


async def test_everybody_of_one_address_is_mailed_their_own_link(api: Api, town: Town) -> None:
    """R30: two bookings of one address are two customers; each link leads to one of them."""
    both = {await customer(town, "one@mail.example"), await customer(town, "one@mail.example", "Same Address")}

    await mailed(api, town, "one@mail.example")

    assert {link["person_id"] for link in await links(town)} == both


async def test_a_new_address_ends_the_old_ones_access(api: Api, town: Town) -> None:
    """R30: sessions and open links of the old address end; the new one has access."""
    me = await customer(town, "old@mail.example")
    token = (await entered(api, await mailed(api, town, "old@mail.example")))["credentials"]["accessToken"]
    stale = await mailed(api, town, "old@mail.example")

    await town.world.run(town.owner, update_customer, UpdateCustomer(me, email="new@mail.example"))

    refused = await api.http.post(
        "/graphql", json={"query": "{ viewer { role } }"}, headers={"authorization": f"Bearer {token}"}
    )
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await entered(api, stale) == BROKEN
    assert (await entered(api, await mailed(api, town, "new@mail.example")))["errors"] == []


@pytest.mark.parametrize("role", [Role.OWNER, Role.DISPATCHER])
async def test_an_archived_customer_cannot_sign_in(api: Api, town: Town, role: Role) -> None:
    """R22, R30: neither with a link that was mailed before nor with a new one; a dispatcher archives too."""
    who = town.owner if role is Role.OWNER else await town.dispatcher()
    me = await customer(town, "one@mail.example")
    token = await mailed(api, town, "one@mail.example")

    await town.world.run(who, archive_customer, ArchiveCustomer(me))

    assert await entered(api, token) == BROKEN
    await api.data(None, ASK, tenant=town.slug, email="one@mail.example")
    assert {link["person_id"].int for link in await links(town)} == {0}
    assert await town.world.count("session", town.tenant, "role = 'customer'") == 0


async def test_a_customer_without_an_address_has_no_access_until_they_have_one(api: Api, town: Town) -> None:
    """R30."""
    me = await customer(town)
    assert await town.world.count("credential", town.tenant, f"person_id = '{me}'") == 0

    await town.world.run(await town.dispatcher(), update_customer, UpdateCustomer(me, email="first@mail.example"))

    assert (await entered(api, await mailed(api, town, "first@mail.example")))["credentials"]["role"] == "CUSTOMER"


async def test_a_staff_member_with_a_customers_address_keeps_their_own_login(api: Api, town: Town) -> None:
    """R9, R30: who works here may be cleaned for too; each way in leads to its own."""
    address = f"owner@{town.slug}.example"
    me = await customer(town, address)

    answer = await entered(api, await mailed(api, town, address))

    assert answer["credentials"]["personId"] == gid("Customer", me)
    assert await town.world.count("credential", town.tenant, "role = 'owner'") == 1


async def test_links_of_another_purpose_or_business_do_not_sign_a_customer_in(
    api: Api, town: Town, other: Town, world: World
) -> None:
    """R1, R30: an invitation's token, and a token signed for another business."""
    await customer(town, "one@mail.example")
    await mailed(api, town, "one@mail.example")
    link = (await links(town))[-1]
    invitation = await world.root.fetchval(
        "select id from mailed_link where tenant_id = $1 and purpose = 'invite'", town.tenant
    )

    for tenant, id in ((other.tenant, link["id"]), (town.tenant, invitation)):
        assert await entered(api, link_token(world.runner.secrets, tenant, id)) == BROKEN

    assert await world.count("session", town.tenant, "role = 'customer'") == 0
    assert isinstance(town.owner, Actor)
