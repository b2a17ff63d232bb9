"""Customers, homes, jobs and who does them, over HTTP (R22, R25, R26, R31, R32, R70 to R76, A16, A17, A22, A28)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from db.ids import new_id
from domain.actors import Actor, TenantId
from domain.scheduling import Skill
from tests.product.planting import Garden
from tests.product.world import Api, Town, World, gid, invitation, ops

JOB = "job { id status isUrgent startsAt endsAt expectedHours version canceledAt }"
Refusal = list[tuple[str, list[str]]]


def refusal(answer: Any) -> Refusal:
    """What a mutation was refused for, by code and field; the entity is null."""
    entity = next(value for name, value in answer.items() if name != "errors")
    assert entity is None
    return [(error["code"], error["field"]) for error in answer["errors"]]


def job_form(home: Any, start: datetime, hours: str = "3", **more: Any) -> dict[str, Any]:
    return {"propertyId": gid("Property", home), "startsAt": start.isoformat(), "expectedHours": hours, **more}


async def both(town: Town, other: Town) -> tuple[dict[str, int], dict[str, int]]:
    """All that was written in both businesses."""
    return await town.world.trace(town.tenant), await town.world.trace(other.tenant)


async def events(town: Town, type: str, id: Any = None) -> int:
    where = f"type = '{type}'" + (f" and entity_id = '{id}'" if id else "")
    return await town.world.count("event", town.tenant, where)


async def test_a_job_is_planned_with_its_end_and_nobody_on_it(api: Api, town: Town, other: Town) -> None:
    """R70, R71, R76: for owner and dispatcher alike; one event, one audit line."""
    home, start = await town.home(), await town.day(3)
    elsewhere = await town.world.trace(other.tenant)

    for who in (town.owner, await town.dispatcher()):
        made = await api.do(who, "createJob", job_form(home, start, "2.25"), JOB + " ")
        job = made["job"]
        assert (job["status"], job["isUrgent"], job["version"], made["errors"]) == ("UNASSIGNED", False, 1, [])
        assert datetime.fromisoformat(job["endsAt"]) - datetime.fromisoformat(job["startsAt"]) == timedelta(hours=2.25)

    assert await events(town, "JobCreated") == 2
    assert await town.world.count("audit", town.tenant, "action = 'create_job'") == 2
    assert await town.world.trace(other.tenant) == elsewhere


async def test_a_job_that_a_client_keeps_is_its_own_copy_and_is_known_to_be_stale(
    api: Api, town: Town, other: Town
) -> None:
    """R191: nothing between server and client keeps an answer; a copy's `version` is the newest one's, or it is old."""
    made = await api.do(town.owner, "createJob", job_form(await town.home(), await town.day(3)), JOB)
    kept, query = made["job"], "query ($id: ID!) { job(id: $id) { version instructions } }"
    await api.do(town.owner, "updateJob", {"jobId": kept["id"], "instructions": "Ring twice."}, JOB)

    answer = await api.post(query, {"id": kept["id"]}, town.world.token(town.owner))

    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["data"]["job"] == {"version": kept["version"] + 1, "instructions": "Ring twice."}


@pytest.mark.parametrize(
    ("ahead", "flag", "urgent"),
    [
        (timedelta(hours=23, minutes=59), {}, True),
        (timedelta(hours=24, minutes=1), {}, False),
        (timedelta(days=9), {"isUrgent": True}, True),
    ],
)
async def test_a_job_less_than_a_day_away_is_urgent_by_itself(
    api: Api, town: Town, other: Town, ahead: timedelta, flag: dict[str, Any], urgent: bool
) -> None:
    """R75, A22."""
    start = await town.world.now(town.tenant) + ahead

    made = await api.do(town.owner, "createJob", job_form(await town.home(), start, **flag), JOB)

    assert made["job"]["isUrgent"] is urgent


async def test_a_job_that_is_re_opened_late_becomes_urgent(api: Api, town: Town, other: Town) -> None:
    """A22: its only cleaner is taken off less than a day before the start."""
    start = await town.day(3)
    shift = await town.shift(await town.cleaner(), start)
    await town.world.move_clock(town.tenant, start - timedelta(hours=20) - await town.world.now(town.tenant))

    freed = await api.do(town.owner, "releaseCleaner", {"assignmentId": gid("Assignment", shift)}, JOB)

    assert (freed["job"]["status"], freed["job"]["isUrgent"]) == ("UNASSIGNED", True)


async def test_past_and_absurd_dates_and_hours_are_refused(api: Api, town: Town, other: Town) -> None:
    """R19, R73: for new jobs and moved ones, each with its field; nothing is written."""
    home, job, foreign = await town.home(), await town.job(), await other.home()
    now = await town.world.now(town.tenant)
    before = await both(town, other)
    bad: list[tuple[dict[str, str], list[str]]] = [
        ({"startsAt": (now - timedelta(seconds=1)).isoformat()}, ["startsAt"]),
        ({"startsAt": "1970-01-01T00:00:00Z"}, ["startsAt"]),
        ({"startsAt": (now + timedelta(days=732)).isoformat()}, ["startsAt"]),
        ({"startsAt": "9999-12-31T23:00:00Z"}, ["startsAt"]),
        ({"expectedHours": "0"}, ["expectedHours"]),
        ({"expectedHours": "-3"}, ["expectedHours"]),
        ({"expectedHours": "24.01"}, ["expectedHours"]),
        ({"expectedHours": "1e30"}, ["expectedHours"]),
        ({"expectedHours": "1.005"}, ["expectedHours"]),
        ({"instructions": "x" * 5001}, ["instructions"]),
    ]

    for values, field in bad:
        new = await api.do(town.owner, "createJob", job_form(home, now + timedelta(days=2)) | values, JOB)
        assert refusal(new) == [("INVALID", field)], values
        moved = await api.do(town.owner, "updateJob", {"jobId": gid("Job", job), **values}, JOB)
        assert refusal(moved) == [("INVALID", field)], values
    naive = await api.ask(
        town.owner,
        "mutation ($input: CreateJobInput!) { createJob(input: $input) { job { id } errors { code field } } }",
        input=job_form(home, now) | {"startsAt": "2030-01-01T09:00:00"},
    )
    assert "errors" in naive or naive["data"]["createJob"]["errors"][0]["field"] == ["startsAt"]
    for unknown in (foreign, new_id()):
        answer = await api.do(town.owner, "createJob", job_form(unknown, now + timedelta(days=2)), JOB)
        assert refusal(answer) == [("NOT_FOUND", ["propertyId"])]

    assert await both(town, other) == before


async def test_a_cleaner_is_put_on_a_job_and_taken_off_it(api: Api, town: Town, other: Town) -> None:
    """R74: primary, backup, laundry lead; the job is assigned while somebody works on it."""
    one, two, three = await town.cleaner(), await town.cleaner(), await town.cleaner()
    job = gid("Job", await town.job())

    async def status() -> str:
        found: str = (await api.data(town.owner, "query ($id: ID!) { job(id: $id) { status } }", id=job))["job"][
            "status"
        ]
        return found

    async def put(who: Actor, role: str) -> Any:
        form = {"jobId": job, "cleanerId": gid("Cleaner", who.person), "role": role}
        return await api.do(town.owner, "assignCleaner", form, "assignment { id role releasedAt cleaner { id } }")

    backup = await put(one, "BACKUP")
    assert await status() == "UNASSIGNED"
    primary = await put(two, "PRIMARY")
    assert await status() == "ASSIGNED"
    assert refusal(await put(two, "LAUNDRY_LEAD")) == [("ALREADY_EXISTS", ["cleanerId"])]
    assert refusal(await put(three, "PRIMARY")) == [("ALREADY_EXISTS", ["role"])]
    lead = await put(three, "LAUNDRY_LEAD")
    for each, expected in ((primary, "ASSIGNED"), (lead, "UNASSIGNED"), (backup, "UNASSIGNED")):
        freed = await api.do(town.owner, "releaseCleaner", {"assignmentId": each["assignment"]["id"]}, "job { status }")
        assert freed == {"job": {"status": expected}, "errors": []}
    before = await both(town, other)
    again = await api.do(town.owner, "releaseCleaner", {"assignmentId": primary["assignment"]["id"]}, "job { id }")

    assert refusal(again) == [("CONFLICT", ["assignmentId"])]
    assert await both(town, other) == before
    assert (await events(town, "CleanerAssigned"), await events(town, "CleanerReleased")) == (3, 3)
    assert await town.world.count("assignment", town.tenant, "released_at is not null") == 3


async def test_only_who_can_do_the_work_is_put_on_a_job(api: Api, town: Town, other: Town) -> None:
    """R74, R80: skills, market, onboarding, one place at a time, one's own business; nothing is written."""
    busy, stranger = await town.cleaner(Skill.HOT_TUB), await other.cleaner()
    start = await town.day(3)
    await town.shift(busy, start)
    plain, tub = await town.job(start + timedelta(hours=2)), await town.job(start, home=await town.home(hot_tub=True))
    unskilled = await town.cleaner()
    made = await api.do(
        town.owner, "createCleaner", {"name": "New", "marketIds": [gid("Market", town.market)]}, "cleaner { id }"
    )
    far = await api.do(town.owner, "createMarket", {"name": "Tampa", "zone": "America/New_York"}, "market { id }")
    away = await town.cleaner()
    form = {"cleanerId": gid("Cleaner", away.person), "marketIds": [far["market"]["id"]]}
    await api.do(town.owner, "setCleanerMarkets", form, "cleaner { id }")
    before = await both(town, other)

    async def refused(job: Any, cleaner: str) -> Refusal:
        form = {"jobId": gid("Job", job), "cleanerId": cleaner}
        return refusal(await api.do(town.owner, "assignCleaner", form, "assignment { id }"))

    assert await refused(plain, gid("Cleaner", busy.person)) == [("SHIFT_OVERLAP", ["cleanerId"])]
    assert await refused(tub, gid("Cleaner", unskilled.person)) == [("CONFLICT", ["cleanerId"])]
    assert await refused(plain, gid("Cleaner", away.person)) == [("CONFLICT", ["cleanerId"])]
    assert await refused(plain, made["cleaner"]["id"]) == [("CONFLICT", ["cleanerId"])]
    assert await refused(plain, gid("Cleaner", stranger.person)) == [("NOT_FOUND", ["cleanerId"])]
    assert await refused(await other.job(), gid("Cleaner", busy.person)) == [("NOT_FOUND", ["jobId"])]
    assert (await town.world.trace(town.tenant)) == before[0]


async def test_a_moved_job_takes_its_assignments_and_swaps_along(api: Api, town: Town, other: Town) -> None:
    """R76, A27: the copies of its time follow, the swap expires at the new time, the market hears of it."""
    cleaner = await town.cleaner()
    swap = await town.offer(cleaner)
    job = await town.world.root.fetchval("select job_id from swap where id = $1", swap)
    start = await town.day(5, 16)

    form = {"jobId": gid("Job", job), "startsAt": start.isoformat(), "expectedHours": "4"}
    moved = await api.do(town.owner, "updateJob", form, JOB)

    assert (moved["errors"], moved["job"]["version"]) == ([], 3)
    times = await town.world.root.fetchrow(
        """select a.starts_at, a.ends_at, s.expires_at from assignment a join swap s on s.assignment_id = a.id
        where s.id = $1""",
        swap,
    )
    assert tuple(times) == (start, start + timedelta(hours=4), start - timedelta(hours=2))
    assert (await events(town, "JobChanged", job), await events(town, "SwapChanged", swap)) == (1, 1)


async def test_a_move_onto_another_shift_of_its_cleaner_is_refused(api: Api, town: Town, other: Town) -> None:
    """The schema's own wall: nobody is in two places; nothing is written. Back to back is fine."""
    cleaner, start = await town.cleaner(), await town.day(3)
    await town.shift(cleaner, start)
    second = await town.shift(cleaner, start + timedelta(hours=6))
    job = gid("Job", await town.world.root.fetchval("select job_id from assignment where id = $1", second))
    before = await both(town, other)

    clash = {"jobId": job, "startsAt": (start + timedelta(hours=2, minutes=59)).isoformat()}
    assert refusal(await api.do(town.owner, "updateJob", clash, JOB)) == [("SHIFT_OVERLAP", ["cleanerId"])]

    assert await both(town, other) == before
    touching = {"jobId": job, "startsAt": (start + timedelta(hours=3)).isoformat()}
    assert (await api.do(town.owner, "updateJob", touching, JOB))["errors"] == []


async def test_a_canceled_job_leaves_nobody_on_it_and_nothing_on_the_market(api: Api, town: Town, other: Town) -> None:
    """A16, A17: its swaps are withdrawn, its people are told by name, the rows stay, and it can be read."""
    cleaner = await town.cleaner()
    swap = await town.offer(cleaner)
    job = await town.world.root.fetchval("select job_id from swap where id = $1", swap)

    done = await api.do(town.owner, "cancelJob", {"jobId": gid("Job", job), "reason": "flooded"}, JOB)

    assert (done["job"]["status"], done["errors"]) == ("CANCELED", [])
    assert done["job"]["canceledAt"] is not None
    root = town.world.root
    assert await root.fetchval("select status from swap where id = $1", swap) == "WITHDRAWN"
    assert (
        await root.fetchval("select count(*) from assignment where job_id = $1 and released_at is not null", job) == 1
    )
    people = "select payload -> 'people' ->> 0 from event where type = $1 and tenant_id = $2"
    for type in ("JobCanceled", "SwapWithdrawn"):
        assert await root.fetchval(people, type, town.tenant) == str(cleaner.person)
    assert (
        await root.fetchval(
            "select reason from audit where action = 'cancel_job' and entity = 'Job' and tenant_id = $1", town.tenant
        )
        == "flooded"
    )
    assert await town.world.count("task", town.tenant, "payload ->> 'event' = 'SwapWithdrawn'") == 1
    history = await api.data(cleaner, "query ($id: ID!) { job(id: $id) { status } }", id=gid("Job", job))
    assert history["job"] == {"status": "CANCELED"}


@pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED", "CANCELED", "NO_SHOW"])
async def test_an_illegal_transition_is_refused_typed(api: Api, town: Town, other: Town, status: str) -> None:
    """R71, R73, A17: with the state and what is possible; nothing is written."""
    cleaner, colleague = await town.cleaner(), await town.cleaner()
    shift = await town.shift(cleaner)
    job = await town.world.root.fetchval("select job_id from assignment where id = $1", shift)
    await town.world.root.execute("update job set status = $2 where id = $1", job, status)
    before = await both(town, other)
    cancelable = status in {"IN_PROGRESS", "NO_SHOW"}

    assign = {"jobId": gid("Job", job), "cleanerId": gid("Cleaner", colleague.person), "role": "BACKUP"}
    moves = {
        "updateJob": ({"jobId": gid("Job", job), "instructions": "late"}, JOB),
        "assignCleaner": (assign, "assignment { id }"),
        "releaseCleaner": ({"assignmentId": gid("Assignment", shift)}, JOB),
    }
    # Help may be sent to a job that runs, and who did not come may be replaced.
    possible = {"IN_PROGRESS": {"assignCleaner"}, "NO_SHOW": {"assignCleaner", "releaseCleaner"}}
    refused = moves.keys() - possible.get(status, set())
    answers = [await api.do(town.owner, name, *moves[name]) for name in sorted(refused)]

    assert [refusal(answer)[0][0] for answer in answers] == ["CONFLICT"] * len(refused)
    if not cancelable:
        form = {"jobId": gid("Job", job), "reason": "no"}
        answer = await api.do(town.owner, "cancelJob", form, JOB + " more: errors { details }")
        assert [error["code"] for error in answer["errors"]] == ["ILLEGAL_TRANSITION"]
        assert answer["more"][0]["details"] == {"from": status, "to": "CANCELED", "allowed": []}
    assert await both(town, other) == before


async def test_who_has_read_an_old_version_changes_nothing(api: Api, town: Town, other: Town) -> None:
    """A28: CONFLICT for jobs, customers and homes."""
    home, job = await town.home(), await town.job()
    customer = await town.world.root.fetchval("select customer_id from property where id = $1", home)
    cases = [
        ("updateJob", {"jobId": gid("Job", job), "instructions": "new"}, "job"),
        ("updateCustomer", {"customerId": gid("Customer", customer), "name": "New"}, "customer"),
        ("updateProperty", {"propertyId": gid("Property", home), "notes": "new"}, "property"),
    ]

    for mutation, form, entity in cases:
        done = await api.do(town.owner, mutation, {**form, "expectedVersion": 1}, f"{entity} {{ version }}")
        assert done == {entity: {"version": 2}, "errors": []}
        before = await both(town, other)
        stale = await api.do(town.owner, mutation, {**form, "expectedVersion": 1}, f"{entity} {{ version }}")
        assert refusal(stale) == [("CONFLICT", ["expectedVersion"])]
        assert await both(town, other) == before


async def test_a_changed_home_changes_the_cards_of_its_offered_shifts(api: Api, town: Town, other: Town) -> None:
    """R26, R31, R32: SwapChanged with the new card for pending swaps alone."""
    garden = Garden(town, await town.home())
    owner = await town.cleaner()
    monday = await garden.monday()
    pending = await garden.swap(owner, monday)
    closed = await garden.swap(owner, monday + timedelta(days=1))
    await town.world.run(owner, *_withdrawal(closed.swap))

    form = {"propertyId": gid("Property", garden.home), "hotTub": True, "laundry": "OFF_SITE", "laundryLoads": 2}
    changed = await api.do(
        town.owner, "updateProperty", form, "property { hotTub laundry laundryLoads requiredSkills }"
    )

    assert changed["property"] == {
        "hotTub": True,
        "laundry": "OFF_SITE",
        "laundryLoads": 2,
        "requiredSkills": changed["property"]["requiredSkills"],
    }
    assert sorted(changed["property"]["requiredSkills"]) == ["HOT_TUB", "LAUNDRY"]
    assert (await events(town, "SwapChanged", pending.swap), await events(town, "SwapChanged", closed.swap)) == (1, 0)
    card = "select payload -> 'card' ->> 'hot_tub' from event where type = 'SwapChanged' and entity_id = $1"
    assert await town.world.root.fetchval(card, pending.swap) == "true"


def _withdrawal(swap: Any) -> tuple[Any, Any]:
    from services import swaps

    return swaps.withdraw_swap, swaps.WithdrawSwap(swap)


async def test_customers_and_homes_are_kept_and_archived_by_the_office(api: Api, town: Town, other: Town) -> None:
    """R22, R25, R26: created, changed, found; archived with the homes, but not while work is still to be done."""
    form = {"name": "Ann Customer", "email": "Ann@Example.com", "phone": "+1 305 555 0100"}
    made = await api.do(town.owner, "createCustomer", form, "customer { id name email phone archivedAt }")
    customer = made["customer"]
    assert (customer["email"], customer["phone"]) == ("ann@example.com", "+13055550100")
    home = await api.do(
        town.owner, "createProperty", _home(customer["id"], town), "property { id address customer { id } }"
    )
    assert home["property"]["customer"] == {"id": customer["id"]}
    job_input = {
        "propertyId": home["property"]["id"],
        "startsAt": (await town.day(3)).isoformat(),
        "expectedHours": "3",
    }
    job = (await api.do(town.owner, "createJob", job_input, "job { id }"))["job"]
    before = await both(town, other)

    for mutation, field, id in (
        ("archiveProperty", "propertyId", home["property"]["id"]),
        ("archiveCustomer", "customerId", customer["id"]),
    ):
        entity = field.removesuffix("Id")
        refused = await api.do(town.owner, mutation, {field: id}, f"{entity} {{ id }}")
        assert refusal(refused) == [("CONFLICT", [field])]
        assert refusal(await api.do(other.owner, mutation, {field: id}, f"{entity} {{ id }}")) == [
            ("NOT_FOUND", [field])
        ]
    assert await both(town, other) == before

    await api.do(town.owner, "cancelJob", {"jobId": job["id"], "reason": "moved away"}, "job { id }")
    gone = await api.do(
        town.owner,
        "archiveCustomer",
        {"customerId": customer["id"]},
        "customer { archivedAt properties(first: 5) { nodes { archivedAt } } }",
    )
    assert gone["customer"]["archivedAt"] is not None
    assert [node["archivedAt"] is None for node in gone["customer"]["properties"]["nodes"]] == [False]
    before = await both(town, other)
    late = await api.do(town.owner, "createJob", job_input, "job { id }")
    assert refusal(late) == [("CONFLICT", ["propertyId"])]
    again = await api.do(town.owner, "createProperty", _home(customer["id"], town), "property { id }")
    assert refusal(again) == [("CONFLICT", ["customerId"])]
    renamed = await api.do(
        town.owner, "updateCustomer", {"customerId": customer["id"], "name": "Bo"}, "customer { id }"
    )
    assert refusal(renamed) == [("CONFLICT", ["customerId"])]
    moved = {"propertyId": home["property"]["id"], "notes": "New key"}
    assert refusal(await api.do(town.owner, "updateProperty", moved, "property { id }")) == [
        ("CONFLICT", ["propertyId"])
    ]
    assert await both(town, other) == before


async def test_an_archived_customers_homes_are_told_of_once_and_their_sessions_end(
    api: Api, town: Town, other: Town
) -> None:
    """R22, R13: by a dispatcher too; a home that was archived before stays as it was, and staff stay signed in."""
    world, dispatcher = town.world, await town.dispatcher()
    early, late = await town.home(), await town.home()
    whose = await world.root.fetchval("select customer_id from property where id = $1", late)
    await world.root.execute("update property set customer_id = $2 where id = $1", early, whose)
    await api.do(town.owner, "archiveProperty", {"propertyId": gid("Property", early)}, "property { id }")
    was = await world.root.fetchrow("select archived_at, version from property where id = $1", early)
    session = new_id()
    for tenant, id, person in ((town.tenant, session, whose), (other.tenant, new_id(), new_id())):
        await world.root.execute(
            """insert into session (tenant_id, id, person_id, role, created_at, seen_at, expires_at)
               values ($1, $2, $3, 'customer', now(), now(), now() + interval '1 day')""",
            tenant, id, person,
        )  # fmt: skip
    unknown = await api.do(dispatcher, "revokeSession", {"sessionId": gid("Session", session)}, "session { id }")
    assert refusal(unknown) == [("NOT_FOUND", ["sessionId"])]
    told = await events(town, "PropertyChanged", early)

    await api.do(dispatcher, "archiveCustomer", {"customerId": gid("Customer", whose)}, "customer { id }")

    assert await world.root.fetchrow("select archived_at, version from property where id = $1", early) == was
    assert await events(town, "PropertyChanged", early) == told
    row = await world.root.fetchrow("select archived_at, version from property where id = $1", late)
    assert (row["archived_at"] is None, row["version"]) == (False, 2)
    assert await events(town, "PropertyChanged", late) == 2
    assert await events(town, "SessionRevoked", session) == 1
    assert await world.count("session", town.tenant, "revoked_because = 'archived'") == 1
    assert await world.count("session", other.tenant, "revoked_at is not null") == 0
    await api.data(dispatcher, "{ __typename }")


async def test_a_renamed_cleaner_has_the_new_name_on_the_market(api: Api, town: Town, other: Town) -> None:
    """R23, R94: SwapChanged for their own pending swaps, and for nobody else's."""
    garden = Garden(town, await town.home())
    renamed, colleague = await town.cleaner(), await town.cleaner()
    monday = await garden.monday()
    mine = await garden.swap(renamed, monday)
    closed = await garden.swap(renamed, monday + timedelta(days=1))
    theirs = await garden.swap(colleague, monday)
    await town.world.run(renamed, *_withdrawal(closed.swap))
    elsewhere = await town.world.trace(other.tenant)
    who = {"cleanerId": gid("Cleaner", renamed.person)}

    await api.do(town.owner, "updateCleaner", {**who, "name": "Zoe"}, "cleaner { id }")
    await api.do(town.owner, "updateCleaner", {**who, "email": "zoe@example.com"}, "cleaner { id }")

    changed = [await events(town, "SwapChanged", one.swap) for one in (mine, closed, theirs)]
    assert changed == [1, 0, 0]
    card = "select payload -> 'card' ->> 'owner_name' from event where type = 'SwapChanged' and entity_id = $1"
    assert await town.world.root.fetchval(card, mine.swap) == "Zoe"
    assert await town.world.trace(other.tenant) == elsewhere


async def test_a_job_is_not_changed_by_saying_nothing(api: Api, town: Town, other: Town) -> None:
    """A28: no version, event or audit line without a change."""
    job = gid("Job", await town.job())
    before = await both(town, other)

    answer = await api.do(town.owner, "updateJob", {"jobId": job, "expectedVersion": 1}, "job { id }")

    assert refusal(answer) == [("INVALID", [])]
    assert [error["message"] for error in answer["errors"]] == ["Nothing is to be changed."]
    assert await both(town, other) == before


def _home(customer: str, town: Town, **more: Any) -> dict[str, Any]:
    return {
        "customerId": customer, "marketId": gid("Market", town.market), "name": "Beach house",
        "address": "1 Ocean Drive", "city": "Miami", "postalCode": "33139", "latitude": 25.76, "longitude": -80.19,
        "bedrooms": 3, "bathrooms": 2, "squareFeet": 2400, **more,
    }  # fmt: skip


async def test_values_that_no_home_or_customer_can_have_are_refused(api: Api, town: Town, other: Town) -> None:
    """R19, R26, R31: each with its field; nothing is written."""
    home = await town.home()
    customer = gid("Customer", await town.world.root.fetchval("select customer_id from property where id = $1", home))
    before = await both(town, other)
    for values, field in (
        ({"name": " "}, "name"),
        ({"address": "x" * 301}, "address"),
        ({"latitude": 90.1}, "latitude"),
        ({"longitude": -180.1}, "longitude"),
        ({"bedrooms": -1}, "bedrooms"),
        ({"bathrooms": 51}, "bathrooms"),
        ({"squareFeet": 0}, "squareFeet"),
        ({"laundry": "IN_UNIT"}, "laundryLoads"),
        ({"laundryLoads": 1}, "laundryLoads"),
    ):
        answer = await api.do(town.owner, "createProperty", _home(customer, town, **values), "property { id }")
        assert refusal(answer) == [("INVALID", [field])], values
    for values, field in (({"email": "no"}, "email"), ({"phone": "305"}, "phone"), ({"name": ""}, "name")):
        answer = await api.do(town.owner, "createCustomer", {"name": "Ann", **values}, "customer { id }")
        assert refusal(answer) == [("INVALID", [field])], values
    for values, field in (
        ({"customerId": gid("Customer", new_id())}, "customerId"),
        ({"marketId": gid("Market", other.market)}, "marketId"),
    ):
        answer = await api.do(town.owner, "createProperty", _home(customer, town) | values, "property { id }")
        assert refusal(answer) == [("NOT_FOUND", [field])], values
    assert await both(town, other) == before
    assert await town.world.count("property", town.tenant) == 1


async def test_a_market_that_was_given_up_takes_no_new_jobs(api: Api, town: Town, other: Town) -> None:
    """Refused while jobs are to be done there; afterwards its homes can have none."""
    market = (await api.do(town.owner, "createMarket", {"name": "Tampa", "zone": "America/New_York"}, "market { id }"))[
        "market"
    ]
    whose = (await api.do(town.owner, "createCustomer", {"name": "Ann"}, "customer { id }"))["customer"]["id"]
    form = _home(whose, town) | {"marketId": market["id"]}
    home = (await api.do(town.owner, "createProperty", form, "property { id }"))["property"]["id"]
    archived = await api.do(town.owner, "archiveMarket", {"marketId": market["id"]}, "market { archivedAt }")
    assert archived["market"]["archivedAt"] is not None
    before = await both(town, other)

    job_input = {"propertyId": home, "startsAt": (await town.day(3)).isoformat(), "expectedHours": "3"}
    assert refusal(await api.do(town.owner, "createJob", job_input, JOB)) == [("CONFLICT", ["propertyId"])]
    assert await both(town, other) == before


async def test_a_business_is_built_from_nothing_through_the_api_alone(api: Api, world: World, other: Town) -> None:
    """R8, R22, R23, R26, R70, R74: from the platform's ops to a cleaner who sees their shift."""
    elsewhere = await world.trace(other.tenant)
    slug = f"new-{new_id().hex[-10:]}"
    form = {"slug": slug, "name": "New", "ownerName": "Owner", "ownerEmail": f"o@{slug}.example", "marketName": "Miami"}
    founding = """mutation ($input: FoundBusinessInput!) { createTenant(input: $input) {
        ownerId errors { code message } } }"""
    founded = (await api.data(await ops(world), founding, input=form))["createTenant"]
    assert founded["errors"] == []
    row = await world.root.fetchrow(
        "select s.id, s.tenant_id from staff s join tenant t using (tenant_id) where slug = $1", slug
    )
    token = await invitation(world, TenantId(row["tenant_id"]), row["id"])

    asked = """mutation ($input: AcceptInviteInput!) { acceptInvite(input: $input) {
        credentials { accessToken role } errors { code message } } }"""
    entered = await api.data(None, asked, input={"token": token, "password": "correct horse battery"})
    credentials = entered["acceptInvite"]["credentials"]
    assert credentials["role"] == "OWNER"

    async def do(mutation: str, select: str, **input: Any) -> Any:
        kind = mutation[0].upper() + mutation[1:]
        query = (
            f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ {select} errors {{ code message }} }} }}"
        )
        answer = (await api.post(query, {"input": input}, credentials["accessToken"])).json()["data"][mutation]
        assert answer["errors"] == []
        return answer

    market = (await do("createMarket", "market { id }", name="Tampa", zone="America/New_York"))["market"]["id"]
    cleaner = (await do("createCleaner", "cleaner { id }", name="Cleaner", marketIds=[market]))["cleaner"]["id"]
    await do("completeOnboarding", "cleaner { id }", cleanerId=cleaner, reason="Known for years.")
    qr = (await do("issueQr", "qrToken", cleanerId=cleaner))["qrToken"]
    customer = (await do("createCustomer", "customer { id }", name="Customer"))["customer"]["id"]
    home_form = {**_home(customer, other), "marketId": market}
    home = (await do("createProperty", "property { id }", **home_form))["property"]["id"]
    start = (await other.day(3)).isoformat()
    job = (await do("createJob", "job { id status }", propertyId=home, startsAt=start, expectedHours="3"))["job"]["id"]
    put = await do("assignCleaner", "assignment { id job { status } }", jobId=job, cleanerId=cleaner)
    assert put["assignment"]["job"] == {"status": "ASSIGNED"}

    asked = "mutation ($input: SetPinInput!) { setPin(input: $input) { credentials { accessToken } errors { code } } }"
    cleaners = (await api.data(None, asked, input={"qrToken": qr, "pin": "739184"}))["setPin"]["credentials"]
    seen = await api.post("{ jobs(first: 5) { nodes { id property { address } } } }", {}, cleaners["accessToken"])

    assert seen.json()["data"]["jobs"]["nodes"] == [{"id": job, "property": {"address": "1 Ocean Drive"}}]
    assert await world.trace(other.tenant) == elsewhere
