-- What holds a schedule's runs back, repeats them, ends them and watches that they happen; empty is all defaults.
alter table schedules add column guards jsonb not null default '{}';
