create or replace function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'The audit log only grows.' using errcode = 'insufficient_privilege';
end
$$;
drop table audit_checkpoints;
alter table orgs drop column audit_days;
