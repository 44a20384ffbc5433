drop table blackouts;
