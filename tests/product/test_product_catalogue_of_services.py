"""The catalogue of services through GraphQL (R24)."""

from tests.product.world import Api, Town, gid

SHOWN = "service { id name expectedHours description archivedAt version }"


async def test_a_service_is_offered_changed_planned_and_archived(api: Api, town: Town, other: Town) -> None:
    """R24: create, read, update, archive; a job of it takes its hours unless told."""
    made = await api.do(town.owner, "createService", {"name": "Turnover", "expectedHours": "2.5"}, SHOWN)
    service = made["service"]
    assert (service["name"], service["expectedHours"], made["errors"]) == ("Turnover", "2.50", [])

    changed = await api.do(town.owner, "updateService", {"serviceId": service["id"], "expectedHours": "3"}, SHOWN)
    assert changed["service"] == {**service, "expectedHours": "3.00", "version": 2}

    start = (await town.day(4)).isoformat()
    wish = {"propertyId": gid("Property", await town.home()), "startsAt": start, "serviceId": service["id"]}
    planned = await api.do(town.owner, "createJob", wish, "job { expectedHours service { name } }")
    assert planned["job"] == {"expectedHours": "3.00", "service": {"name": "Turnover"}}

    archived = await api.do(town.owner, "archiveService", {"serviceId": service["id"]}, SHOWN)
    assert archived["service"]["archivedAt"]
    assert (await api.data(town.owner, "{ services(filter: {isArchived: false}) { totalCount } }")) == {
        "services": {"totalCount": 0}
    }
    assert (await api.data(other.owner, "{ services { totalCount } }")) == {"services": {"totalCount": 0}}
    assert await town.world.count("event", town.tenant, "type = 'ServiceChanged'") == 3


async def test_bad_services_are_refused_and_nothing_is_written(api: Api, town: Town, other: Town) -> None:
    """R19, R24: names once, hours of this world, nobody else's services, none that is archived."""
    service = (await api.do(town.owner, "createService", {"name": "Deep", "expectedHours": "4"}, SHOWN))["service"]
    await api.do(town.owner, "archiveService", {"serviceId": service["id"]}, SHOWN)
    theirs = (await api.do(other.owner, "createService", {"name": "Deep", "expectedHours": "4"}, SHOWN))["service"]
    home, start = gid("Property", await town.home()), (await town.day(4)).isoformat()
    before = await town.world.trace(town.tenant), await town.world.count("service", town.tenant)

    for mutation, wish, code, field in (
        ("createService", {"name": "Deep", "expectedHours": "4"}, "ALREADY_EXISTS", "name"),
        ("createService", {"name": "Long", "expectedHours": "25"}, "INVALID", "expectedHours"),
        ("createService", {"name": "Fine", "expectedHours": "1.005"}, "INVALID", "expectedHours"),
        ("updateService", {"serviceId": service["id"], "name": "New"}, "CONFLICT", "serviceId"),
        ("updateService", {"serviceId": theirs["id"], "name": "New"}, "NOT_FOUND", "serviceId"),
        ("archiveService", {"serviceId": theirs["id"]}, "NOT_FOUND", "serviceId"),
    ):
        errors = (await api.do(town.owner, mutation, wish, SHOWN))["errors"]
        assert [(one["code"], one["field"]) for one in errors] == [(code, [field])]
    for wish, code, field in (
        ({}, "INVALID", "expectedHours"),
        ({"serviceId": service["id"]}, "CONFLICT", "serviceId"),
        ({"serviceId": theirs["id"]}, "NOT_FOUND", "serviceId"),
    ):
        given = {"propertyId": home, "startsAt": start, **wish}
        errors = (await api.do(town.owner, "createJob", given, "job { id }"))["errors"]
        assert [(one["code"], one["field"]) for one in errors] == [(code, [field])]

    assert (await town.world.trace(town.tenant), await town.world.count("service", town.tenant)) == before
