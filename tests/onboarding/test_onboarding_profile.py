"""Stage 1: the profile, checked field by field, and read by whom it is for (R130)."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.errors import Code, IdempotencyMismatch, Invalid
from services.onboarding.profile import submit_profile
from tests.onboarding.desk import PROFILE, Desk
from tests.product.world import Api, gid

FIELDS = """legalName birthDate address city postalCode emergencyContact emergencyPhone yearsOfExperience about
    submittedAt version"""


async def test_a_profile_is_kept_as_it_was_said_and_can_be_said_anew(desk: Desk, api: Api) -> None:
    """R130: trimmed, the number in E.164; the second one takes the place of the first."""
    who = await desk.newcomer()
    form = {
        "legalName": "  Ana   María\tNúñez ",
        "birthDate": "1990-05-17",
        "address": "7 Bay Road",
        "city": "Miami",
        "postalCode": "33139",
        "emergencyContact": "Her sister",
        "emergencyPhone": "+1 (305) 555-0177",
        "yearsOfExperience": 4,
    }
    said = await api.do(who, "submitProfile", form, f"cleaner {{ onboarding profile {{ {FIELDS} }} }}")
    shown = said["cleaner"]["profile"]
    assert said["cleaner"]["onboarding"] == "PAYOUTS"
    assert shown.pop("submittedAt")
    plain = {**form, "legalName": "Ana María Núñez", "emergencyPhone": "+13055550177", "about": "", "version": 1}
    assert shown == plain

    again = await api.do(who, "submitProfile", {**form, "city": "Tampa"}, f"cleaner {{ profile {{ {FIELDS} }} }}")
    assert (again["cleaner"]["profile"]["city"], again["cleaner"]["profile"]["version"]) == ("Tampa", 2)
    assert await desk.world.count("cleaner_profile", desk.town.tenant) == 1


@pytest.mark.parametrize(
    ("field", "different"),
    [
        ("legalName", {"legal_name": " "}),
        ("legalName", {"legal_name": "x" * 201}),
        ("legalName", {"legal_name": "Ana\0"}),
        ("birthDate", {"birth_date": date(2020, 1, 1)}),
        ("birthDate", {"birth_date": date(2300, 1, 1)}),
        ("birthDate", {"birth_date": date(1800, 1, 1)}),
        ("address", {"address": ""}),
        ("city", {"city": "\n"}),
        ("postalCode", {"postal_code": "x" * 21}),
        ("emergencyContact", {"emergency_contact": ""}),
        ("emergencyPhone", {"emergency_phone": "305 555 0177"}),
        ("emergencyPhone", {"emergency_phone": ""}),
        ("yearsOfExperience", {"years_of_experience": -1}),
        ("yearsOfExperience", {"years_of_experience": 81}),
        ("about", {"about": "x" * 2001}),
    ],
)
async def test_a_bad_value_is_refused_by_its_field_and_nothing_is_kept(
    desk: Desk, field: str, different: dict[str, Any]
) -> None:
    """R19, R130: before the first profile and over one that is there."""
    who = await desk.newcomer()
    for _ in range(2):
        refusal = await desk.refused(Invalid, desk.profile(who, **different))
        assert refusal.field == (field,)
        await desk.profile(who)


async def test_the_same_key_says_it_once_and_another_profile_under_it_is_refused(desk: Desk) -> None:
    """R19: `clientMutationId`."""
    who = await desk.newcomer()
    await desk.run(who, submit_profile, PROFILE, key="k1")
    before = await desk.everything()
    assert await desk.run(who, submit_profile, PROFILE, key="k1") == who.person
    assert await desk.everything() == before
    different = replace(PROFILE, about="Dogs.")
    await desk.refused(IdempotencyMismatch, desk.run(who, submit_profile, different, key="k1"))


async def test_two_first_profiles_at_once_are_one(desk: Desk) -> None:
    """R130: the second to come replaces the first."""
    who = await desk.newcomer()
    await asyncio.gather(*(desk.profile(who, city=f"City {number}") for number in range(6)))
    rows = await desk.world.root.fetch("select version from cleaner_profile where cleaner_id = $1", who.person)
    assert [row["version"] for row in rows] == [6]


async def test_a_profile_is_for_the_cleaner_and_the_office(desk: Desk, api: Api) -> None:
    """R4, R20: no colleague, customer or other business; and no event or audit line has its words."""
    who, colleague = await desk.newcomer(), await desk.town.cleaner()
    await desk.profile(who)
    query = f"query ($id: ID!) {{ cleaner(id: $id) {{ profile {{ {FIELDS} }} }} }}"
    asked = {"id": gid("Cleaner", who.person)}
    for actor in (who, desk.town.owner, await desk.town.dispatcher()):
        assert (await api.data(actor, query, **asked))["cleaner"]["profile"]["address"] == "7 Bay Road"
    hidden = await api.ask(colleague, query, **asked)
    assert hidden["data"]["cleaner"] == {"profile": None}
    for actor in (desk.other.owner, await desk.newcomer(desk.other)):
        assert (await api.data(actor, query, **asked))["cleaner"] is None
    for table in ("event", "audit", "task", "mutation_receipt"):
        rows = await desk.world.root.fetch(f"select t::text from {table} t where tenant_id = $1", desk.town.tenant)
        assert [row[0] for row in rows if "Bay Road" in row[0] or "1990" in row[0] or "Núñez" in row[0]] == []


async def test_a_refusal_is_data_in_the_payload(desk: Desk, api: Api) -> None:
    """R19: code and field, for programs."""
    who = await desk.newcomer()
    form = {"legalName": "A", "birthDate": "2015-01-01", "address": "A", "city": "A", "postalCode": "A",
            "emergencyContact": "A", "emergencyPhone": "+13055550177", "yearsOfExperience": 1}  # fmt: skip
    said = await api.do(who, "submitProfile", form, "cleaner { id }")
    assert said["cleaner"] is None
    assert [(one["code"], one["field"]) for one in said["errors"]] == [(Code.INVALID, ["birthDate"])]
