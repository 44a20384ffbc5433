drop table audit_chain;
