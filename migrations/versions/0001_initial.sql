grant usage on schema public to cleanshift_app, cleanshift_feed, cleanshift_ops, cleanshift_definer
-- next
CREATE TABLE tenant (
	tenant_id UUID NOT NULL, 
	slug TEXT NOT NULL, 
	name TEXT NOT NULL, 
	settings JSONB DEFAULT '{}' NOT NULL, 
	clock_offset INTERVAL DEFAULT '0' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT tenant_pkey PRIMARY KEY (tenant_id), 
	CONSTRAINT tenant_slug_form_check CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'), 
	CONSTRAINT tenant_slug_key UNIQUE (slug)
)
-- next
CREATE TABLE worker (
	id TEXT NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	running INTEGER DEFAULT 0 NOT NULL, 
	done BIGINT DEFAULT 0 NOT NULL, 
	failed BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT worker_pkey PRIMARY KEY (id)
)
-- next
CREATE TABLE audit (
	tenant_id UUID NOT NULL, 
	seq BIGINT NOT NULL, 
	action TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	entity_id UUID NOT NULL, 
	reason TEXT, 
	detail JSONB NOT NULL, 
	actor_id UUID NOT NULL, 
	actor_role TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	hash BYTEA NOT NULL, 
	CONSTRAINT audit_pkey PRIMARY KEY (tenant_id, seq), 
	CONSTRAINT audit__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN audit.action IS 'The command''s name.'
-- next
COMMENT ON COLUMN audit.hash IS 'sha256 over the previous hash and this row.'
-- next
CREATE TABLE cleaner (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT, 
	phone TEXT, 
	pay_tier TEXT DEFAULT 'standard' NOT NULL, 
	home_latitude DOUBLE PRECISION, 
	home_longitude DOUBLE PRECISION, 
	onboarding TEXT NOT NULL, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT cleaner_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT cleaner_onboarding_known_check CHECK (onboarding in ('INVITED', 'PROFILE', 'PAYOUTS', 'DOCUMENTS', 'SKILLS', 'COMPLETE')), 
	CONSTRAINT cleaner__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN cleaner.pay_tier IS 'Rates: tenant settings (A49).'
-- next
CREATE TABLE credential (
	tenant_id UUID NOT NULL, 
	person_id UUID NOT NULL, 
	role TEXT NOT NULL, 
	login TEXT NOT NULL, 
	secret_hash TEXT, 
	secret_deadline TIMESTAMP WITH TIME ZONE, 
	failures INTEGER DEFAULT 0 NOT NULL, 
	locks INTEGER DEFAULT 0 NOT NULL, 
	locked_until TIMESTAMP WITH TIME ZONE, 
	disabled BOOLEAN DEFAULT false NOT NULL, 
	CONSTRAINT credential_pkey PRIMARY KEY (tenant_id, person_id), 
	CONSTRAINT credential_tenant_id_login_key UNIQUE (tenant_id, login), 
	CONSTRAINT credential_role_known_check CHECK (role in ('owner', 'admin', 'dispatcher', 'ops', 'cleaner')), 
	CONSTRAINT credential__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN credential.login IS 'Lower-case email, or the keyed hash of a QR token.'
-- next
COMMENT ON COLUMN credential.secret_hash IS 'Argon2id; null until the first password or PIN is set.'
-- next
COMMENT ON COLUMN credential.secret_deadline IS 'Until when a first PIN may be set (A8).'
-- next
COMMENT ON COLUMN credential.locks IS 'Locks in a row; each doubles.'
-- next
CREATE TABLE customer (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT, 
	phone TEXT, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT customer_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT customer__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE TABLE duty_run (
	tenant_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	duty TEXT NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	task_id UUID NOT NULL, 
	noticed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT duty_run_pkey PRIMARY KEY (tenant_id, market_id, duty, due_at), 
	CONSTRAINT duty_run__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN duty_run.due_at IS 'Business time; a row a due time: runs once.'
-- next
CREATE TABLE event (
	tenant_id UUID NOT NULL, 
	seq BIGINT NOT NULL, 
	type TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	entity_id UUID NOT NULL, 
	payload JSONB NOT NULL, 
	actor_id UUID NOT NULL, 
	request_id TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT event_pkey PRIMARY KEY (tenant_id, seq), 
	CONSTRAINT event__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE TABLE mailed_link (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	person_id UUID NOT NULL, 
	purpose TEXT NOT NULL, 
	token_hash BYTEA NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT mailed_link_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT mailed_link_purpose_known_check CHECK (purpose in ('invite', 'reset')), 
	CONSTRAINT mailed_link_tenant_id_token_hash_key UNIQUE (tenant_id, token_hash), 
	CONSTRAINT mailed_link__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE TABLE market (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	name TEXT NOT NULL, 
	zone TEXT NOT NULL, 
	window_epoch DATE NOT NULL, 
	window_lead_days INTEGER DEFAULT 0 NOT NULL, 
	window_deadline_hour INTEGER DEFAULT 18 NOT NULL, 
	window_grace_minutes INTEGER DEFAULT 60 NOT NULL, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT market_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT market_tenant_id_name_key UNIQUE (tenant_id, name), 
	CONSTRAINT market__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE TABLE mutation_receipt (
	tenant_id UUID NOT NULL, 
	actor_id UUID NOT NULL, 
	command TEXT NOT NULL, 
	key TEXT NOT NULL, 
	input_mac BYTEA NOT NULL, 
	entity_id UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT mutation_receipt_pkey PRIMARY KEY (tenant_id, actor_id, command, key), 
	CONSTRAINT mutation_receipt_key_length_check CHECK (length(key) between 1 and 128), 
	CONSTRAINT mutation_receipt__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX mutation_receipt_age ON mutation_receipt (at)
-- next
CREATE TABLE notification (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	person_id UUID NOT NULL, 
	channel TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	topic_key TEXT NOT NULL, 
	address TEXT NOT NULL, 
	content JSONB NOT NULL, 
	status TEXT NOT NULL, 
	failure TEXT, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	sent_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT notification_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT notification_tenant_id_topic_key_person_id_channel_key UNIQUE (tenant_id, topic_key, person_id, channel), 
	CONSTRAINT notification_channel_known_check CHECK (channel in ('EMAIL', 'SMS', 'PUSH')), 
	CONSTRAINT notification_status_known_check CHECK (status in ('QUEUED', 'SENT', 'FAILED')), 
	CONSTRAINT notification__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX notification_by_person ON notification (tenant_id, person_id, created_at, id)
-- next
COMMENT ON COLUMN notification.topic_key IS 'What it is about; with person and channel it is sent once.'
-- next
COMMENT ON COLUMN notification.content IS 'subject and body; a sealed secret is never stored here.'
-- next
CREATE TABLE service (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	expected_hours NUMERIC(5, 2) NOT NULL, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT service_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT service_tenant_id_name_key UNIQUE (tenant_id, name), 
	CONSTRAINT service_hours_sane_check CHECK (expected_hours > 0 and expected_hours <= 24), 
	CONSTRAINT service__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN service.expected_hours IS 'Hours per head, unless a job says otherwise.'
-- next
CREATE TABLE session (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	person_id UUID NOT NULL, 
	role TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	revoked_at TIMESTAMP WITH TIME ZONE, 
	revoked_because TEXT, 
	device TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT session_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT session__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX session_by_person ON session (tenant_id, person_id)
-- next
CREATE TABLE sign_in_source (
	tenant_id UUID NOT NULL, 
	source TEXT NOT NULL, 
	failures INTEGER DEFAULT 0 NOT NULL, 
	locks INTEGER DEFAULT 0 NOT NULL, 
	locked_until TIMESTAMP WITH TIME ZONE, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT sign_in_source_pkey PRIMARY KEY (tenant_id, source), 
	CONSTRAINT sign_in_source__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN sign_in_source.source IS 'Keyed hash of the network address.'
-- next
CREATE TABLE staff (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	role TEXT NOT NULL, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT staff_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT staff_tenant_id_email_key UNIQUE (tenant_id, email), 
	CONSTRAINT staff_role_known_check CHECK (role in ('owner', 'admin', 'dispatcher', 'ops')), 
	CONSTRAINT staff__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE TABLE task (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	payload JSONB NOT NULL, 
	run_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	state TEXT DEFAULT 'READY' NOT NULL, 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	lease_until TIMESTAMP WITH TIME ZONE, 
	lease_token UUID, 
	worker TEXT, 
	dedupe_key TEXT, 
	last_error TEXT, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT task_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT task_state_known_check CHECK (state in ('READY', 'LEASED', 'DONE', 'DEAD')), 
	CONSTRAINT task__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id), 
	CONSTRAINT task_tenant_id_dedupe_key_key UNIQUE (tenant_id, dedupe_key)
)
-- next
CREATE INDEX task_dead ON task (tenant_id, finished_at) WHERE state = 'DEAD'
-- next
CREATE INDEX task_due ON task (run_at) WHERE state in ('READY', 'LEASED')
-- next
COMMENT ON COLUMN task.run_at IS 'Business time of the tenant.'
-- next
COMMENT ON COLUMN task.lease_until IS 'The database''s raw clock.'
-- next
COMMENT ON COLUMN task.lease_token IS 'The fence: only who holds it may record an outcome.'
-- next
CREATE TABLE tenant_head (
	tenant_id UUID NOT NULL, 
	epoch BIGINT NOT NULL, 
	seq BIGINT DEFAULT 0 NOT NULL, 
	first_seq BIGINT DEFAULT 1 NOT NULL, 
	audit_seq BIGINT DEFAULT 0 NOT NULL, 
	audit_hash BYTEA DEFAULT '\x' NOT NULL, 
	CONSTRAINT tenant_head_pkey PRIMARY KEY (tenant_id), 
	CONSTRAINT tenant_head__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN tenant_head.first_seq IS 'The oldest event kept.'
-- next
CREATE TABLE availability_submission (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	period_start DATE NOT NULL, 
	submitted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	is_late BOOLEAN NOT NULL, 
	bypass_by UUID, 
	bypass_reason TEXT, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT availability_submission_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT availability_submission_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT availability_submission_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT availability_submission_tenant_id_cleaner_id_market_id__1920 UNIQUE (tenant_id, cleaner_id, market_id, period_start), 
	CONSTRAINT availability_submission_bypass_has_reason_check CHECK ((bypass_by is null) = (bypass_reason is null)), 
	CONSTRAINT availability_submission__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN availability_submission.period_start IS 'The market-local Monday after the deadline (A23b).'
-- next
COMMENT ON COLUMN availability_submission.bypass_by IS 'The admin who let it in after the window (R91, A24).'
-- next
CREATE TABLE cleaner_market (
	tenant_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	CONSTRAINT cleaner_market_pkey PRIMARY KEY (tenant_id, cleaner_id, market_id), 
	CONSTRAINT cleaner_market_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT cleaner_market_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id)
)
-- next
CREATE INDEX cleaner_market_by_market ON cleaner_market (tenant_id, market_id, cleaner_id)
-- next
CREATE TABLE cleaner_skill (
	tenant_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	skill TEXT NOT NULL, 
	CONSTRAINT cleaner_skill_pkey PRIMARY KEY (tenant_id, cleaner_id, skill), 
	CONSTRAINT cleaner_skill_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT cleaner_skill_skill_known_check CHECK (skill in ('HOT_TUB', 'LAUNDRY'))
)
-- next
CREATE TABLE property (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	address TEXT NOT NULL, 
	city TEXT NOT NULL, 
	postal_code TEXT NOT NULL, 
	latitude DOUBLE PRECISION NOT NULL, 
	longitude DOUBLE PRECISION NOT NULL, 
	bedrooms INTEGER NOT NULL, 
	bathrooms INTEGER NOT NULL, 
	square_feet INTEGER NOT NULL, 
	laundry TEXT NOT NULL, 
	laundry_loads INTEGER DEFAULT 0 NOT NULL, 
	hot_tub BOOLEAN DEFAULT false NOT NULL, 
	notes TEXT DEFAULT '' NOT NULL, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT property_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT property_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT property_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT property_laundry_known_check CHECK (laundry in ('NONE', 'IN_UNIT', 'OFF_SITE')), 
	CONSTRAINT property_on_earth_check CHECK (latitude between -90 and 90 and longitude between -180 and 180), 
	CONSTRAINT property_loads_sane_check CHECK (laundry_loads between 0 and 50), 
	CONSTRAINT property__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX property_by_customer ON property (tenant_id, customer_id, id)
-- next
CREATE TABLE refresh_token (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	session_id UUID NOT NULL, 
	generation INTEGER NOT NULL, 
	token_hash BYTEA NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT refresh_token_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT refresh_token_session_id_fkey FOREIGN KEY(tenant_id, session_id) REFERENCES session (tenant_id, id), 
	CONSTRAINT refresh_token_tenant_id_session_id_generation_key UNIQUE (tenant_id, session_id, generation), 
	CONSTRAINT refresh_token_tenant_id_token_hash_key UNIQUE (tenant_id, token_hash), 
	CONSTRAINT refresh_token__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE TABLE availability (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	submission_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	day DATE NOT NULL, 
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT availability_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT availability_submission_id_fkey FOREIGN KEY(tenant_id, submission_id) REFERENCES availability_submission (tenant_id, id), 
	CONSTRAINT availability_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT availability_has_length_check CHECK (ends_at > starts_at), 
	CONSTRAINT availability__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX availability_by_day ON availability (tenant_id, day, cleaner_id)
-- next
CREATE INDEX availability_by_submission ON availability (tenant_id, submission_id, starts_at, id)
-- next
COMMENT ON COLUMN availability.day IS 'The market-local day.'
-- next
CREATE TABLE job (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	property_id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	service_id UUID, 
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expected_hours NUMERIC(5, 2) NOT NULL, 
	status TEXT NOT NULL, 
	payment_status TEXT NOT NULL, 
	payment_intent_id TEXT, 
	prepaid BOOLEAN DEFAULT false NOT NULL, 
	is_urgent BOOLEAN DEFAULT false NOT NULL, 
	instructions TEXT DEFAULT '' NOT NULL, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	canceled_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT job_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT job_property_id_fkey FOREIGN KEY(tenant_id, property_id) REFERENCES property (tenant_id, id), 
	CONSTRAINT job_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT job_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT job_service_id_fkey FOREIGN KEY(tenant_id, service_id) REFERENCES service (tenant_id, id), 
	CONSTRAINT job_status_known_check CHECK (status in ('UNASSIGNED', 'ASSIGNED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'NO_SHOW')), 
	CONSTRAINT job_payment_status_known_check CHECK (payment_status in ('PENDING', 'AUTHORIZED', 'CAPTURE_PENDING', 'CAPTURED', 'FAILED', 'REQUIRES_ACTION', 'EXPIRED', 'RELEASED', 'REFUNDED', 'PARTIALLY_REFUNDED', 'DISPUTED')), 
	CONSTRAINT job_has_length_check CHECK (ends_at > starts_at), 
	CONSTRAINT job_times_key UNIQUE (tenant_id, id, starts_at, ends_at), 
	CONSTRAINT job__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX job_by_property ON job (tenant_id, property_id, starts_at, id)
-- next
CREATE INDEX job_by_start ON job (tenant_id, starts_at, id)
-- next
COMMENT ON COLUMN job.expected_hours IS 'Hours per head (A12).'
-- next
CREATE TABLE assignment (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	role TEXT NOT NULL, 
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	released_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT assignment_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT assignment_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT assignment_role_known_check CHECK (role in ('PRIMARY', 'BACKUP', 'LAUNDRY_LEAD')), 
	CONSTRAINT assignment_job_id_fkey FOREIGN KEY(tenant_id, job_id, starts_at, ends_at) REFERENCES job (tenant_id, id, starts_at, ends_at) ON UPDATE CASCADE, 
	CONSTRAINT assignment_no_overlap EXCLUDE USING gist (tenant_id WITH =, cleaner_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (released_at is null and role <> 'BACKUP') DEFERRABLE INITIALLY IMMEDIATE, 
	CONSTRAINT assignment__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX assignment_by_cleaner ON assignment (tenant_id, cleaner_id, starts_at, id)
-- next
CREATE UNIQUE INDEX assignment_once ON assignment (tenant_id, job_id, cleaner_id) WHERE released_at is null
-- next
CREATE UNIQUE INDEX assignment_one_primary ON assignment (tenant_id, job_id, role) WHERE released_at is null and role in ('PRIMARY', 'LAUNDRY_LEAD')
-- next
COMMENT ON COLUMN assignment.starts_at IS 'The job''s, kept equal by the foreign key.'
-- next
COMMENT ON COLUMN assignment.ends_at IS 'The job''s, kept equal by the foreign key.'
-- next
COMMENT ON COLUMN assignment.released_at IS 'When the cleaner was taken off; null while the assignment is live.'
-- next
CREATE TABLE swap (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	job_id UUID NOT NULL, 
	assignment_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	owner_id UUID NOT NULL, 
	taker_id UUID, 
	role TEXT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	closed_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT swap_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT swap_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT swap_assignment_id_fkey FOREIGN KEY(tenant_id, assignment_id) REFERENCES assignment (tenant_id, id), 
	CONSTRAINT swap_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT swap_owner_id_fkey FOREIGN KEY(tenant_id, owner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT swap_taker_id_fkey FOREIGN KEY(tenant_id, taker_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT swap_role_known_check CHECK (role in ('PRIMARY', 'BACKUP', 'LAUNDRY_LEAD')), 
	CONSTRAINT swap_kind_known_check CHECK (kind in ('COVER', 'TRADE')), 
	CONSTRAINT swap_status_known_check CHECK (status in ('PENDING', 'AWAITING_APPROVAL', 'ACCEPTED', 'DECLINED', 'WITHDRAWN', 'EXPIRED', 'RETURNED')), 
	CONSTRAINT swap__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX swap_by_job ON swap (tenant_id, job_id)
-- next
CREATE INDEX swap_by_opened ON swap (tenant_id, opened_at, id)
-- next
CREATE INDEX swap_by_owner ON swap (tenant_id, owner_id, opened_at, id)
-- next
CREATE INDEX swap_by_taker ON swap (tenant_id, taker_id, opened_at, id)
-- next
CREATE INDEX swap_market_feed ON swap (tenant_id, market_id, status, expires_at, id)
-- next
CREATE UNIQUE INDEX swap_once_pending ON swap (tenant_id, assignment_id) WHERE status in ('PENDING', 'AWAITING_APPROVAL')
-- next
COMMENT ON COLUMN swap.role IS 'What the taker will be on the job: the assignment''s role.'
-- next
grant SELECT, INSERT, UPDATE, DELETE on tenant to cleanshift_app
-- next
alter table tenant enable row level security
-- next
alter table tenant force row level security
-- next
create policy tenant_wall on tenant as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy known on tenant as permissive for SELECT to cleanshift_app using (true)
-- next
create policy founded on tenant as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('system'))
-- next
create policy run on tenant as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy found_by_slug on tenant as permissive for SELECT to cleanshift_definer using (true)
-- next
grant SELECT, INSERT, UPDATE, DELETE on worker to cleanshift_ops
-- next
grant SELECT on audit to cleanshift_app
-- next
alter table audit enable row level security
-- next
alter table audit force row level security
-- next
create policy tenant_wall on audit as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on audit as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy append on audit as permissive for ALL to cleanshift_definer using (true) with check (true)
-- next
grant SELECT, INSERT, UPDATE, DELETE on cleaner to cleanshift_app
-- next
alter table cleaner enable row level security
-- next
alter table cleaner force row level security
-- next
create policy tenant_wall on cleaner as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on cleaner as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy colleagues on cleaner as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner'))
-- next
create policy self on cleaner as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check (false)
-- next
grant SELECT, INSERT, UPDATE, DELETE on credential to cleanshift_app
-- next
alter table credential enable row level security
-- next
alter table credential force row level security
-- next
create policy tenant_wall on credential as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy sign_in on credential as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous'))
-- next
create policy attempts on credential as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous')) with check ((select current_setting('app.role', true)) in ('anonymous'))
-- next
create policy self on credential as permissive for SELECT to cleanshift_app using (person_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy admin on credential as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on customer to cleanshift_app
-- next
alter table customer enable row level security
-- next
alter table customer force row level security
-- next
create policy tenant_wall on customer as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on customer as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy self on customer as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, DELETE on duty_run to cleanshift_ops
-- next
alter table duty_run enable row level security
-- next
alter table duty_run force row level security
-- next
create policy tenant_wall on duty_run as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy ops on duty_run as permissive for ALL to cleanshift_ops using (true) with check (true)
-- next
grant SELECT on event to cleanshift_app
-- next
grant SELECT on event to cleanshift_feed
-- next
grant SELECT (tenant_id, seq, at), DELETE on event to cleanshift_ops
-- next
alter table event enable row level security
-- next
alter table event force row level security
-- next
create policy tenant_wall on event as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on event as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy feed on event as permissive for SELECT to cleanshift_feed using (true)
-- next
create policy age on event as permissive for SELECT to cleanshift_ops using (true)
-- next
create policy prune on event as permissive for DELETE to cleanshift_ops using (true)
-- next
create policy append on event as permissive for ALL to cleanshift_definer using (true) with check (true)
-- next
grant SELECT, INSERT, UPDATE, DELETE on mailed_link to cleanshift_app
-- next
alter table mailed_link enable row level security
-- next
alter table mailed_link force row level security
-- next
create policy tenant_wall on mailed_link as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy redeem on mailed_link as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous')) with check ((select current_setting('app.role', true)) in ('anonymous'))
-- next
create policy admin on mailed_link as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on market to cleanshift_app
-- next
alter table market enable row level security
-- next
alter table market force row level security
-- next
create policy tenant_wall on market as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on market as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy customers on market as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer'))
-- next
create policy own on market as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and exists (select from cleaner_market own
            where own.tenant_id = market.tenant_id and own.market_id = market.id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)))
-- next
create policy admin on market as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy held on market as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check (false)
-- next
create policy clocks on market as permissive for SELECT to cleanshift_definer using (true)
-- next
grant SELECT, INSERT, UPDATE, DELETE on mutation_receipt to cleanshift_app
-- next
grant SELECT (tenant_id, at), DELETE on mutation_receipt to cleanshift_ops
-- next
alter table mutation_receipt enable row level security
-- next
alter table mutation_receipt force row level security
-- next
create policy tenant_wall on mutation_receipt as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy own on mutation_receipt as permissive for ALL to cleanshift_app using (actor_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check (actor_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy age on mutation_receipt as permissive for SELECT to cleanshift_ops using (true)
-- next
create policy prune on mutation_receipt as permissive for DELETE to cleanshift_ops using (true)
-- next
grant SELECT, INSERT, UPDATE on notification to cleanshift_app
-- next
alter table notification enable row level security
-- next
alter table notification force row level security
-- next
create policy tenant_wall on notification as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy write on notification as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('system'))
-- next
create policy office on notification as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on notification as permissive for SELECT to cleanshift_app using (person_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy delivery on notification as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on service to cleanshift_app
-- next
alter table service enable row level security
-- next
alter table service force row level security
-- next
create policy tenant_wall on service as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy catalogue on service as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system') or (select current_setting('app.role', true)) in ('cleaner') or (select current_setting('app.role', true)) in ('customer'))
-- next
create policy admin on service as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on session to cleanshift_app
-- next
alter table session enable row level security
-- next
alter table session force row level security
-- next
create policy tenant_wall on session as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy signs_in on session as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous')) with check ((select current_setting('app.role', true)) in ('anonymous'))
-- next
create policy own on session as permissive for SELECT to cleanshift_app using (person_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy own_end on session as permissive for UPDATE to cleanshift_app using (person_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check (person_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy customers on session as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system') and role = 'customer')
-- next
create policy customers_end on session as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system') and role = 'customer') with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system') and role = 'customer')
-- next
create policy admin on session as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on sign_in_source to cleanshift_app
-- next
alter table sign_in_source enable row level security
-- next
alter table sign_in_source force row level security
-- next
create policy tenant_wall on sign_in_source as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy attempts on sign_in_source as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous')) with check ((select current_setting('app.role', true)) in ('anonymous'))
-- next
create policy system on sign_in_source as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on staff to cleanshift_app
-- next
alter table staff enable row level security
-- next
alter table staff force row level security
-- next
create policy tenant_wall on staff as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on staff as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy self on staff as permissive for SELECT to cleanshift_app using (id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy admin on staff as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT on task to cleanshift_app
-- next
grant SELECT, INSERT, UPDATE, DELETE on task to cleanshift_ops
-- next
alter table task enable row level security
-- next
alter table task force row level security
-- next
create policy tenant_wall on task as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy write on task as permissive for INSERT to cleanshift_app  with check (true)
-- next
create policy failures on task as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system') and state = 'DEAD')
-- next
create policy ops on task as permissive for ALL to cleanshift_ops using (true) with check (true)
-- next
grant SELECT, INSERT on tenant_head to cleanshift_app
-- next
grant SELECT on tenant_head to cleanshift_feed
-- next
grant SELECT, UPDATE (first_seq) on tenant_head to cleanshift_ops
-- next
alter table tenant_head enable row level security
-- next
alter table tenant_head force row level security
-- next
create policy tenant_wall on tenant_head as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy read on tenant_head as permissive for SELECT to cleanshift_app using (true)
-- next
create policy found on tenant_head as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('system'))
-- next
create policy feed on tenant_head as permissive for SELECT to cleanshift_feed using (true)
-- next
create policy ops on tenant_head as permissive for SELECT to cleanshift_ops using (true)
-- next
create policy prune on tenant_head as permissive for UPDATE to cleanshift_ops using (true) with check (true)
-- next
create policy append on tenant_head as permissive for ALL to cleanshift_definer using (true) with check (true)
-- next
grant SELECT, INSERT, UPDATE, DELETE on availability_submission to cleanshift_app
-- next
alter table availability_submission enable row level security
-- next
alter table availability_submission force row level security
-- next
create policy tenant_wall on availability_submission as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on availability_submission as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy bypass on availability_submission as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on availability_submission as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on cleaner_market to cleanshift_app
-- next
alter table cleaner_market enable row level security
-- next
alter table cleaner_market force row level security
-- next
create policy tenant_wall on cleaner_market as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on cleaner_market as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on cleaner_market as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on cleaner_skill to cleanshift_app
-- next
alter table cleaner_skill enable row level security
-- next
alter table cleaner_skill force row level security
-- next
create policy tenant_wall on cleaner_skill as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on cleaner_skill as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on cleaner_skill as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on property to cleanshift_app
-- next
alter table property enable row level security
-- next
alter table property force row level security
-- next
create policy tenant_wall on property as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on property as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy owner on property as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy of_visible_jobs on property as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from job visible
            where visible.tenant_id = property.tenant_id and visible.property_id = property.id))
-- next
grant SELECT, INSERT, UPDATE, DELETE on refresh_token to cleanshift_app
-- next
alter table refresh_token enable row level security
-- next
alter table refresh_token force row level security
-- next
create policy tenant_wall on refresh_token as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy rotation on refresh_token as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('anonymous')) with check ((select current_setting('app.role', true)) in ('anonymous'))
-- next
create policy system on refresh_token as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on availability to cleanshift_app
-- next
alter table availability enable row level security
-- next
alter table availability force row level security
-- next
create policy tenant_wall on availability as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on availability as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy bypass on availability as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on availability as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on job to cleanshift_app
-- next
alter table job enable row level security
-- next
alter table job force row level security
-- next
create policy tenant_wall on job as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on job as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy customer on job as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy assigned on job as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own
            where own.tenant_id = job.tenant_id and own.job_id = job.id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)))
-- next
create policy offered on job as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from swap offered
            where offered.tenant_id = job.tenant_id and offered.job_id = job.id and offered.status = 'PENDING'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on assignment to cleanshift_app
-- next
alter table assignment enable row level security
-- next
alter table assignment force row level security
-- next
create policy tenant_wall on assignment as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on assignment as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on assignment as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy handed_over on assignment as permissive for SELECT to cleanshift_definer using (true)
-- next
create policy hand_over on assignment as permissive for UPDATE to cleanshift_definer using (true) with check (true)
-- next
grant SELECT, INSERT, UPDATE (status, taker_id, closed_at, expires_at, version, note), DELETE on swap to cleanshift_app
-- next
alter table swap enable row level security
-- next
alter table swap force row level security
-- next
create policy tenant_wall on swap as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on swap as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy parties on swap as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and (owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) or taker_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)))
-- next
create policy market on swap as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and status = 'PENDING' and exists (select from cleaner_market own where own.tenant_id = swap.tenant_id
    and own.market_id = swap.market_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)))
-- next
create policy offer on swap as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and taker_id is null and status = 'PENDING')
-- next
create policy withdraw on swap as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status = 'PENDING') with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status = 'WITHDRAWN' and taker_id is null)
-- next
create policy accept on swap as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and status = 'PENDING' and taker_id is null and exists (select from cleaner_market own where own.tenant_id = swap.tenant_id
    and own.market_id = swap.market_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and status = 'ACCEPTED' and taker_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy handed_over on swap as permissive for SELECT to cleanshift_definer using (true)
-- next
grant SELECT on tenant to cleanshift_definer
-- next
grant SELECT on market to cleanshift_definer
-- next
grant SELECT on swap to cleanshift_definer
-- next
grant SELECT, UPDATE on assignment to cleanshift_definer
-- next
grant SELECT, UPDATE on tenant_head to cleanshift_definer
-- next
grant SELECT, INSERT on event to cleanshift_definer
-- next
grant SELECT, INSERT on audit to cleanshift_definer
-- next
create function tenant_by_slug(wanted text) returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select tenant_id from tenant where slug = wanted
$$
-- next
revoke all on function tenant_by_slug(text) from public
-- next
grant execute on function tenant_by_slug(text) to cleanshift_app
-- next
grant execute on function tenant_by_slug(text) to cleanshift_ops
-- next
alter function tenant_by_slug(text) owner to cleanshift_definer
-- next
create function market_clocks() returns table (
    tenant_id uuid, market_id uuid, zone text, window_epoch date, window_lead_days integer,
    window_deadline_hour integer, window_grace_minutes integer, created_at timestamptz, business_now timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select m.tenant_id, m.id, m.zone, m.window_epoch, m.window_lead_days,
           m.window_deadline_hour, m.window_grace_minutes, m.created_at, clock_timestamp() + t.clock_offset
    from market m join tenant t on t.tenant_id = m.tenant_id
    where m.archived_at is null
$$
-- next
revoke all on function market_clocks() from public
-- next
grant execute on function market_clocks() to cleanshift_ops
-- next
alter function market_clocks() owner to cleanshift_definer
-- next
create function tenant_clocks() returns table (tenant_id uuid, business_now timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select t.tenant_id, clock_timestamp() + t.clock_offset from tenant t
$$
-- next
revoke all on function tenant_clocks() from public
-- next
grant execute on function tenant_clocks() to cleanshift_ops
-- next
alter function tenant_clocks() owner to cleanshift_definer
-- next
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
-- next
revoke all on function log_append() from public
-- next
grant execute on function log_append() to cleanshift_app
-- next
alter function log_append() owner to cleanshift_definer
-- next
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
-- next
revoke all on function hand_over(uuid) from public
-- next
grant execute on function hand_over(uuid) to cleanshift_app
-- next
alter function hand_over(uuid) owner to cleanshift_definer
