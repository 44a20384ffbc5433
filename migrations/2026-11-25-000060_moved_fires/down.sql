drop index schedule_fires_ahead_idx;
drop index schedule_fires_moved_idx;
alter table schedule_fires drop column moved_to;
