drop table runs_deleted;
drop table run_sizes;
drop table retention;
