//! A throw-away Postgres: its own directory, a unix socket only, gone when dropped.

use crate::Result;
use crate::commands::output;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A running cluster. Dropping it stops the server and removes the directory.
pub struct Cluster {
    bin: PathBuf,
    dir: PathBuf,
    /// Postgres refuses to run as root, so root hands it to Debian's `postgres` account.
    drop_to: Option<&'static str>,
}

impl Cluster {
    /// Makes and starts one (about a second).
    pub fn start() -> Result<Self> {
        let bin = postgres_bin()?;
        let root = output(Command::new("id").arg("-u"))?.trim() == "0";
        let dir = PathBuf::from(
            output(Command::new("mktemp").args(["-d", "/tmp/chrontainer-schema.XXXXXX"]))?.trim(),
        );
        let cluster = Self {
            bin,
            dir,
            drop_to: root.then_some("postgres"),
        };
        if let Some(user) = cluster.drop_to {
            output(Command::new("chown").arg(user).arg(&cluster.dir))?;
        }
        let data = cluster.dir.join("data");
        output(
            cluster
                .command("initdb")
                .args([
                    "--no-sync",
                    "--auth=trust",
                    "--username=postgres",
                    "--locale=C",
                    "--encoding=UTF8",
                    "-D",
                ])
                .arg(&data),
        )?;
        let options = format!("-c listen_addresses= -c fsync=off -k {}", cluster.dir.display());
        output(
            cluster
                .command("pg_ctl")
                .args(["-w", "-s", "-o", &options, "-l"])
                .arg(cluster.dir.join("log"))
                .arg("-D")
                .arg(&data)
                .arg("start"),
        )?;
        Ok(cluster)
    }

    /// Runs one file of SQL; the first error ends it.
    pub fn run_file(&self, file: &Path) -> Result<()> {
        output(self.psql().arg("--single-transaction").arg("-f").arg(file)).map(|_| ())
    }

    /// Runs one query and returns its rows, each split into its columns.
    pub fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let text = output(self.psql().args(["-A", "-t", "-F", "\t", "-c", sql]))?;
        Ok(text
            .lines()
            .filter(|l| !l.is_empty())
            .map(|l| l.split('\t').map(String::from).collect())
            .collect())
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-h",
        ])
        .arg(&self.dir);
        // A notice (a table that `if exists` did not find) is no news here.
        psql.env("PGOPTIONS", "-c client_min_messages=warning")
            .env_remove("PGHOST")
            .env_remove("PGPORT");
        psql
    }

    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match self.drop_to {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", user, "--regid", user, "--clear-groups", "--"])
                    .arg(program);
                command
            }
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.dir.join("data");
        // Best effort: nothing else depends on what is left. A cluster that never started has nothing to stop.
        if data.join("postmaster.pid").exists() {
            let stop = output(
                self.command("pg_ctl")
                    .args(["-s", "-m", "immediate", "-D"])
                    .arg(data)
                    .arg("stop"),
            );
            if let Err(error) = stop {
                eprintln!("xtask: {error}");
            }
        }
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            eprintln!("xtask: could not clear {}: {error}", self.dir.display());
        }
    }
}

/// The newest installed server's programs; Debian keeps them out of `PATH`.
fn postgres_bin() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    if let Some((_, bin)) = found.pop() {
        return Ok(bin);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|dir| dir.join("initdb").exists())
        .ok_or_else(|| "no PostgreSQL server is installed; run ./dev setup".into())
}
