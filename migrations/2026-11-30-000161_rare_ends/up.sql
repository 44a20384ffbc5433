-- Lists of runs by how they ended. What succeeds, which is nearly everything, writes nothing to it and needs no index.
create index runs_ended_idx on runs (org_id, state, id desc)
    where state in ('partial', 'failed', 'skipped', 'missed', 'cancelled', 'unknown');
