-- The audit log, chained after the fact: each link holds the hash of a line and of the link before it, so that a line
-- that was changed, removed or slipped in later is found. One leader writes it, and writers of the log never queue.

create table audit_chain (
    org_id uuid not null,
    seq bigint not null,
    audit_id uuid not null,
    -- SHA-256 of the hash before and of every column of the line.
    hash bytea not null,
    chained_at timestamptz not null default now(),
    primary key (org_id, seq)
);
create unique index audit_chain_audit_key on audit_chain (audit_id);
create trigger audit_chain_append_only before update or delete or truncate on audit_chain
    for each statement execute function audit_is_append_only();
