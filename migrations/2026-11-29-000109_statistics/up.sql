-- Which schedules fail most: without this, every run of the last month is read for it. Few runs fail, so it is small, and
-- what succeeds writes nothing to it.
create index runs_failed_idx on runs (org_id, id desc) include (schedule_id, queued_at)
    where state in ('failed', 'partial', 'unknown') and schedule_id is not null;
