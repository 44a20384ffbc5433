//! The command line against a real server: what it prints, and what it says when it cannot.

use super::server;
use serde_json::{Value, json};
use std::{process::Output, time::Duration};
use testkit::{
    engines::GeneratedEngine,
    server::{TestServer, built},
};

async fn chrontainer(url: &str, key: Option<&str>, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(built("chrontainer").unwrap());
    command
        .env_clear()
        .env("CHRONTAINER_CLI_URL", url)
        .args(words)
        .kill_on_drop(true);
    if let Some(key) = key {
        command.env("CHRONTAINER_CLI_API_KEY", key);
    }
    tokio::time::timeout(Duration::from_secs(20), command.output())
        .await
        .expect("an end within 20 s")
        .unwrap()
}

async fn prints(server: &TestServer, words: &[&str]) -> String {
    let output = chrontainer(&server.url, Some(&server.api_key), words).await;
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn says(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ps_lists_the_fleet_as_a_table_and_as_json() {
    let (_database, server) = server().await;
    // More than one page of the API's list.
    let engine = GeneratedEngine::start("nas", 620).await;
    let body = json!({ "name": "nas", "url": engine.docker_host() });
    assert_eq!(server.post("/api/v1/hosts", body).await.status, 201);
    let mut total = Value::Null;
    for _ in 0..200 {
        total = server.get("/api/v1/containers?limit=1").await.json()["total"].clone();
        if total == 620 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(total, 620);

    let all = prints(&server, &["ps", "--all"]).await;
    let head: Vec<&str> = all.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["HOST", "NAME", "IMAGE", "STATE", "PORTS"]);
    assert_eq!(all.lines().count(), 1 + 620);

    // Without --all only what runs, and words are one selector.
    let stopped = server
        .get("/api/v1/containers?query=state:exited&limit=1")
        .await
        .json()["total"]
        .as_u64()
        .unwrap();
    assert!(stopped > 0);
    let up = prints(&server, &["ps"]).await;
    assert!(!up.contains("exited"), "{up}");
    assert_eq!(up.lines().count() as u64, 1 + 620 - stopped);

    let lines = prints(&server, &["ps", "--all", "--json", "host:nas", "state:exited"]).await;
    let containers: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(containers.len() as u64, stopped);
    for container in containers {
        assert_eq!(container["state"], "exited", "{container}");
        assert_eq!(container["host"]["name"], "nas");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_do_is_a_sentence_and_exit_1() {
    let (_database, server) = server().await;
    let refused = says(&chrontainer(&server.url, Some(&server.api_key), &["ps", "state:"]).await);
    assert!(refused.starts_with("chrontainer: "), "{refused}");
    assert!(refused.contains("state"), "{refused}");

    let nobody = says(&chrontainer(&server.url, None, &["ps"]).await);
    assert!(nobody.contains("CHRONTAINER_CLI_API_KEY"), "{nobody}");

    let wrong = "chk_0000000000000000000000000000000000000000000";
    let unknown = says(&chrontainer(&server.url, Some(wrong), &["ps"]).await);
    assert!(!unknown.contains(wrong), "a key is in no message: {unknown}");

    // A port that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = says(&chrontainer(&format!("http://{free}"), None, &["ps"]).await);
    assert!(away.contains("No server answers"), "{away}");

    let version = chrontainer(&format!("http://{free}"), None, &["version"]).await;
    assert!(
        version.status.success(),
        "its own version is worth printing: {version:?}"
    );
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    assert!(version.contains("none"), "{version}");
}
