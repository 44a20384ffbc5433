-- What people attach to containers, by their lasting identity, and the views of the fleet that they keep.

create table container_marks (
    container_id uuid primary key references containers (id) on delete cascade,
    org_id uuid not null references orgs (id) on delete cascade,
    tags text[] not null default '{}',
    note text,
    updated_at timestamptz not null default now()
);

create table favourites (
    user_id uuid not null references users (id) on delete cascade,
    container_id uuid not null references containers (id) on delete cascade,
    org_id uuid not null references orgs (id) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (user_id, container_id)
);
create index favourites_container_idx on favourites (container_id);

create table views (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    name text not null,
    -- The search, the order, the groups and the columns, as the page's address has them.
    show jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index views_name_key on views (org_id, user_id, lower(name));
