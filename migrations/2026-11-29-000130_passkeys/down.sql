alter table sessions drop column proven_at;
drop table passkey_challenges;
drop table passkeys;
