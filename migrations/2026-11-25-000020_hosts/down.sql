drop index hosts_engine_idx;
drop table host_connections;
drop index secrets_host_key;
delete from secrets where host_id is not null;
alter table secrets drop column host_id;
alter table hosts
    drop column link,
    drop column transport,
    drop column address,
    drop column maintenance,
    drop column note,
    drop column tags;
