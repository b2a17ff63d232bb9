"""The naive answer: every visible row in Python, one function a field, filters and pages by hand.

Shares nothing with the engine but the contract's text and the database.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLResolveInfo, build_schema, graphql_sync

from domain.actors import Actor
from tests.engine import toy

Row = dict[str, Any]
TYPES = {"market": "Market", "cleaner": "Cleaner", "home": "Home", "job": "Job", "shift": "Shift", "swap": "Swap"}
NOW = datetime.fromisoformat(toy.NOW)


async def visible_rows(pool: Any, actor: Actor) -> dict[str, list[Row]]:
    """Every row that row-level security shows this actor, fetched table by table."""
    async with pool.acquire() as connection, connection.transaction():
        stamp = (str(actor.tenant), str(actor.person), str(actor.role), str(actor.session))
        await connection.execute(toy.STAMP_ALONE, *stamp)
        return {
            name: [dict(row) | {"_table": name} for row in await connection.fetch(f"SELECT * FROM {name}")]
            for name in TYPES
        }


class Oracle:
    """Answers operations for one actor from all rows that the actor may see."""

    def __init__(self, sdl: str, rows: dict[str, list[Row]], actor: Actor) -> None:
        self.schema = build_schema(sdl)
        self.rows, self.actor = rows, actor
        self.by_id = {row["id"]: row for table in rows.values() for row in table}

    def execute(self, text: str, variables: dict[str, Any]) -> ExecutionResult:
        return graphql_sync(
            self.schema,
            text,
            {},
            variable_values=variables,
            field_resolver=self.resolve,
            type_resolver=lambda value, *_: TYPES[value["_table"]],
        )

    def resolve(self, source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        name = f"{info.parent_type.name.lower()}_{snake(info.field_name)}"
        special: Callable[..., Any] | None = getattr(self, name, None)
        if special is not None:
            return special(source, **arguments)
        return printed(source[snake(info.field_name)]) if info.field_name != "id" else global_id(source)

    # The root.
    def query_version(self, _source: Any) -> str:
        return "toy"

    def query_viewer(self, _source: Any) -> Row:
        return {"role": str(self.actor.role)}

    def viewer_me(self, _source: Any) -> Row | None:
        return self.find("cleaner", self.actor.person)

    def query_node(self, _source: Any, id: str) -> Row | None:
        table, key = parsed(id, *TYPES.values())
        return self.find(table, key)

    def query_nodes(self, _source: Any, ids: list[str]) -> list[Row | None]:
        return [self.find(*parsed(text, *TYPES.values())) for text in ids]

    def query_job(self, _source: Any, id: str) -> Row | None:
        return self.find("job", parsed(id, "Job")[1])

    def query_swaps(self, _source: Any, **arguments: Any) -> Row:
        return self.swap_page(self.rows["swap"], arguments)

    def query_my_swaps(self, _source: Any, **arguments: Any) -> Row:
        least = arguments.pop("atLeast", None)
        rows = [row for row in self.rows["swap"] if row["owner_id"] == self.actor.person]
        return self.swap_page([row for row in rows if least is None or len(row["status"]) >= least], arguments)

    def query_jobs(self, _source: Any, **arguments: Any) -> Row:
        return self.job_page(self.rows["job"], arguments)

    def query_cleaners(self, _source: Any, **arguments: Any) -> Row:
        return page(self.rows["cleaner"], arguments, "id", lambda row: row["id"])

    def query_markets(self, _source: Any) -> list[Row]:
        return sorted(self.rows["market"], key=lambda row: row["id"])

    # Relations.
    def market_cleaners(self, source: Row, **arguments: Any) -> Row:
        return page(self.of("cleaner", "market_id", source), arguments, "id", lambda row: row["id"])

    def market_homes(self, source: Row) -> list[Row]:
        return sorted(self.of("home", "market_id", source), key=lambda row: row["id"])

    def market_zone(self, source: Row) -> Any:
        return self.for_roles(source["zone"], "owner", "dispatcher")

    def cleaner_market(self, source: Row) -> Row | None:
        return self.find("market", source["market_id"])

    def cleaner_shifts(self, source: Row, **arguments: Any) -> Row:
        return page(self.of("shift", "cleaner_id", source), arguments, "id", lambda row: row["id"])

    def cleaner_owned(self, source: Row, **arguments: Any) -> Row:
        return self.swap_page(self.of("swap", "owner_id", source), arguments)

    def cleaner_is_me(self, source: Row) -> bool:
        return bool(source["id"] == self.actor.person)

    def cleaner_email(self, source: Row) -> Any:
        return source["email"] if self.actor.role == "owner" or source["id"] == self.actor.person else None

    def home_market(self, source: Row) -> Row | None:
        return self.find("market", source["market_id"])

    def home_jobs(self, source: Row, **arguments: Any) -> Row:
        return self.job_page(self.of("job", "home_id", source), arguments)

    def home_facts(self, source: Row) -> Any:
        return json.loads(source["facts"]) if source["facts"] is not None else None

    def job_home(self, source: Row) -> Row | None:
        return self.find("home", source["home_id"])

    def job_status(self, source: Row) -> str:
        return str(source["status"]).upper()

    def job_ends_at(self, source: Row) -> str:
        return (source["starts_at"] + timedelta(minutes=source["cents"] % 100)).isoformat()

    def job_shifts(self, source: Row) -> list[Row]:
        rows = self.of("shift", "job_id", source)
        return sorted(rows, key=lambda row: (row["place"], row["id"]), reverse=True)[:3]

    def job_swaps(self, source: Row, **arguments: Any) -> Row:
        return self.swap_page(self.of("swap", "job_id", source), arguments)

    def shift_job(self, source: Row) -> Row | None:
        return self.find("job", source["job_id"])

    def shift_cleaner(self, source: Row) -> Row | None:
        return self.find("cleaner", source["cleaner_id"])

    def swap_status(self, source: Row) -> str:
        return str(source["status"]).upper()

    def swap_job(self, source: Row) -> Row | None:
        return self.find("job", source["job_id"])

    def swap_owner(self, source: Row) -> Row | None:
        return self.find("cleaner", source["owner_id"])

    def swap_taker(self, source: Row) -> Row | None:
        return self.find("cleaner", source["taker_id"])

    def swap_job_starts_at(self, source: Row) -> Any:
        found = self.find("job", source["job_id"])
        return printed(found["starts_at"]) if found else None

    def swap_secret(self, source: Row) -> Any:
        return self.for_roles(f"secret of {source['status']}", "owner")

    def swap_mine(self, source: Row) -> Any:
        return source["note"] if self.actor.role == "owner" or source["owner_id"] == self.actor.person else None

    def swap_can_take(self, source: Row) -> Row:
        reasons = []
        me, found = self.find("cleaner", self.actor.person), self.find("job", source["job_id"])
        if me is None:
            reasons.append({"code": "NOT_A_CLEANER", "message": "You are no cleaner."})
        elif me["id"] == source["owner_id"]:
            reasons.append({"code": "OWN_SHIFT", "message": "This is your own shift."})
        if found is None:
            raise AssertionError("a swap of a job that cannot be seen")
        if found["starts_at"] < NOW:
            reasons.append({"code": "TOO_LATE", "message": f"It began {found['starts_at']:%d %b}."})
        return {"ok": not reasons, "reasons": reasons, "since": source["created_at"]}

    # Tools.
    def find(self, table: str, key: UUID | None) -> Row | None:
        row = self.by_id.get(key)
        return row if row is not None and row["_table"] == table else None

    def of(self, table: str, column: str, parent: Row) -> list[Row]:
        return [row for row in self.rows[table] if row[column] == parent["id"]]

    def for_roles(self, value: Any, *roles: str) -> Any:
        if self.actor.role not in roles:
            raise refused("FORBIDDEN")
        return value

    def swap_page(self, rows: list[Row], arguments: Row) -> Row:
        chosen = arguments.pop("filter", None) or {}
        for name, kind in (("jobId", "Job"), ("ownerId", "Cleaner"), ("market", "Market")):
            given = chosen.get(name)
            for text in given if isinstance(given, list) else [given] if given is not None else []:
                parsed(text, kind)
        rows = [row for row in rows if self.swap_fits(row, chosen)]
        orders: dict[str, tuple[str, Callable[[Row], Any]]] = {
            "NEWEST": ("created_at desc", lambda row: row["created_at"]),
            "OLDEST": ("created_at", lambda row: row["created_at"]),
            "BY_START": ("job_starts_at", lambda row: self.by_id[row["job_id"]]["starts_at"]),
            "BY_STATUS": ("status desc", lambda row: row["status"]),
        }
        return page(rows, arguments, *orders[arguments.pop("orderBy", None) or "NEWEST"])

    def swap_fits(self, row: Row, chosen: Row) -> bool:
        tests: dict[str, Callable[[Any], bool]] = {
            "status": lambda value: row["status"] == value.lower(),
            "statuses": lambda value: row["status"] in [item.lower() for item in value],
            "jobId": lambda value: row["job_id"] == parsed(value, "Job")[1],
            "ownerId": lambda value: row["owner_id"] in [parsed(item, "Cleaner")[1] for item in value],
            "createdAtFrom": lambda value: row["created_at"] >= datetime.fromisoformat(value),
            "createdAtBefore": lambda value: row["created_at"] < datetime.fromisoformat(value),
            "says": lambda value: value.lower() in (row["note"] or "").lower() if row["note"] is not None else False,
            "market": lambda value: self.market_of(row) == parsed(value, "Market")[1],
        }
        return all(tests[name](value) for name, value in chosen.items() if value is not None)

    def market_of(self, row: Row) -> UUID | None:
        found = self.find("job", row["job_id"])
        return self.by_id[found["home_id"]]["market_id"] if found else None

    def job_page(self, rows: list[Row], arguments: Row) -> Row:
        chosen = arguments.pop("filter", None) or {}
        tests: dict[str, Callable[[Row, Any], bool]] = {
            "urgent": lambda row, value: row["urgent"] is value,
            "centsFrom": lambda row, value: row["cents"] >= value,
            "note": lambda row, value: row["note"] == value,
        }
        rows = [
            row for row in rows if all(tests[name](row, value) for name, value in chosen.items() if value is not None)
        ]
        orders: dict[str, tuple[str, Callable[[Row], Any]]] = {
            "SOONEST": ("starts_at", lambda row: row["starts_at"]),
            "DEAREST": ("cents desc", lambda row: row["cents"]),
        }
        return page(rows, arguments, *orders[arguments.pop("orderBy", None) or "SOONEST"])


def page(rows: list[Row], arguments: Row, order: str, key: Callable[[Row], Any]) -> Row:
    """A page by sorting everything and cutting: cursors are compared as Python tuples."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise refused("INVALID")
    size = first if last is None else last
    size = 20 if size is None else size
    if not 1 <= size <= 100:
        raise refused("INVALID")
    ordered = sorted(rows, key=lambda row: (key(row), row["id"]), reverse=order.endswith(" desc"))
    total = len(ordered)
    after, before = arguments.get("after"), arguments.get("before")
    down = order.endswith(" desc")
    if after is not None:
        place = opened(after, order)
        ordered = [row for row in ordered if ((key(row), row["id"]) < place if down else (key(row), row["id"]) > place)]
    if before is not None:
        place = opened(before, order)
        ordered = [row for row in ordered if ((key(row), row["id"]) > place if down else (key(row), row["id"]) < place)]
    cut = ordered[-size:] if last is not None else ordered[:size]
    more = len(ordered) > size
    edges = [{"cursor": cursor(order, key(row), row["id"]), "node": row} for row in cut]
    return {
        "edges": edges,
        "nodes": cut,
        "total_count": total,
        "page_info": {
            "has_next_page": before is not None if last is not None else more,
            "has_previous_page": more if last is not None else after is not None,
            "start_cursor": edges[0]["cursor"] if edges else None,
            "end_cursor": edges[-1]["cursor"] if edges else None,
        },
    }


def cursor(order: str, key: Any, row_id: UUID) -> str:
    text = key.astimezone(UTC).replace(tzinfo=None).isoformat() if isinstance(key, datetime) else key
    if isinstance(text, str) and "." in text and isinstance(key, datetime):
        text = text.rstrip("0")
    return base64.urlsafe_b64encode(
        orjson.dumps([order, str(text) if isinstance(key, UUID) else text, str(row_id)])
    ).decode()


def opened(text: str, order: str) -> tuple[Any, UUID]:
    """The place that a cursor names; refused unless it names this order."""
    try:
        tag, key, row_id = json.loads(base64.urlsafe_b64decode(text))
        place = UUID(row_id)
        if order.startswith(("created_at", "starts_at", "job_starts_at")):
            key = datetime.fromisoformat(key).replace(tzinfo=UTC)
        elif order == "id":
            key = UUID(key)
    except (ValueError, TypeError, AttributeError):
        raise refused("INVALID") from None
    if tag != order:
        raise refused("INVALID")
    return key, place


def parsed(text: str, *types: str) -> tuple[str, UUID]:
    try:
        name, key = base64.b64decode(text, altchars=b"-_", validate=True).decode().split(":")
        found = UUID(key)
    except ValueError:
        raise refused("INVALID_ID") from None
    if name not in types:
        raise refused("INVALID_ID")
    return name.lower(), found


def global_id(row: Row) -> str:
    return base64.urlsafe_b64encode(f"{TYPES[row['_table']]}:{row['id']}".encode()).decode()


def printed(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def refused(code: str) -> GraphQLError:
    return GraphQLError("Refused.", extensions={"code": code})


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
