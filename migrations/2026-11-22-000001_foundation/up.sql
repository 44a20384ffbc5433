-- The foundation: organisations, people, hosts, containers, schedules, runs, and what surrounds them.
-- Every tenant table carries org_id. Times are timestamptz; the database's clock decides what is due.

create table orgs (
    id uuid primary key,
    name text not null,
    created_at timestamptz not null default now()
);

create table users (
    id uuid primary key,
    name text not null,
    -- Argon2id in PHC string format; null once a person signs in by other means only.
    password_hash text,
    is_server_admin boolean not null default false,
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index users_name_key on users (lower(name));

create table memberships (
    org_id uuid not null references orgs (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    role text not null constraint memberships_role_check check (role in ('viewer', 'operator', 'admin', 'owner')),
    created_at timestamptz not null default now(),
    primary key (org_id, user_id)
);
create index memberships_user_idx on memberships (user_id);

create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    org_id uuid not null references orgs (id) on delete cascade,
    -- SHA-256 of the cookie's random token; the token itself is stored nowhere.
    token_hash bytea not null,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    address text,
    user_agent text
);
create unique index sessions_token_hash_key on sessions (token_hash);
create index sessions_user_idx on sessions (user_id);

-- The one-time link of the first start; used_at is set by the account it made.
create table setup_tokens (
    token_hash bytea primary key,
    created_at timestamptz not null default now(),
    used_at timestamptz
);

create table api_keys (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    name text not null,
    -- The first characters, shown in lists; SHA-256 of the whole key.
    prefix text not null,
    key_hash bytea not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);
create unique index api_keys_key_hash_key on api_keys (key_hash);
create unique index api_keys_name_key on api_keys (user_id, lower(name)) where revoked_at is null;

-- Failed sign-ins per account and per address; shared by all servers.
create table login_failures (
    bucket text primary key,
    failures integer not null,
    blocked_until timestamptz,
    last_at timestamptz not null default now()
);

create table secrets (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    name text not null,
    -- Which key sealed it; XChaCha20-Poly1305 bound to (org_id, id).
    key_id text not null,
    nonce bytea not null,
    sealed bytea not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index secrets_name_key on secrets (org_id, lower(name));

create table audit (
    id uuid primary key,
    org_id uuid not null references orgs (id),
    at timestamptz not null default now(),
    user_id uuid,
    actor text not null,
    via jsonb not null,
    address text,
    action text not null,
    object_kind text not null,
    object_id text,
    object_name text,
    before jsonb,
    after jsonb,
    outcome text not null
);
create index audit_org_idx on audit (org_id, id desc);
create index audit_object_idx on audit (org_id, object_kind, object_id, id desc);

-- A log that can be rewritten proves nothing. Retention will leave a checkpoint through its own path.
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'The audit log only grows.' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();

create table hosts (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    name text not null,
    url text not null,
    enabled boolean not null default true,
    -- The engine's own id and what else it said of itself when it answered last.
    engine_id text,
    engine jsonb,
    last_seen_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index hosts_name_key on hosts (org_id, lower(name));
create unique index hosts_url_key on hosts (org_id, url);

-- The lasting identity of a container: (host, name), following renames and recreation.
create table containers (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    host_id uuid not null references hosts (id) on delete cascade,
    name text not null,
    engine_id text not null,
    first_seen_at timestamptz not null default now(),
    -- Set while no container of that name exists.
    gone_at timestamptz
);
create unique index containers_name_key on containers (host_id, name);
create index containers_engine_id_idx on containers (host_id, engine_id);

create table schedules (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    name text not null,
    enabled boolean not null,
    timezone text not null,
    triggers jsonb not null,
    steps jsonb not null,
    -- Whose rights its runs have: the last editor.
    acts_for uuid not null references users (id),
    -- Where intervals without an anchor count from: the last time the triggers were saved or enabled.
    anchor_at timestamptz not null,
    -- The earliest fire time that is not decided yet; null when there is none.
    next_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- A deleted schedule keeps its row, so that its history keeps its name.
    deleted_at timestamptz
);
create unique index schedules_name_key on schedules (org_id, lower(name)) where deleted_at is null;
-- The ticker's only index: its cost follows what is due, not what exists.
create index schedules_due_idx on schedules (next_at) where next_at is not null and enabled and deleted_at is null;
create index schedules_org_idx on schedules (org_id, id) where deleted_at is null;

-- What was decided for each fire time, once and for all servers.
create table schedule_fires (
    schedule_id uuid not null references schedules (id) on delete cascade,
    fire_at timestamptz not null,
    org_id uuid not null,
    state text not null constraint schedule_fires_state_check check (state in ('claimed', 'skipped', 'missed', 'postponed')),
    run_id uuid,
    reason text,
    decided_at timestamptz not null default now(),
    primary key (schedule_id, fire_at)
);

-- No foreign key to schedules: runs are kept, pruned and partitioned on their own.
create table runs (
    id uuid primary key,
    org_id uuid not null,
    schedule_id uuid,
    -- The schedule's name, or what was done: "Restart web".
    title text not null,
    trigger jsonb not null,
    plan jsonb not null,
    -- Whose rights it has; null for the system.
    acts_for uuid,
    state text not null constraint runs_state_check check (state in ('waiting', 'queued', 'running', 'cancelling',
        'succeeded', 'partial', 'failed', 'skipped', 'missed', 'cancelled', 'unknown')),
    scheduled_for timestamptz,
    queued_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    message text,
    targets integer not null default 0,
    succeeded integer not null default 0,
    -- The lease: every write of an executor is conditional on the epoch.
    owner uuid,
    epoch integer not null default 0,
    lease_until timestamptz,
    cancel_requested_at timestamptz,
    cancel_requested_by text
);
create index runs_org_idx on runs (org_id, id desc);
create index runs_schedule_idx on runs (schedule_id, id desc) where schedule_id is not null;
-- What is open is few. The lease is left out, so that renewing it touches no index.
create index runs_open_idx on runs (id) where state in ('waiting', 'queued', 'running', 'cancelling');

create table run_steps (
    run_id uuid not null references runs (id) on delete cascade,
    step integer not null,
    name text not null,
    action jsonb not null,
    target text not null,
    state text not null,
    started_at timestamptz,
    finished_at timestamptz,
    message text,
    primary key (run_id, step)
);

create table run_targets (
    run_id uuid not null,
    step integer not null,
    ordinal integer not null,
    host_id uuid not null,
    host_name text not null,
    container_id uuid not null,
    container_name text not null,
    state text not null,
    -- What was about to be done, written before the engine is called: recovery compares these, never clocks.
    intent_engine_id text,
    intent_started_at text,
    intent_state text,
    started_at timestamptz,
    finished_at timestamptz,
    message text,
    primary key (run_id, step, ordinal),
    foreign key (run_id, step) references run_steps (run_id, step) on delete cascade
);
create index run_targets_container_idx on run_targets (container_id, run_id desc);

-- The log: compressed chunks of bytes per (step, target, attempt); step -1 is the run itself, ordinal -1 the step. The
-- attempt is the epoch of the executor that wrote it, seq counts over its whole log.
create table run_logs (
    run_id uuid not null references runs (id) on delete cascade,
    step integer not null,
    ordinal integer not null,
    attempt integer not null,
    seq integer not null,
    chunk bytea not null,
    -- Of the text before compression: bytes and lines.
    size integer not null,
    lines integer not null,
    at timestamptz not null default now(),
    primary key (run_id, attempt, seq)
);

-- The outbox of live events. The position is (xid, id): a reader takes what is below the oldest transaction that is
-- still open, so that a late commit is never overtaken.
create table events (
    id bigserial primary key,
    xid xid8 not null default pg_current_xact_id(),
    org_id uuid not null,
    kind text not null,
    object_id uuid,
    data jsonb not null default '{}',
    at timestamptz not null default now()
);
create index events_position_idx on events (xid, id);

-- Answers to repeated requests (Idempotency-Key).
create table idempotency_keys (
    org_id uuid not null,
    user_id uuid not null,
    key text not null,
    request_hash bytea not null,
    status integer,
    response jsonb,
    created_at timestamptz not null default now(),
    primary key (org_id, user_id, key)
);
create index idempotency_keys_created_idx on idempotency_keys (created_at);

-- Running servers, by their heartbeat on the database's clock.
create table servers (
    id uuid primary key,
    host text not null,
    release text not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);

-- Facts about this installation: the oldest release that the schema still serves, …
create table facts (
    name text primary key,
    value jsonb not null,
    updated_at timestamptz not null default now()
);
insert into facts (name, value) values ('oldest_release', '"0.1.0"');

insert into orgs (id, name) values ('00000000-0000-7000-8000-000000000001', 'Home');
