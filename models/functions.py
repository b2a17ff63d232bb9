"""The few functions that live in the database, because only there can they be trusted or be one round trip.

Across tenants: `tenant_by_slug`, `tenant_clocks` and `market_clocks`. Inside the stamped tenant: `log_append`,
`hand_over` and `crew_of_actor`. All run as the powerless role that owns them, whose own policies reach just the tables
they need; none can be called by PUBLIC.
"""

from models.base import APP, DEFINER, OPS
from models.payments import LEDGER_BALANCES
from models.swaps import SWAP_KEEPS_ITS_WORD

TENANT_BY_SLUG = """
create function tenant_by_slug(wanted text) returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select tenant_id from tenant where slug = wanted
$$
"""

MARKET_CLOCKS = """
create function market_clocks() returns table (
    tenant_id uuid, market_id uuid, zone text, window_epoch date, window_lead_days integer,
    window_deadline_hour integer, window_grace_minutes integer, created_at timestamptz, business_now timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select m.tenant_id, m.id, m.zone, m.window_epoch, m.window_lead_days,
           m.window_deadline_hour, m.window_grace_minutes, m.created_at, clock_timestamp() + t.clock_offset
    from market m join tenant t on t.tenant_id = m.tenant_id
    where m.archived_at is null
$$
"""

TENANT_CLOCKS = """
create function tenant_clocks() returns table (tenant_id uuid, business_now timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select t.tenant_id, clock_timestamp() + t.clock_offset from tenant t
$$
"""

# The head's row lock is taken here and released by the commit that follows in the same round trip, so that sequence
# numbers are dense and in commit order, and the lock is never held while a client thinks.
LOG_APPEND = """
create function log_append() returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    stamped uuid := current_setting('app.tenant_id')::uuid;
    staged jsonb := current_setting('app.staged')::jsonb;
    acting uuid := current_setting('app.actor_id')::uuid;
    acting_role text := current_setting('app.role');
    head tenant_head;
    line jsonb;
    link bytea;
    place bigint;
begin
    update tenant_head set
        seq = seq + jsonb_array_length(staged->'events'),
        audit_seq = audit_seq + jsonb_array_length(staged->'audit')
    where tenant_id = stamped returning * into strict head;

    insert into event (tenant_id, seq, type, entity, entity_id, payload, actor_id, request_id, at)
    select stamped, head.seq - jsonb_array_length(staged->'events') + place_in_write,
           row->>'type', row->>'entity', (row->>'entity_id')::uuid, row->'payload',
           acting, staged->>'request_id', (staged->>'at')::timestamptz
    from jsonb_array_elements(staged->'events') with ordinality as staged_events(row, place_in_write);

    link := head.audit_hash;
    place := head.audit_seq - jsonb_array_length(staged->'audit');
    for line in select jsonb_array_elements(staged->'audit') loop
        place := place + 1;
        link := sha256(link || convert_to(concat_ws('|', stamped, place, line::text, acting, acting_role,
            staged->>'request_id', staged->>'at'), 'UTF8'));
        insert into audit (tenant_id, seq, action, entity, entity_id, reason, detail,
                           actor_id, actor_role, request_id, at, hash)
        values (stamped, place, line->>'action', line->>'entity', (line->>'entity_id')::uuid, line->>'reason',
                line->'detail', acting, acting_role, staged->>'request_id', (staged->>'at')::timestamptz, link);
    end loop;
    update tenant_head set audit_hash = link where tenant_id = stamped and audit_hash is distinct from link;
    return head.seq;
end
$$
"""

# A taker may not touch the owner's assignment, nor anybody's job; this may, for a swap that the stamped actor has just
# taken or given back. Whatever a swap's row says, what changes hands is a shift of its own job, from one of its two
# parties to the other. One UPDATE moves both sides of a trade: the overlap constraint is judged at its end.
HAND_OVER = """
create function hand_over(moved uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    s swap;
    present timestamptz := current_setting('app.now')::timestamptz;
    taking boolean;
    giver uuid;
    getter uuid;
    given_job uuid;
    sides integer;
begin
    select * into s from swap
    where tenant_id = current_setting('app.tenant_id')::uuid and id = moved and status in ('ACCEPTED', 'RETURNED')
      and (taker_id = current_setting('app.actor_id')::uuid
           or current_setting('app.role') in ('owner', 'admin', 'dispatcher', 'system'));
    if not found or (s.kind = 'TRADE') <> (s.given_id is not null) then
        return false;
    end if;
    taking := s.status = 'ACCEPTED';
    giver := case when taking then s.owner_id else s.taker_id end;
    getter := case when taking then s.taker_id else s.owner_id end;
    given_job := (select a.job_id from assignment a where a.tenant_id = s.tenant_id and a.id = s.given_id);
    if exists (select from job j where j.tenant_id = s.tenant_id and j.id in (s.job_id, given_job)
            and j.status not in ('UNASSIGNED', 'ASSIGNED', 'NO_SHOW')) then
        return false;
    end if;
    -- Who stood by for a job is on it now.
    update assignment set released_at = present, version = version + 1
    where tenant_id = s.tenant_id and role = 'BACKUP' and released_at is null
      and (job_id = s.job_id and cleaner_id = getter or job_id = given_job and cleaner_id = giver);
    if s.assignment_id is null and taking then
        insert into assignment (tenant_id, id, job_id, customer_id, cleaner_id, role, starts_at, ends_at, created_at)
        select j.tenant_id, uuidv7(), j.id, j.customer_id, s.taker_id, s.role, j.starts_at, j.ends_at, present
        from job j where j.tenant_id = s.tenant_id and j.id = s.job_id;
    elsif s.assignment_id is null then
        update assignment set released_at = present, version = version + 1
        where tenant_id = s.tenant_id and job_id = s.job_id and cleaner_id = s.taker_id
          and role = s.role and released_at is null;
    else
        update assignment a set version = a.version + 1,
            cleaner_id = case when a.id = s.assignment_id then getter else giver end
        where a.tenant_id = s.tenant_id and a.released_at is null
          and (a.id = s.assignment_id and a.job_id = s.job_id and a.cleaner_id = giver
               or a.id = s.given_id and a.cleaner_id = getter and exists (select from swap_want w
                   where w.tenant_id = s.tenant_id and w.swap_id = s.id and w.assignment_id = a.id));
    end if;
    get diagnostics sides = row_count;
    if sides <> 1 + (s.given_id is not null)::integer then
        raise no_data_found;
    end if;
    update job j set status = held.status, version = j.version + 1
    from (select i.id, case when exists (select from assignment a where a.tenant_id = i.tenant_id and a.job_id = i.id
            and a.released_at is null and a.role <> 'BACKUP') then 'ASSIGNED' else 'UNASSIGNED' end as status
          from job i where i.tenant_id = s.tenant_id and i.id in (s.job_id, given_job)) held
    where j.tenant_id = s.tenant_id and j.id = held.id and j.status <> held.status
      and (taking and j.status in ('UNASSIGNED', 'NO_SHOW') or not taking and j.status = 'ASSIGNED');
    return true;
exception
    -- One side of two, or none of it, is nothing: what was moved is as it was.
    when no_data_found then
        return false;
end
$$
"""

# A cleaner may not put a swap on the market that is another's; this does, for one that its taker has just given back.
RELIST = """
create function relist(returned uuid) returns boolean
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
    update swap set status = 'PENDING', taker_id = null, given_id = null, closed_at = null, version = version + 1
    where tenant_id = current_setting('app.tenant_id')::uuid and id = returned and status = 'RETURNED'
      and taker_id = current_setting('app.actor_id')::uuid
      and expires_at > current_setting('app.now')::timestamptz
    returning true
$$
"""

# A customer's cleaners, by id and nothing more. A policy of `cleaner` asks it: assignments' policies ask `cleaner`
# (R18), and tables whose policies ask each other cannot be read at all.
CREW_OF_ACTOR = """
create function crew_of_actor() returns uuid[]
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select array(
        select distinct cleaner_id from assignment
        where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
          and customer_id = nullif(current_setting('app.actor_id', true), '')::uuid
          and current_setting('app.role', true) = 'customer')
$$
"""

FUNCTIONS = {
    "tenant_by_slug(text)": (TENANT_BY_SLUG, (APP, OPS)),
    "market_clocks()": (MARKET_CLOCKS, (OPS,)),
    "tenant_clocks()": (TENANT_CLOCKS, (OPS,)),
    "log_append()": (LOG_APPEND, (APP,)),
    "hand_over(uuid)": (HAND_OVER, (APP,)),
    "relist(uuid)": (RELIST, (APP,)),
    "crew_of_actor()": (CREW_OF_ACTOR, (APP,)),
}

DEFINER_READS = {
    "tenant": "SELECT",
    "market": "SELECT",
    "swap": "SELECT, UPDATE (status, taker_id, given_id, closed_at, version)",
    "swap_want": "SELECT",
    "assignment": "SELECT, INSERT, UPDATE",
    "job": "SELECT, UPDATE (status, version)",
    "tenant_head": "SELECT, UPDATE",
    "event": "SELECT, INSERT",
    "audit": "SELECT, INSERT",
    "ledger_posting": "SELECT",
}
"""What the functions' owner may touch at all; everything else is out of its reach."""


TRIGGERS = {
    "swap_keeps_its_word()": (SWAP_KEEPS_ITS_WORD, "create trigger {name} before update on swap for each row"),
    "ledger_balances()": (
        LEDGER_BALANCES,
        "create constraint trigger {name} after insert on ledger_posting deferrable initially deferred for each row",
    ),
}
"""What a table itself sees to, by the function's signature: the function, and when it is called."""

TRUSTED_TRIGGERS = frozenset({"ledger_balances()"})
"""Those that see what their writer may not; they belong to the powerless role. The others have no power at all."""


def triggers() -> list[str]:
    """SQL that creates the tables' own rules."""
    made: list[str] = []
    for signature, (body, head) in TRIGGERS.items():
        name = signature.removesuffix("()")
        made += [body.strip(), f"revoke all on function {signature} from public"]
        made.append(f"{head.format(name=name)} execute function {signature}")
        if signature in TRUSTED_TRIGGERS:
            # Last: nobody may put a function that is another's on their table.
            made.append(f"alter function {signature} owner to {DEFINER}")
    return made


def statements() -> list[str]:
    """SQL that creates the functions and gives them to their owner and callers."""
    made: list[str] = []
    for signature, (body, callers) in FUNCTIONS.items():
        made += [
            body.strip(),
            # Before it is given away: revoking somebody else's function does nothing but warn.
            f"revoke all on function {signature} from public",
            *(f"grant execute on function {signature} to {caller}" for caller in callers),
            f"alter function {signature} owner to {DEFINER}",
        ]
    return made
