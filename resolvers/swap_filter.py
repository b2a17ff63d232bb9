"""Which open swaps the acting cleaner may take, as one SQL condition, so that a list of them can be paged.

The rules themselves are `domain.eligibility`; this says the same in SQL, and a test holds the two against each other
over random schedules. Accepting always asks the rules.
"""

from typing import Any


def can_take(row: Any, stamp: Any) -> str:
    """A condition on a row of `swap`: true where no rule of A27b speaks against the acting cleaner taking it."""
    me = f"me.tenant_id = {row.tenant_id} AND me.id = {stamp.actor_id}"
    return f"""{row.status} = 'PENDING' AND {row.expires_at} > {stamp.now} AND {row.owner_id} <> {stamp.actor_id}
        AND EXISTS (
            SELECT FROM cleaner me
            JOIN tenant t ON t.tenant_id = me.tenant_id
            JOIN job j ON j.tenant_id = me.tenant_id AND j.id = {row.job_id}
            JOIN property p ON p.tenant_id = j.tenant_id AND p.id = j.property_id
            JOIN market m ON m.tenant_id = j.tenant_id AND m.id = j.market_id
            CROSS JOIN LATERAL (SELECT
                coalesce((t.settings #>> '{{swaps,restHours}}')::numeric, 10) AS rest_hours,
                coalesce((t.settings #>> '{{swaps,weekHours}}')::numeric, 40) AS week_hours,
                coalesce((t.settings #>> '{{swaps,travelKmh}}')::int, 30) AS kmh,
                coalesce((t.settings #>> '{{swaps,travelOverheadMinutes}}')::int, 10) AS overhead,
                coalesce((t.settings #>> '{{swaps,availabilityRequired}}')::bool, false) AS must_be_available,
                (j.starts_at AT TIME ZONE m.zone)::date AS day,
                date_trunc('week', j.starts_at AT TIME ZONE m.zone) AS week) n
            WHERE {me} AND me.onboarding = 'COMPLETE' AND me.archived_at IS NULL
              AND EXISTS (SELECT FROM cleaner_market own WHERE own.tenant_id = me.tenant_id
                    AND own.cleaner_id = me.id AND own.market_id = {row.market_id})
              AND (NOT p.hot_tub OR {_has_skill("HOT_TUB")})
              AND (p.laundry = 'NONE' OR {_has_skill("LAUNDRY")})
              AND (NOT n.must_be_available OR {_AVAILABLE})
              AND NOT EXISTS (SELECT FROM ({_shifts(row)}) o WHERE o.starts_at < j.ends_at AND j.starts_at < o.ends_at)
              AND {_RESTED.format(shifts=_shifts(row))}
              AND j.expected_hours + coalesce((SELECT sum(o.hours) FROM ({_shifts(row)}) o
                    WHERE date_trunc('week', o.starts_at AT TIME ZONE m.zone) = n.week), 0) <= n.week_hours
              AND {_REACHED.format(shifts=_shifts(row))})"""


def _has_skill(skill: str) -> str:
    return f"""EXISTS (SELECT FROM cleaner_skill own
        WHERE own.tenant_id = me.tenant_id AND own.cleaner_id = me.id AND own.skill = '{skill}')"""


def _shifts(row: Any) -> str:
    """The acting cleaner's other live shifts, with what the rules ask of them."""
    return f"""SELECT a.starts_at, a.ends_at, oj.expected_hours AS hours, op.latitude, op.longitude,
            (a.starts_at AT TIME ZONE m.zone)::date AS day
        FROM assignment a
        JOIN job oj ON oj.tenant_id = a.tenant_id AND oj.id = a.job_id
        JOIN property op ON op.tenant_id = oj.tenant_id AND op.id = oj.property_id
        WHERE a.tenant_id = me.tenant_id AND a.cleaner_id = me.id AND a.released_at IS NULL AND a.role <> 'BACKUP'
          AND a.id <> {row.assignment_id} AND a.starts_at > j.starts_at - interval '9 days'"""


# Between the last shift of one market-local day and the first of another; an overlap is another rule's affair.
_RESTED = """NOT EXISTS (
    SELECT FROM (SELECT max(o.ends_at) AS ended_at FROM ({shifts}) o WHERE o.day < n.day) before
    WHERE before.ended_at <= j.starts_at
      AND extract(epoch FROM j.starts_at - before.ended_at) < n.rest_hours * 3600
      AND NOT EXISTS (SELECT FROM ({shifts}) o WHERE o.day = n.day AND o.starts_at <= j.starts_at))
AND NOT EXISTS (
    SELECT FROM (SELECT o.starts_at FROM ({shifts}) o WHERE o.day > n.day
        ORDER BY o.starts_at, o.ends_at LIMIT 1) after
    WHERE after.starts_at >= j.ends_at
      AND extract(epoch FROM after.starts_at - j.ends_at) < n.rest_hours * 3600
      AND NOT EXISTS (SELECT FROM ({shifts}) o WHERE o.day = n.day AND o.ends_at >= j.ends_at))"""


def _minutes(here: str, there: str) -> str:
    """Great-circle minutes, as `domain.geo.travel_minutes` reckons them."""
    north = f"radians({there}.latitude - {here}.latitude)"
    east = f"radians({there}.longitude - {here}.longitude)"
    chord = (
        f"power(sin({north} / 2), 2) + cos(radians({here}.latitude)) * cos(radians({there}.latitude))"
        f" * power(sin({east} / 2), 2)"
    )
    metres = f"2 * 6371008.8 * asin(least(1.0, sqrt({chord})))"
    return f"n.overhead + ceil({metres} / 1000 / n.kmh * 60)"


_REACHED = f"""NOT EXISTS (
    SELECT FROM (SELECT * FROM ({{shifts}}) o WHERE o.ends_at <= j.starts_at ORDER BY o.ends_at DESC LIMIT 1) o
    WHERE extract(epoch FROM j.starts_at - o.ends_at) < 60 * ({_minutes("o", "p")}))
AND NOT EXISTS (
    SELECT FROM (SELECT * FROM ({{shifts}}) o WHERE o.starts_at >= j.ends_at
        ORDER BY o.starts_at, o.ends_at LIMIT 1) o
    WHERE extract(epoch FROM o.starts_at - j.ends_at) < 60 * ({_minutes("p", "o")}))"""

# Slots may touch each other; together they must leave no part of the shift out.
_AVAILABLE = """coalesce((SELECT range_agg(tstzrange(v.starts_at, v.ends_at)) @> tstzrange(j.starts_at, j.ends_at)
    FROM availability v WHERE v.tenant_id = me.tenant_id AND v.cleaner_id = me.id), false)"""
