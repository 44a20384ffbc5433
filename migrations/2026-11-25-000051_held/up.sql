-- Runs that wait, schedules that are spread, paused, done or overdue.
alter table schedules
    -- When the fire time in next_at is due, where jitter moves it back; null without jitter.
    add column due_at timestamptz,
    -- Nothing fires before this.
    add column paused_until timestamptz,
    -- Nothing more will ever fire: it is shown in the archive.
    add column done_at timestamptz,
    -- The dead-man's switch: without a success until then it is overdue, and since when it is.
    add column expected_by timestamptz,
    add column overdue_since timestamptz;
-- The ticker's index: its cost follows what is due, not what exists.
drop index schedules_due_idx;
create index schedules_due_at_idx on schedules (coalesce(due_at, next_at)) where next_at is not null and enabled
    and deleted_at is null;
create index schedules_expected_idx on schedules (expected_by) where expected_by is not null and overdue_since is null
    and enabled and deleted_at is null;
create index schedules_overdue_idx on schedules (id) where overdue_since is not null;

alter table runs
    add column priority integer not null default 0,
    -- It starts only while no other run of its schedule is open.
    add column alone boolean not null default false,
    -- Why it waits or waited (overlap, blackout), and for a fixed time until when.
    add column held_for text,
    add column held_until timestamptz;
create index runs_schedule_open_idx on runs (schedule_id, id) where schedule_id is not null
    and state in ('waiting', 'queued', 'running', 'cancelling');
create index runs_held_idx on runs (held_until) where state = 'waiting' and held_until is not null;
