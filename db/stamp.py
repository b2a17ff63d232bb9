"""The stamp: tenant, actor, role and session, set and read by one statement, transaction-local, and verified.

Every statement's scans hang on the row that the stamp yields, so no plan can run them before the settings are there
(R1, R249).
"""

STAMP = """(SELECT set_config('app.tenant_id', $1, true)::uuid AS tenant_id,
    set_config('app.actor_id', $2, true)::uuid AS actor_id,
    set_config('app.role', $3, true) AS role,
    set_config('app.session_id', $4, true)::uuid AS session_id OFFSET 0) stamp"""
"""Parameters: tenant, actor, role, session, all as text."""

STAMPED = """(SELECT current_setting('app.tenant_id')::uuid AS tenant_id,
    current_setting('app.actor_id')::uuid AS actor_id,
    current_setting('app.role') AS role,
    current_setting('app.session_id')::uuid AS session_id OFFSET 0) stamp"""
"""The same row inside a transaction that is stamped already."""

VERIFIED = """JOIN LATERAL (SELECT clock_timestamp() + t.clock_offset AS business_now, t.is_read_only FROM tenant t
    WHERE t.tenant_id = stamp.tenant_id AND (stamp.role IN ('system', 'anonymous') OR EXISTS (
        SELECT FROM session s
        WHERE s.tenant_id = stamp.tenant_id AND s.id = stamp.session_id AND s.person_id = stamp.actor_id
          AND s.role = stamp.role AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp() + t.clock_offset))
    OFFSET 0) live ON true"""
"""Yields business time (R233, R262), and no row where the session is revoked, expired, or not of this role any more."""

TIMED = """JOIN LATERAL (SELECT current_setting('app.now')::timestamptz AS business_now OFFSET 0) live ON true"""
"""The business time of a stamped transaction, read once at its start."""

OPEN = f"""SELECT live.business_now, live.is_read_only, set_config('app.now', live.business_now::text, true)
    FROM {STAMP} {VERIFIED}"""
"""The first statement of every write; it also tells whether the business's plan is unpaid (A42)."""

OPEN_BY_KEY = f"""SELECT opened.*, set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true) FROM ({OPEN} OFFSET 0) opened"""
"""The same for what is done thousands of times a night: the walls between businesses make plans that take longer to
find than to run. A plan that is kept must not read a table through because it was small once.
"""

OPEN_NEW = f"""SELECT clock_timestamp() AS business_now, false AS is_read_only,
    set_config('app.now', clock_timestamp()::text, true)
    FROM {STAMP}"""
"""The same for the installation itself where the tenant does not exist yet: what founds it runs under its stamp."""
