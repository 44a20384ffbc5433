-- Windows in which nothing that is scheduled runs.
create table blackouts (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    name text not null,
    enabled boolean not null default true,
    -- The whole organisation, a host, a tag or a schedule.
    scope jsonb not null,
    timezone text not null,
    -- When it is on: weekly, by a cron expression, or dated.
    recurrence jsonb not null,
    policy text not null constraint blackouts_policy_check check (policy in ('skip', 'postpone')),
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index blackouts_name_key on blackouts (org_id, lower(name));
