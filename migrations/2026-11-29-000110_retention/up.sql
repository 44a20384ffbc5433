-- How long runs are kept. An organisation without a row has the defaults; a null is no limit.
create table retention (
    org_id uuid primary key references orgs (id) on delete cascade,
    days integer constraint retention_days_check check (days > 0),
    runs_per_schedule integer constraint retention_runs_check check (runs_per_schedule > 0),
    bytes bigint constraint retention_bytes_check check (bytes > 0),
    updated_at timestamptz not null default now()
);

-- What the runs of a day take, logs included, so that not all of them are measured for the sum. A day whose runs change is
-- taken out and measured again.
create table run_sizes (
    org_id uuid not null references orgs (id) on delete cascade,
    day date not null,
    runs bigint not null,
    bytes bigint not null,
    -- Nothing more comes to this day.
    settled boolean not null,
    measured_at timestamptz not null default now(),
    primary key (org_id, day)
);

-- Up to when runs of a schedule were deleted: statistics begin after that. No key to schedules, whose rows the ticker locks.
create table runs_deleted (
    schedule_id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    until timestamptz not null,
    runs bigint not null
);
