alter table containers drop column facts;
