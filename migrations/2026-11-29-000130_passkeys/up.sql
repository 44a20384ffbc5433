-- Passkeys: public keys that sign people in, and the challenges that browsers are given for them.

create table passkeys (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    -- What the authenticator calls it.
    credential_id bytea not null constraint passkeys_credential_key unique,
    -- The host that it was made for; browsers offer it nowhere else.
    rp_id text not null,
    name text not null,
    -- The public key, the counter of its uses, and what else the authenticator said. Nothing in it is secret.
    public jsonb not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);
create index passkeys_user_idx on passkeys (user_id);

-- Each is good for one answer.
create table passkey_challenges (
    token_hash bytea primary key,
    purpose text not null check (purpose in ('register', 'sign_in', 'step', 'prove')),
    -- Null when a sign-in begins, since nobody knows yet who it is.
    user_id uuid references users (id) on delete cascade,
    state jsonb not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index passkey_challenges_user_idx on passkey_challenges (user_id);

-- When somebody last showed that the session is theirs: by signing in, or again since.
alter table sessions add column proven_at timestamptz;
update sessions set proven_at = created_at;
alter table sessions alter column proven_at set default now(), alter column proven_at set not null;
