-- Signing in through others: OpenID Connect providers and GitHub, who somebody is there, and sign-ins under way.

create table identity_providers (
    id uuid primary key,
    kind text not null constraint identity_providers_kind_check check (kind in ('oidc', 'github')),
    name text not null,
    -- Its part of /auth/{slug}/start and /auth/{slug}/callback.
    slug text not null,
    -- The issuer as it calls itself; for GitHub the address of its pages.
    issuer text not null,
    -- GitHub alone: the address of its API.
    api_url text,
    client_id text not null,
    -- The client's secret, sealed as in secrets and bound to this row; null for a client without one.
    key_id text,
    nonce bytea,
    sealed bytea,
    scopes text[] not null default '{}',
    -- Domains of e-mail addresses that may sign in; empty is all.
    domains text[] not null default '{}',
    sign_up text not null default 'invite_only'
        constraint identity_providers_sign_up_check check (sign_up in ('invite_only', 'auto_create')),
    link_by_email boolean not null default false,
    -- Whose values the mappings are about, with dots between names.
    role_claim text,
    -- [{value, org_id, role}]
    mappings jsonb not null default '[]',
    enabled boolean not null default true,
    -- Kept as the environment says, and not changed by people.
    managed boolean not null default false,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index identity_providers_slug_key on identity_providers (slug);
create unique index identity_providers_managed_key on identity_providers (managed) where managed;

-- Who an account is at a provider.
create table identities (
    id uuid primary key,
    provider_id uuid not null references identity_providers (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    -- What the provider calls them for good.
    subject text not null,
    -- What people call them there; only shown.
    label text not null,
    -- An address that the provider has verified.
    email text,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now()
);
create unique index identities_subject_key on identities (provider_id, subject);
create index identities_user_idx on identities (user_id);
create index identities_email_idx on identities (lower(email)) where email is not null;

-- Sign-ins that went to a provider and did not come back yet. Each row is good for one answer, in the browser it began in.
create table sign_in_flows (
    -- SHA-256 of what the provider hands back, and of the browser's cookie. The nonce and the PKCE verifier are made
    -- from those two and stored nowhere.
    state_hash bytea primary key,
    browser_hash bytea not null,
    provider_id uuid not null references identity_providers (id) on delete cascade,
    redirect_uri text not null,
    -- Where to go afterwards: a path of this server.
    next text not null,
    -- Not a sign-in but a further identity for this account, asked for in this session.
    link_user uuid references users (id) on delete cascade,
    link_session uuid references sessions (id) on delete cascade,
    -- SHA-256 of the token of the invitation that is taken up with it.
    invitation_hash bytea,
    address text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sign_in_flows_expires_idx on sign_in_flows (expires_at);
create index sign_in_flows_address_idx on sign_in_flows (address, created_at);

-- A membership that a provider's claims gave; it follows them at each sign-in. Null is one that people gave.
alter table memberships add column provider_id uuid references identity_providers (id) on delete set null;

alter table users
    -- Set by those who manage the account, never by its owner, so that a verified address of a provider may find it.
    add column email text,
    -- Until then its password is taken although passwords are switched off: set on the server's own machine.
    add column password_until timestamptz;
create unique index users_email_key on users (lower(email)) where email is not null;

-- What holds for the whole installation; one row.
create table server_settings (
    id boolean primary key default true constraint server_settings_one check (id),
    password_sign_in boolean not null default true
);
insert into server_settings default values;
