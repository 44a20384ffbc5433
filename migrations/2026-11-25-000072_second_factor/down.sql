alter table orgs drop column second_factor_required;
drop table sign_in_steps;
drop table recovery_codes;
drop table second_factors;
