"""What customers pay: cards, payments, steps at the provider, the books, refunds, disputes, invoices (R46 to R50)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.payments.ledger import Account, EntryKind
from domain.payments.ops import STANDING_OPS, OpKind, OpState
from domain.payments.states import (
    Bearer,
    DisputeStatus,
    InvoiceStatus,
    MethodStatus,
    PaymentKind,
    ProviderMode,
    RefundStatus,
    WebhookState,
)
from domain.scheduling import PaymentStatus
from models.base import (
    ACTOR,
    ADMIN,
    ANONYMOUS,
    APP,
    DEFINER,
    OPS,
    SYSTEM,
    Grant,
    Policy,
    at,
    belongs_to,
    metadata,
    one_of,
    protect,
    ref,
    role_is,
    tenant_table,
    version,
)

OWN = f"{role_is('customer')} and customer_id = {ACTOR}"


def _any_of(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


provider_account = protect(
    Table(
        "provider_account",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("mode", Text, nullable=False),
        Column("account_id", Text, comment="The provider's id of the business's own account."),
        Column("publishable_key", Text, comment="What the card field of a page needs; no secret."),
        Column("secret_key", LargeBinary, nullable=False, comment="Sealed under the business's own key (R4)."),
        Column("webhook_secrets", LargeBinary, nullable=False, comment="Sealed; several while one replaces another."),
        Column("webhook_path", Text, nullable=False, comment="The unguessable part of its address."),
        at("connected_at"),
        at("checked_at", nullable=True),
        Column("problem", Text, comment="Why the provider does not answer to these keys; null while it does."),
        Column(
            "is_held_back",
            Boolean,
            nullable=False,
            server_default=text("false"),
            comment="Nothing is sent: it is not known, or not true, that these keys open the same account.",
        ),
        version(),
        one_of("mode", ProviderMode),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
    ),
    Policy("admin", "ALL", ADMIN),
    # Whose signature a webhook bears is proven with it, before anybody is known.
    Policy("webhook", "SELECT", ANONYMOUS),
)
"""A business's own account with the payment provider (A41): it is the merchant."""

payment_method = protect(
    tenant_table(
        "payment_method",
        ref("customer_id"),
        Column("status", Text, nullable=False),
        Column(
            "method_id", Text, nullable=False, comment="The provider's id of the card; nothing of the card is here."
        ),
        Column("brand", Text),
        Column("last4", Text),
        Column("expires_month", Integer),
        Column("expires_year", Integer),
        Column("is_default", Boolean, nullable=False, server_default=text("false")),
        Column("consent_version", Text, comment="Which text the customer agreed to for later charges (R264)."),
        Column("consent_text", Text),
        Column("consent_address", Text, comment="The network address that the consent came from."),
        Column("usage", Text, comment="recurring or unscheduled, as the provider calls it."),
        Column("return_url", Text, comment="Where the customer comes back to from their bank's page."),
        Column("action_url", Text, comment="The bank's page on which the customer confirms; theirs alone."),
        Column("failure", Text, comment="Why the card could not be kept, in words for the customer."),
        at("consented_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("customer_id", "customer"),
        one_of("status", MethodStatus),
        UniqueConstraint("tenant_id", "method_id"),
        Index(
            "payment_method_default",
            "tenant_id",
            "customer_id",
            unique=True,
            postgresql_where=text("is_default"),
        ),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("own", "SELECT", OWN),
    Policy("system", "ALL", SYSTEM),
)
"""A saved card (R38, R235), with the agreement behind it."""

payment = protect(
    tenant_table(
        "payment",
        ref("customer_id"),
        ref("job_id", nullable=True),
        ref("plan_id", nullable=True),
        ref("invoice_id", nullable=True),
        ref("method_id", nullable=True),
        Column("kind", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("is_current", Boolean, nullable=False, server_default=text("true"), comment="False once replaced."),
        Column("attempt", Integer, nullable=False, server_default=text("1"), comment="1, 2, ... of a job's holds."),
        Column("currency", Text, nullable=False),
        Column("amount_cents", BigInteger, nullable=False, comment="What is to be paid."),
        Column("tip_cents", BigInteger, nullable=False, server_default=text("0"), comment="Part of the amount."),
        Column("captured_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("refunded_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("fee_cents", BigInteger, nullable=False, server_default=text("0"), comment="What the provider kept."),
        Column("intent_id", Text, comment="The provider's id of the payment."),
        Column("charge_id", Text),
        at("capture_before", nullable=True, doc="When the hold lapses, as the provider says (A2)."),
        Column("why_less", Text, comment="Why less is taken than was held; null where all of it is."),
        Column("let_go", Text, comment="Why nothing is to be taken any more; null where something is."),
        Column("return_url", Text, comment="Where a customer who is present comes back to; null where absent."),
        Column("action_url", Text, comment="The bank's page on which the customer confirms; theirs alone."),
        Column("decline", JSONB, comment="The last decline: code, decline code, advice, and words for the customer."),
        Column("declines", Integer, nullable=False, server_default=text("0")),
        at("next_attempt_at", nullable=True, doc="When the card is asked again; null where it is not."),
        at("action_until", nullable=True, doc="Until when the customer can confirm with their bank."),
        at("authorized_at", nullable=True),
        at("captured_at", nullable=True),
        at("released_at", nullable=True),
        at("alarmed_at", nullable=True, doc="When the office was told that the hold will lapse."),
        at("created_at"),
        version(),
        belongs_to("customer_id", "customer"),
        belongs_to("job_id", "job"),
        belongs_to("plan_id", "service_plan"),
        belongs_to("method_id", "payment_method"),
        one_of("kind", PaymentKind),
        one_of("status", PaymentStatus),
        CheckConstraint("amount_cents > 0 and tip_cents between 0 and amount_cents", name="amounts_sane"),
        CheckConstraint("captured_cents between 0 and amount_cents", name="no_overcapture"),
        CheckConstraint("refunded_cents between 0 and captured_cents", name="no_overrefund"),
        UniqueConstraint("tenant_id", "intent_id"),
        # The wall against a second hold or charge of one clean (R146, R150, A10).
        Index(
            "payment_one_a_job",
            "tenant_id",
            "job_id",
            unique=True,
            postgresql_where=text("is_current and kind in ('PREPAID', 'HOLD')"),
        ),
        Index("payment_by_job", "tenant_id", "job_id", "id"),
        Index("payment_by_customer", "tenant_id", "customer_id", "id"),
        Index("payment_held", "tenant_id", "capture_before", postgresql_where=text("status = 'AUTHORIZED'")),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("own", "SELECT", OWN),
    Policy("system", "ALL", SYSTEM),
)
"""One payment of a customer: a hold or a charge, and everything that becomes of it."""

money_op = protect(
    tenant_table(
        "money_op",
        Column("kind", Text, nullable=False),
        Column("subject_id", Uuid, nullable=False, comment="The row that it is about, by its kind."),
        ref("job_id", nullable=True),
        Column("attempt", Integer, nullable=False),
        Column("idem_key", Text, nullable=False),
        Column("ask", JSONB, nullable=False, comment="What is asked of the provider, frozen."),
        Column("ask_hash", LargeBinary, nullable=False, comment="sha256 of the ask."),
        Column("state", Text, nullable=False),
        Column("tries", Integer, nullable=False, server_default=text("0")),
        Column("lookups", Integer, nullable=False, server_default=text("0"), comment="How often it was not found."),
        at("first_sent_at", nullable=True, doc="Business time."),
        at("looked_up_at", nullable=True),
        Column("lease_owner", Uuid),
        at("lease_until", nullable=True, doc="The database's raw clock."),
        Column("provider_id", Text, comment="The provider's id of what came of it."),
        Column("request_id", Text, comment="The provider's id of the request."),
        Column("failure", JSONB, comment="Code, message and what it means, where it was refused or is unknown."),
        at("created_at"),
        at("finished_at", nullable=True),
        one_of("kind", OpKind),
        one_of("state", OpState),
        UniqueConstraint("tenant_id", "idem_key"),
        UniqueConstraint("tenant_id", "kind", "subject_id", "attempt"),
        CheckConstraint("length(idem_key) <= 255", name="key_length"),
        Index(
            "money_op_standing",
            "tenant_id",
            "kind",
            "subject_id",
            unique=True,
            postgresql_where=text(f"state in ({_any_of(STANDING_OPS)})"),
        ),
        Index(
            "money_op_open", "tenant_id", "created_at", postgresql_where=text("state in ('PLANNED', 'SENT', 'UNKNOWN')")
        ),
        Index("money_op_by_job", "tenant_id", "job_id", "id"),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "ALL", SYSTEM),
    grants=(Grant(APP, "SELECT, INSERT, UPDATE"),),
)
"""One step at the provider: planned, sent, recorded. Kept for ever: it is the audit of money (R157, R158)."""

ledger_entry = protect(
    tenant_table(
        "ledger_entry",
        Column("kind", Text, nullable=False),
        Column("source", Text, nullable=False, comment="What it books, once: capture:ch_1, transfer:tr_1, ..."),
        Column("currency", Text, nullable=False),
        ref("job_id", nullable=True),
        ref("payment_id", nullable=True),
        ref("payout_id", nullable=True),
        Column("provider_id", Text, comment="The provider's balance transaction, where there is one."),
        Column("reason", Text),
        at("at"),
        one_of("kind", EntryKind),
        UniqueConstraint("tenant_id", "source"),
        Index("ledger_entry_by_job", "tenant_id", "job_id", "id"),
        Index("ledger_entry_by_payment", "tenant_id", "payment_id", "id"),
        Index("ledger_entry_by_time", "tenant_id", "at", "id"),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "INSERT", SYSTEM),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""One entry in the books; its postings add up to zero, or it cannot be committed."""

ledger_posting = protect(
    Table(
        "ledger_posting",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("entry_id", Uuid, primary_key=True),
        Column("account", Text, primary_key=True),
        Column("cents", BigInteger, nullable=False, comment="Positive is debit, negative credit."),
        one_of("account", Account),
        CheckConstraint("cents <> 0", name="not_nothing"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        belongs_to("entry_id", "ledger_entry"),
        Index("ledger_posting_by_account", "tenant_id", "account", postgresql_include=["cents"]),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "INSERT", SYSTEM),
    Policy("balance", "SELECT", "true", to=DEFINER),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""One side of an entry."""

# Judged at the commit, when all sides of the entry are there; by a trusted function, because whoever writes the books
# in passing may not read them.
LEDGER_BALANCES = """
create function ledger_balances() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if (select sum(cents) from ledger_posting p where p.tenant_id = new.tenant_id and p.entry_id = new.entry_id) <> 0
    then
        raise exception 'the postings of entry % do not add up to zero', new.entry_id using errcode = 'check_violation',
            constraint = 'ledger_balances';
    end if;
    return null;
end
$$
"""

refund = protect(
    tenant_table(
        "refund",
        ref("payment_id"),
        ref("job_id", nullable=True),
        ref("customer_id"),
        Column("status", Text, nullable=False),
        Column("amount_cents", BigInteger, nullable=False),
        Column("currency", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("bearer", Text, nullable=False),
        Column("from_reserve_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("from_business_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("from_cleaners_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("requested_by", Uuid, nullable=False),
        Column("approved_by", Uuid),
        Column("provider_id", Text),
        Column("failure", JSONB),
        at("created_at"),
        at("finished_at", nullable=True),
        version(),
        belongs_to("payment_id", "payment"),
        belongs_to("job_id", "job"),
        belongs_to("customer_id", "customer"),
        one_of("status", RefundStatus),
        one_of("bearer", Bearer),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint("approved_by is null or approved_by <> requested_by", name="two_people"),
        UniqueConstraint("tenant_id", "provider_id"),
        Index("refund_by_payment", "tenant_id", "payment_id", "id"),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("own", "SELECT", OWN),
    Policy("system", "ALL", SYSTEM),
)
"""Money that goes back to a customer, and who bears it (R213, A13, A35)."""

dispute = protect(
    tenant_table(
        "dispute",
        ref("payment_id"),
        ref("job_id", nullable=True),
        ref("customer_id"),
        Column("status", Text, nullable=False),
        Column("provider_id", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("amount_cents", BigInteger, nullable=False),
        Column("currency", Text, nullable=False),
        Column("fee_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("withdrawn_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("draft", Text, comment="The proof of the clean in words, as the bank would be told it."),
        at("due_by", nullable=True),
        at("answered_at", nullable=True),
        at("opened_at"),
        at("closed_at", nullable=True),
        version(),
        belongs_to("payment_id", "payment"),
        belongs_to("job_id", "job"),
        belongs_to("customer_id", "customer"),
        one_of("status", DisputeStatus),
        UniqueConstraint("tenant_id", "provider_id"),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "ALL", SYSTEM),
)
"""A customer's bank that has asked, or taken money back."""

invoice = protect(
    tenant_table(
        "invoice",
        ref("customer_id"),
        ref("job_id", nullable=True),
        Column("number", Integer, nullable=False, comment="1, 2, 3, ... of the business."),
        Column("status", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("lines", JSONB, nullable=False),
        Column("total_cents", BigInteger, nullable=False),
        Column("paid_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("due_on", Date),
        at("issued_at", nullable=True),
        at("paid_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("customer_id", "customer"),
        belongs_to("job_id", "job"),
        one_of("status", InvoiceStatus),
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("paid_cents between 0 and total_cents", name="paid_sane"),
        # A clean is invoiced once: what was paid by card gets its receipt, and is never asked for again.
        Index("invoice_one_a_job", "tenant_id", "job_id", unique=True, postgresql_where=text("status <> 'VOID'")),
        Index("invoice_by_customer", "tenant_id", "customer_id", "id"),
    ),
    Policy("admin", "ALL", ADMIN),
    # A draft is the office's own.
    Policy("own", "SELECT", f"{OWN} and status <> 'DRAFT'"),
)
"""What a customer is asked for, or has paid (R180, R181, R206)."""

webhook_event = protect(
    tenant_table(
        "webhook_event",
        Column("event_id", Text, nullable=False, comment="The provider's own id: stored once, however often it comes."),
        Column("type", Text, nullable=False),
        Column("kind", Text, comment="The provider's name of the kind of thing that it is about."),
        Column("object_id", Text),
        Column("account_id", Text, comment="The connected account that it is of; null for the business's own."),
        Column("state", Text, nullable=False),
        at("received_at"),
        at("handled_at", nullable=True),
        UniqueConstraint("tenant_id", "event_id"),
        one_of("state", WebhookState),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "ALL", SYSTEM),
)
"""That the provider has told us something; what is true of it is read from the provider itself."""

money_alarm = protect(
    tenant_table(
        "money_alarm",
        Column("kind", Text, nullable=False, comment="Which invariant is broken, or which step stands still."),
        Column("subject", Text, nullable=False),
        Column("detail", JSONB, nullable=False),
        at("raised_at"),
        at("seen_at", doc="When the check found it last."),
        at("cleared_at", nullable=True),
        version(),
        Index(
            "money_alarm_once",
            "tenant_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("cleared_at is null"),
        ),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "ALL", SYSTEM),
    # How many stand, of which kind and since when; never what they are about.
    Policy("ops", "SELECT", "true", to=OPS),
    grants=(
        Grant(APP, "SELECT, INSERT, UPDATE"),
        Grant(OPS, "SELECT (tenant_id, kind, raised_at, cleared_at)"),
    ),
)
"""Money that is not as it must be: raised by the check of the books, and cleared by it."""
