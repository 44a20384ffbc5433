drop index schedules_origin_host_idx;
drop index schedules_origin_key;
alter table schedules
    drop constraint schedules_origin_check,
    drop column origin_place,
    drop column origin_label,
    drop column origin_container,
    drop column origin_host;
alter table hosts drop column labels_allowed_by;
