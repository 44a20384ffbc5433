//! Starting, failing to start, stopping.

use super::server;
use serde_json::Value;
use std::time::{Duration, Instant};
use testkit::{
    postgres::{TestCluster, TestDatabase},
    server::{Answer, OWNER, PASSWORD, TestServer, TestServerOptions, migrations},
};

#[tokio::test]
async fn a_taken_port_is_told_in_a_sentence() {
    let (database, server) = server().await;
    let taken = server.url.trim_start_matches("http://");
    let error = TestServer::start(TestServerOptions::on(&database).env("CHRONTAINER_LISTEN", taken))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is taken by another program") && error.contains("CHRONTAINER_LISTEN"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_told_before_anything_starts() {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    for (name, value, said) in [
        ("CHRONTAINER_LISTN", "x", "did you mean CHRONTAINER_LISTEN?"),
        (
            "CHRONTAINER_SECRET_KEY_FILE",
            "/nonexistent/key",
            "cannot be read",
        ),
        (
            "CHRONTAINER_SETUP_PASSWORD_FILE",
            "/nonexistent/password",
            "cannot be read",
        ),
        (
            "CHRONTAINER_DATABASE_URL",
            "postgres://x:secretword@127.0.0.1:1/x",
            "cannot be used",
        ),
    ] {
        let error = TestServer::start(TestServerOptions::on(&database).env(name, value))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{name}: {error}");
        assert!(
            !error.contains("panicked") && !error.contains("secretword"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn it_stops_cleanly_and_soon() {
    let (_database, mut server) = server().await;
    server.sign_in().await.unwrap();
    let begun = Instant::now();
    assert_eq!(server.stop().await.unwrap(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(server.log().contains("stopped"));
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[tokio::test]
async fn readiness_tells_each_part() {
    let (_database, server) = server().await;
    assert_eq!(server.get("/health").await.json()["status"], "ok");
    let begun = Instant::now();
    loop {
        let answer = Answer::of(server.request(reqwest::Method::GET, "/health/ready")).await;
        let parts = answer.json();
        if answer.status == 200 {
            assert_eq!(parts["status"], "ready");
            for part in ["database", "worker", "ticker"] {
                assert_eq!(parts[part]["ok"], true, "{parts}");
            }
            break;
        }
        assert_eq!(
            (answer.status, &parts["status"]),
            (503, &Value::from("not_ready"))
        );
        assert!(begun.elapsed() < Duration::from_secs(20), "{parts}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_told_and_comes_back() {
    let mut cluster = tokio::task::spawn_blocking(TestCluster::own)
        .await
        .unwrap()
        .unwrap();
    let url = cluster.create_database("chrontainer").await.unwrap();
    let server = TestServer::start(TestServerOptions::on_url(&url)).await.unwrap();
    let mut browser = server.sign_in().await.unwrap();
    cluster.kill().unwrap();

    assert_eq!(
        server.get("/health").await.status,
        200,
        "the process itself lives"
    );
    let ready = server.get("/health/ready").await;
    assert_eq!(
        (ready.status, &ready.json()["database"]["ok"]),
        (503, &Value::Bool(false))
    );
    let api = server.get("/metrics").await;
    assert_eq!((api.status, api.code().as_str()), (503, "database_unavailable"));
    let function = browser.fetch("/_fn/auth/me").await;
    assert_eq!(function.status, 503);
    let page = browser.open("/").await;
    assert_eq!(page.status, 503);
    assert!(
        page.text.contains("<html") && page.text.contains("database does not answer"),
        "{}",
        page.text
    );
    let sign_in = server.browser().sign_in(OWNER, PASSWORD).await;
    assert_eq!(
        (sign_in.status, sign_in.code().as_str()),
        (503, "database_unavailable")
    );

    cluster.start().unwrap();
    let begun = Instant::now();
    while server.get("/metrics").await.status != 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it does not come back:\n{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(
        browser.fetch("/_fn/auth/me").await.status,
        200,
        "sessions survive"
    );
}

#[tokio::test]
async fn a_private_database_serves_too_and_the_command_line_shares_it() {
    let mut server = TestServer::start(TestServerOptions::private()).await.unwrap();
    assert_eq!(server.get("/health/ready").await.json()["database"]["ok"], true);
    server.kill9();
    server.start_again().await.unwrap();
    assert_eq!(server.get("/metrics").await.status, 200, "the key is still there");
    assert_eq!(server.stop().await.unwrap(), Some(0));
    // Nobody runs it now, so the command starts it for itself.
    let key = server.create_key(OWNER).await.unwrap();
    assert!(key.starts_with("chk_"));
}

#[tokio::test]
async fn signing_in_leaves_no_memory_behind() {
    let (_database, server) = server().await;
    server.sign_in().await.unwrap();
    let anonymous = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
    };
    let before = anonymous();
    let many = (0..8).map(|n| {
        let mut browser = server.browser();
        async move { browser.sign_in(&format!("name {n}"), PASSWORD).await.status }
    });
    assert_eq!(futures::future::join_all(many).await, [401; 8]);
    let after = anonymous();
    assert!(after < before + 12, "from {before} to {after} MiB");
}
