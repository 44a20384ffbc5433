-- Whether the API takes names and passwords by HTTP Basic.
alter table server_settings add column basic_sign_in boolean not null default false;
