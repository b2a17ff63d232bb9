"""The few functions that live in the database, because only there can they be trusted or be one round trip.

Across tenants: `tenant_by_slug`, `tenant_clocks` and `market_clocks`. Inside the stamped tenant: `log_append` and
`hand_over`. All run as the powerless role that owns them, whose own policies reach just the tables they need; none
can be called by PUBLIC.
"""

from models.base import APP, DEFINER, OPS

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

# A taker may not touch the owner's assignment; this may, for a swap that the stamped actor has just taken.
HAND_OVER = """
create function hand_over(taken uuid) returns uuid
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
    update assignment a set cleaner_id = s.taker_id, version = a.version + 1
    from swap s
    where s.tenant_id = current_setting('app.tenant_id')::uuid and s.id = taken and s.status = 'ACCEPTED'
      and (s.taker_id = current_setting('app.actor_id')::uuid
           or current_setting('app.role') in ('owner', 'admin', 'dispatcher', 'system'))
      and a.tenant_id = s.tenant_id and a.id = s.assignment_id and a.job_id = s.job_id
      and a.cleaner_id = s.owner_id and a.released_at is null
    returning a.id
$$
"""

FUNCTIONS = {
    "tenant_by_slug(text)": (TENANT_BY_SLUG, (APP, OPS)),
    "market_clocks()": (MARKET_CLOCKS, (OPS,)),
    "tenant_clocks()": (TENANT_CLOCKS, (OPS,)),
    "log_append()": (LOG_APPEND, (APP,)),
    "hand_over(uuid)": (HAND_OVER, (APP,)),
}

DEFINER_READS = {
    "tenant": "SELECT",
    "market": "SELECT",
    "swap": "SELECT",
    "assignment": "SELECT, UPDATE",
    "tenant_head": "SELECT, UPDATE",
    "event": "SELECT, INSERT",
    "audit": "SELECT, INSERT",
}
"""What the functions' owner may touch at all; everything else is out of its reach."""


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
