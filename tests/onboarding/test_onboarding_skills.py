"""Stage 4: what a cleaner says they can do, and the tiers of pay behind it (R133, R265, A49)."""

import asyncio

from domain.ids import CleanerId
from domain.scheduling import Skill
from services.identity import business
from services.identity.cleaners import SetCleanerSkills, set_cleaner_skills
from services.inputs import JSON
from services.onboarding.skills import CertifySkills, certify_skills
from tests.onboarding.desk import Desk
from tests.product.world import Api, gid

QUERY = "query ($id: ID!) { cleaner(id: $id) { skills certifiedSkills certifiedAt payTiers } }"
OTHER = next(skill for skill in Skill if skill is not Skill.HOT_TUB)


async def _settings(desk: Desk) -> None:
    pay = {"pay": {"tierRateCents": {"spa": 2400}, "skillTiers": {"HOT_TUB": "spa"}}}
    await desk.run(desk.town.owner, business.update_tenant, business.UpdateTenant(settings=JSON(pay)))


async def test_a_certified_skill_unlocks_its_tier_for_the_cleaner_and_admins_to_see(desk: Desk, api: Api) -> None:
    """R133, R265, A49: at once; a dispatcher sees the skill and not the pay, a colleague neither."""
    await _settings(desk)
    who, dispatcher, colleague = await desk.newcomer(), await desk.town.dispatcher(), await desk.town.cleaner()
    asked = {"id": gid("Cleaner", who.person)}
    before = (await api.data(who, QUERY, **asked))["cleaner"]
    assert before == {"skills": [], "certifiedSkills": [], "certifiedAt": None, "payTiers": ["standard"]}

    said = await api.do(who, "certifySkills", {"skills": ["HOT_TUB"]}, "cleaner { payTiers skills }")
    assert said["cleaner"] == {"payTiers": ["standard", "spa"], "skills": ["HOT_TUB"]}
    shown = (await api.data(desk.town.owner, QUERY, **asked))["cleaner"]
    assert (shown["payTiers"], shown["certifiedSkills"]) == (["standard", "spa"], ["HOT_TUB"])
    assert shown["certifiedAt"]
    seen = (await api.ask(dispatcher, QUERY, **asked))["data"]["cleaner"]
    assert (seen["skills"], seen["payTiers"]) == (["HOT_TUB"], None)
    hidden = (await api.ask(colleague, QUERY, **asked))["data"]["cleaner"]
    assert hidden == {"skills": None, "certifiedSkills": None, "certifiedAt": None, "payTiers": None}
    assert (await api.data(desk.other.owner, QUERY, **asked))["cleaner"] is None


async def test_nothing_special_is_an_answer_too(desk: Desk) -> None:
    """R133: an empty list finishes the stage."""
    who = await desk.newcomer()
    await desk.certify(who)
    assert "SKILLS" not in (await desk.stage(who))[1]


async def test_what_the_office_entered_stays_and_what_one_said_oneself_can_be_taken_back(desk: Desk) -> None:
    """R133: by either side; the office has the last word."""
    who = await desk.newcomer()
    mine = CleanerId(who.person)
    await desk.run(desk.town.owner, set_cleaner_skills, SetCleanerSkills(mine, [OTHER]))
    await desk.certify(who, Skill.HOT_TUB, Skill.HOT_TUB)
    assert await _held(desk, mine) == {OTHER: "OFFICE", Skill.HOT_TUB: "SELF"}
    await desk.certify(who)
    assert await _held(desk, mine) == {OTHER: "OFFICE"}
    await desk.certify(who, OTHER, Skill.HOT_TUB)
    assert await _held(desk, mine) == {OTHER: "OFFICE", Skill.HOT_TUB: "SELF"}
    await desk.run(desk.town.owner, set_cleaner_skills, SetCleanerSkills(mine, []))
    assert await _held(desk, mine) == {}


async def _held(desk: Desk, who: CleanerId) -> dict[str, str]:
    rows = await desk.world.root.fetch("select skill, source from cleaner_skill where cleaner_id = $1", who)
    return {row["skill"]: row["source"] for row in rows}


async def test_the_same_key_certifies_once_and_two_at_once_are_one_after_the_other(desk: Desk) -> None:
    """R133: a phone that sends twice is one certification."""
    who = await desk.newcomer()
    wish = CertifySkills([Skill.HOT_TUB])
    await asyncio.gather(*(desk.run(who, certify_skills, wish, key="k") for _ in range(4)))
    rows = await desk.world.root.fetch(
        "select 1 from audit where tenant_id = $1 and action = 'certify_skills'", desk.town.tenant
    )
    assert len(rows) == 1
    await asyncio.gather(desk.certify(who, OTHER), desk.certify(who, Skill.HOT_TUB))
    assert len(await _held(desk, CleanerId(who.person))) == 1
