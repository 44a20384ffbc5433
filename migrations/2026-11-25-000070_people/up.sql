-- People: invitations, links that set a password, scopes of keys, teams and grants.

create table invitations (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    role text not null constraint invitations_role_check check (role in ('viewer', 'operator', 'admin', 'owner')),
    -- Whom it is for, in the words of who made it.
    note text not null default '',
    -- SHA-256 of the link's random token.
    token_hash bytea not null,
    invited_by uuid references users (id) on delete set null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid references users (id) on delete set null
);
create unique index invitations_token_hash_key on invitations (token_hash);
create index invitations_org_idx on invitations (org_id, id);

-- One-time links by which a person sets a new password.
create table password_resets (
    token_hash bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    created_by uuid references users (id) on delete set null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index password_resets_user_idx on password_resets (user_id);

-- How much of its owner's rights a key has, and on which containers. The keys there are keep what they had.
alter table api_keys add column scope text not null default 'manage'
    constraint api_keys_scope_check check (scope in ('read', 'operate', 'manage'));
alter table api_keys add column selector text;
create index api_keys_org_idx on api_keys (org_id, id);

create table teams (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    name text not null,
    created_at timestamptz not null default now()
);
create unique index teams_name_key on teams (org_id, lower(name));
create unique index teams_org_id_key on teams (org_id, id);

-- Whoever leaves the organisation leaves its teams.
create table team_members (
    team_id uuid not null,
    org_id uuid not null,
    user_id uuid not null,
    primary key (team_id, user_id),
    foreign key (org_id, team_id) references teams (org_id, id) on delete cascade,
    foreign key (org_id, user_id) references memberships (org_id, user_id) on delete cascade
);
create index team_members_user_idx on team_members (org_id, user_id);

-- Another role on some containers, for one member or one team.
create table grants (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    user_id uuid,
    team_id uuid,
    selector text not null,
    role text not null constraint grants_role_check check (role in ('viewer', 'operator')),
    created_at timestamptz not null default now(),
    constraint grants_for_one check ((user_id is null) <> (team_id is null)),
    foreign key (org_id, team_id) references teams (org_id, id) on delete cascade,
    foreign key (org_id, user_id) references memberships (org_id, user_id) on delete cascade
);
create index grants_org_idx on grants (org_id, id);
create index grants_user_idx on grants (org_id, user_id) where user_id is not null;
create index grants_team_idx on grants (org_id, team_id) where team_id is not null;
