alter table run_targets
    drop column attempt,
    drop column next_attempt_at,
    drop column intent_at,
    drop column intent_ref,
    drop column exit_code,
    drop column output;
