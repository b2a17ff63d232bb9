"""The swap market: shifts that look for somebody else, who asked for them, and standing bids (R94 to R103, A27)."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.scheduling import AssignmentRole
from domain.swaps import OPEN_SWAP_STATES, SWAP_TRANSITIONS, SwapKind, SwapOpener, SwapStatus
from models.base import (
    ACTOR,
    APP,
    CLEANER,
    DEFINER,
    OFFICE,
    Grant,
    Policy,
    at,
    belongs_to,
    metadata,
    one_of,
    protect,
    ref,
    tenant_table,
    version,
)

# The policies read only this row and the reader's own markets: a swap carries its market, owner and taker,
# so that jobs and homes can ask about swaps without PostgreSQL going round in circles.
_OPEN = f"status in ({', '.join(repr(str(each)) for each in SwapStatus if each in OPEN_SWAP_STATES)})"
_IN_OWN_MARKET = f"""exists (select from cleaner_market own where own.tenant_id = swap.tenant_id
    and own.market_id = swap.market_id and own.cleaner_id = {ACTOR})"""

swap = protect(
    tenant_table(
        "swap",
        Column("kind", Text, nullable=False),
        Column("status", Text, nullable=False),
        ref("job_id"),
        ref("assignment_id", nullable=True),
        ref("market_id"),
        ref("owner_id", nullable=True),
        ref("taker_id", nullable=True),
        ref("given_id", nullable=True),
        Column("opened_by", Text, nullable=False, server_default=text("'CLEANER'")),
        Column("role", Text, nullable=False, comment="What the taker will be on the job: the assignment's role."),
        Column("note", Text, nullable=False, server_default=text("''")),
        Column(
            "urgent_bonus",
            Boolean,
            nullable=False,
            server_default=text("false"),
            comment="Whether its taker earns the urgent bonus although the job is not urgent (A22).",
        ),
        at("opened_at"),
        at("draws_at", nullable=True, doc="When it is drawn among those who asked; null once the first takes it."),
        at("expires_at"),
        at("closed_at", nullable=True),
        version(),
        belongs_to("job_id", "job"),
        belongs_to("assignment_id", "assignment"),
        belongs_to("market_id", "market"),
        belongs_to("owner_id", "cleaner"),
        belongs_to("taker_id", "cleaner"),
        belongs_to("given_id", "assignment"),
        CheckConstraint("taker_id <> owner_id", name="not_to_oneself"),
        CheckConstraint("(owner_id is null) = (assignment_id is null)", name="owner_has_shift"),
        CheckConstraint("owner_id is not null or (opened_by = 'OFFICE' and kind = 'COVER')", name="vacancy_by_office"),
        CheckConstraint("given_id is null or (kind = 'TRADE' and taker_id is not null)", name="only_trades_give"),
        one_of("role", AssignmentRole),
        one_of("opened_by", SwapOpener),
        one_of("kind", SwapKind),
        one_of("status", SwapStatus),
        Index(
            "swap_once_pending",
            "tenant_id",
            "assignment_id",
            unique=True,
            postgresql_where=text(f"{_OPEN} and assignment_id is not null"),
        ),
        Index(
            "swap_once_vacant",
            "tenant_id",
            "job_id",
            "role",
            unique=True,
            postgresql_where=text(f"{_OPEN} and assignment_id is null"),
        ),
        Index("swap_market_feed", "tenant_id", "market_id", "status", "expires_at", "id"),
        Index("swap_by_opened", "tenant_id", "opened_at", "id"),
        Index("swap_by_job", "tenant_id", "job_id"),
        Index("swap_by_owner", "tenant_id", "owner_id", "opened_at", "id"),
        Index("swap_by_taker", "tenant_id", "taker_id", "opened_at", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("parties", "SELECT", f"{CLEANER} and (owner_id = {ACTOR} or taker_id = {ACTOR})"),
    Policy("market", "SELECT", f"{CLEANER} and status = 'PENDING' and {_IN_OWN_MARKET}"),
    Policy(
        "offer",
        "INSERT",
        f"{CLEANER} and owner_id = {ACTOR} and opened_by = 'CLEANER' and taker_id is null and status = 'PENDING'",
    ),
    Policy(
        "withdraw",
        "UPDATE",
        f"{CLEANER} and owner_id = {ACTOR} and {_OPEN}",
        check=f"{CLEANER} and owner_id = {ACTOR} and status = 'WITHDRAWN'",
    ),
    Policy(
        "accept",
        "UPDATE",
        f"{CLEANER} and status = 'PENDING' and taker_id is null and {_IN_OWN_MARKET}",
        check=f"{CLEANER} and status in ('ACCEPTED', 'AWAITING_APPROVAL') and taker_id = {ACTOR}",
    ),
    Policy(
        "give_back",
        "UPDATE",
        f"{CLEANER} and status in ('ACCEPTED', 'AWAITING_APPROVAL') and taker_id = {ACTOR}",
        check=f"{CLEANER} and status = 'RETURNED' and taker_id = {ACTOR}",
    ),
    Policy("handed_over", "SELECT", "true", to=DEFINER),
    Policy("relisted", "UPDATE", "true", to=DEFINER),
    # What a swap is about stays what it was.
    grants=(
        Grant(
            APP,
            "SELECT, INSERT, DELETE,"
            " UPDATE (status, taker_id, given_id, closed_at, draws_at, expires_at, version, note)",
        ),
    ),
)
"""One offer of a shift. Whoever changes `status` from PENDING first has won (R96).

Without an owner it is a job's vacancy, which the office opened. `given_id` is the shift that a TRADE's taker gives.
"""

_ALLOWED = ", ".join(f"'{before}>{after}'" for before, moves in SWAP_TRANSITIONS.items() for after in sorted(moves))

# Policies judge the row as it was and as it becomes, each alone; only a trigger sees both.
SWAP_KEEPS_ITS_WORD = f"""
create function swap_keeps_its_word() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
    if new.status is distinct from old.status and old.status || '>' || new.status not in ({_ALLOWED}) then
        raise exception 'a swap cannot go from % to %', old.status, new.status
            using errcode = 'check_violation', constraint = 'swap_moves';
    end if;
    if current_setting('app.role', true) = 'cleaner'
            and (new.status = old.status or old.status = 'AWAITING_APPROVAL' and new.status = 'ACCEPTED') then
        raise exception 'no party decides for the office, nor changes what is decided'
            using errcode = 'check_violation', constraint = 'swap_decided';
    end if;
    if current_setting('app.role', true) = 'cleaner' and old.draws_at is not null
            and new.status in ('ACCEPTED', 'AWAITING_APPROVAL') then
        raise exception 'a swap that is drawn is not taken by the first'
            using errcode = 'check_violation', constraint = 'swap_drawn';
    end if;
    if current_setting('app.role', true) = 'cleaner'
            and (new.expires_at, new.note, new.draws_at) is distinct from (old.expires_at, old.note, old.draws_at) then
        raise exception 'a swap''s terms are not its parties'' to change'
            using errcode = 'check_violation', constraint = 'swap_terms';
    end if;
    return new;
end
$$
"""

swap_want = protect(
    Table(
        "swap_want",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("swap_id", Uuid, primary_key=True),
        Column("assignment_id", Uuid, primary_key=True),
        belongs_to("swap_id", "swap"),
        belongs_to("assignment_id", "assignment"),
        Index("swap_want_by_shift", "tenant_id", "assignment_id", "swap_id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy(
        "of_visible_swaps",
        "SELECT",
        f"""{CLEANER} and exists (select from swap seen
            where seen.tenant_id = swap_want.tenant_id and seen.id = swap_want.swap_id)""",
    ),
    Policy(
        "named",
        "INSERT",
        f"""{CLEANER} and exists (select from swap own where own.tenant_id = swap_want.tenant_id
            and own.id = swap_want.swap_id and own.owner_id = {ACTOR} and own.status = 'PENDING')""",
    ),
    Policy("handed_over", "SELECT", "true", to=DEFINER),
    grants=(Grant(APP, "SELECT, INSERT, DELETE"),),
)
"""The shifts of which a TRADE's owner would take one (A27b)."""

swap_ask = protect(
    Table(
        "swap_ask",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("swap_id", Uuid, primary_key=True),
        Column("cleaner_id", Uuid, primary_key=True),
        at("asked_at"),
        belongs_to("swap_id", "swap"),
        belongs_to("cleaner_id", "cleaner"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "ALL", f"{CLEANER} and cleaner_id = {ACTOR}"),
    grants=(Grant(APP, "SELECT, INSERT, DELETE"),),
)
"""Who wants a shift that will be drawn."""

standing_bid = protect(
    tenant_table(
        "standing_bid",
        ref("cleaner_id"),
        ref("market_id"),
        Column("weekdays", ARRAY(SmallInteger), nullable=False, comment="1 is Monday; market-local."),
        Column("earliest_minute", Integer, nullable=False, comment="Minutes after market-local midnight."),
        Column("latest_minute", Integer, nullable=False, comment="By when the shift must have ended, likewise."),
        Column("from_day", Date),
        Column("until_day", Date),
        at("placed_at"),
        at("withdrawn_at", nullable=True),
        version(),
        belongs_to("cleaner_id", "cleaner"),
        belongs_to("market_id", "market"),
        CheckConstraint("0 <= earliest_minute and earliest_minute < latest_minute", name="hours_in_order"),
        CheckConstraint("latest_minute <= 2880", name="hours_in_reach"),
        Index("standing_bid_by_market", "tenant_id", "market_id", "cleaner_id", "id"),
        Index("standing_bid_by_cleaner", "tenant_id", "cleaner_id", "placed_at", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "ALL", f"{CLEANER} and cleaner_id = {ACTOR}"),
)
"""A cleaner's "take any of these for me"; while `withdrawn_at` is null it is entered for every shift that fits."""
