-- A second factor: codes of an app (RFC 6238), recovery codes, and the step of a sign-in between password and code.

create table second_factors (
    user_id uuid primary key references users (id) on delete cascade,
    -- The secret, sealed as in secrets and bound to the account.
    key_id text not null,
    nonce bytea not null,
    sealed bytea not null,
    created_at timestamptz not null default now(),
    -- Null until the first right code: before that it asks nobody for one.
    confirmed_at timestamptz,
    -- The time step of the last code that was taken, so that none is taken twice.
    last_step bigint not null default 0
);

create table recovery_codes (
    user_id uuid not null references users (id) on delete cascade,
    -- SHA-256; the codes have 80 random bits.
    code_hash bytea not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);

create table sign_in_steps (
    token_hash bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sign_in_steps_user_idx on sign_in_steps (user_id);

alter table orgs add column second_factor_required boolean not null default false;
