drop index runs_ended_idx;
