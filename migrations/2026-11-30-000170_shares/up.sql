-- What is shared with a team: a host (its members are operators there), a schedule (they may run it and hold it back), a view.
-- Another kind of thing is another column, which its own deletion empties by itself.

create table shares (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    team_id uuid not null,
    host_id uuid references hosts (id) on delete cascade,
    schedule_id uuid references schedules (id) on delete cascade,
    view_id uuid references views (id) on delete cascade,
    shared_by uuid references users (id) on delete set null,
    created_at timestamptz not null default now(),
    constraint shares_of_one check (num_nonnulls(host_id, schedule_id, view_id) = 1),
    foreign key (org_id, team_id) references teams (org_id, id) on delete cascade
);
create unique index shares_once_key on shares (team_id, coalesce(host_id, schedule_id, view_id));
create index shares_org_idx on shares (org_id, id);
create index shares_host_idx on shares (host_id) where host_id is not null;
create index shares_schedule_idx on shares (schedule_id) where schedule_id is not null;
create index shares_view_idx on shares (view_id) where view_id is not null;
