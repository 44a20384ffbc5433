drop table provider_tests;
alter table sign_in_flows drop column is_test;
