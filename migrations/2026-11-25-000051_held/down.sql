drop index runs_held_idx;
drop index runs_schedule_open_idx;
alter table runs drop column priority, drop column alone, drop column held_for, drop column held_until;
drop index schedules_overdue_idx;
drop index schedules_expected_idx;
drop index schedules_due_at_idx;
create index schedules_due_idx on schedules (next_at) where next_at is not null and enabled and deleted_at is null;
alter table schedules drop column due_at, drop column paused_until, drop column done_at, drop column expected_by,
    drop column overdue_since;
