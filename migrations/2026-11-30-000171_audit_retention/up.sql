-- How long lines of the audit log are kept; null is for ever.
alter table orgs add column audit_days integer constraint orgs_audit_days_check check (audit_days >= 30);

-- What retention leaves of the lines that it deletes: the last link of each stretch, from which the rest is proved on.
create table audit_checkpoints (
    org_id uuid not null,
    seq bigint not null,
    hash bytea not null,
    -- When the last of the deleted lines was written, and how many went.
    until timestamptz not null,
    lines bigint not null,
    made_at timestamptz not null default now(),
    -- The transaction that left it: that one alone may delete.
    made_in text not null default pg_current_xact_id()::text,
    primary key (org_id, seq)
);

create or replace function audit_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_table_name in ('audit', 'audit_chain') and exists (
        select 1 from audit_checkpoints where made_in = pg_current_xact_id()::text and made_at = now()
    ) then
        return null;
    end if;
    raise exception 'The audit log only grows.' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_checkpoints_append_only before update or delete or truncate on audit_checkpoints
    for each statement execute function audit_is_append_only();
