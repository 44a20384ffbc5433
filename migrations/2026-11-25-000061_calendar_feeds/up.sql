-- Calendars that people subscribe to by a secret link; of the link only SHA-256 is kept.
create table calendar_feeds (
    id uuid primary key,
    org_id uuid not null references orgs (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    token_hash bytea not null,
    created_at timestamptz not null default now(),
    last_read_at timestamptz
);
create unique index calendar_feeds_token_hash_key on calendar_feeds (token_hash);
create unique index calendar_feeds_user_key on calendar_feeds (org_id, user_id);
