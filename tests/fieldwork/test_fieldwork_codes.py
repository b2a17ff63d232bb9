"""Access codes of homes: who is shown one and when, what is left of it, and that it is nowhere else (R28, R4)."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from db.ids import new_id
from db.sealing import SealBroken
from domain.actors import Actor, Role
from domain.errors import Code, Forbidden
from domain.fieldwork.phases import VisitPhase
from domain.ids import AssignmentId, JobId, PropertyId
from domain.scheduling import AssignmentRole
from services import scheduling
from services.fieldwork import codes
from services.fieldwork.alerts import NotifyAccessCode, notify_access_code
from services.subjects import DestroySubjectKey, destroy_subject_key
from tests.fieldwork.site import Site
from tests.product.world import Api, gid

CODE = "Gate 4711#, Schlüssel im Blumentopf 🪴"


async def put_code(site: Site, home: PropertyId, code: str = CODE, who: Actor | None = None) -> None:
    await site.do(who or site.town.owner, codes.set_access_code, codes.SetAccessCode(home, code))


async def reveal(site: Site, who: Actor, job: JobId) -> str:
    shown = await site.do(who, codes.reveal_access_code, codes.RevealAccessCode(job))
    return str(shown.code)


async def views(site: Site, home: PropertyId) -> list[Any]:
    return list(
        await site.world.root.fetch("select * from access_code_view where property_id = $1 order by at, id", home)
    )


async def a_shift(site: Site, minutes: int = 60) -> tuple[Actor, AssignmentId, JobId, PropertyId]:
    """A cleaner, their shift, its job, and its home with a code."""
    cleaner, home = await site.town.cleaner(), await site.home()
    await put_code(site, home)
    shift = await site.shift(cleaner, minutes, home)
    return cleaner, shift, await site.job_of(shift), home


async def everything_written(site: Site) -> str:
    """Every row of every table, as text: whoever steals the database has this."""
    tables = await site.world.root.fetch("select tablename from pg_tables where schemaname = 'public'")
    rows = [
        await site.value(f"select coalesce(string_agg(t::text, '|'), '') from {one['tablename']} t") for one in tables
    ]
    return "".join(rows)


async def test_the_cleaner_of_a_shift_is_shown_the_code_and_each_look_is_on_record(site: Site) -> None:
    """R28: who, when, for which job; in the audit log too."""
    cleaner, _, job, home = await a_shift(site)

    assert await reveal(site, cleaner, job) == CODE
    assert await reveal(site, cleaner, job) == CODE

    seen = await views(site, home)
    assert [(row["viewer_id"], row["viewer_role"], row["job_id"]) for row in seen] == [
        (cleaner.person, "cleaner", job)
    ] * 2
    lines = await site.world.root.fetch(
        "select * from audit where action = 'reveal_access_code' and entity_id = $1 order by seq", home
    )
    assert [(row["actor_id"], json.loads(row["detail"])) for row in lines] == [
        (cleaner.person, {"jobId": str(job)})
    ] * 2


async def test_the_office_is_shown_the_code_at_any_time(site: Site) -> None:
    """R28: also of a job that is far away."""
    home = await site.home()
    await put_code(site, home)
    job = await site.town.job(await site.town.day(20), home=home)
    dispatcher = await site.town.dispatcher()

    assert await reveal(site, dispatcher, job) == CODE
    assert [row["viewer_role"] for row in await views(site, home)] == ["dispatcher"]


async def test_outside_of_the_shift_the_code_is_closed_and_the_refusal_says_until_when(site: Site) -> None:
    """R28: from 2 hours before the start to 1 hour after the end; settings of the tenant."""
    cleaner, _, job, _ = await a_shift(site, minutes=125)
    row = await site.row("job", job)
    async with site.refused(Code.ACCESS_CODE_CLOSED) as refusal:
        await reveal(site, cleaner, job)
    opens, closes = row["starts_at"] - timedelta(hours=2), row["ends_at"] + timedelta(hours=1)
    assert refusal[0].details == {"opensAt": opens.isoformat(), "closesAt": closes.isoformat()}

    await site.world.move_clock(site.town.tenant, timedelta(minutes=6))
    assert await reveal(site, cleaner, job) == CODE
    await site.world.move_clock(site.town.tenant, timedelta(minutes=119 + 180 + 59))
    assert await reveal(site, cleaner, job) == CODE
    await site.world.move_clock(site.town.tenant, timedelta(minutes=2))
    async with site.refused(Code.ACCESS_CODE_CLOSED):
        await reveal(site, cleaner, job)
    await site.settings(accessTrailMinutes=90)
    assert await reveal(site, cleaner, job) == CODE


async def test_who_is_not_on_the_job_learns_nothing_of_it(site: Site) -> None:
    """R3, R28: a colleague, somebody taken off, and somebody of another business; also that there is a code."""
    cleaner, shift, job, home = await a_shift(site)
    for stranger in (await site.town.cleaner(), await site.other.cleaner(), site.other.owner):
        async with site.refused(Code.NOT_FOUND):
            await reveal(site, stranger, job)
    async with site.refused(Code.NOT_FOUND):
        await put_code(site, home, who=site.other.owner)
    async with site.refused(Code.NOT_FOUND):
        await site.do(site.other.owner, codes.remove_access_code, codes.RemoveAccessCode(home))

    await site.do(site.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(shift))
    async with site.refused(Code.NOT_FOUND):
        await reveal(site, cleaner, job)


async def test_a_cleaner_may_not_set_a_code_nor_read_the_tables_of_codes(site: Site) -> None:
    """R2, R4, R28: neither by a command nor past it."""
    cleaner, _, _, home = await a_shift(site)
    with pytest.raises(Forbidden):
        await put_code(site, home, who=cleaner)
    connection = await site.world.runner.engine.connect()
    try:
        await connection.exec_driver_sql(
            "select set_config('app.tenant_id', $1, false), set_config('app.actor_id', $2, false),"
            " set_config('app.role', 'cleaner', false)",
            (str(site.town.tenant), str(cleaner.person)),
        )
        for table in ("access_code", "subject_key"):
            assert (await connection.exec_driver_sql(f"select count(*) from {table}")).scalar() == 0
    finally:
        await connection.invalidate()
        await connection.close()


async def test_who_has_not_finished_onboarding_is_shown_nothing(site: Site) -> None:
    """R18, R28."""
    cleaner, _, job, _ = await a_shift(site)
    await site.world.root.execute("update cleaner set onboarding = 'SKILLS' where id = $1", cleaner.person)
    async with site.refused(Code.ONBOARDING_INCOMPLETE):
        await reveal(site, cleaner, job)


async def test_a_backup_is_shown_the_code_once_checked_in(site: Site) -> None:
    """R28, A11: who stands by need not get in."""
    _, _, job, _ = await a_shift(site)
    backup = await site.town.cleaner()
    shift = await site.put(job, backup, AssignmentRole.BACKUP)
    async with site.refused(Code.CONFLICT):
        await reveal(site, backup, job)
    await site.arrive(backup, shift)
    assert await reveal(site, backup, job) == CODE


async def test_once_the_clean_is_proven_the_code_is_closed(site: Site) -> None:
    """R28: nobody has to get in any more, though the hour is not over."""
    cleaner, shift, job, _ = await a_shift(site)
    await site.reach(cleaner, shift, VisitPhase.DONE)
    async with site.refused(Code.CONFLICT):
        await reveal(site, cleaner, job)


async def test_a_new_code_replaces_the_old_and_a_removed_one_is_gone(site: Site) -> None:
    """R28."""
    cleaner, _, job, home = await a_shift(site)
    await put_code(site, home, "the other door")
    assert await reveal(site, cleaner, job) == "the other door"

    await site.do(site.town.owner, codes.remove_access_code, codes.RemoveAccessCode(home))
    for who in (cleaner, site.town.owner):
        async with site.refused(Code.NOT_FOUND):
            await reveal(site, who, job)
    async with site.refused(Code.NOT_FOUND):
        await site.do(site.town.owner, codes.remove_access_code, codes.RemoveAccessCode(home))


@pytest.mark.parametrize("code", ["", "   ", "x" * 501, "bell\x07"])
async def test_a_code_that_is_none_is_refused(site: Site, code: str) -> None:
    """R19, R28."""
    home = await site.home()
    async with site.refused(Code.INVALID) as refusal:
        await put_code(site, home, code)
    assert refusal[0].field == ("code",)


async def test_an_archived_home_takes_no_code(site: Site) -> None:
    """R28."""
    home = await site.home(archived_at=await site.soon(0))
    async with site.refused(Code.CONFLICT):
        await put_code(site, home)


async def test_the_code_is_in_no_table_event_audit_receipt_task_or_message(site: Site) -> None:
    """R4: whoever takes the whole database has no code; nor is it in the text of what is passed around."""
    cleaner, _, job, home = await a_shift(site)
    await site.do(site.town.owner, codes.set_access_code, codes.SetAccessCode(home, CODE), key="again")
    await site.do(cleaner, codes.reveal_access_code, codes.RevealAccessCode(job), key="again")
    for view in await views(site, home):
        await site.do(Actor.system(site.town.tenant), notify_access_code, NotifyAccessCode(view["id"]))

    everything = await everything_written(site)
    for form in (CODE, CODE.encode().hex(), base64.b64encode(CODE.encode()).decode(), "4711#", "Blumentopf"):
        assert form not in everything
    assert "4711" not in repr(codes.SetAccessCode(home, CODE))
    assert "4711" not in repr(codes.AccessCodeShown(new_id(), CODE))


async def test_a_code_sealed_for_one_home_does_not_open_as_anothers(site: Site) -> None:
    """R28: moved by somebody who can write to the database, it is noise, and the request fails."""
    cleaner, _, job, home = await a_shift(site)
    await put_code(site, await site.home(customer_id=(await site.row("property", home))["customer_id"]), "elsewhere")
    await site.world.root.execute(
        """update access_code a set sealed = (select b.sealed from access_code b
            where b.tenant_id = a.tenant_id and b.property_id <> a.property_id) where a.property_id = $1""",
        home,
    )
    with pytest.raises(SealBroken):
        await reveal(site, cleaner, job)
    assert await views(site, home) == []


async def test_each_customer_has_a_key_of_their_own(site: Site) -> None:
    """R28: two homes of one customer share it, those of another have another."""
    first, second = await site.home(), await site.home()
    for home in (first, second):
        await put_code(site, home)
    kept = await site.world.root.fetch("select * from subject_key where tenant_id = $1", site.town.tenant)
    assert {row["subject_id"] for row in kept} == {
        (await site.row("property", home))["customer_id"] for home in (first, second)
    }
    assert len({bytes(row["wrapped"]) for row in kept}) == 2


async def test_once_the_customers_key_is_destroyed_nobody_can_read_the_code_again(site: Site) -> None:
    """R28: what is left in the table, in a dump and in a copy put back is noise; no new code can be set."""
    cleaner, _, job, home = await a_shift(site)
    stolen = await site.value("select sealed from access_code where property_id = $1", home)
    customer = (await site.row("property", home))["customer_id"]
    system = Actor.system(site.town.tenant)

    await site.do(system, destroy_subject_key, DestroySubjectKey(customer))
    await site.do(system, destroy_subject_key, DestroySubjectKey(customer))

    assert bytes(stolen) == bytes(await site.value("select sealed from access_code where property_id = $1", home))
    for who in (cleaner, site.town.owner):
        async with site.refused(Code.NOT_FOUND):
            await reveal(site, who, job)
    async with site.refused(Code.CONFLICT):
        await put_code(site, home)
    assert await site.value("select wrapped from subject_key where subject_id = $1", customer) is None


async def test_a_key_destroyed_before_there_was_one_is_never_made(site: Site) -> None:
    """R28: who has asked to be erased gets no new secrets kept by mistake."""
    home = await site.home()
    customer = (await site.row("property", home))["customer_id"]
    await site.do(Actor.system(site.town.tenant), destroy_subject_key, DestroySubjectKey(customer))
    async with site.refused(Code.CONFLICT):
        await put_code(site, home)


async def test_whoever_was_shown_a_code_is_told_and_of_the_offices_looks_its_admins(site: Site) -> None:
    """R28: in case it was somebody else; once a look, however often the task runs."""
    cleaner, _, job, home = await a_shift(site)
    dispatcher = await site.town.dispatcher()
    for who in (cleaner, dispatcher):
        await reveal(site, who, job)
    for view in (await views(site, home)) * 2:
        await site.do(Actor.system(site.town.tenant), notify_access_code, NotifyAccessCode(view["id"]))

    told = await site.world.root.fetch(
        "select * from notification where tenant_id = $1 and kind = 'ACCESS_CODE_SHOWN'", site.town.tenant
    )
    by_whom = sorted((row["person_id"], row["channel"]) for row in told)
    assert by_whom == sorted(
        [
            (cleaner.person, "PUSH"),
            (cleaner.person, "EMAIL"),
            (dispatcher.person, "EMAIL"),
            (site.town.owner.person, "EMAIL"),
        ]
    )
    assert all("If this was not you" in json.loads(row["content"])["body"] for row in told)


async def test_over_the_api_the_code_is_in_one_answer_and_in_no_other(api: Api, site: Site) -> None:
    """R4, R28, R20: the office sees that there is one, and who has looked; nobody reads it by a query."""
    cleaner, _, job, home = await a_shift(site)
    asked = {"jobId": gid("Job", job)}
    for who in (cleaner, site.town.owner):
        shown = await api.do(who, "revealAccessCode", asked, "accessCode")
        assert shown == {"accessCode": CODE, "errors": []}
    refused = await api.do(await site.town.cleaner(), "revealAccessCode", asked, "accessCode")
    assert (refused["accessCode"], refused["errors"][0]["code"]) == (None, "NOT_FOUND")

    query = """query ($id: ID!) { property(id: $id) { hasAccessCode
        accessCodeViews { at viewerId viewerName viewerRole job { id } } } }"""
    seen = (await api.data(site.town.owner, query, id=gid("Property", home)))["property"]
    assert seen["hasAccessCode"] is True
    names = [(one["viewerRole"], one["viewerId"], one["job"]["id"]) for one in seen["accessCodeViews"]]
    assert names == [
        ("OWNER", gid("Staff", site.town.owner.person), gid("Job", job)),
        ("CLEANER", gid("Cleaner", cleaner.person), gid("Job", job)),
    ]
    assert all(one["viewerName"] for one in seen["accessCodeViews"])
    hidden = await api.ask(cleaner, query, id=gid("Property", home))
    assert hidden["data"]["property"] == {"hasAccessCode": None, "accessCodeViews": None}
    assert {error["extensions"]["code"] for error in hidden["errors"]} == {"FORBIDDEN"}
    nothing = await api.data(site.other.owner, query, id=gid("Property", home))
    assert nothing == {"property": None}


async def test_a_customer_and_an_integrator_may_not_ask_at_all(site: Site) -> None:
    """R20, R28."""
    _, _, job, _ = await a_shift(site)
    for role in (Role.CUSTOMER, Role.INTEGRATOR, Role.OPS):
        with pytest.raises(Forbidden):
            await reveal(site, Actor(site.town.tenant, role, new_id(), new_id()), job)
