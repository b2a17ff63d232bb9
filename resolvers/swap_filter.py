"""Which open swaps the acting cleaner may take, as one SQL condition, so that a list of them can be paged.

The rules themselves are `domain.eligibility`; this says the same in SQL, and a test holds the two against each other
over random schedules. Accepting always asks the rules.
"""

from typing import Any


def can_take(row: Any, stamp: Any) -> str:
    """A condition on a row of `swap`: true where no rule of A27b speaks against the acting cleaner taking it."""
    # The cleaner's own facts hang on the stamp alone: they are read once a statement, not once a swap.
    return f"""{row.status} = 'PENDING' AND {row.expires_at} > {stamp.now}
        AND {row.owner_id} IS DISTINCT FROM {stamp.actor_id}
        AND EXISTS (
            WITH me AS MATERIALIZED ({_me(stamp)}), shifts AS MATERIALIZED ({_shifts(stamp)})
            SELECT FROM me CROSS JOIN ({_offered(row)}) j CROSS JOIN ({_gifts(row)}) g CROSS JOIN LATERAL ({_AROUND}) o
            WHERE {row.market_id} = ANY (me.markets)
              AND (NOT j.hot_tub OR 'HOT_TUB' = ANY (me.skills))
              AND (j.laundry = 'NONE' OR 'LAUNDRY' = ANY (me.skills))
              AND (NOT me.must_be_available OR coalesce(me.available @> tstzrange(j.starts_at, j.ends_at), false))
              AND o.overlapping IS NOT TRUE
              AND {_RESTED}
              AND j.expected_hours + coalesce(o.week_hours, 0) <= me.week_hours
              AND {_REACHED})"""


def _me(stamp: Any) -> str:
    """The acting cleaner with the tenant's numbers; no row for who may not work yet or any more."""
    mine = "own.tenant_id = c.tenant_id AND own.cleaner_id = c.id"
    # Slots may touch each other; together they must leave no part of the shift out.
    return f"""SELECT
            coalesce((t.settings #>> '{{swaps,restHours}}')::numeric, 10) AS rest_hours,
            coalesce((t.settings #>> '{{swaps,weekHours}}')::numeric, 40) AS week_hours,
            coalesce((t.settings #>> '{{swaps,travelKmh}}')::int, 30) AS kmh,
            coalesce((t.settings #>> '{{swaps,travelOverheadMinutes}}')::int, 10) AS overhead,
            coalesce((t.settings #>> '{{swaps,availabilityRequired}}')::bool, false) AS must_be_available,
            ARRAY(SELECT own.market_id FROM cleaner_market own WHERE {mine}) AS markets,
            ARRAY(SELECT own.skill FROM cleaner_skill own WHERE {mine}) AS skills,
            (SELECT range_agg(tstzrange(own.starts_at, own.ends_at)) FROM availability own WHERE {mine}) AS available
        FROM cleaner c JOIN tenant t ON t.tenant_id = c.tenant_id
        WHERE c.tenant_id = {stamp.tenant_id} AND c.id = {stamp.actor_id}
          AND c.onboarding = 'COMPLETE' AND c.archived_at IS NULL"""


def _shifts(stamp: Any) -> str:
    """The acting cleaner's live shifts, back to a market week and a rest before it."""
    return f"""SELECT a.id, a.starts_at, a.ends_at, oj.expected_hours AS hours, op.latitude, op.longitude
        FROM assignment a
        JOIN job oj ON oj.tenant_id = a.tenant_id AND oj.id = a.job_id
        JOIN property op ON op.tenant_id = oj.tenant_id AND op.id = oj.property_id
        WHERE a.tenant_id = {stamp.tenant_id} AND a.cleaner_id = {stamp.actor_id}
          AND a.released_at IS NULL AND a.role <> 'BACKUP' AND a.starts_at > {stamp.now} - interval '8 days'"""


def _offered(row: Any) -> str:
    """The swap's shift with its home, and its day and week by the market's clock."""
    return f"""SELECT {row.assignment_id} AS assignment_id, j.starts_at, j.ends_at, j.expected_hours, m.zone,
            p.hot_tub, p.laundry, p.latitude, p.longitude, (j.starts_at AT TIME ZONE m.zone)::date AS day,
            date_trunc('week', j.starts_at AT TIME ZONE m.zone) AS week
        FROM job j
        JOIN property p ON p.tenant_id = j.tenant_id AND p.id = j.property_id
        JOIN market m ON m.tenant_id = j.tenant_id AND m.id = j.market_id
        WHERE j.tenant_id = {row.tenant_id} AND j.id = {row.job_id} OFFSET 0"""


def _gifts(row: Any) -> str:
    """What the acting cleaner could give: nothing for a COVER, for a TRADE each own shift that its owner wants."""
    return f"""SELECT NULL::uuid AS id WHERE {row.kind} = 'COVER'
        UNION ALL SELECT held.id FROM swap_want w JOIN shifts held ON held.id = w.assignment_id
        WHERE {row.kind} = 'TRADE' AND w.tenant_id = {row.tenant_id} AND w.swap_id = {row.id}"""


def _minutes(here: str, there: str) -> str:
    """Great-circle minutes, as `domain.geo.travel_minutes` reckons them."""
    north = f"radians({there}.latitude - {here}.latitude)"
    east = f"radians({there}.longitude - {here}.longitude)"
    chord = (
        f"power(sin({north} / 2), 2) + cos(radians({here}.latitude)) * cos(radians({there}.latitude))"
        f" * power(sin({east} / 2), 2)"
    )
    metres = f"2 * 6371008.8 * asin(least(1.0, sqrt({chord})))"
    return f"me.overhead + ceil({metres} / 1000 / me.kmh * 60)"


# One look at the other shifts, by the market's own days: what the rules of overlap, rest, week and way ask of them.
_AROUND = f"""SELECT
        bool_or(s.starts_at < j.ends_at AND j.starts_at < s.ends_at) AS overlapping,
        max(s.ends_at) FILTER (WHERE s.day < j.day) AS day_before_ended,
        bool_or(s.day = j.day AND s.starts_at <= j.starts_at) AS earlier_that_day,
        min(s.starts_at) FILTER (WHERE s.day > j.day) AS day_after_starts,
        bool_or(s.day = j.day AND s.ends_at >= j.ends_at) AS later_that_day,
        sum(s.hours) FILTER (WHERE date_trunc('week', s.day::timestamp) = j.week) AS week_hours,
        max(s.ends_at) FILTER (WHERE s.ends_at <= j.starts_at) AS last_ended,
        (array_agg({_minutes("s", "j")} ORDER BY s.ends_at DESC)
            FILTER (WHERE s.ends_at <= j.starts_at))[1] AS way_there,
        min(s.starts_at) FILTER (WHERE s.starts_at >= j.ends_at) AS next_starts,
        (array_agg({_minutes("j", "s")} ORDER BY s.starts_at, s.ends_at)
            FILTER (WHERE s.starts_at >= j.ends_at))[1] AS way_on
    FROM (SELECT *, (starts_at AT TIME ZONE j.zone)::date AS day FROM shifts
        WHERE id IS DISTINCT FROM j.assignment_id AND id IS DISTINCT FROM g.id) s"""

# Between the last shift of one market-local day and the first of another; an overlap is another rule's affair.
_RESTED = """(o.day_before_ended IS NULL OR o.earlier_that_day OR j.starts_at < o.day_before_ended
        OR extract(epoch FROM j.starts_at - o.day_before_ended) >= me.rest_hours * 3600)
    AND (o.day_after_starts IS NULL OR o.later_that_day OR o.day_after_starts < j.ends_at
        OR extract(epoch FROM o.day_after_starts - j.ends_at) >= me.rest_hours * 3600)"""

_REACHED = """(o.last_ended IS NULL OR extract(epoch FROM j.starts_at - o.last_ended) >= 60 * o.way_there)
    AND (o.next_starts IS NULL OR extract(epoch FROM o.next_starts - j.ends_at) >= 60 * o.way_on)"""
