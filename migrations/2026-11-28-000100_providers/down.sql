drop table server_settings;
alter table users drop column email, drop column password_until;
alter table memberships drop column provider_id;
drop table sign_in_flows;
drop table identities;
drop table identity_providers;
