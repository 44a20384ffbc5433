-- Schedules that come from a container's labels. Nobody's labels count until an admin allows them on the host, and the
-- schedules act for that admin: without the person, there is nobody they could act for.
alter table hosts add column labels_allowed_by uuid references users (id) on delete set null;

-- Where a schedule comes from, for those that nobody wrote here. No foreign keys: its history outlives the container.
alter table schedules
    add column origin_host uuid,
    add column origin_container uuid,
    -- What stands between `chrontainer.` and `.cron`.
    add column origin_label text,
    -- The host's and the container's name, as they were last.
    add column origin_place text,
    add constraint schedules_origin_check
        check (num_nulls(origin_host, origin_container, origin_label, origin_place) in (0, 4));
create unique index schedules_origin_key on schedules (origin_container, origin_label)
    where origin_container is not null and deleted_at is null;
create index schedules_origin_host_idx on schedules (origin_host) where origin_host is not null and deleted_at is null;
