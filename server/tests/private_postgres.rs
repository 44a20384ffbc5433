//! The private Postgres against the real one: first start, second server, kills of either side, dumps, versions.

#![allow(clippy::unwrap_used)]

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
async fn a_killed_postmaster_comes_back_with_everything_committed() {
    let place = Place::new();
    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    fill(&cluster).await;
    let mut states = cluster.watch();
    for round in 0..3 {
        // A backend in the middle of something outlives its postmaster for a moment.
        let busy = client(&cluster).await;
        let busy = tokio::spawn(async move { busy.batch_execute("select pg_sleep(30)").await });
        let sql = format!("insert into kept (n) values ({})", 1000 + round);
        client(&cluster).await.batch_execute(&sql).await.unwrap();
        let pid = cluster.pid().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        timeout(
            LIMIT,
            states.wait_for(|state| matches!(state, ClusterState::Down { .. })),
        )
        .await
        .unwrap()
        .unwrap();
        timeout(LIMIT, states.wait_for(|state| *state == ClusterState::Ready))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(cluster.pid(), Some(pid));
        assert_eq!(rows(&cluster).await, 501 + round);
        assert!(busy.await.unwrap().is_err());
    }
    cluster.stop().await.unwrap();
    assert_eq!(*states.borrow(), ClusterState::Stopped);
    assert_eq!(place.processes(), Vec::<i32>::new());
}

/// Not a test of its own: the server that the next test kills, in a process that can be killed.
#[tokio::test]
async fn serves_until_killed() {
    let Ok(dir) = std::env::var("CHRONTAINER_TEST_SERVE") else {
        return;
    };
    let options = ClusterOptions {
        data_dir: Path::new(&dir).join("data"),
        runtime_dir: Path::new(&dir).join("run"),
        bin: None,
        connections: 16,
        keep: 2,
        first_dump_after: Duration::from_secs(3600),
    };
    let cluster = PrivateCluster::start(&options).await.unwrap();
    fill(&cluster).await;
    fs::write(
        Path::new(&dir).join("serving"),
        cluster.pid().unwrap().to_string(),
    )
    .unwrap();
    sleep(LIMIT).await;
}

#[tokio::test]
async fn the_postgres_of_a_killed_server_is_adopted() {
    let place = Place::new();
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "serves_until_killed"])
        .env("CHRONTAINER_TEST_SERVE", place.0.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mark = place.0.path().join("serving");
    timeout(LIMIT, async {
        while !mark.exists() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    let refused = PrivateCluster::start(&place.options())
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains(&format!("process {}", server.id())), "{refused}");

    server.kill().unwrap();
    server.wait().unwrap();
    let pid: i32 = fs::read_to_string(&mark).unwrap().parse().unwrap();
    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    assert_eq!(cluster.pid(), Some(pid));
    assert_eq!(rows(&cluster).await, 500);

    // It is watched like a child of our own.
    let mut states = cluster.watch();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    timeout(
        LIMIT,
        states.wait_for(|state| matches!(state, ClusterState::Down { .. })),
    )
    .await
    .unwrap()
    .unwrap();
    timeout(LIMIT, states.wait_for(|state| *state == ClusterState::Ready))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rows(&cluster).await, 500);
    cluster.stop().await.unwrap();
    assert_eq!(place.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn killed_at_any_moment_of_its_first_start_it_starts_again() {
    let place = Place::new();
    for round in 0..8 {
        let mut server = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serves_until_killed"])
            .env("CHRONTAINER_TEST_SERVE", place.0.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(60 + 170 * round)).await;
        server.kill().unwrap();
        server.wait().unwrap();
    }
    let cluster = start_again(&place.options()).await;
    assert!(client(&cluster).await.simple_query("select 1").await.is_ok());
    let names = fs::read_dir(place.options().data_dir.join("postgres"))
        .unwrap()
        .flatten();
    let drafts: Vec<_> = names
        .filter(|entry| entry.file_name().to_string_lossy().contains(".new-"))
        .collect();
    assert!(drafts.is_empty(), "{drafts:?}");
    cluster.stop().await.unwrap();
    assert_eq!(place.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_hung_orphan_is_restarted() {
    let place = Place::new();
    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    fill(&cluster).await;
    let pid = cluster.pid().unwrap();
    drop(cluster);
    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    let cluster = start_again(&place.options()).await;
    assert_ne!(cluster.pid(), Some(pid));
    assert_eq!(rows(&cluster).await, 500);
    cluster.stop().await.unwrap();
    assert_eq!(place.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn an_orphan_with_other_settings_is_restarted() {
    let place = Place::new();
    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    fill(&cluster).await;
    let pid = cluster.pid().unwrap();
    drop(cluster);
    let cluster = start_again(&ClusterOptions {
        connections: 40,
        ..place.options()
    })
    .await;
    assert_ne!(cluster.pid(), Some(pid));
    let most: String = client(&cluster)
        .await
        .query_one("show max_connections", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(most, "52");
    assert_eq!(rows(&cluster).await, 500);
    cluster.stop().await.unwrap();
}

/// Dropping lets go in the background, so the lock may be free a moment later.
async fn start_again(options: &ClusterOptions) -> PrivateCluster {
    let begun = Instant::now();
    loop {
        match PrivateCluster::start(options).await {
            Ok(cluster) => return cluster,
            Err(ClusterError::InUse { .. }) if begun.elapsed() < LIMIT => {
                sleep(Duration::from_millis(20)).await
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn what_a_kill_left_is_no_obstacle() {
    let place = Place::new();
    let root = place.options().data_dir.join("postgres");
    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    fill(&cluster).await;
    let socket = socket_dir(&cluster);
    let major = cluster.major();
    cluster.stop().await.unwrap();

    // A pid file whose number now is another process', as in a restarted container; its socket; half an initdb.
    let dir = root.join(major.to_string());
    let pid_file = format!(
        "{}\n{}\n1\n5432\n{}\n\n1 1\nready\n",
        std::process::id(),
        dir.display(),
        socket.display()
    );
    fs::write(dir.join("postmaster.pid"), &pid_file).unwrap();
    fs::write(socket.join(".s.PGSQL.5432.lock"), &pid_file).unwrap();
    fs::create_dir_all(root.join("15.new-1")).unwrap();
    fs::write(root.join("15.new-1/PG_VERSION"), "15").unwrap();

    let cluster = PrivateCluster::start(&place.options()).await.unwrap();
    assert_eq!(rows(&cluster).await, 500);
    assert!(!root.join("15.new-1").exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn dumps_rotate_and_restore_beside_the_old_cluster() {
    let place = Place::new();
    let options = place.options();
    let cluster = PrivateCluster::start(&options).await.unwrap();
    fill(&cluster).await;
    let first = cluster.dump_now().await.unwrap();
    assert!(first.bytes > 0);
    assert_eq!(
        fs::metadata(&first.path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    client(&cluster)
        .await
        .batch_execute("delete from kept where n > 100")
        .await
        .unwrap();

    // Beside a running server, as the command line does it; at most two are kept.
    let mut last = first.clone();
    for _ in 0..2 {
        sleep(Duration::from_millis(1100)).await;
        last = backup_now(&options).await.unwrap();
    }
    let left: Vec<PathBuf> = dumps(&options.backups())
        .into_iter()
        .map(|dump| dump.path)
        .collect();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&last.path) && !left.contains(&first.path));

    let running = restore(&options, &last.path).await.unwrap_err();
    assert!(matches!(running, ClusterError::InUse { .. }));
    client(&cluster)
        .await
        .batch_execute("drop table kept")
        .await
        .unwrap();
    cluster.stop().await.unwrap();

    let no_dump = restore(&options, Path::new("/etc/passwd")).await.unwrap_err();
    assert!(matches!(no_dump, ClusterError::NotADump { .. }));
    let restored = restore(&options, &last.path).await.unwrap();
    assert!(restored.kept.unwrap().join("PG_VERSION").exists());
    assert_eq!(place.processes(), Vec::<i32>::new());
    let cluster = PrivateCluster::start(&options).await.unwrap();
    assert_eq!(rows(&cluster).await, 100);
    cluster.stop().await.unwrap();

    // And without a server.
    sleep(Duration::from_millis(1100)).await;
    assert!(backup_now(&options).await.unwrap().bytes > 0);
    assert_eq!(place.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn the_first_dump_comes_by_itself() {
    let place = Place::new();
    let options = ClusterOptions {
        first_dump_after: Duration::from_millis(50),
        ..place.options()
    };
    let cluster = PrivateCluster::start(&options).await.unwrap();
    timeout(LIMIT, async {
        while dumps(&options.backups()).is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn data_of_another_major_version_is_refused_or_restored() {
    let place = Place::new();
    let options = place.options();
    let cluster = PrivateCluster::start(&options).await.unwrap();
    fill(&cluster).await;
    let major = cluster.major();
    let dump = cluster.dump_now().await.unwrap();
    cluster.stop().await.unwrap();

    // As if made by a version that is not installed any more.
    let root = options.data_dir.join("postgres");
    let old = root.join("9");
    fs::rename(root.join(major.to_string()), &old).unwrap();
    fs::write(old.join("PG_VERSION"), "9\n").unwrap();
    let refused = PrivateCluster::start(&options).await.unwrap_err().to_string();
    assert!(
        refused.contains(&format!(
            "made by PostgreSQL 9, and only PostgreSQL {major} is installed"
        )),
        "{refused}"
    );
    assert!(
        refused.contains(&format!(
            "chrontainer-server restore --dump {}",
            dump.path.display()
        )),
        "{refused}"
    );
    assert!(!root.join(major.to_string()).exists());

    // The dump that was noted as the old cluster's last act is enough.
    fs::write(root.join("9.final-dump"), dump.path.display().to_string()).unwrap();
    let cluster = PrivateCluster::start(&options).await.unwrap();
    assert_eq!(cluster.major(), major);
    assert_eq!(rows(&cluster).await, 500);
    cluster.stop().await.unwrap();
    let kept = fs::read_dir(&root)
        .unwrap()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("9.replaced-"));
    assert!(kept);
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
