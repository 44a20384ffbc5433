delete from secrets where schedule_id is not null;
alter table secrets drop column schedule_id;
drop table schedule_hooks;
drop index schedules_outcome_idx;
drop index schedules_event_idx;
drop table schedule_calls;
