//! The databases tests are given are real, separate, migrated, and gone afterwards.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use testkit::postgres::{TestCluster, TestDatabase};

fn migrations(dir: &Path, sql: &str) {
    let one = dir.join("2026-11-22-000000_first");
    std::fs::create_dir_all(&one).unwrap();
    std::fs::write(one.join("up.sql"), sql).unwrap();
}

#[tokio::test]
async fn databases_are_clones_of_one_template() {
    let dir = tempfile::tempdir().unwrap();
    migrations(dir.path(), "create table a (n int); insert into a values (1);");
    let (one, two) = tokio::join!(TestDatabase::create(dir.path()), TestDatabase::create(dir.path()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.name(), two.name());

    one.client()
        .await
        .unwrap()
        .batch_execute("insert into a values (2)")
        .await
        .unwrap();
    let count = async |database: &TestDatabase| -> i64 {
        database
            .client()
            .await
            .unwrap()
            .query_one("select count(*) from a", &[])
            .await
            .unwrap()
            .get(0)
    };
    assert_eq!((count(&one).await, count(&two).await), (2, 1));
    let client = two.client().await.unwrap();
    let row = client
        .query_one("select version from __diesel_schema_migrations", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "20261122000000");

    // Changed migrations make another template.
    migrations(
        dir.path(),
        "create table a (n int); insert into a values (1), (2), (3);",
    );
    let three = TestDatabase::create(dir.path()).await.unwrap();
    assert_eq!(count(&three).await, 3);

    let (name, still) = (
        one.name().to_owned(),
        "select 1 from pg_database where datname = $1",
    );
    let open = one.client().await.unwrap();
    drop(one);
    assert!(open.simple_query("select 1").await.is_err());
    let admin = TestCluster::shared().unwrap().client("postgres").await.unwrap();
    assert!(admin.query_opt(still, &[&name]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_template_that_fails_to_build_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    migrations(dir.path(), "create table broken (");
    for _ in 0..2 {
        let error = TestDatabase::create(dir.path()).await.unwrap_err().to_string();
        assert!(error.contains("2026-11-22-000000_first/up.sql"), "{error}");
    }
}

#[tokio::test]
async fn an_own_cluster_can_be_broken_and_mended() {
    let mut cluster = TestCluster::own().unwrap();
    let url = cluster.create_database("fleet").await.unwrap();
    let client = cluster.client("fleet").await.unwrap();
    client
        .batch_execute("create table kept (n int); insert into kept values (7)")
        .await
        .unwrap();

    cluster.kill().unwrap();
    assert!(client.simple_query("select 1").await.is_err());
    assert!(cluster.client("fleet").await.is_err());
    cluster.start().unwrap();
    let client = cluster.client("fleet").await.unwrap();
    let kept: i32 = client.query_one("select n from kept", &[]).await.unwrap().get(0);
    assert_eq!(kept, 7);

    cluster.pause();
    let hung = tokio::time::timeout(
        std::time::Duration::from_millis(300),
        client.simple_query("select 1"),
    )
    .await;
    assert!(hung.is_err());
    cluster.resume();
    assert_eq!(
        client.query_one("select 1", &[]).await.unwrap().get::<_, i32>(0),
        1
    );

    cluster.stop().unwrap();
    let socket = url
        .split("host=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    assert!(Path::new(&socket).exists());
    drop(cluster);
    assert!(!Path::new(&socket).exists());
}
