-- What asks a schedule to run beside its clock: engine events, ends of other schedules' runs. Each is decided once; what
-- was decided is kept for a day, so that no server takes the same event for a new one.
-- No foreign key: whoever ends a run must not wait for another schedule's lock.
create table schedule_calls (
    schedule_id uuid not null,
    -- What tells one from the same told twice: the event, or the run that ended.
    key text not null,
    org_id uuid not null,
    trigger jsonb not null,
    payload jsonb,
    -- Whether it becomes one run together with the others that gather.
    gathers boolean not null default false,
    due_at timestamptz not null,
    -- When it happened.
    at timestamptz not null default now(),
    decided_at timestamptz,
    -- Nothing for those that were left alone.
    run_id uuid,
    primary key (schedule_id, key)
);
create index schedule_calls_due_idx on schedule_calls (due_at) where decided_at is null;
create index schedule_calls_decided_idx on schedule_calls (decided_at) where decided_at is not null;

-- Who listens is few among many.
create index schedules_event_idx on schedules (org_id)
    where triggers @> '[{"type":"event"}]' and enabled and deleted_at is null;
create index schedules_outcome_idx on schedules using gin (triggers jsonb_path_ops)
    where triggers @> '[{"type":"outcome"}]' and enabled and deleted_at is null;

-- The secret addresses of webhooks; of each only SHA-256 is kept.
create table schedule_hooks (
    schedule_id uuid primary key references schedules (id) on delete cascade,
    org_id uuid not null references orgs (id) on delete cascade,
    token_hash bytea not null,
    created_at timestamptz not null default now(),
    last_called_at timestamptz
);
create unique index schedule_hooks_token_hash_key on schedule_hooks (token_hash);
-- What its calls are signed with is a secret that no name finds.
alter table secrets add column schedule_id uuid references schedules (id) on delete cascade;
create unique index secrets_schedule_key on secrets (schedule_id) where schedule_id is not null;
