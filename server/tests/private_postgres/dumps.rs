//! Dumps, and the data of other versions.

use super::*;

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
