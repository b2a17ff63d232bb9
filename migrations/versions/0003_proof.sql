revoke SELECT (tenant_id, seq, at), DELETE on event from cleanshift_ops
-- next
alter table cleaner add column certified_at timestamp with time zone,
    add column missing_stages text[] default '{PROFILE,PAYOUTS,DOCUMENTS,SKILLS}' not null
-- next
alter table cleaner_skill add column source text default 'OFFICE' not null,
    add column certified_at timestamp with time zone,
    add constraint cleaner_skill_source_known_check check (source in ('SELF', 'OFFICE'))
-- next
alter table property add column geofence_metres integer,
    add constraint property_geofence_sane_check check (geofence_metres between 10 and 10000)
-- next
alter table job add column late_at timestamp with time zone, add column missed_at timestamp with time zone,
    drop constraint job_status_known_check,
    add constraint job_status_known_check check (status in ('UNASSIGNED', 'ASSIGNED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'NO_SHOW', 'NO_ACCESS'))
-- next
alter table tenant_head no force row level security
-- next
update tenant_head set epoch = epoch + 1
-- next
alter table tenant_head force row level security
-- next
CREATE INDEX audit_of_evidence ON audit (tenant_id, entity_id) WHERE entity = 'Evidence'
-- next
COMMENT ON COLUMN cleaner.missing_stages IS 'What is not done yet (R134), also where an administrator has opened the gate all the same.'
-- next
COMMENT ON COLUMN cleaner.certified_at IS 'When they said what they can do, be it nothing special (R133).'
-- next
CREATE INDEX event_of_position ON event (tenant_id, at) WHERE type = 'CleanerMoved' and payload <> '{"card": {}, "people": []}'::jsonb
-- next
CREATE TABLE legal_document (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	edition INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	digest BYTEA NOT NULL, 
	published_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT legal_document_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT legal_document_tenant_id_kind_edition_key UNIQUE (tenant_id, kind, edition), 
	CONSTRAINT legal_document_kind_known_check CHECK (kind in ('CONTRACTOR_AGREEMENT', 'W9', 'LIABILITY_WAIVER')), 
	CONSTRAINT legal_document__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN legal_document.edition IS '1, 2, 3, ... of its kind; the last one is in force.'
-- next
COMMENT ON COLUMN legal_document.digest IS 'sha256 of title and body.'
-- next
CREATE TABLE subject_key (
	tenant_id UUID NOT NULL, 
	subject_id UUID NOT NULL, 
	wrapped BYTEA, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	destroyed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT subject_key_pkey PRIMARY KEY (tenant_id, subject_id), 
	CONSTRAINT subject_key__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN subject_key.wrapped IS 'The key, sealed with the installation''s; null once destroyed.'
-- next
CREATE TABLE cleaner_profile (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	legal_name TEXT NOT NULL, 
	birth_date DATE NOT NULL, 
	address TEXT NOT NULL, 
	city TEXT NOT NULL, 
	postal_code TEXT NOT NULL, 
	emergency_contact TEXT NOT NULL, 
	emergency_phone TEXT NOT NULL, 
	years_of_experience INTEGER NOT NULL, 
	about TEXT DEFAULT '' NOT NULL, 
	submitted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT cleaner_profile_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT cleaner_profile_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT cleaner_profile_tenant_id_cleaner_id_key UNIQUE (tenant_id, cleaner_id), 
	CONSTRAINT cleaner_profile_experience_sane_check CHECK (years_of_experience between 0 and 80), 
	CONSTRAINT cleaner_profile__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN cleaner_skill.source IS 'Who says so (R133).'
-- next
COMMENT ON COLUMN cleaner_skill.certified_at IS 'When the cleaner said so.'
-- next
CREATE TABLE payout_account (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	status TEXT NOT NULL, 
	account_id TEXT, 
	requirements TEXT[] DEFAULT '{}' NOT NULL, 
	link TEXT, 
	link_expires_at TIMESTAMP WITH TIME ZONE, 
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ready_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT payout_account_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT payout_account_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT payout_account_tenant_id_cleaner_id_key UNIQUE (tenant_id, cleaner_id), 
	CONSTRAINT payout_account_tenant_id_account_id_key UNIQUE (tenant_id, account_id), 
	CONSTRAINT payout_account_status_known_check CHECK (status in ('REQUESTED', 'OPEN', 'READY', 'RESTRICTED')), 
	CONSTRAINT payout_account__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN payout_account.account_id IS 'The provider''s id of the account (R136).'
-- next
COMMENT ON COLUMN payout_account.link IS 'The provider''s page for the cleaner; only they are shown it.'
-- next
COMMENT ON COLUMN payout_account.ready_at IS 'Since when it is complete (R136); null while it is not.'
-- next
COMMENT ON COLUMN property.geofence_metres IS 'How near a check-in must be (R29); the setting''s where null.'
-- next
CREATE TABLE reliability (
	tenant_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	formula INTEGER NOT NULL, 
	score INTEGER NOT NULL, 
	parts JSONB NOT NULL, 
	computed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT reliability_pkey PRIMARY KEY (tenant_id, cleaner_id), 
	CONSTRAINT reliability_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT reliability_score_range_check CHECK (score between 0 and 100)
)
-- next
COMMENT ON COLUMN reliability.formula IS 'The version of the formula that made it.'
-- next
CREATE TABLE signed_document (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	edition INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	digest BYTEA NOT NULL, 
	typed_name TEXT NOT NULL, 
	signed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	address TEXT NOT NULL, 
	device TEXT DEFAULT '' NOT NULL, 
	pdf BYTEA NOT NULL, 
	pdf_digest BYTEA NOT NULL, 
	CONSTRAINT signed_document_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT signed_document_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT signed_document_tenant_id_cleaner_id_kind_edition_key UNIQUE (tenant_id, cleaner_id, kind, edition), 
	CONSTRAINT signed_document_kind_known_check CHECK (kind in ('CONTRACTOR_AGREEMENT', 'W9', 'LIABILITY_WAIVER')), 
	CONSTRAINT signed_document__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN signed_document.edition IS '0 stands for the text that the product brings along.'
-- next
COMMENT ON COLUMN signed_document.digest IS 'sha256 of the title and body that were signed.'
-- next
COMMENT ON COLUMN signed_document.address IS 'The network address the signature came from.'
-- next
COMMENT ON COLUMN signed_document.pdf_digest IS 'sha256 of the PDF.'
-- next
CREATE TABLE access_code (
	tenant_id UUID NOT NULL, 
	property_id UUID NOT NULL, 
	sealed BYTEA NOT NULL, 
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT access_code_pkey PRIMARY KEY (tenant_id, property_id), 
	CONSTRAINT access_code_property_id_fkey FOREIGN KEY(tenant_id, property_id) REFERENCES property (tenant_id, id)
)
-- next
CREATE TABLE checklist_template (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	name TEXT NOT NULL, 
	property_id UUID, 
	service_id UUID, 
	items JSONB NOT NULL, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT checklist_template_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT checklist_template_property_id_fkey FOREIGN KEY(tenant_id, property_id) REFERENCES property (tenant_id, id), 
	CONSTRAINT checklist_template_service_id_fkey FOREIGN KEY(tenant_id, service_id) REFERENCES service (tenant_id, id), 
	CONSTRAINT checklist_template__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE UNIQUE INDEX checklist_template_once ON checklist_template (tenant_id, property_id, service_id) NULLS NOT DISTINCT WHERE archived_at is null
-- next
COMMENT ON COLUMN checklist_template.items IS 'A list of zone, label, required, in their order.'
-- next
COMMENT ON COLUMN job.late_at IS 'When the office was told that nobody had come yet (A46).'
-- next
COMMENT ON COLUMN job.missed_at IS 'When it became a no-show (A46).'
-- next
CREATE TABLE access_code_view (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	property_id UUID NOT NULL, 
	job_id UUID, 
	viewer_id UUID NOT NULL, 
	viewer_role TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT access_code_view_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT access_code_view_property_id_fkey FOREIGN KEY(tenant_id, property_id) REFERENCES property (tenant_id, id), 
	CONSTRAINT access_code_view_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT access_code_view__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX access_code_view_by_property ON access_code_view (tenant_id, property_id, at, id)
-- next
CREATE TABLE checklist_item (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	place INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	label TEXT NOT NULL, 
	required BOOLEAN NOT NULL, 
	done_at TIMESTAMP WITH TIME ZONE, 
	done_by UUID, 
	note TEXT DEFAULT '' NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT checklist_item_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT checklist_item_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT checklist_item_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT checklist_item_done_by_fkey FOREIGN KEY(tenant_id, done_by) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT checklist_item_tenant_id_job_id_place_key UNIQUE (tenant_id, job_id, place), 
	CONSTRAINT checklist_item__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE TABLE evidence (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	status TEXT NOT NULL, 
	requirements JSONB NOT NULL, 
	submissions INTEGER DEFAULT 0 NOT NULL, 
	submitted_at TIMESTAMP WITH TIME ZONE, 
	complete_at_first BOOLEAN, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	override_reason TEXT, 
	no_access_note TEXT, 
	entries INTEGER DEFAULT 0 NOT NULL, 
	head BYTEA DEFAULT '\x' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT evidence_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT evidence_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT evidence_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT evidence_tenant_id_job_id_key UNIQUE (tenant_id, job_id), 
	CONSTRAINT evidence_status_known_check CHECK (status in ('OPEN', 'INCOMPLETE', 'COMPLETE', 'OVERRIDDEN', 'NO_ACCESS')), 
	CONSTRAINT evidence__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN evidence.requirements IS 'Zones with their counts, as of the first visit.'
-- next
COMMENT ON COLUMN evidence.submitted_at IS 'The first submission (R118).'
-- next
COMMENT ON COLUMN evidence.complete_at_first IS 'Whether the first submission was complete (A47).'
-- next
COMMENT ON COLUMN evidence.head IS 'The last entry''s hash.'
-- next
CREATE TABLE no_show (
	tenant_id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT no_show_pkey PRIMARY KEY (tenant_id, job_id, cleaner_id), 
	CONSTRAINT no_show_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT no_show_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id)
)
-- next
CREATE INDEX no_show_by_cleaner ON no_show (tenant_id, cleaner_id, at)
-- next
CREATE TABLE evidence_entry (
	tenant_id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	seq INTEGER NOT NULL, 
	customer_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	payload JSONB NOT NULL, 
	captured_at TIMESTAMP WITH TIME ZONE, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	skew_ms BIGINT, 
	flags TEXT[] DEFAULT '{}' NOT NULL, 
	actor_id UUID NOT NULL, 
	actor_role TEXT NOT NULL, 
	hash BYTEA NOT NULL, 
	CONSTRAINT evidence_entry_pkey PRIMARY KEY (tenant_id, job_id, seq), 
	CONSTRAINT evidence_entry_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES evidence (tenant_id, job_id)
)
-- next
COMMENT ON COLUMN evidence_entry.captured_at IS 'The device''s clock, as it claims.'
-- next
COMMENT ON COLUMN evidence_entry.received_at IS 'The server''s clock.'
-- next
COMMENT ON COLUMN evidence_entry.skew_ms IS 'The device''s clock minus the server''s when it was sent.'
-- next
COMMENT ON COLUMN evidence_entry.hash IS 'sha256 over the entry before and this one.'
-- next
CREATE TABLE visit (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	assignment_id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	is_responsible BOOLEAN DEFAULT true NOT NULL, 
	phase TEXT NOT NULL, 
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	instructed_at TIMESTAMP WITH TIME ZONE, 
	checked_in_at TIMESTAMP WITH TIME ZONE, 
	check_in_latitude DOUBLE PRECISION, 
	check_in_longitude DOUBLE PRECISION, 
	check_in_accuracy_metres DOUBLE PRECISION, 
	check_in_distance_metres DOUBLE PRECISION, 
	check_in_overridden BOOLEAN DEFAULT false NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	checked_out_at TIMESTAMP WITH TIME ZONE, 
	check_out_latitude DOUBLE PRECISION, 
	check_out_longitude DOUBLE PRECISION, 
	check_out_accuracy_metres DOUBLE PRECISION, 
	check_out_distance_metres DOUBLE PRECISION, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT visit_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT visit_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT visit_assignment_id_fkey FOREIGN KEY(tenant_id, assignment_id) REFERENCES assignment (tenant_id, id), 
	CONSTRAINT visit_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT visit_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT visit_tenant_id_assignment_id_cleaner_id_key UNIQUE (tenant_id, assignment_id, cleaner_id), 
	CONSTRAINT visit_phase_known_check CHECK (phase in ('INSTRUCTION', 'ARRIVAL', 'IN_PROGRESS', 'COMPLETION', 'DONE', 'NO_ACCESS')), 
	CONSTRAINT visit__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX visit_by_cleaner ON visit (tenant_id, cleaner_id, begun_at, id)
-- next
CREATE INDEX visit_by_job ON visit (tenant_id, job_id, id)
-- next
COMMENT ON COLUMN visit.is_responsible IS 'Came as primary or backup: the check-in counts for the job (A11).'
-- next
COMMENT ON COLUMN visit.begun_at IS 'When the instructions were opened.'
-- next
COMMENT ON COLUMN visit.instructed_at IS 'When they were acknowledged.'
-- next
COMMENT ON COLUMN visit.started_at IS 'When the timer began to run (R108).'
-- next
COMMENT ON COLUMN visit.finished_at IS 'When the timer stopped.'
-- next
CREATE TABLE live_location (
	tenant_id UUID NOT NULL, 
	visit_id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	latitude DOUBLE PRECISION NOT NULL, 
	longitude DOUBLE PRECISION NOT NULL, 
	accuracy_metres DOUBLE PRECISION NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT live_location_pkey PRIMARY KEY (tenant_id, visit_id), 
	CONSTRAINT live_location_visit_id_fkey FOREIGN KEY(tenant_id, visit_id) REFERENCES visit (tenant_id, id)
)
-- next
CREATE INDEX live_location_by_job ON live_location (tenant_id, job_id)
-- next
CREATE TABLE photo (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	visit_id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	stage TEXT NOT NULL, 
	zone TEXT NOT NULL, 
	status TEXT NOT NULL, 
	content_type TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 BYTEA NOT NULL, 
	width INTEGER, 
	height INTEGER, 
	perceptual_hash BIGINT, 
	claims JSONB, 
	refusal TEXT, 
	flags TEXT[] DEFAULT '{}' NOT NULL, 
	captured_at TIMESTAMP WITH TIME ZONE, 
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	uploaded_at TIMESTAMP WITH TIME ZONE, 
	stored_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT photo_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT photo_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT photo_visit_id_fkey FOREIGN KEY(tenant_id, visit_id) REFERENCES visit (tenant_id, id), 
	CONSTRAINT photo_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT photo_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT photo_stage_known_check CHECK (stage in ('BEFORE', 'AFTER', 'ACCESS')), 
	CONSTRAINT photo_status_known_check CHECK (status in ('REQUESTED', 'UPLOADED', 'STORED', 'REJECTED', 'EXPIRED')), 
	CONSTRAINT photo_sha256_length_check CHECK (octet_length(sha256) = 32), 
	CONSTRAINT photo__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX photo_by_content ON photo (tenant_id, sha256)
-- next
CREATE INDEX photo_by_job ON photo (tenant_id, job_id, stage, zone, id)
-- next
CREATE INDEX photo_by_look ON photo (tenant_id, perceptual_hash) WHERE status = 'STORED'
-- next
COMMENT ON COLUMN photo.sha256 IS 'As the device announced it; the server compares.'
-- next
COMMENT ON COLUMN photo.claims IS 'What the file''s EXIF says: a claim, not a fact.'
-- next
COMMENT ON COLUMN photo.refusal IS 'Why it was refused, as a stable code.'
-- next
COMMENT ON COLUMN photo.expires_at IS 'Until when it can be uploaded.'
-- next
COMMENT ON COLUMN photo.uploaded_at IS 'When the device said that it is there.'
-- next
COMMENT ON COLUMN photo.stored_at IS 'When the server had checked it.'
-- next
CREATE TABLE track_batch (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	job_id UUID NOT NULL, 
	visit_id UUID NOT NULL, 
	customer_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	sequence INTEGER NOT NULL, 
	points JSONB NOT NULL, 
	first_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	plausibility INTEGER NOT NULL, 
	flags TEXT[] DEFAULT '{}' NOT NULL, 
	digest BYTEA NOT NULL, 
	CONSTRAINT track_batch_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT track_batch_job_id_fkey FOREIGN KEY(tenant_id, job_id) REFERENCES job (tenant_id, id), 
	CONSTRAINT track_batch_visit_id_fkey FOREIGN KEY(tenant_id, visit_id) REFERENCES visit (tenant_id, id), 
	CONSTRAINT track_batch_customer_id_fkey FOREIGN KEY(tenant_id, customer_id) REFERENCES customer (tenant_id, id), 
	CONSTRAINT track_batch_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT track_batch_tenant_id_visit_id_sequence_key UNIQUE (tenant_id, visit_id, sequence), 
	CONSTRAINT track_batch_plausibility_range_check CHECK (plausibility between 0 and 100), 
	CONSTRAINT track_batch__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
COMMENT ON COLUMN track_batch.sequence IS 'The device''s own count: the same one again changes nothing.'
-- next
COMMENT ON COLUMN track_batch.points IS 'A list of at, latitude, longitude, accuracy, mock.'
-- next
COMMENT ON COLUMN track_batch.plausibility IS '0 to 100; never proof by itself.'
-- next
COMMENT ON COLUMN track_batch.digest IS 'sha256 of the points, as the chain names it.'
-- next
grant SELECT (tenant_id, seq, at), UPDATE (payload), DELETE on event to cleanshift_ops
-- next
create policy scrub on event as permissive for UPDATE to cleanshift_ops using (type = 'CleanerMoved' and payload <> '{"card": {}, "people": []}'::jsonb) with check (type = 'CleanerMoved' and payload = '{"card": {}, "people": []}'::jsonb)
-- next
grant SELECT, INSERT on legal_document to cleanshift_app
-- next
alter table legal_document enable row level security
-- next
alter table legal_document force row level security
-- next
create policy tenant_wall on legal_document as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on legal_document as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy cleaners on legal_document as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner'))
-- next
create policy published on legal_document as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on subject_key to cleanshift_app
-- next
alter table subject_key enable row level security
-- next
alter table subject_key force row level security
-- next
create policy tenant_wall on subject_key as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on subject_key as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on cleaner_profile to cleanshift_app
-- next
alter table cleaner_profile enable row level security
-- next
alter table cleaner_profile force row level security
-- next
create policy tenant_wall on cleaner_profile as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on cleaner_profile as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on cleaner_profile as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on payout_account to cleanshift_app
-- next
alter table payout_account enable row level security
-- next
alter table payout_account force row level security
-- next
create policy tenant_wall on payout_account as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on payout_account as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on payout_account as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy asked on payout_account as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy system on payout_account as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on reliability to cleanshift_app
-- next
alter table reliability enable row level security
-- next
alter table reliability force row level security
-- next
create policy tenant_wall on reliability as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on reliability as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on reliability as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT on signed_document to cleanshift_app
-- next
alter table signed_document enable row level security
-- next
alter table signed_document force row level security
-- next
create policy tenant_wall on signed_document as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy admin on signed_document as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy own on signed_document as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy signed on signed_document as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('cleaner') and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on access_code to cleanshift_app
-- next
alter table access_code enable row level security
-- next
alter table access_code force row level security
-- next
create policy tenant_wall on access_code as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on access_code as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on checklist_template to cleanshift_app
-- next
alter table checklist_template enable row level security
-- next
alter table checklist_template force row level security
-- next
create policy tenant_wall on checklist_template as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on checklist_template as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy admin on checklist_template as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
grant SELECT, INSERT on access_code_view to cleanshift_app
-- next
alter table access_code_view enable row level security
-- next
alter table access_code_view force row level security
-- next
create policy tenant_wall on access_code_view as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on access_code_view as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy logged on access_code_view as permissive for INSERT to cleanshift_app  with check (viewer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy own on access_code_view as permissive for SELECT to cleanshift_app using (viewer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on checklist_item to cleanshift_app
-- next
alter table checklist_item enable row level security
-- next
alter table checklist_item force row level security
-- next
create policy tenant_wall on checklist_item as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on checklist_item as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy crew on checklist_item as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own where own.tenant_id = checklist_item.tenant_id
        and own.job_id = checklist_item.job_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.released_at is null))
-- next
create policy ticked on checklist_item as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own where own.tenant_id = checklist_item.tenant_id
        and own.job_id = checklist_item.job_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.released_at is null)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own where own.tenant_id = checklist_item.tenant_id
        and own.job_id = checklist_item.job_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.released_at is null))
-- next
create policy customer on checklist_item as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and exists (select from job done
        where done.tenant_id = checklist_item.tenant_id and done.id = checklist_item.job_id
          and done.status in ('COMPLETED', 'NO_ACCESS')))
-- next
create policy system on checklist_item as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on evidence to cleanshift_app
-- next
alter table evidence enable row level security
-- next
alter table evidence force row level security
-- next
create policy tenant_wall on evidence as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on evidence as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy crew on evidence as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own where own.tenant_id = evidence.tenant_id
        and own.job_id = evidence.job_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.released_at is null))
-- next
create policy customer on evidence as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and exists (select from job done
        where done.tenant_id = evidence.tenant_id and done.id = evidence.job_id
          and done.status in ('COMPLETED', 'NO_ACCESS')))
-- next
create policy derived on evidence as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, DELETE on no_show to cleanshift_app
-- next
alter table no_show enable row level security
-- next
alter table no_show force row level security
-- next
create policy tenant_wall on no_show as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on no_show as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on no_show as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy noted on no_show as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('system'))
-- next
create policy disproved on no_show as permissive for DELETE to cleanshift_app using ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT on evidence_entry to cleanshift_app
-- next
alter table evidence_entry enable row level security
-- next
alter table evidence_entry force row level security
-- next
create policy tenant_wall on evidence_entry as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on evidence_entry as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy crew on evidence_entry as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own where own.tenant_id = evidence_entry.tenant_id
        and own.job_id = evidence_entry.job_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.released_at is null))
-- next
create policy customer on evidence_entry as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and exists (select from job done
        where done.tenant_id = evidence_entry.tenant_id and done.id = evidence_entry.job_id
          and done.status in ('COMPLETED', 'NO_ACCESS')))
-- next
create policy append on evidence_entry as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on visit to cleanshift_app
-- next
alter table visit enable row level security
-- next
alter table visit force row level security
-- next
create policy tenant_wall on visit as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on visit as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on visit as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy crew on visit as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own where own.tenant_id = visit.tenant_id
        and own.job_id = visit.job_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.released_at is null))
-- next
create policy customer on visit as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, UPDATE, DELETE on live_location to cleanshift_app
-- next
alter table live_location enable row level security
-- next
alter table live_location force row level security
-- next
create policy tenant_wall on live_location as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on live_location as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on live_location as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy customer on live_location as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and exists (select from job running
            where running.tenant_id = live_location.tenant_id and running.id = live_location.job_id
              and running.status = 'IN_PROGRESS'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on photo to cleanshift_app
-- next
alter table photo enable row level security
-- next
alter table photo force row level security
-- next
create policy tenant_wall on photo as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on photo as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy crew on photo as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from assignment own where own.tenant_id = photo.tenant_id
        and own.job_id = photo.job_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.released_at is null))
-- next
create policy customer on photo as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and exists (select from job done
        where done.tenant_id = photo.tenant_id and done.id = photo.job_id
          and done.status in ('COMPLETED', 'NO_ACCESS')) and status = 'STORED')
-- next
create policy announced on photo as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status = 'REQUESTED')
-- next
create policy uploaded on photo as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status = 'REQUESTED') with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status = 'UPLOADED')
-- next
create policy checked on photo as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('system')) with check ((select current_setting('app.role', true)) in ('system'))
-- next
grant SELECT, INSERT on track_batch to cleanshift_app
-- next
alter table track_batch enable row level security
-- next
alter table track_batch force row level security
-- next
create policy tenant_wall on track_batch as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on track_batch as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on track_batch as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy appended on track_batch as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy customer on track_batch as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and exists (select from job done
        where done.tenant_id = track_batch.tenant_id and done.id = track_batch.job_id
          and done.status in ('COMPLETED', 'NO_ACCESS')))
