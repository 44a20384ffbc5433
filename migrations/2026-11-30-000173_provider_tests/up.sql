-- Trying a provider out by going there and back: nobody is signed in by it.
alter table sign_in_flows add column is_test boolean not null default false;

-- What came of the last one in each session.
create table provider_tests (
    session_id uuid primary key references sessions (id) on delete cascade,
    provider_id uuid not null references identity_providers (id) on delete cascade,
    report jsonb not null,
    made_at timestamptz not null default now()
);
