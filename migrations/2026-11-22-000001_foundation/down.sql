drop table facts, servers, idempotency_keys, events, run_logs, run_targets, run_steps, runs, schedule_fires, schedules,
    containers, hosts, audit, secrets, login_failures, api_keys, setup_tokens, sessions, memberships, users, orgs;
drop function audit_is_append_only();
