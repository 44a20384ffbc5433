//! Kills of either side, and what they leave.

use super::*;

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
        .args(["--exact", "kills::serves_until_killed"])
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
            .args(["--exact", "kills::serves_until_killed"])
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
async fn a_server_that_is_stopped_while_it_starts_leaves_no_postgres() {
    let place = Place::new();
    let mut server = Command::new(env!("CARGO_BIN_EXE_chrontainer-server"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("CHRONTAINER_DATA_DIR", place.options().data_dir)
        .env("CHRONTAINER_RUNTIME_DIR", place.options().runtime_dir)
        .env("CHRONTAINER_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while place.processes().is_empty() {
        assert!(begun.elapsed() < LIMIT, "Postgres never came");
        sleep(Duration::from_millis(5)).await;
    }
    kill(Pid::from_raw(server.id().cast_signed()), Signal::SIGTERM).unwrap();
    let ended = loop {
        if let Some(status) = server.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < LIMIT, "the server does not end");
        sleep(Duration::from_millis(20)).await;
    };
    assert!(ended.success(), "{ended}");
    assert_eq!(place.processes(), Vec::<i32>::new());
}
