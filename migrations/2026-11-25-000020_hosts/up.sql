-- What a host is besides a name and an address, how its connection has been, and secrets that belong to it.

alter table hosts
    add column tags text[] not null default '{}',
    add column note text not null default '',
    -- No scheduled work and no alerts.
    add column maintenance boolean not null default false,
    -- Where published ports are reached, if not at the host of the url.
    add column address text,
    -- What may be shown of TLS and SSH: which secrets there are, the pinned host key, the path of the docker program.
    add column transport jsonb not null default '{}',
    -- Counts what a connection is made with: another one means that the host is connected anew.
    add column link integer not null default 1;

-- Secrets of a host go with it, and are not found by name.
alter table secrets add column host_id uuid references hosts (id) on delete cascade;
create unique index secrets_host_key on secrets (host_id) where host_id is not null;

-- How the connection changed: a line when a host comes, and when it is lost for a new reason.
create table host_connections (
    host_id uuid not null references hosts (id) on delete cascade,
    at timestamptz not null default clock_timestamp(),
    online boolean not null,
    code text,
    message text,
    primary key (host_id, at)
);

create index hosts_engine_idx on hosts (org_id, engine_id) where engine_id is not null;
