"""The rules of money as SQL: each a query that names what breaks it, and answers nothing where all is well.

Set-based, over the business's own rows. What only the provider's side can show is found by the reconciliation. The
parameters are `:tenant` and `:now`; `subject` is the row that the alarm is about.
"""

from collections.abc import Mapping

from domain.payments.invariants import Invariant

_SIDE = "ledger_entry e join ledger_posting p on p.tenant_id = e.tenant_id and p.entry_id = e.id"
_TAKEN = "'CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'DISPUTED'"
_LEFT = "'RELEASED', 'IN_TRANSIT', 'PAID_OUT', 'FAILED', 'REVERSED'"

RULES: Mapping[Invariant, str] = {
    Invariant.CHARGED_ONCE: """
        select job_id::text as subject, jsonb_build_object('charges',
            count(*) filter (where captured_cents > refunded_cents),
            'holds', count(*) filter (where status in ('AUTHORIZED', 'CAPTURE_PENDING') and let_go is null)) as detail
        from payment where tenant_id = :tenant and job_id is not null and kind in ('PREPAID', 'HOLD', 'INVOICE')
        group by job_id
        having count(*) filter (where captured_cents > refunded_cents) > 1
            or count(*) filter (where status in ('AUTHORIZED', 'CAPTURE_PENDING') and let_go is null) > 1
            or (bool_or(captured_cents > refunded_cents) and bool_or(status = 'AUTHORIZED' and let_go is null))""",
    Invariant.CAPTURE_AS_AGREED: """
        select c.id::text, jsonb_build_object('amountCents', c.amount_cents, 'capturedCents', c.captured_cents,
            'priceCents', j.price_cents)
        from payment c left join job j on j.tenant_id = c.tenant_id and j.id = c.job_id
        where c.tenant_id = :tenant and c.captured_cents > 0 and (c.captured_cents > c.amount_cents
            or (c.captured_cents < c.amount_cents and c.why_less is null)
            or (c.kind = 'HOLD' and c.why_less is null and j.price_cents <> c.amount_cents - c.tip_cents))""",
    Invariant.CAPTURE_PROVEN: """
        select c.id::text, jsonb_build_object('jobId', c.job_id, 'evidence', v.status, 'job', j.status)
        from payment c join job j on j.tenant_id = c.tenant_id and j.id = c.job_id
        left join evidence v on v.tenant_id = c.tenant_id and v.job_id = c.job_id
        where c.tenant_id = :tenant and c.kind = 'HOLD' and c.captured_cents > 0 and c.why_less is null
            and not (c.let_go is not null and c.refunded_cents = c.captured_cents)
            and (j.status <> 'COMPLETED' or v.status is null or v.status not in ('COMPLETE', 'OVERRIDDEN'))""",
    Invariant.PAID_ONCE: f"""
        select o.id::text, jsonb_build_object('status', o.status, 'transfer', o.transfer_id, 'steps', s.many)
        from payout o left join lateral (select count(*) as many, bool_and((m.ask #>> '{{params,amount}}')::bigint
                = o.amount_cents and m.ask #>> '{{params,destination}}' = o.account_id
                and m.ask #>> '{{params,metadata,payout_id}}' = o.id::text) as is_same
            from money_op m where m.tenant_id = o.tenant_id and m.kind = 'TRANSFER' and m.subject_id = o.id
                and m.state = 'SUCCEEDED') s on true
        where o.tenant_id = :tenant and ((o.status in ({_LEFT}) and (o.transfer_id is null or s.many > 1
                or (s.many = 1 and not s.is_same)))
            or (o.status not in ({_LEFT}) and (o.transfer_id is not null or s.many > 0)))""",
    Invariant.WITHIN_CHARGE: f"""
        select c.id::text, jsonb_build_object('capturedCents', c.captured_cents, 'transferredCents', t.cents)
        from payment c join lateral (select sum(o.amount_cents - o.reversed_cents) as cents
            from payout o join money_op m on m.tenant_id = o.tenant_id and m.kind = 'TRANSFER' and m.subject_id = o.id
                and m.state = 'SUCCEEDED' and m.ask #>> '{{params,source_transaction}}' = c.charge_id
            where o.tenant_id = c.tenant_id and o.payment_id = c.id and o.status in ({_LEFT})) t on true
        where c.tenant_id = :tenant and t.cents > c.captured_cents""",
    Invariant.JOB_ADDS_UP: f"""
        select b.payment_id::text, jsonb_build_object('capturedCents', b.captured, 'earnedCents', b.earned,
            'payoutCents', b.payouts, 'reserveCents', b.reserve, 'tipCents', b.tips, 'marginCents', b.margin)
        from (select c.id as payment_id, c.captured_cents as captured, c.kind,
            coalesce(sum(-p.cents) filter (where e.kind = 'EARNED' and p.account = 'PAYABLE'), 0) as earned,
            coalesce(sum(-p.cents) filter (where e.kind in ('CAPTURE', 'TIP') and p.account = 'RESERVE'), 0) as reserve,
            coalesce(sum(-p.cents) filter (where e.kind in ('CAPTURE', 'TIP') and p.account = 'TIPS'), 0) as tips,
            coalesce(sum(-p.cents) filter (where e.kind in ('CAPTURE', 'EARNED', 'TIP')
                and p.account = 'REVENUE'), 0) as margin,
            (select coalesce(sum(o.base_cents + o.urgent_cents + o.laundry_cents
                + case when o.kind = 'CLEAN' then o.tip_cents else 0 end), 0) from payout o
                where o.tenant_id = c.tenant_id and o.payment_id = c.id) as payouts,
            (select coalesce(sum(o.tip_cents), 0) from payout o
                where o.tenant_id = c.tenant_id and o.payment_id = c.id and o.kind = 'TIP') as tip_payouts,
            exists (select from payout o where o.tenant_id = c.tenant_id and o.payment_id = c.id and o.kind = 'CLEAN'
                and o.status in ({_LEFT}) and o.decided_by is null) as is_paid
            from payment c join {_SIDE} on e.tenant_id = c.tenant_id and e.payment_id = c.id
            where c.tenant_id = :tenant and c.captured_cents > 0 group by c.tenant_id, c.id, c.captured_cents, c.kind) b
        where b.captured <> b.reserve + b.tips + b.earned + b.margin or (b.kind <> 'TIP' and b.earned <> b.payouts)
            or b.tip_payouts > b.tips or (b.margin < 0 and b.is_paid and b.kind <> 'TIP')""",
    Invariant.BUSINESS_ADDS_UP: f"""
        select coalesce(l.currency, c.currency), jsonb_build_object('booked', l.cents, 'captured', c.cents)
        from (select e.currency, sum(p.cents) as cents from {_SIDE} where e.tenant_id = :tenant
                and e.kind in ('CAPTURE', 'TIP', 'FEE') and p.account in ('CASH', 'FEES') group by e.currency) l
        full join (select currency, sum(captured_cents) as cents from payment where tenant_id = :tenant
            and captured_cents > 0 group by currency) c on c.currency = l.currency
        where l.cents is distinct from c.cents""",
    Invariant.REFUNDS_WITHIN_CHARGE: """
        select c.id::text, jsonb_build_object('capturedCents', c.captured_cents, 'refundedCents', r.cents,
            'lostCents', d.cents, 'written', c.refunded_cents)
        from payment c
        left join lateral (select coalesce(sum(amount_cents) filter (where status in ('PENDING', 'SUCCEEDED')), 0)
                as cents, coalesce(sum(amount_cents) filter (where status in ('RESERVED', 'PENDING', 'SUCCEEDED')), 0)
                as promised, bool_or(status = 'RESERVED') as is_going
            from refund where tenant_id = c.tenant_id and payment_id = c.id) r on true
        left join lateral (select coalesce(sum(withdrawn_cents) filter (where status = 'LOST'), 0) as cents,
                bool_or(status in ('NEEDS_RESPONSE', 'UNDER_REVIEW')) as is_open,
                min(opened_at) filter (where status in ('NEEDS_RESPONSE', 'UNDER_REVIEW')) as since
            from dispute where tenant_id = c.tenant_id and payment_id = c.id) d on true
        where c.tenant_id = :tenant and (r.promised > 0 or d.cents > 0 or c.refunded_cents > 0)
            and (r.promised + d.cents > c.captured_cents or r.cents + d.cents <> c.refunded_cents
                or (d.is_open and exists (select from refund f where f.tenant_id = c.tenant_id and f.payment_id = c.id
                    and f.status in ('RESERVED', 'PENDING', 'SUCCEEDED') and f.created_at > d.since)))""",
    Invariant.RESERVE_NOT_OVERDRAWN: f"""
        select e.currency, jsonb_build_object('reserveCents', -sum(p.cents)) from {_SIDE}
        where e.tenant_id = :tenant and p.account = 'RESERVE' group by e.currency having sum(p.cents) > 0
        union all
        select id::text, jsonb_build_object('amountCents', amount_cents, 'reserve', from_reserve_cents,
            'business', from_business_cents, 'cleaners', from_cleaners_cents)
        from refund where tenant_id = :tenant and status in ('RESERVED', 'PENDING', 'SUCCEEDED')
            and amount_cents <> from_reserve_cents + from_business_cents + from_cleaners_cents""",
    Invariant.BOOKS_BALANCE: """
        select e.id::text, jsonb_build_object('source', e.source, 'cents', s.cents)
        from ledger_entry e left join lateral (select sum(cents) as cents from ledger_posting p
            where p.tenant_id = e.tenant_id and p.entry_id = e.id) s on true
        where e.tenant_id = :tenant and s.cents is distinct from 0""",
    Invariant.EVERYTHING_BOOKED: f"""
        select c.id::text, jsonb_build_object('of', 'payment', 'charge', c.charge_id) from payment c
        where c.tenant_id = :tenant and c.status in ({_TAKEN}) and c.charge_id is not null and not exists (
            select from ledger_entry e where e.tenant_id = c.tenant_id and e.payment_id = c.id
                and e.kind in ('CAPTURE', 'TIP'))
        union all
        select o.id::text, jsonb_build_object('of', 'payout', 'transfer', o.transfer_id) from payout o
        where o.tenant_id = :tenant and o.transfer_id is not null and not exists (
            select from ledger_entry e where e.tenant_id = o.tenant_id and e.source = 'transfer:' || o.transfer_id)
        union all
        select r.id::text, jsonb_build_object('of', 'refund', 'refund', r.provider_id) from refund r
        where r.tenant_id = :tenant and ((r.status in ('PENDING', 'SUCCEEDED') and not exists (
                select from ledger_entry e where e.tenant_id = r.tenant_id and e.source = 'refund:' || r.provider_id))
            or (r.status in ('RESERVED', 'PENDING', 'SUCCEEDED') and not exists (select from ledger_entry e
                where e.tenant_id = r.tenant_id and e.source = 'refund-reserved:' || r.id)))
        union all
        select o.id::text, jsonb_build_object('of', 'reversal', 'reversedCents', o.reversed_cents, 'booked', s.cents)
        from payout o left join lateral (select coalesce(sum(p.cents), 0) as cents from {_SIDE}
            where e.tenant_id = o.tenant_id and e.payout_id = o.id and e.kind = 'REVERSAL' and p.account = 'CASH') s
            on true
        where o.tenant_id = :tenant and o.transfer_id is not null and o.reversed_cents <> s.cents
        union all
        select min(e.id::text), jsonb_build_object('of', 'balance transaction', 'id', e.provider_id)
        from ledger_entry e where e.tenant_id = :tenant and e.provider_id is not null
        group by e.provider_id having count(*) > 1""",
    Invariant.STEPS_FINISH: """
        select id::text, jsonb_build_object('kind', kind, 'state', state, 'tries', tries) from money_op
        where tenant_id = :tenant and state in ('PLANNED', 'SENT', 'UNKNOWN')
            and (first_sent_at < cast(:now as timestamptz) - interval '24 hours'
                or (first_sent_at is null and created_at < cast(:now as timestamptz) - interval '2 hours'))""",
    Invariant.NOTICES_HANDLED: """
        select event_id, jsonb_build_object('type', type) from webhook_event
        where tenant_id = :tenant and state = 'RECEIVED'
            and received_at < cast(:now as timestamptz) - interval '1 hour'""",
    Invariant.JOB_SHOWS_PAYMENT: """
        select j.id::text, jsonb_build_object('job', j.payment_status, 'payment', c.status)
        from job j join payment c on c.tenant_id = j.tenant_id and c.job_id = j.id and c.is_current
            and c.kind in ('PREPAID', 'HOLD')
        where j.tenant_id = :tenant and j.payment_status <> c.status""",
    Invariant.HOLDS_END: """
        select c.id::text, jsonb_build_object('jobId', c.job_id, 'job', j.status, 'captureBefore', c.capture_before,
            'letGo', c.let_go)
        from payment c join job j on j.tenant_id = c.tenant_id and j.id = c.job_id
        where c.tenant_id = :tenant and c.kind = 'HOLD' and (
            (c.status = 'AUTHORIZED' and (c.capture_before < cast(:now as timestamptz) - interval '1 hour'
                or j.canceled_at < cast(:now as timestamptz) - interval '1 hour'
                or (c.let_go is not null and c.authorized_at < cast(:now as timestamptz) - interval '1 hour'
                    and exists (select from money_op m where m.tenant_id = c.tenant_id and m.kind = 'RELEASE'
                        and m.subject_id = c.id and m.created_at < cast(:now as timestamptz) - interval '1 hour'))))
            or (c.status = 'EXPIRED' and c.is_current and c.let_go is null and j.status = 'COMPLETED'
                and c.released_at < cast(:now as timestamptz) - interval '1 hour' and not exists (
                    select from payment n where n.tenant_id = c.tenant_id and n.job_id = c.job_id and n.id > c.id)
                and not exists (select from money_alarm a where a.tenant_id = c.tenant_id
                    and a.kind = 'completed_unpaid' and a.subject = c.job_id::text)))""",
    Invariant.HOLDS_EXPLAINED: """
        select id::text, jsonb_build_object('status', status, 'reason', hold_reason) from payout
        where tenant_id = :tenant and (status = 'HELD') <> (hold_reason is not null)""",
    Invariant.WORKERS_PAID: """
        select o.id::text, jsonb_build_object('cleanerId', o.cleaner_id, 'role', o.role, 'baseCents', o.base_cents)
        from payout o where o.tenant_id = :tenant and ((o.policy = 'PARTICIPATED' and not exists (
                select from visit v where v.tenant_id = o.tenant_id and v.job_id = o.job_id
                    and v.cleaner_id = o.cleaner_id and v.checked_in_at is not null and v.checked_out_at is not null)
                and not exists (select from evidence x where x.tenant_id = o.tenant_id and x.job_id = o.job_id
                    and x.status = 'OVERRIDDEN'))
            or (o.kind = 'CLEAN' and o.base_cents <> round(o.expected_hours * o.rate_cents)))
        union all
        select job_id::text, jsonb_build_object('laundryLeads', count(*)) from payout
        where tenant_id = :tenant and kind = 'CLEAN' and laundry_cents > 0 group by job_id having count(*) > 1""",
    Invariant.OWN_MARKS: """
        select id::text, jsonb_build_object('kind', kind) from money_op
        where tenant_id = :tenant and ask #>> '{params,metadata,tenant_id}' <> tenant_id::text""",
    Invariant.INVOICES_ADD_UP: """
        select i.id::text, jsonb_build_object('number', i.number, 'totalCents', i.total_cents, 'lines', l.cents,
            'paidCents', i.paid_cents, 'status', i.status)
        from invoice i left join lateral (select sum((one ->> 'total_cents')::bigint) as cents
            from jsonb_array_elements(i.lines) one) l on true
        where i.tenant_id = :tenant and (l.cents is distinct from i.total_cents
            or (i.status = 'PAID') <> (i.paid_cents = i.total_cents and i.total_cents > 0))
        union all
        select c.id::text, jsonb_build_object('invoiceId', c.invoice_id, 'jobId', i.job_id)
        from payment c join invoice i on i.tenant_id = c.tenant_id and i.id = c.invoice_id
        where c.tenant_id = :tenant and c.kind = 'INVOICE' and c.captured_cents > c.refunded_cents and exists (
            select from payment other where other.tenant_id = c.tenant_id and other.job_id = i.job_id
                and other.id <> c.id and other.kind <> 'TIP' and other.captured_cents > other.refunded_cents)""",
}
