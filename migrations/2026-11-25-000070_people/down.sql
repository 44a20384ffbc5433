drop table grants;
drop table team_members;
drop table teams;
alter table api_keys drop column selector;
alter table api_keys drop column scope;
drop table password_resets;
drop table invitations;
