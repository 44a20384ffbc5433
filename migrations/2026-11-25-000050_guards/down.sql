alter table schedules drop column guards;
