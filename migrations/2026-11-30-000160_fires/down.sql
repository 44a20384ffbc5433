alter table schedules drop column fires_until;
