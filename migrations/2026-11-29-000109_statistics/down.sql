drop index runs_failed_idx;
