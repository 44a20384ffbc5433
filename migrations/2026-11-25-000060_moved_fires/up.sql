-- Where a postponed fire was moved to. That time is decided by the ticker like any other.
alter table schedule_fires add column moved_to timestamptz;
create index schedule_fires_moved_idx on schedule_fires (schedule_id, moved_to) where moved_to is not null;
-- What is decided ahead of its time is few.
create index schedule_fires_ahead_idx on schedule_fires (org_id) where run_id is null;
