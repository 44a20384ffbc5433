//! The private Postgres against the real one: first start, second server, kills of either side, dumps, versions.

#![allow(clippy::unwrap_used)]

mod dumps;
mod kills;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpgid},
};
use server::postgres::{
    ClusterError, ClusterOptions, ClusterState, PrivateCluster, backup_now, dumps, restore,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};

const LIMIT: Duration = Duration::from_secs(60);

/// A data directory of a test's own; whatever still runs in it at the end is killed.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        // Postgres runs as another account when the tests run as root.
        let open = fs::Permissions::from_mode(0o711);
        Self(
            tempfile::Builder::new()
                .prefix("ct-srv-")
                .permissions(open)
                .tempdir_in("/tmp")
                .unwrap(),
        )
    }

    fn options(&self) -> ClusterOptions {
        ClusterOptions {
            data_dir: self.0.path().join("data"),
            runtime_dir: self.0.path().join("run"),
            bin: None,
            connections: 16,
            keep: 2,
            first_dump_after: Duration::from_secs(3600),
        }
    }

    /// Every process that works below this place.
    fn processes(&self) -> Vec<i32> {
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| {
                fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(self.0.path()))
            })
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        while let Some(pid) = self.processes().first() {
            let _gone = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

async fn client(cluster: &PrivateCluster) -> Client {
    let (client, connection) = cluster
        .connect_spec()
        .to_tokio_postgres()
        .connect(NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

async fn rows(cluster: &PrivateCluster) -> i64 {
    client(cluster)
        .await
        .query_one("select count(*) from kept", &[])
        .await
        .unwrap()
        .get(0)
}

async fn fill(cluster: &PrivateCluster) {
    let sql = "create extension hstore; create table kept (n int primary key, h hstore); \
               insert into kept select n, hstore('n', n::text) from generate_series(1, 500) n";
    client(cluster).await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn starts_once_keeps_data_and_stops_cleanly() {
    let place = Place::new();
    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    assert!(cluster.healthy());
    fill(&cluster).await;

    let client = client(&cluster).await;
    let setting = async |name: &str| -> String {
        client
            .query_one("select current_setting($1)", &[&name])
            .await
            .unwrap()
            .get(0)
    };
    assert_eq!(setting("data_checksums").await, "on");
    assert_eq!(setting("listen_addresses").await, "");
    assert_eq!(setting("server_encoding").await, "UTF8");
    assert_eq!(setting("max_connections").await, "28");
    let collation: String = client
        .query_one(
            "select datcollate from pg_database where datname = 'chrontainer'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(collation, "C");

    // A Ctrl-C at the terminal goes to a process group; Postgres is not in ours. It is not root either.
    let pid = cluster.pid().unwrap();
    assert_eq!(getpgid(Some(Pid::from_raw(pid))).unwrap().as_raw(), pid);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(
        !status.lines().any(|line| line.starts_with("Uid:\t0\t")),
        "{status}"
    );

    // Nobody but its account gets to the socket or the data.
    for dir in [place.options().data_dir.join("postgres"), socket_dir(&cluster)] {
        assert_eq!(
            fs::metadata(&dir).unwrap().permissions().mode() & 0o777,
            0o700,
            "{}",
            dir.display()
        );
    }

    let refused = PrivateCluster::start(&place.options()).await.unwrap_err();
    assert!(matches!(refused, ClusterError::InUse { .. }));
    assert!(
        refused
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{refused}"
    );

    drop(client);
    cluster.stop().await.unwrap();
    assert_eq!(place.processes(), Vec::<i32>::new());

    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    assert_eq!(rows(&cluster).await, 500);
    cluster.stop().await.unwrap();
}

fn socket_dir(cluster: &PrivateCluster) -> PathBuf {
    match &cluster.connect_spec().host {
        control::db::connect::DatabaseHost::Socket(dir) => dir.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bad_places_are_refused_with_a_sentence() {
    let place = Place::new();
    let empty = place.0.path().join("empty");
    fs::create_dir_all(&empty).unwrap();
    let options = ClusterOptions {
        bin: Some(empty.clone()),
        ..place.options()
    };
    let text = PrivateCluster::start(&options).await.unwrap_err().to_string();
    assert!(
        text.contains(&format!("looked in {}", empty.display())) && text.contains("apt install postgresql"),
        "{text}"
    );

    if nix::unistd::geteuid().is_root() {
        let closed = place.0.path().join("closed");
        fs::create_dir_all(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let options = ClusterOptions {
            data_dir: closed.join("data"),
            ..place.options()
        };
        let text = PrivateCluster::start(&options).await.unwrap_err().to_string();
        assert!(
            text.contains(&format!("chmod o+x {}", closed.display())),
            "{text}"
        );
    }

    let file = place.0.path().join("file");
    fs::write(&file, "").unwrap();
    let options = ClusterOptions {
        data_dir: file.join("data"),
        ..place.options()
    };
    let text = PrivateCluster::start(&options).await.unwrap_err().to_string();
    assert!(text.starts_with("Could not make"), "{text}");
}
