//! A cluster of a test's own, to be broken.

use std::{
    fs::{self, File},
    net::Ipv4Addr,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{sys::signal::Signal, unistd::Pid};
use tempfile::TempDir;

use super::{
    Result, connect,
    process::{Layout, signal},
    programs::Account,
};

/// Waits for the lock the test holds as long as it lives, so that a test that was killed leaves nothing behind.
const CLEANER: &str = r#"
flock "$1/alive" true
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"
for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.3; done
rm -rf "$1"
"#;

const LIMIT: Duration = Duration::from_secs(30);

/// A private cluster, stopped and removed on drop. It is durable (fsync stays on), so that faults mean what they
/// mean in production.
#[derive(Debug)]
pub struct OwnCluster {
    layout: Layout,
    account: Account,
    child: Option<Child>,
    _alive: File,
    _dir: TempDir,
}

impl OwnCluster {
    pub(super) fn start_new() -> Result<Self> {
        let account = Account::current()?;
        let dir = tempfile::Builder::new()
            .prefix("ct-pg-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in("/tmp")?;
        let alive = File::create(dir.path().join("alive"))?;
        alive.lock()?;
        Command::new("sh")
            .args(["-c", CLEANER, "cleaner"])
            .arg(dir.path())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let layout = Layout(dir.path().to_owned());
        layout.prepare(account)?;
        let child = layout.start(account, &[])?;
        Ok(Self {
            layout,
            account,
            child: Some(child),
            _alive: alive,
            _dir: dir,
        })
    }

    /// The URL of a database in this cluster; `postgres` exists.
    pub fn url(&self, dbname: &str) -> String {
        self.layout.url(dbname)
    }

    /// A superuser's connection.
    ///
    /// # Errors
    /// When the cluster is down.
    pub async fn client(&self, dbname: &str) -> Result<tokio_postgres::Client> {
        connect(&self.url(dbname)).await
    }

    /// Makes an empty database and returns its URL.
    ///
    /// # Errors
    /// When the cluster is down or the name is taken.
    pub async fn create_database(&self, name: &str) -> Result<String> {
        self.client("postgres")
            .await?
            .batch_execute(&format!("create database \"{name}\""))
            .await?;
        Ok(self.url(name))
    }

    /// The postmaster's process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// `kill -9` of the postmaster alone: its backends find out by themselves. Returns when all are gone.
    ///
    /// # Errors
    /// When backends outlive their postmaster by 30 seconds.
    pub fn kill(&mut self) -> Result<()> {
        self.end(Signal::SIGKILL)
    }

    /// A clean, fast stop.
    ///
    /// # Errors
    /// When it takes longer than 30 seconds.
    pub fn stop(&mut self) -> Result<()> {
        self.end(Signal::SIGINT)
    }

    /// Starts it again after [`OwnCluster::kill`] or [`OwnCluster::stop`]; does nothing while it runs.
    ///
    /// # Errors
    /// When Postgres does not come up.
    pub fn start(&mut self) -> Result<()> {
        if self.child.is_none() {
            self.child = Some(self.layout.start(self.account, &[])?);
        }
        Ok(())
    }

    /// Starts it anew with TLS on a loopback address; the port is 5432, so tests that run at once need different addresses. Both files
    /// are PEM. Connections without TLS are refused there.
    ///
    /// # Errors
    /// When Postgres does not accept the files.
    pub fn serve_tls(&mut self, address: Ipv4Addr, certificate: &str, key: &str) -> Result<()> {
        self.stop()?;
        let data = self.layout.data();
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            self.account.own(&path)?;
        }
        let rules = "local all all trust\nhostssl all all 127.0.0.0/8 trust\n";
        fs::write(data.join("pg_hba.conf"), rules)?;
        let listen = format!("listen_addresses={address}");
        self.child = Some(self.layout.start(self.account, &[&listen, "ssl=on"])?);
        Ok(())
    }

    /// Stops every process of the cluster with SIGSTOP: connections stay open and nothing answers.
    pub fn pause(&self) {
        for pid in self.layout.processes() {
            signal(pid, Signal::SIGSTOP);
        }
    }

    /// Undoes [`OwnCluster::pause`].
    pub fn resume(&self) {
        for pid in self.layout.processes() {
            signal(pid, Signal::SIGCONT);
        }
    }

    fn end(&mut self, how: Signal) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        self.resume();
        signal(pid_of(&child), how);
        child.wait()?;
        if self.layout.wait_until_gone(LIMIT) {
            Ok(())
        } else {
            Err("backends outlived their postmaster".into())
        }
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        // The directory goes anyway, so there is nothing to save.
        let _nothing_left = self.end(Signal::SIGQUIT);
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}
