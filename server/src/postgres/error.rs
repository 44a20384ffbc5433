use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the private database cannot be had. Each variant is a whole sentence for the person who starts the server: what
/// happened, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "Another Chrontainer server (process {pid}) uses the data directory {data_dir}. Stop it first, or give this one \
         a directory of its own with CHRONTAINER_DATA_DIR."
    )]
    InUse { data_dir: PathBuf, pid: String },
    #[error(
        "No PostgreSQL server is installed (looked in {searched}). Install it with `apt install postgresql`, name its \
         directory with CHRONTAINER_POSTGRES_BIN, or give a database with CHRONTAINER_DATABASE_URL."
    )]
    NoPostgres { searched: String },
    #[error(
        "The installed PostgreSQL {found} is too old; Chrontainer needs {least} or newer. Install it with `apt install \
         postgresql`, or give a database with CHRONTAINER_DATABASE_URL."
    )]
    TooOld { found: u32, least: u32 },
    #[error(
        "PostgreSQL refuses to run as root, and there is no account to run it as. Make one with `adduser --system \
         --group --no-create-home chrontainer`, or start Chrontainer as an ordinary user."
    )]
    NoAccount,
    #[error(
        "The account with the number {uid} runs PostgreSQL, but {blocked} does not let it through. Run `chmod o+x \
         {blocked}`, or choose another place with CHRONTAINER_DATA_DIR."
    )]
    Blocked { blocked: PathBuf, uid: u32 },
    #[error(
        "{path} belongs to the account with the number {owner}, and Chrontainer runs as number {uid}. Start it as that \
         account, or run `chown -R {uid} {path}`."
    )]
    NotOurs { path: PathBuf, owner: u32, uid: u32 },
    #[error(
        "The account with the number {uid} has no name on this system, and initdb needs one. Add it to /etc/passwd, or \
         install libnss-wrapper."
    )]
    NoName { uid: u32 },
    #[error(
        "The private database in {dir} was made by PostgreSQL {data}, and only {installed} is installed. Install \
         PostgreSQL {data} again (`apt install postgresql-{data}`){advice}"
    )]
    WrongMajor {
        dir: PathBuf,
        data: u32,
        installed: String,
        advice: String,
    },
    #[error(
        "{path} does not hold the version of a PostgreSQL cluster. Restore a dump with `chrontainer-server restore --dump FILE`."
    )]
    BadVersion { path: PathBuf },
    #[error(
        "{root} holds no database, but {found} is there. Nothing was made, so that nothing is lost: restore a dump with \
         `chrontainer-server restore --dump FILE` (the newest is {newest}), or move {found} away to begin anew."
    )]
    Unclear {
        root: PathBuf,
        found: PathBuf,
        newest: String,
    },
    #[error("There is no private database in {data_dir} yet. Start the server once to make it.")]
    NoCluster { data_dir: PathBuf },
    #[error("`{program}` failed: {message}")]
    Program { program: PathBuf, message: String },
    #[error("PostgreSQL did not start. It said: {log}")]
    DidNotStart { log: String },
    #[error("PostgreSQL did not stop within its time and was killed; it recovers at the next start.")]
    Killed,
    #[error(
        "Processes of an earlier PostgreSQL (number {pid}) still use {dir} and do not end. Stop them and start again."
    )]
    Orphans { dir: PathBuf, pid: i32 },
    #[error("Could not {action} {path}: {source}. Check that it exists, its owner and the free space.")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("The database {database} does not answer: {message}")]
    Connect { database: String, message: String },
    #[error("Another dump is being taken right now; try again when it is done.")]
    DumpRunning,
    #[error("{path} is not a dump of Chrontainer's database. Choose a file from the backups directory.")]
    NotADump { path: PathBuf },
    #[error("The supervisor of PostgreSQL ended: {0}")]
    Supervisor(String),
}

impl ClusterError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
