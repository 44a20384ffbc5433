-- What an engine last said of a container, so that a host that sleeps has a face after a restart of the server. Never
-- its environment or its output.
alter table containers add column facts jsonb;
