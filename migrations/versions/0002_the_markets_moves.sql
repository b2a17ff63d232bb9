DROP INDEX swap_once_pending
-- next
drop policy office on event
-- next
drop policy offered on job
-- next
revoke SELECT, INSERT, UPDATE (status, taker_id, closed_at, expires_at, version, note), DELETE on swap from cleanshift_app
-- next
drop policy offer on swap
-- next
drop policy withdraw on swap
-- next
drop policy accept on swap
-- next
revoke SELECT on swap from cleanshift_definer
-- next
revoke SELECT, UPDATE on assignment from cleanshift_definer
-- next
drop function hand_over(uuid)
-- next
alter table audit add column id uuid default uuidv7() not null, add constraint audit_tenant_id_id_key unique (tenant_id, id)
-- next
alter table assignment add column customer_id uuid
-- next
alter table assignment no force row level security
-- next
alter table job no force row level security
-- next
update assignment a set customer_id = j.customer_id from job j where j.tenant_id = a.tenant_id and j.id = a.job_id
-- next
alter table assignment force row level security
-- next
alter table job force row level security
-- next
alter table assignment drop constraint assignment_job_id_fkey, alter column customer_id set not null
-- next
alter table job drop constraint job_times_key,
    add constraint job_times_key unique (tenant_id, id, customer_id, starts_at, ends_at)
-- next
alter table assignment add constraint assignment_job_id_fkey
    foreign key (tenant_id, job_id, customer_id, starts_at, ends_at)
    references job (tenant_id, id, customer_id, starts_at, ends_at) on update cascade
-- next
alter table swap alter column assignment_id drop not null, alter column owner_id drop not null,
    add column given_id uuid,
    add column opened_by text default 'CLEANER' not null,
    add column urgent_bonus boolean default false not null,
    add column draws_at timestamp with time zone,
    add constraint swap_given_id_fkey foreign key (tenant_id, given_id) references assignment (tenant_id, id),
    add constraint swap_not_to_oneself_check check (taker_id <> owner_id),
    add constraint swap_owner_has_shift_check check ((owner_id is null) = (assignment_id is null)),
    add constraint swap_vacancy_by_office_check
        check (owner_id is not null or (opened_by = 'OFFICE' and kind = 'COVER')),
    add constraint swap_only_trades_give_check
        check (given_id is null or (kind = 'TRADE' and taker_id is not null)),
    add constraint swap_opened_by_known_check check (opened_by in ('CLEANER', 'OFFICE'))
-- next
alter table tenant_head no force row level security
-- next
update tenant_head set epoch = epoch + 1
-- next
alter table tenant_head force row level security
-- next
COMMENT ON COLUMN audit.id IS 'Only names the row: not hashed.'
-- next
CREATE TABLE standing_bid (
	tenant_id UUID NOT NULL, 
	id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	market_id UUID NOT NULL, 
	weekdays SMALLINT[] NOT NULL, 
	earliest_minute INTEGER NOT NULL, 
	latest_minute INTEGER NOT NULL, 
	from_day DATE, 
	until_day DATE, 
	placed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	withdrawn_at TIMESTAMP WITH TIME ZONE, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT standing_bid_pkey PRIMARY KEY (tenant_id, id), 
	CONSTRAINT standing_bid_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id), 
	CONSTRAINT standing_bid_market_id_fkey FOREIGN KEY(tenant_id, market_id) REFERENCES market (tenant_id, id), 
	CONSTRAINT standing_bid_hours_in_order_check CHECK (0 <= earliest_minute and earliest_minute < latest_minute), 
	CONSTRAINT standing_bid_hours_in_reach_check CHECK (latest_minute <= 2880), 
	CONSTRAINT standing_bid__fkey FOREIGN KEY(tenant_id) REFERENCES tenant (tenant_id)
)
-- next
CREATE INDEX standing_bid_by_cleaner ON standing_bid (tenant_id, cleaner_id, placed_at, id)
-- next
CREATE INDEX standing_bid_by_market ON standing_bid (tenant_id, market_id, cleaner_id, id)
-- next
COMMENT ON COLUMN standing_bid.weekdays IS '1 is Monday; market-local.'
-- next
COMMENT ON COLUMN standing_bid.earliest_minute IS 'Minutes after market-local midnight.'
-- next
COMMENT ON COLUMN standing_bid.latest_minute IS 'By when the shift must have ended, likewise.'
-- next
CREATE INDEX assignment_by_customer ON assignment (tenant_id, customer_id, starts_at, id)
-- next
COMMENT ON COLUMN assignment.customer_id IS 'The job''s, kept equal by the foreign key.'
-- next
CREATE UNIQUE INDEX swap_once_pending ON swap (tenant_id, assignment_id) WHERE status in ('PENDING', 'AWAITING_APPROVAL') and assignment_id is not null
-- next
CREATE UNIQUE INDEX swap_once_vacant ON swap (tenant_id, job_id, role) WHERE status in ('PENDING', 'AWAITING_APPROVAL') and assignment_id is null
-- next
COMMENT ON COLUMN swap.urgent_bonus IS 'Whether its taker earns the urgent bonus although the job is not urgent (A22).'
-- next
COMMENT ON COLUMN swap.draws_at IS 'When it is drawn among those who asked; null once the first takes it.'
-- next
CREATE TABLE swap_ask (
	tenant_id UUID NOT NULL, 
	swap_id UUID NOT NULL, 
	cleaner_id UUID NOT NULL, 
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT swap_ask_pkey PRIMARY KEY (tenant_id, swap_id, cleaner_id), 
	CONSTRAINT swap_ask_swap_id_fkey FOREIGN KEY(tenant_id, swap_id) REFERENCES swap (tenant_id, id), 
	CONSTRAINT swap_ask_cleaner_id_fkey FOREIGN KEY(tenant_id, cleaner_id) REFERENCES cleaner (tenant_id, id)
)
-- next
CREATE TABLE swap_want (
	tenant_id UUID NOT NULL, 
	swap_id UUID NOT NULL, 
	assignment_id UUID NOT NULL, 
	CONSTRAINT swap_want_pkey PRIMARY KEY (tenant_id, swap_id, assignment_id), 
	CONSTRAINT swap_want_swap_id_fkey FOREIGN KEY(tenant_id, swap_id) REFERENCES swap (tenant_id, id), 
	CONSTRAINT swap_want_assignment_id_fkey FOREIGN KEY(tenant_id, assignment_id) REFERENCES assignment (tenant_id, id)
)
-- next
CREATE INDEX swap_want_by_shift ON swap_want (tenant_id, assignment_id, swap_id)
-- next
grant SELECT, UPDATE (status, taker_id, given_id, closed_at, version) on swap to cleanshift_definer
-- next
grant SELECT on swap_want to cleanshift_definer
-- next
grant SELECT, INSERT, UPDATE on assignment to cleanshift_definer
-- next
grant SELECT, UPDATE (status, version) on job to cleanshift_definer
-- next
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
-- next
revoke all on function hand_over(uuid) from public
-- next
grant execute on function hand_over(uuid) to cleanshift_app
-- next
alter function hand_over(uuid) owner to cleanshift_definer
-- next
create function relist(returned uuid) returns boolean
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
    update swap set status = 'PENDING', taker_id = null, given_id = null, closed_at = null, version = version + 1
    where tenant_id = current_setting('app.tenant_id')::uuid and id = returned and status = 'RETURNED'
      and taker_id = current_setting('app.actor_id')::uuid
      and expires_at > current_setting('app.now')::timestamptz
    returning true
$$
-- next
revoke all on function relist(uuid) from public
-- next
grant execute on function relist(uuid) to cleanshift_app
-- next
alter function relist(uuid) owner to cleanshift_definer
-- next
create function crew_of_actor() returns uuid[]
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select array(
        select distinct cleaner_id from assignment
        where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
          and customer_id = nullif(current_setting('app.actor_id', true), '')::uuid
          and current_setting('app.role', true) = 'customer')
$$
-- next
revoke all on function crew_of_actor() from public
-- next
grant execute on function crew_of_actor() to cleanshift_app
-- next
alter function crew_of_actor() owner to cleanshift_definer
-- next
create function swap_keeps_its_word() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
    if new.status is distinct from old.status and old.status || '>' || new.status not in ('PENDING>ACCEPTED', 'PENDING>AWAITING_APPROVAL', 'PENDING>EXPIRED', 'PENDING>WITHDRAWN', 'AWAITING_APPROVAL>ACCEPTED', 'AWAITING_APPROVAL>DECLINED', 'AWAITING_APPROVAL>EXPIRED', 'AWAITING_APPROVAL>RETURNED', 'AWAITING_APPROVAL>WITHDRAWN', 'ACCEPTED>RETURNED', 'RETURNED>PENDING') then
        raise exception 'a swap cannot go from % to %', old.status, new.status
            using errcode = 'check_violation', constraint = 'swap_moves';
    end if;
    if current_setting('app.role', true) = 'cleaner'
            and (new.status = old.status or old.status = 'AWAITING_APPROVAL' and new.status = 'ACCEPTED') then
        raise exception 'no party decides for the office, nor changes what is decided'
            using errcode = 'check_violation', constraint = 'swap_decided';
    end if;
    if current_setting('app.role', true) = 'cleaner' and old.draws_at is not null
            and new.status in ('ACCEPTED', 'AWAITING_APPROVAL') then
        raise exception 'a swap that is drawn is not taken by the first'
            using errcode = 'check_violation', constraint = 'swap_drawn';
    end if;
    if current_setting('app.role', true) = 'cleaner'
            and (new.expires_at, new.note, new.draws_at) is distinct from (old.expires_at, old.note, old.draws_at) then
        raise exception 'a swap''s terms are not its parties'' to change'
            using errcode = 'check_violation', constraint = 'swap_terms';
    end if;
    return new;
end
$$
-- next
revoke all on function swap_keeps_its_word() from public
-- next
create trigger swap_keeps_its_word before update on swap for each row execute function swap_keeps_its_word()
-- next
create policy booked on cleaner as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and id = any ((select crew_of_actor())::uuid[]))
-- next
create policy admin on event as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'system'))
-- next
create policy dispatcher on event as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('dispatcher') and entity in ('Tenant', 'Market', 'Cleaner', 'Customer', 'Property', 'Service', 'Job', 'AvailabilitySubmission', 'Swap', 'StandingBid'))
-- next
grant SELECT, INSERT, UPDATE, DELETE on standing_bid to cleanshift_app
-- next
alter table standing_bid enable row level security
-- next
alter table standing_bid force row level security
-- next
create policy tenant_wall on standing_bid as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on standing_bid as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on standing_bid as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy offered on job as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from swap offered
            where offered.tenant_id = job.tenant_id and offered.job_id = job.id
              and offered.status in ('PENDING', 'AWAITING_APPROVAL')))
-- next
create policy handed_over on job as permissive for SELECT to cleanshift_definer using (true)
-- next
create policy hand_over on job as permissive for UPDATE to cleanshift_definer using (true) with check (true)
-- next
create policy customer on assignment as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('customer') and customer_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy take_over on assignment as permissive for INSERT to cleanshift_definer  with check (true)
-- next
grant SELECT, INSERT, DELETE, UPDATE (status, taker_id, given_id, closed_at, draws_at, expires_at, version, note) on swap to cleanshift_app
-- next
create policy offer on swap as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and opened_by = 'CLEANER' and taker_id is null and status = 'PENDING')
-- next
create policy withdraw on swap as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status in ('PENDING', 'AWAITING_APPROVAL')) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and status = 'WITHDRAWN')
-- next
create policy accept on swap as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and status = 'PENDING' and taker_id is null and exists (select from cleaner_market own where own.tenant_id = swap.tenant_id
    and own.market_id = swap.market_id and own.cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and status in ('ACCEPTED', 'AWAITING_APPROVAL') and taker_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy give_back on swap as permissive for UPDATE to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and status in ('ACCEPTED', 'AWAITING_APPROVAL') and taker_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and status = 'RETURNED' and taker_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
create policy relisted on swap as permissive for UPDATE to cleanshift_definer using (true) with check (true)
-- next
grant SELECT, INSERT, DELETE on swap_ask to cleanshift_app
-- next
alter table swap_ask enable row level security
-- next
alter table swap_ask force row level security
-- next
create policy tenant_wall on swap_ask as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on swap_ask as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy own on swap_ask as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and cleaner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid))
-- next
grant SELECT, INSERT, DELETE on swap_want to cleanshift_app
-- next
alter table swap_want enable row level security
-- next
alter table swap_want force row level security
-- next
create policy tenant_wall on swap_want as restrictive for ALL to cleanshift_app using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
-- next
create policy office on swap_want as permissive for ALL to cleanshift_app using ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system')) with check ((select current_setting('app.role', true)) in ('owner', 'admin', 'dispatcher', 'system'))
-- next
create policy of_visible_swaps on swap_want as permissive for SELECT to cleanshift_app using ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from swap seen
            where seen.tenant_id = swap_want.tenant_id and seen.id = swap_want.swap_id))
-- next
create policy named on swap_want as permissive for INSERT to cleanshift_app  with check ((select current_setting('app.role', true)) in ('cleaner') and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and me.id = (select nullif(current_setting('app.actor_id', true), '')::uuid)) and exists (select from swap own where own.tenant_id = swap_want.tenant_id
            and own.id = swap_want.swap_id and own.owner_id = (select nullif(current_setting('app.actor_id', true), '')::uuid) and own.status = 'PENDING'))
-- next
create policy handed_over on swap_want as permissive for SELECT to cleanshift_definer using (true)
