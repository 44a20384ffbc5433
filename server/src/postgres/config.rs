//! What Postgres is told, written anew at every start: small-machine values for a Raspberry Pi with 1 GB.

use std::path::Path;

use super::{ClusterError, account::Account, write_whole};

pub(super) const FILE: &str = "chrontainer.conf";

/// Appended to initdb's `postgresql.conf`, which keeps what initdb found out about the machine.
pub(super) const INCLUDE: &str = "\n# Written by Chrontainer. Your own settings go to local.conf, which comes last.\n\
                                  include 'chrontainer.conf'\ninclude_if_exists 'local.conf'\n";

/// Connections beside the pools: administration, dumps, the three Postgres keeps for superusers.
const SPARE: usize = 12;

/// The text of `chrontainer.conf`.
pub(super) fn text(socket_dir: &Path, connections: usize) -> String {
    let socket_dir = socket_dir.display().to_string().replace('\'', "''");
    let max_connections = connections + SPARE;
    format!(
        "\
# Rewritten at every start of Chrontainer; put your own settings into local.conf beside this file.

# A unix socket in a directory only this account can enter, and nothing else.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = {max_connections}

# Memory of a small machine. Nothing here needs parallel queries, compiled queries or replication.
shared_buffers = 24MB
huge_pages = off
work_mem = 4MB
maintenance_work_mem = 16MB
temp_buffers = 2MB
effective_cache_size = 128MB
wal_buffers = 1MB
jit = off
max_worker_processes = 1
max_parallel_workers = 0
max_parallel_workers_per_gather = 0
max_logical_replication_workers = 0
wal_level = minimal
max_wal_senders = 0
max_prepared_transactions = 0
max_locks_per_transaction = 64

# What is committed is on the disk; the disk may be an SD card, so write little besides.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = on
min_wal_size = 32MB
max_wal_size = 128MB
checkpoint_timeout = 15min
random_page_cost = 1.1
autovacuum_max_workers = 1
autovacuum_naptime = 60s
autovacuum_vacuum_cost_limit = 200
track_io_timing = off
track_wal_io_timing = off

# Read by Chrontainer's log, so terse: details can hold values, and statements are not its business.
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %e '
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
log_autovacuum_min_duration = -1
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
cluster_name = 'chrontainer'
",
        port = super::PORT,
    )
}

/// Writes the files Postgres reads at its start.
pub(super) fn write(account: Account, dir: &Path, text: &str) -> Result<(), ClusterError> {
    write_whole(&dir.join(FILE), text, Some(account))?;
    write_whole(
        &dir.join("pg_hba.conf"),
        "# The socket's directory is closed to everyone else, so who gets here may enter.\nlocal all all trust\n",
        Some(account),
    )
}
