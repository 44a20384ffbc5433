-- Attempts, and what an action needs to find again what it began.
alter table run_targets
    add column attempt integer not null default 1,
    -- On the database's clock, while a failed target pauses before its next attempt.
    add column next_attempt_at timestamptz,
    -- When the intent was stored: of this attempt, while started_at is the first one's.
    add column intent_at timestamptz,
    -- What the engine calls it that was begun: a command's id, a container's, another run's.
    add column intent_ref text,
    add column exit_code bigint,
    -- The end of what it wrote to stdout, for the next step; without secrets.
    add column output bytea;
