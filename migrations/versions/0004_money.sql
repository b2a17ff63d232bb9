drop policy dispatcher on event
-- next
drop policy catalogue on service
-- next
ALTER TABLE tenant ADD COLUMN is_read_only BOOLEAN DEFAULT false NOT NULL
-- next
ALTER TABLE customer ADD COLUMN provider_id TEXT,
	ADD CONSTRAINT customer_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id)
-- next
ALTER TABLE property ADD COLUMN hot_tub_service TEXT DEFAULT 'NONE' NOT NULL,
	ADD COLUMN hot_tub_drain TEXT DEFAULT 'NONE' NOT NULL,
	ADD COLUMN geocoded_at TIMESTAMP WITH TIME ZONE,
	ADD CONSTRAINT property_hot_tub_service_known_check CHECK (hot_tub_service in ('NONE', 'BASIC', 'STANDARD', 'PREMIUM')),
	ADD CONSTRAINT property_hot_tub_drain_known_check CHECK (hot_tub_drain in ('NONE', 'MONTHLY', 'QUARTERLY')),
	ADD CONSTRAINT property_tub_to_service_check CHECK (hot_tub or (hot_tub_service = 'NONE' and hot_tub_drain = 'NONE'))
-- next
ALTER TABLE job ADD COLUMN plan_id UUID,
	ADD COLUMN quote_id UUID,
	ADD COLUMN planned_on DATE,
	ADD COLUMN price_cents INTEGER,
	ADD COLUMN price JSONB,
	ADD COLUMN currency TEXT,
	ADD COLUMN pay_terms JSONB,
	ADD CONSTRAINT job_price_positive_check CHECK (price_cents > 0),
	ADD CONSTRAINT job_once_a_day_of_plan UNIQUE (tenant_id, plan_id, planned_on)
-- next
ALTER TABLE credential DROP CONSTRAINT credential_role_known_check,
	ADD CONSTRAINT credential_role_known_check CHECK (role in ('owner', 'admin', 'dispatcher', 'ops', 'cleaner', 'customer'))
-- next
ALTER TABLE mailed_link DROP CONSTRAINT mailed_link_purpose_known_check,
	ADD CONSTRAINT mailed_link_purpose_known_check CHECK (purpose in ('invite', 'reset', 'sign-in'))
-- next
COMMENT ON COLUMN tenant.is_read_only IS 'Unpaid (A42).'
-- next
CREATE INDEX audit_by_people ON audit (tenant_id, entity_id, action) WHERE action in ('capture_held', 'retry_payment', 'release_hold', 'retry_payout', 'release_payout', 'hold_payout')
-- next
COMMENT ON COLUMN credential.login IS 'Lower-case email, the keyed hash of a QR token, or a customer''s id.'
-- next
CREATE INDEX customer_by_email ON customer (tenant_id, lower(email))
-- next
COMMENT ON COLUMN customer.provider_id IS 'The payment provider''s id of the customer (R25, R44).'
-- next
CREATE TABLE geocoded (
	tenant_id UUID NOT NULL, 
	address_key TEXT NOT NULL, 
	latitude NUMERIC(9, 6) NOT NULL, 
	longitude NUMERIC(9, 6) NOT NULL, 
	found_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT geocoded_pkey PRIMARY KEY (tenant_id, address_key), 
	CONSTRAINT geocoded__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN geocoded.address_key IS 'The address in one spelling.'
-- next
CREATE TABLE ledger_entry (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	source TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	job_id UUID, 
	payment_id UUID, 
	payout_id UUID, 
	provider_id TEXT, 
	reason TEXT, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT ledger_entry_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT ledger_entry_kind_known_check CHECK (kind in ('CAPTURE', 'TIP', 'FEE', 'EARNED', 'TRANSFER', 'REVERSAL', 'REFUND_RESERVED', 'REFUND', 'REFUND_FAILED', 'DISPUTE', 'DISPUTE_WON', 'BANK_PAYOUT', 'PAYROLL', 'RESERVE_WITHDRAWAL', 'ADJUSTMENT')), 
	CONSTRAINT ledger_entry_tenant_id_source_key UNIQUE (tenant_id, source), 
	CONSTRAINT ledger_entry__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX ledger_entry_by_job ON ledger_entry (tenant_id, job_id, id)
-- next
CREATE INDEX ledger_entry_by_payment ON ledger_entry (tenant_id, payment_id, id)
-- next
CREATE INDEX ledger_entry_by_time ON ledger_entry (tenant_id, at, id)
-- next
COMMENT ON COLUMN ledger_entry.source IS 'What it books, once: capture:ch_1, transfer:tr_1, ...'
-- next
COMMENT ON COLUMN ledger_entry.provider_id IS 'The provider''s balance transaction, where there is one.'
-- next
CREATE TABLE money_alarm (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	detail JSONB NOT NULL, 
	raised_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	cleared_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT money_alarm_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT money_alarm__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE UNIQUE INDEX money_alarm_once ON money_alarm (tenant_id, kind, subject) WHERE cleared_at is null
-- next
COMMENT ON COLUMN money_alarm.kind IS 'Which invariant is broken, or which step stands still.'
-- next
COMMENT ON COLUMN money_alarm.seen_at IS 'When the check found it last.'
-- next
CREATE TABLE money_op (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	subject_id UUID NOT NULL, 
	job_id UUID, 
	attempt INTEGER NOT NULL, 
	idem_key TEXT NOT NULL, 
	ask JSONB NOT NULL, 
	ask_hash BYTEA NOT NULL, 
	state TEXT NOT NULL, 
	tries INTEGER DEFAULT 0 NOT NULL, 
	lookups INTEGER DEFAULT 0 NOT NULL, 
	first_sent_at TIMESTAMP WITH TIME ZONE, 
	looked_up_at TIMESTAMP WITH TIME ZONE, 
	lease_owner UUID, 
	lease_until TIMESTAMP WITH TIME ZONE, 
	provider_id TEXT, 
	request_id TEXT, 
	failure JSONB, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT money_op_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT money_op_kind_known_check CHECK (kind in ('CUSTOMER', 'METHOD', 'METHOD_GONE', 'SETUP', 'INTENT', 'CONFIRM', 'CAPTURE', 'RELEASE', 'REFUND', 'TRANSFER', 'REVERSAL', 'DISPUTE_EVIDENCE', 'PLAN_CUSTOMER', 'PLAN_CHECKOUT', 'PLAN_CHANGE', 'PLAN_REFUND')), 
	CONSTRAINT money_op_state_known_check CHECK (state in ('PLANNED', 'SENT', 'UNKNOWN', 'SUCCEEDED', 'FAILED')), 
	CONSTRAINT money_op_tenant_id_idem_key_key UNIQUE (tenant_id, idem_key), 
	CONSTRAINT money_op_tenant_id_kind_subject_id_attempt_key UNIQUE (tenant_id, kind, subject_id, attempt), 
	CONSTRAINT money_op_key_length_check CHECK (length(idem_key) <= 255), 
	CONSTRAINT money_op__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX money_op_by_job ON money_op (tenant_id, job_id, id)
-- next
CREATE INDEX money_op_open ON money_op (tenant_id, created_at) WHERE state in ('PLANNED', 'SENT', 'UNKNOWN')
-- next
CREATE UNIQUE INDEX money_op_standing ON money_op (tenant_id, kind, subject_id) WHERE state in ('PLANNED', 'SENT', 'UNKNOWN', 'SUCCEEDED')
-- next
COMMENT ON COLUMN money_op.subject_id IS 'The row that it is about, by its kind.'
-- next
COMMENT ON COLUMN money_op.ask IS 'What is asked of the provider, frozen.'
-- next
COMMENT ON COLUMN money_op.ask_hash IS 'sha256 of the ask.'
-- next
COMMENT ON COLUMN money_op.lookups IS 'How often it was not found.'
-- next
COMMENT ON COLUMN money_op.first_sent_at IS 'Business time.'
-- next
COMMENT ON COLUMN money_op.lease_until IS 'The database''s raw clock.'
-- next
COMMENT ON COLUMN money_op.provider_id IS 'The provider''s id of what came of it.'
-- next
COMMENT ON COLUMN money_op.request_id IS 'The provider''s id of the request.'
-- next
COMMENT ON COLUMN money_op.failure IS 'Code, message and what it means, where it was refused or is unknown.'
-- next
CREATE TABLE price_book (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	edition INTEGER NOT NULL, 
	rules JSONB NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	published_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT price_book_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT price_book_tenant_id_edition_key UNIQUE (tenant_id, edition), 
	CONSTRAINT price_book__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN price_book.edition IS '1, 2, 3, ...; the last one is in force.'
-- next
COMMENT ON COLUMN price_book.rules IS 'As `domain.pricing.PriceBook` reads them, in full.'
-- next
CREATE TABLE provider_account (
	tenant_id UUID NOT NULL, 
	mode TEXT NOT NULL, 
	account_id TEXT, 
	publishable_key TEXT, 
	secret_key BYTEA NOT NULL, 
	webhook_secrets BYTEA NOT NULL, 
	webhook_path TEXT NOT NULL, 
	connected_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	checked_at TIMESTAMP WITH TIME ZONE, 
	problem TEXT, 
	is_held_back BOOLEAN DEFAULT false NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT provider_account_pkey PRIMARY KEY (tenant_id), 
	CONSTRAINT provider_account_mode_known_check CHECK (mode in ('TEST', 'LIVE')), 
	CONSTRAINT provider_account__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN provider_account.account_id IS 'The provider''s id of the business''s own account.'
-- next
COMMENT ON COLUMN provider_account.publishable_key IS 'What the card field of a page needs; no secret.'
-- next
COMMENT ON COLUMN provider_account.secret_key IS 'Sealed under the business''s own key (R4).'
-- next
COMMENT ON COLUMN provider_account.webhook_secrets IS 'Sealed; several while one replaces another.'
-- next
COMMENT ON COLUMN provider_account.webhook_path IS 'The unguessable part of its address.'
-- next
COMMENT ON COLUMN provider_account.problem IS 'Why the provider does not answer to these keys; null while it does.'
-- next
COMMENT ON COLUMN provider_account.is_held_back IS 'Nothing is sent: it is not known, or not true, that these keys open the same account.'
-- next
CREATE TABLE tenant_subscription (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	plan TEXT NOT NULL, 
	status TEXT NOT NULL, 
	customer_id TEXT, 
	subscription_id TEXT, 
	wanted_plan TEXT, 
	wanted_at TIMESTAMP WITH TIME ZONE, 
	checkout_url TEXT, 
	checkout_until TIMESTAMP WITH TIME ZONE, 
	trial_ends_at TIMESTAMP WITH TIME ZONE, 
	paid_until TIMESTAMP WITH TIME ZONE, 
	past_due_at TIMESTAMP WITH TIME ZONE, 
	ends_with_period BOOLEAN DEFAULT false NOT NULL, 
	canceled_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT tenant_subscription_pkey PRIMARY KEY (tenant_id), 
	CONSTRAINT tenant_subscription_status_known_check CHECK (status in ('TRIALING', 'ACTIVE', 'PAST_DUE', 'CANCELED')), 
	CONSTRAINT tenant_subscription__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id), 
	CONSTRAINT tenant_subscription_tenant_id_id_key UNIQUE (tenant_id, id), 
	CONSTRAINT tenant_subscription_tenant_id_subscription_id_key UNIQUE (tenant_id, subscription_id)
)
-- next
COMMENT ON COLUMN tenant_subscription.plan IS 'Its name in the platform''s list.'
-- next
COMMENT ON COLUMN tenant_subscription.customer_id IS 'The platform''s provider''s id of the business.'
-- next
COMMENT ON COLUMN tenant_subscription.wanted_plan IS 'Chosen, and not paid for yet.'
-- next
COMMENT ON COLUMN tenant_subscription.checkout_url IS 'Where the plan is paid for; null where no page is open.'
-- next
CREATE TABLE webhook_event (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	event_id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	kind TEXT, 
	object_id TEXT, 
	account_id TEXT, 
	state TEXT NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	handled_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT webhook_event_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT webhook_event_tenant_id_event_id_key UNIQUE (tenant_id, event_id), 
	CONSTRAINT webhook_event_state_known_check CHECK (state in ('RECEIVED', 'DONE', 'IGNORED')), 
	CONSTRAINT webhook_event__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN webhook_event.event_id IS 'The provider''s own id: stored once, however often it comes.'
-- next
COMMENT ON COLUMN webhook_event.kind IS 'The provider''s name of the kind of thing that it is about.'
-- next
COMMENT ON COLUMN webhook_event.account_id IS 'The connected account that it is of; null for the business''s own.'
-- next
CREATE TABLE booking_draft (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID, 
	market_id UUID, 
	quote_id UUID, 
	plan_id UUID, 
	status TEXT NOT NULL, 
	steps JSONB DEFAULT '{}' NOT NULL, 
	price JSONB, 
	failure JSONB, 
	summary JSONB, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	confirmed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT booking_draft_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT booking_draft_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT booking_draft_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT booking_draft_status_known_check CHECK (status in ('OPEN', 'CONFIRMING', 'CONFIRMED', 'CUSTOM_QUOTE', 'EXPIRED')), 
	CONSTRAINT booking_draft__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX booking_draft_by_customer ON booking_draft (tenant_id, customer_id, id)
-- next
COMMENT ON COLUMN booking_draft.steps IS 'What each saved step says.'
-- next
COMMENT ON COLUMN booking_draft.price IS 'The live price of what is saved so far; null where it cannot be told yet.'
-- next
COMMENT ON COLUMN booking_draft.failure IS 'Why the payment did not come to be, in words for the customer.'
-- next
COMMENT ON COLUMN booking_draft.summary IS 'What was ordered, as it was when it was paid (R40); null until then.'
-- next
CREATE TABLE ledger_posting (
	tenant_id UUID NOT NULL, 
	entry_id UUID NOT NULL, 
	account TEXT NOT NULL, 
	cents BIGINT NOT NULL, 
	CONSTRAINT ledger_posting_pkey PRIMARY KEY (tenant_id, entry_id, account), 
	CONSTRAINT ledger_posting_account_known_check CHECK (account in ('CASH', 'BANK', 'FEES', 'REVENUE', 'RESERVE', 'PAYABLE', 'TIPS', 'REFUNDS_DUE', 'LOSSES', 'PAYROLL', 'RECEIVABLE')), 
	CONSTRAINT ledger_posting_not_nothing_check CHECK (cents <> 0), 
	CONSTRAINT ledger_posting__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id), 
	CONSTRAINT ledger_posting_entry_id_fkey FOREIGN KEY(tenant_id, entry_id) REFERENCES ledger_entry (tenant_id, id)
)
-- next
CREATE INDEX ledger_posting_by_account ON ledger_posting (tenant_id, account) INCLUDE (cents)
-- next
COMMENT ON COLUMN ledger_posting.cents IS 'Positive is debit, negative credit.'
-- next
CREATE TABLE payment_method (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	status TEXT NOT NULL, 
	method_id TEXT NOT NULL, 
	brand TEXT, 
	last4 TEXT, 
	expires_month INTEGER, 
	expires_year INTEGER, 
	is_default BOOLEAN DEFAULT false NOT NULL, 
	consent_version TEXT, 
	consent_text TEXT, 
	consent_address TEXT, 
	usage TEXT, 
	return_url TEXT, 
	action_url TEXT, 
	failure TEXT, 
	consented_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT payment_method_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT payment_method_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT payment_method_status_known_check CHECK (status in ('PENDING', 'ACTIVE', 'FAILED', 'DETACHED')), 
	CONSTRAINT payment_method_tenant_id_method_id_key UNIQUE (tenant_id, method_id), 
	CONSTRAINT payment_method__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE UNIQUE INDEX payment_method_default ON payment_method (tenant_id, customer_id) WHERE is_default
-- next
COMMENT ON COLUMN payment_method.method_id IS 'The provider''s id of the card; nothing of the card is here.'
-- next
COMMENT ON COLUMN payment_method.consent_version IS 'Which text the customer agreed to for later charges (R264).'
-- next
COMMENT ON COLUMN payment_method.consent_address IS 'The network address that the consent came from.'
-- next
COMMENT ON COLUMN payment_method.usage IS 'recurring or unscheduled, as the provider calls it.'
-- next
COMMENT ON COLUMN payment_method.return_url IS 'Where the customer comes back to from their bank''s page.'
-- next
COMMENT ON COLUMN payment_method.action_url IS 'The bank''s page on which the customer confirms; theirs alone.'
-- next
COMMENT ON COLUMN payment_method.failure IS 'Why the card could not be kept, in words for the customer.'
-- next
CREATE TABLE payroll_export (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	market_id UUID, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	currency TEXT NOT NULL, 
	lines INTEGER NOT NULL, 
	total_cents BIGINT NOT NULL, 
	content TEXT NOT NULL, 
	made_by UUID NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT payroll_export_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT payroll_export_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT payroll_export_has_length_check CHECK (period_end >= period_start), 
	CONSTRAINT payroll_export_once UNIQUE NULLS NOT DISTINCT (tenant_id, market_id, period_start, period_end), 
	CONSTRAINT payroll_export__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN payroll_export.period_end IS 'The last day of it.'
-- next
COMMENT ON COLUMN payroll_export.content IS 'The file, as it was first given out: it never changes.'
-- next
COMMENT ON COLUMN property.geocoded_at IS 'When the address was looked up; null where the office placed it (R27).'
-- next
CREATE TABLE quote (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID, 
	property_id UUID, 
	draft_id UUID, 
	request_id UUID, 
	price_book_id UUID, 
	status TEXT NOT NULL, 
	home JSONB NOT NULL, 
	price JSONB NOT NULL, 
	total_cents INTEGER NOT NULL, 
	currency TEXT NOT NULL, 
	term TEXT, 
	is_custom BOOLEAN DEFAULT false NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	signature BYTEA NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	accepted_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT quote_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT quote_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT quote_property_id_fkey FOREIGN KEY(tenant_id, property_id) REFERENCES property (tenant_id, id), 
	CONSTRAINT quote_price_book_id_fkey FOREIGN KEY(tenant_id, price_book_id) REFERENCES price_book (tenant_id, id), 
	CONSTRAINT quote_status_known_check CHECK (status in ('OPEN', 'ACCEPTED', 'DECLINED', 'EXPIRED', 'REPLACED')), 
	CONSTRAINT quote_term_known_check CHECK (term in ('MONTHLY', 'ANNUAL')), 
	CONSTRAINT quote_total_positive_check CHECK (total_cents > 0), 
	CONSTRAINT quote__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX quote_by_customer ON quote (tenant_id, customer_id, id)
-- next
COMMENT ON COLUMN quote.home IS 'The facts of the home that the price is for.'
-- next
COMMENT ON COLUMN quote.price IS 'The breakdown, line by line.'
-- next
COMMENT ON COLUMN quote.is_custom IS 'Named by the office.'
-- next
COMMENT ON COLUMN quote.signature IS 'Keyed hash over all that was promised (A33).'
-- next
CREATE TABLE quote_request (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID, 
	property_id UUID, 
	draft_id UUID, 
	quote_id UUID, 
	status TEXT NOT NULL, 
	contact JSONB NOT NULL, 
	home JSONB NOT NULL, 
	reasons JSONB NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	answered_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT quote_request_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT quote_request_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT quote_request_property_id_fkey FOREIGN KEY(tenant_id, property_id) REFERENCES property (tenant_id, id), 
	CONSTRAINT quote_request_quote_id_fkey FOREIGN KEY(tenant_id, quote_id) REFERENCES quote (tenant_id, id), 
	CONSTRAINT quote_request_status_known_check CHECK (status in ('REQUESTED', 'QUOTED', 'ACCEPTED', 'DECLINED', 'EXPIRED')), 
	CONSTRAINT quote_request__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX quote_request_by_customer ON quote_request (tenant_id, customer_id, id)
-- next
COMMENT ON COLUMN quote_request.contact IS 'Name, email and phone of who asks.'
-- next
COMMENT ON COLUMN quote_request.reasons IS 'Why no price could be told by itself (A31).'
-- next
CREATE TABLE service_plan (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	property_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	service_id UUID, 
	quote_id UUID, 
	price_book_id UUID, 
	status TEXT NOT NULL, 
	frequency TEXT NOT NULL, 
	term TEXT, 
	first_on DATE, 
	at_minute INTEGER, 
	ends_on DATE, 
	expected_hours NUMERIC(5, 2) NOT NULL, 
	price_cents INTEGER NOT NULL, 
	currency TEXT NOT NULL, 
	price JSONB NOT NULL, 
	is_first_clean_prepaid BOOLEAN DEFAULT false NOT NULL, 
	payment_intent_id TEXT, 
	calendar_url TEXT, 
	paused_on DATE, 
	resumes_on DATE, 
	planned_until DATE, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT service_plan_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT service_plan_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT service_plan_property_id_fkey FOREIGN KEY(tenant_id, property_id) REFERENCES property (tenant_id, id), 
	CONSTRAINT service_plan_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT service_plan_service_id_fkey FOREIGN KEY(tenant_id, service_id) REFERENCES service (tenant_id, id), 
	CONSTRAINT service_plan_quote_id_fkey FOREIGN KEY(tenant_id, quote_id) REFERENCES quote (tenant_id, id), 
	CONSTRAINT service_plan_price_book_id_fkey FOREIGN KEY(tenant_id, price_book_id) REFERENCES price_book (tenant_id, id), 
	CONSTRAINT service_plan_status_known_check CHECK (status in ('PENDING_PAYMENT', 'ACTIVE', 'PAUSED', 'ENDED', 'CANCELED')), 
	CONSTRAINT service_plan_frequency_known_check CHECK (frequency in ('ONCE', 'WEEKLY', 'BIWEEKLY', 'FOUR_WEEKLY', 'MONTHLY')), 
	CONSTRAINT service_plan_term_known_check CHECK (term in ('MONTHLY', 'ANNUAL')), 
	CONSTRAINT service_plan_minute_of_day_check CHECK (at_minute between 0 and 1439), 
	CONSTRAINT service_plan_day_and_time_check CHECK ((first_on is null) = (at_minute is null)), 
	CONSTRAINT service_plan_price_positive_check CHECK (price_cents > 0), 
	CONSTRAINT service_plan__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX service_plan_by_customer ON service_plan (tenant_id, customer_id, id)
-- next
COMMENT ON COLUMN service_plan.first_on IS 'The day of the first clean, by the market''s calendar; null until known.'
-- next
COMMENT ON COLUMN service_plan.at_minute IS 'Minutes after local midnight at which each clean starts; as first_on.'
-- next
COMMENT ON COLUMN service_plan.ends_on IS 'The last day of the term; null where it goes on until it is ended.'
-- next
COMMENT ON COLUMN service_plan.price_cents IS 'Of each clean.'
-- next
COMMENT ON COLUMN service_plan.is_first_clean_prepaid IS 'R45, R48.'
-- next
COMMENT ON COLUMN service_plan.payment_intent_id IS 'Of the first clean (R48).'
-- next
COMMENT ON COLUMN service_plan.calendar_url IS 'Where the bookings of a vacation home are published (R36).'
-- next
COMMENT ON COLUMN service_plan.paused_on IS 'From when on no cleans take place; null while it is not paused.'
-- next
COMMENT ON COLUMN service_plan.planned_until IS 'Up to which day its cleans are planned as jobs.'
-- next
CREATE INDEX job_to_hold ON job (tenant_id, market_id, starts_at) WHERE payment_status in ('PENDING', 'FAILED', 'EXPIRED', 'RELEASED') and not prepaid
-- next
COMMENT ON COLUMN job.planned_on IS 'The day of its plan that it is for; moved, it stays that day''s clean.'
-- next
COMMENT ON COLUMN job.price_cents IS 'Frozen when it was booked; null where no price is known yet.'
-- next
COMMENT ON COLUMN job.price IS 'The breakdown, line by line.'
-- next
COMMENT ON COLUMN job.pay_terms IS 'What its cleaners are paid by, settled when it was proven (A11, A49).'
-- next
CREATE TABLE service_plan_skip (
	tenant_id UUID NOT NULL, 
	plan_id UUID NOT NULL, 
	on_day DATE NOT NULL, 
	customer_id UUID NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT service_plan_skip_pkey PRIMARY KEY (tenant_id, plan_id, on_day), 
	CONSTRAINT service_plan_skip__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id), 
	CONSTRAINT service_plan_skip_plan_id_fkey FOREIGN KEY(tenant_id, plan_id) REFERENCES service_plan (tenant_id, id)
)
-- next
COMMENT ON COLUMN service_plan_skip.on_day IS 'By the market''s calendar: no clean takes place.'
-- next
CREATE TABLE invoice (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	job_id UUID, 
	number INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	lines JSONB NOT NULL, 
	total_cents BIGINT NOT NULL, 
	paid_cents BIGINT DEFAULT 0 NOT NULL, 
	due_on DATE, 
	issued_at TIMESTAMP WITH TIME ZONE, 
	paid_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT invoice_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT invoice_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT invoice_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT invoice_status_known_check CHECK (status in ('DRAFT', 'OPEN', 'PAID', 'VOID')), 
	CONSTRAINT invoice_tenant_id_number_key UNIQUE (tenant_id, number), 
	CONSTRAINT invoice_paid_sane_check CHECK (paid_cents between 0 and total_cents), 
	CONSTRAINT invoice__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX invoice_by_customer ON invoice (tenant_id, customer_id, id)
-- next
CREATE UNIQUE INDEX invoice_one_a_job ON invoice (tenant_id, job_id) WHERE status <> 'VOID'
-- next
COMMENT ON COLUMN invoice.number IS '1, 2, 3, ... of the business.'
-- next
CREATE TABLE payment (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	job_id UUID, 
	plan_id UUID, 
	invoice_id UUID, 
	method_id UUID, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	is_current BOOLEAN DEFAULT true NOT NULL, 
	attempt INTEGER DEFAULT 1 NOT NULL, 
	currency TEXT NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	tip_cents BIGINT DEFAULT 0 NOT NULL, 
	captured_cents BIGINT DEFAULT 0 NOT NULL, 
	refunded_cents BIGINT DEFAULT 0 NOT NULL, 
	fee_cents BIGINT DEFAULT 0 NOT NULL, 
	intent_id TEXT, 
	charge_id TEXT, 
	capture_before TIMESTAMP WITH TIME ZONE, 
	why_less TEXT, 
	let_go TEXT, 
	return_url TEXT, 
	action_url TEXT, 
	decline JSONB, 
	declines INTEGER DEFAULT 0 NOT NULL, 
	next_attempt_at TIMESTAMP WITH TIME ZONE, 
	action_until TIMESTAMP WITH TIME ZONE, 
	authorized_at TIMESTAMP WITH TIME ZONE, 
	captured_at TIMESTAMP WITH TIME ZONE, 
	released_at TIMESTAMP WITH TIME ZONE, 
	alarmed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT payment_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT payment_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT payment_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT payment_plan_id_fkey FOREIGN KEY(tenant_id, plan_id) REFERENCES service_plan (tenant_id, id), 
	CONSTRAINT payment_method_id_fkey FOREIGN KEY(tenant_id, method_id) REFERENCES payment_method (tenant_id, id), 
	CONSTRAINT payment_kind_known_check CHECK (kind in ('PREPAID', 'HOLD', 'TIP', 'INVOICE')), 
	CONSTRAINT payment_status_known_check CHECK (status in ('PENDING', 'AUTHORIZED', 'CAPTURE_PENDING', 'CAPTURED', 'FAILED', 'REQUIRES_ACTION', 'EXPIRED', 'RELEASED', 'REFUNDED', 'PARTIALLY_REFUNDED', 'DISPUTED')), 
	CONSTRAINT payment_amounts_sane_check CHECK (amount_cents > 0 and tip_cents between 0 and amount_cents), 
	CONSTRAINT payment_no_overcapture_check CHECK (captured_cents between 0 and amount_cents), 
	CONSTRAINT payment_no_overrefund_check CHECK (refunded_cents between 0 and captured_cents), 
	CONSTRAINT payment_tenant_id_intent_id_key UNIQUE (tenant_id, intent_id), 
	CONSTRAINT payment__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX payment_by_customer ON payment (tenant_id, customer_id, id)
-- next
CREATE INDEX payment_by_job ON payment (tenant_id, job_id, id)
-- next
CREATE INDEX payment_held ON payment (tenant_id, capture_before) WHERE status = 'AUTHORIZED'
-- next
CREATE UNIQUE INDEX payment_one_a_job ON payment (tenant_id, job_id) WHERE is_current and kind in ('PREPAID', 'HOLD')
-- next
COMMENT ON COLUMN payment.is_current IS 'False once replaced.'
-- next
COMMENT ON COLUMN payment.attempt IS '1, 2, ... of a job''s holds.'
-- next
COMMENT ON COLUMN payment.amount_cents IS 'What is to be paid.'
-- next
COMMENT ON COLUMN payment.tip_cents IS 'Part of the amount.'
-- next
COMMENT ON COLUMN payment.fee_cents IS 'What the provider kept.'
-- next
COMMENT ON COLUMN payment.intent_id IS 'The provider''s id of the payment.'
-- next
COMMENT ON COLUMN payment.capture_before IS 'When the hold lapses, as the provider says (A2).'
-- next
COMMENT ON COLUMN payment.why_less IS 'Why less is taken than was held; null where all of it is.'
-- next
COMMENT ON COLUMN payment.let_go IS 'Why nothing is to be taken any more; null where something is.'
-- next
COMMENT ON COLUMN payment.return_url IS 'Where a customer who is present comes back to; null where absent.'
-- next
COMMENT ON COLUMN payment.action_url IS 'The bank''s page on which the customer confirms; theirs alone.'
-- next
COMMENT ON COLUMN payment.decline IS 'The last decline: code, decline code, advice, and words for the customer.'
-- next
COMMENT ON COLUMN payment.next_attempt_at IS 'When the card is asked again; null where it is not.'
-- next
COMMENT ON COLUMN payment.action_until IS 'Until when the customer can confirm with their bank.'
-- next
COMMENT ON COLUMN payment.alarmed_at IS 'When the office was told that the hold will lapse.'
-- next
CREATE TABLE dispute (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	payment_id UUID NOT NULL, 
	job_id UUID, 
	customer_id UUID NOT NULL, 
	status TEXT NOT NULL, 
	provider_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	fee_cents BIGINT DEFAULT 0 NOT NULL, 
	withdrawn_cents BIGINT DEFAULT 0 NOT NULL, 
	draft TEXT, 
	due_by TIMESTAMP WITH TIME ZONE, 
	answered_at TIMESTAMP WITH TIME ZONE, 
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	closed_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT dispute_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT dispute_payment_id_fkey FOREIGN KEY(tenant_id, payment_id) REFERENCES payment (tenant_id, id), 
	CONSTRAINT dispute_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT dispute_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT dispute_status_known_check CHECK (status in ('INQUIRY', 'NEEDS_RESPONSE', 'UNDER_REVIEW', 'WON', 'LOST', 'CLOSED')), 
	CONSTRAINT dispute_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id), 
	CONSTRAINT dispute__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN dispute.draft IS 'The proof of the clean in words, as the bank would be told it.'
-- next
CREATE TABLE payout (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	assignment_id UUID, 
	payment_id UUID NOT NULL, 
	carried_into UUID, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	base_cents BIGINT NOT NULL, 
	urgent_cents BIGINT NOT NULL, 
	laundry_cents BIGINT NOT NULL, 
	tip_cents BIGINT DEFAULT 0 NOT NULL, 
	carried_cents BIGINT DEFAULT 0 NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	reversed_cents BIGINT DEFAULT 0 NOT NULL, 
	expected_hours NUMERIC(5, 2) NOT NULL, 
	rate_cents INTEGER NOT NULL, 
	tier TEXT NOT NULL, 
	role TEXT NOT NULL, 
	policy TEXT NOT NULL, 
	hold_reason TEXT, 
	hold_note TEXT, 
	account_id TEXT, 
	transfer_id TEXT, 
	failure JSONB, 
	decided_by UUID, 
	export_id UUID, 
	bank_payout_id TEXT, 
	due_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	released_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT payout_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT payout_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT payout_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT payout_payment_id_fkey FOREIGN KEY(tenant_id, payment_id) REFERENCES payment (tenant_id, id), 
	CONSTRAINT payout_export_id_fkey FOREIGN KEY(tenant_id, export_id) REFERENCES payroll_export (tenant_id, id), 
	CONSTRAINT payout_kind_known_check CHECK (kind in ('CLEAN', 'TIP')), 
	CONSTRAINT payout_status_known_check CHECK (status in ('PENDING', 'HELD', 'RELEASED', 'IN_TRANSIT', 'PAID_OUT', 'FAILED', 'REVERSED', 'CARRIED', 'EXPORTED')), 
	CONSTRAINT payout_hold_reason_known_check CHECK (hold_reason in ('NO_ACCOUNT', 'ONBOARDING_INCOMPLETE', 'BELOW_MINIMUM', 'ACCOUNT_RESTRICTED', 'ACCOUNT_INVALID', 'ACCOUNT_CLOSED', 'DISPUTED', 'NOT_COVERED', 'BY_OFFICE')), 
	CONSTRAINT payout_adds_up_check CHECK (amount_cents = base_cents + urgent_cents + laundry_cents + tip_cents + carried_cents), 
	CONSTRAINT payout_amounts_sane_check CHECK (amount_cents >= 0 and reversed_cents between 0 and amount_cents), 
	CONSTRAINT payout_once UNIQUE (tenant_id, job_id, cleaner_id, kind, payment_id), 
	CONSTRAINT payout_tenant_id_transfer_id_key UNIQUE (tenant_id, transfer_id), 
	CONSTRAINT payout__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX payout_by_cleaner ON payout (tenant_id, cleaner_id, id)
-- next
CREATE INDEX payout_by_payment ON payout (tenant_id, payment_id, id)
-- next
CREATE UNIQUE INDEX payout_one_laundry_lead ON payout (tenant_id, payment_id) WHERE laundry_cents > 0
-- next
CREATE INDEX payout_waiting ON payout (tenant_id, status, due_at) WHERE status in ('PENDING', 'HELD')
-- next
COMMENT ON COLUMN payout.carried_cents IS 'Of earlier, too small ones.'
-- next
COMMENT ON COLUMN payout.amount_cents IS 'All parts together: what is transferred.'
-- next
COMMENT ON COLUMN payout.rate_cents IS 'For an hour, as it was used (A49).'
-- next
COMMENT ON COLUMN payout.policy IS 'Who is paid of a crew, as it was decided (A11).'
-- next
COMMENT ON COLUMN payout.hold_note IS 'What to do about it, in words for people.'
-- next
COMMENT ON COLUMN payout.account_id IS 'Where it went: the cleaner''s account with the provider.'
-- next
COMMENT ON COLUMN payout.decided_by IS 'Who released a held one by hand.'
-- next
COMMENT ON COLUMN payout.bank_payout_id IS 'The provider''s id of what carries it to the cleaner''s bank.'
-- next
CREATE TABLE refund (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	payment_id UUID NOT NULL, 
	job_id UUID, 
	customer_id UUID NOT NULL, 
	status TEXT NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	bearer TEXT NOT NULL, 
	from_reserve_cents BIGINT DEFAULT 0 NOT NULL, 
	from_business_cents BIGINT DEFAULT 0 NOT NULL, 
	from_cleaners_cents BIGINT DEFAULT 0 NOT NULL, 
	requested_by UUID NOT NULL, 
	approved_by UUID, 
	provider_id TEXT, 
	failure JSONB, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT refund_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT refund_payment_id_fkey FOREIGN KEY(tenant_id, payment_id) REFERENCES payment (tenant_id, id), 
	CONSTRAINT refund_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT refund_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT refund_status_known_check CHECK (status in ('REQUESTED', 'DECLINED', 'RESERVED', 'PENDING', 'SUCCEEDED', 'FAILED')), 
	CONSTRAINT refund_bearer_known_check CHECK (bearer in ('RESERVE_FIRST', 'BUSINESS', 'CLEANERS')), 
	CONSTRAINT refund_amount_positive_check CHECK (amount_cents > 0), 
	CONSTRAINT refund_two_people_check CHECK (approved_by is null or approved_by <> requested_by), 
	CONSTRAINT refund_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id), 
	CONSTRAINT refund__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX refund_by_payment ON refund (tenant_id, payment_id, id)
-- next
grant SELECT on ledger_posting to cleanshift_definer
-- next
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
-- next
revoke all on function ledger_balances() from public
-- next
create constraint trigger ledger_balances after insert on ledger_posting deferrable initially deferred for each row execute function ledger_balances()
-- next
alter function ledger_balances() owner to cleanshift_definer
-- next
create policy dispatcher on event as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('dispatcher') and entity in ('Tenant', 'Market', 'Cleaner', 'Customer', 'Property', 'Service', 'Job', 'AvailabilitySubmission', 'Swap', 'StandingBid', 'BookingDraft', 'Quote', 'QuoteRequest', 'ServicePlan'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on geocoded to cleanshift_app
-- next
alter table geocoded enable row level security
-- next
alter table geocoded force row level security
-- next
create policy tenant_wall on geocoded as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on geocoded as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system') or (select current_setting('app.role', true)) in ('customer') or (select current_setting('app.role', true)) in ('anonymous')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system') or (select current_setting('app.role', true)) in ('customer') or (select current_setting('app.role', true)) in ('anonymous'))
-- next
grant SELECT, INSERT on ledger_entry to cleanshift_app
-- next
alter table ledger_entry enable row level security
-- next
alter table ledger_entry force row level security
-- next
create policy tenant_wall on ledger_entry as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on ledger_entry as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on ledger_entry as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE on money_alarm to cleanshift_app
-- next
grant SELECT (tenant_id, kind, raised_at, cleared_at) on money_alarm to cleanshift_ops
-- next
alter table money_alarm enable row level security
-- next
alter table money_alarm force row level security
-- next
create policy tenant_wall on money_alarm as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on money_alarm as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on money_alarm as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
create policy ops on money_alarm as permissive for SELECT to cleanshift_ops using (true)
-- next
grant SELECT, INSERT, UPDATE on money_op to cleanshift_app
-- next
alter table money_op enable row level security
-- next
alter table money_op force row level security
-- next
create policy tenant_wall on money_op as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on money_op as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on money_op as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT on price_book to cleanshift_app
-- next
alter table price_book enable row level security
-- next
alter table price_book force row level security
-- next
create policy tenant_wall on price_book as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on price_book as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy published on price_book as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on provider_account to cleanshift_app
-- next
alter table provider_account enable row level security
-- next
alter table provider_account force row level security
-- next
create policy tenant_wall on provider_account as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on provider_account as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy webhook on provider_account as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous'))
-- next
create policy catalogue on service as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system') or (select current_setting('app.role', true)) in ('cleaner') or (select current_setting('app.role', true)) in ('customer') or (select current_setting('app.role', true)) in ('anonymous'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on tenant_subscription to cleanshift_app
-- next
alter table tenant_subscription enable row level security
-- next
alter table tenant_subscription force row level security
-- next
create policy tenant_wall on tenant_subscription as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on tenant_subscription as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on tenant_subscription as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on webhook_event to cleanshift_app
-- next
alter table webhook_event enable row level security
-- next
alter table webhook_event force row level security
-- next
create policy tenant_wall on webhook_event as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on webhook_event as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on webhook_event as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on booking_draft to cleanshift_app
-- next
alter table booking_draft enable row level security
-- next
alter table booking_draft force row level security
-- next
create policy tenant_wall on booking_draft as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on booking_draft as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on booking_draft as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy visitor on booking_draft as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous') and id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT on ledger_posting to cleanshift_app
-- next
alter table ledger_posting enable row level security
-- next
alter table ledger_posting force row level security
-- next
create policy tenant_wall on ledger_posting as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on ledger_posting as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on ledger_posting as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('system'))
-- next
create policy balance on ledger_posting as permissive for SELECT to cleanshift_definer using (true)
-- next
grant SELECT, INSERT, UPDATE, DELETE on payment_method to cleanshift_app
-- next
alter table payment_method enable row level security
-- next
alter table payment_method force row level security
-- next
create policy tenant_wall on payment_method as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on payment_method as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on payment_method as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy system on payment_method as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE on payroll_export to cleanshift_app
-- next
alter table payroll_export enable row level security
-- next
alter table payroll_export force row level security
-- next
create policy tenant_wall on payroll_export as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on payroll_export as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on payroll_export as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on quote to cleanshift_app
-- next
alter table quote enable row level security
-- next
alter table quote force row level security
-- next
create policy tenant_wall on quote as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on quote as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on quote as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy visitor on quote as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous') and draft_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on quote_request to cleanshift_app
-- next
alter table quote_request enable row level security
-- next
alter table quote_request force row level security
-- next
create policy tenant_wall on quote_request as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on quote_request as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on quote_request as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy visitor on quote_request as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous') and draft_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on service_plan to cleanshift_app
-- next
alter table service_plan enable row level security
-- next
alter table service_plan force row level security
-- next
create policy tenant_wall on service_plan as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on service_plan as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on service_plan as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on service_plan_skip to cleanshift_app
-- next
alter table service_plan_skip enable row level security
-- next
alter table service_plan_skip force row level security
-- next
create policy tenant_wall on service_plan_skip as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on service_plan_skip as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on service_plan_skip as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on invoice to cleanshift_app
-- next
alter table invoice enable row level security
-- next
alter table invoice force row level security
-- next
create policy tenant_wall on invoice as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on invoice as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on invoice as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status <> 'DRAFT')
-- next
grant SELECT, INSERT, UPDATE, DELETE on payment to cleanshift_app
-- next
alter table payment enable row level security
-- next
alter table payment force row level security
-- next
create policy tenant_wall on payment as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on payment as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on payment as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy system on payment as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on dispute to cleanshift_app
-- next
alter table dispute enable row level security
-- next
alter table dispute force row level security
-- next
create policy tenant_wall on dispute as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on dispute as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy system on dispute as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on payout to cleanshift_app
-- next
alter table payout enable row level security
-- next
alter table payout force row level security
-- next
create policy tenant_wall on payout as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on payout as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on payout as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy system on payout as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on refund to cleanshift_app
-- next
alter table refund enable row level security
-- next
alter table refund force row level security
-- next
create policy tenant_wall on refund as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on refund as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on refund as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy system on refund as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
ALTER TABLE job ADD CONSTRAINT job_plan_id_fkey FOREIGN KEY(tenant_id, plan_id) REFERENCES service_plan (tenant_id, id),
	ADD CONSTRAINT job_quote_id_fkey FOREIGN KEY(tenant_id, quote_id) REFERENCES quote (tenant_id, id)
