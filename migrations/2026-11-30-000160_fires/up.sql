-- Up to when the decided fire times of a schedule are not kept any more: nothing up to then is ever decided again.
alter table schedules add column fires_until timestamptz;
