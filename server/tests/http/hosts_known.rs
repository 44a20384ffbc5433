//! What is known of hosts over REST: keys out of known_hosts, steps as they are done, private sockets, events, what is in use,
//! and a stream of events that is rubbish.

use super::{
    hosts_reach::{steps, until},
    server,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    os::unix::fs::{FileTypeExt, PermissionsExt},
    time::Duration,
};
use testkit::engines::{
    EngineApi, HungEngine, Rubbish, RubbishEngine, RunOptions, Sshd, SshdOptions, TestEngine,
};

/// Another machine's key.
const ANOTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

#[tokio::test]
async fn a_known_hosts_file_spares_the_comparing() {
    let engine = TestEngine::shared().await;
    let mut sshd = Sshd::start(SshdOptions::default()).await;
    let (_database, server) = server().await;
    let body = |known: &str| {
        json!({ "name": "nas", "url": sshd.docker_host("admin", &engine.socket()),
            "ssh": { "private_key": sshd.client_key(), "known_hosts": known } })
    };
    let own = sshd.known_host(true);
    let pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl c3No a2V5\n-----END OPENSSH PRIVATE KEY-----\n";
    let (elsewhere, revoked) = (
        format!("nas {ANOTHER}\n"),
        format!("{own}@revoked {}", sshd.known_host(false)),
    );
    for (known, code, words) in [
        (pem, "known_hosts_invalid", "no known_hosts file"),
        (elsewhere.as_str(), "known_hosts_no_key", "no key of [127.0.0.1]"),
        (revoked.as_str(), "known_hosts_revoked", "revoked"),
    ] {
        let refused = server.post("/api/v1/hosts", body(known)).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (422, code),
            "{refused:?}"
        );
        let error = &refused.json()["error"];
        assert_eq!(error["details"]["field"], "ssh.known_hosts");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    let large = server.post("/api/v1/hosts", body(&"#".repeat(513 * 1024))).await;
    assert_eq!(
        (large.status, large.code().as_str()),
        (422, "known_hosts_too_large")
    );

    // Another key than the host's is no confirmation.
    let port = sshd.port();
    let wrong = server
        .post("/api/v1/hosts", body(&format!("[127.0.0.1]:{port} {ANOTHER}\n")))
        .await;
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (409, "host_key_changed"),
        "{wrong:?}"
    );
    assert_eq!(sshd.sign_ins(), 0);

    // Several are pinned, and any of them may be shown.
    let several = format!("{own}[127.0.0.1]:{port} {ANOTHER}\n");
    let tested = json!({ "url": body("")["url"], "ssh": body(&several)["ssh"] });
    let tested = steps(&server, "/api/v1/hosts/test", tested).await;
    assert_eq!(tested.last().unwrap()["step"], "permission", "{tested:?}");
    let added = server.post("/api/v1/hosts", body(&several)).await;
    assert_eq!(added.status, 201, "{added:?}");
    let host = added.json();
    assert_eq!(host["ssh"]["fingerprint"], sshd.fingerprint().as_str());
    assert_eq!(host["ssh"]["host_keys"].as_array().unwrap().len(), 2, "{host}");
    until(&server, &host["id"], |host| host["status"] == "online").await;

    // A change that leaves the file out keeps them; one confirmed key takes the place of all.
    let path = format!("/api/v1/hosts/{}", host["id"].as_str().unwrap());
    let kept = server
        .send(
            Method::PATCH,
            &path,
            Some(json!({ "ssh": { "docker_path": null } })),
        )
        .await;
    assert_eq!(
        kept.json()["ssh"]["host_keys"].as_array().unwrap().len(),
        2,
        "{kept:?}"
    );
    sshd.change_host_key().await;
    let accept = json!({ "accept_fingerprint": sshd.fingerprint() });
    let pinned = server.send(Method::PATCH, &path, Some(accept)).await.json();
    assert_eq!(pinned["ssh"]["fingerprint"], sshd.fingerprint().as_str());
    assert!(pinned["ssh"].get("host_keys").is_none(), "{pinned}");
    until(&server, &host["id"], |host| host["status"] == "online").await;
}

#[tokio::test]
async fn an_ssh_host_has_a_private_socket_for_other_programs() {
    let engine = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let (_database, server) = server().await;
    let body = json!({ "name": "nas", "url": sshd.docker_host("admin", &engine.socket()),
        "ssh": { "private_key": sshd.client_key() }, "accept_fingerprint": sshd.fingerprint() });
    let host = server.post("/api/v1/hosts", body).await.json();
    until(&server, &host["id"], |host| host["status"] == "online").await;
    let directory = server.data_dir().parent().unwrap().join("run/hosts");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let sockets = || -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(&directory).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let [socket] = sockets().try_into().expect("one socket");
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(mode(&socket), 0o600);
    // The same engine answers there.
    let info = EngineApi::new(socket.clone()).get("/info").await;
    let id = &server
        .get(&format!("/api/v1/hosts/{}", host["id"].as_str().unwrap()))
        .await
        .json()["engine"]["engine_id"];
    assert_eq!(&info["ID"], id);

    let deleted = server
        .delete(&format!("/api/v1/hosts/{}", host["id"].as_str().unwrap()))
        .await;
    assert_eq!(deleted.status, 204);
    for _ in 0..100 {
        if sockets().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the socket outlived its host: {:?}", sockets());
}

#[tokio::test]
async fn the_steps_of_a_test_come_as_they_are_done() {
    let hung = HungEngine::start().await;
    let (_database, server) = server().await;
    let mut answer = server
        .request(Method::POST, "/api/v1/hosts/test")
        .bearer_auth(&server.api_key)
        .json(&json!({ "url": hung.docker_host() }))
        .send()
        .await
        .unwrap();
    // The ping takes until its patience ends; the step before it does not wait for that.
    let first = tokio::time::timeout(Duration::from_secs(3), answer.chunk())
        .await
        .expect("the first step comes at once")
        .unwrap()
        .unwrap();
    let first: Value = serde_json::from_slice(&first).expect("one line");
    assert_eq!(
        (&first["step"], &first["state"]),
        (&json!("connect"), &json!("passed"))
    );
    let begun = std::time::Instant::now();
    let last: Value = serde_json::from_slice(&answer.chunk().await.unwrap().unwrap()).expect("one line");
    assert_eq!(
        (&last["step"], &last["state"]),
        (&json!("ping"), &json!("failed"))
    );
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(answer.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn what_happens_on_a_host_and_what_is_in_use_there() {
    let engine = TestEngine::shared().await;
    let (_database, server) = server().await;
    let host = server
        .post(
            "/api/v1/hosts",
            json!({ "name": "local", "url": engine.docker_host() }),
        )
        .await
        .json();
    until(&server, &host["id"], |host| host["status"] == "online").await;
    let name = engine.name("seen");
    engine.run_container(&name, RunOptions::default()).await;
    let path = format!("/api/v1/hosts/{}/stats", host["id"].as_str().unwrap());
    let mut stats = Value::Null;
    for _ in 0..60 {
        stats = server.get(&path).await.json();
        let used = &stats["in_use"];
        if used["cpu_percent"].is_number() && used["measured"].as_u64() > Some(0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let used = &stats["in_use"];
    assert!(
        used["cpu_percent"].is_number() && used["running"].as_u64() > Some(0),
        "{used}"
    );
    let measured = stats["engine"]["memory_measured"] == true;
    assert!(
        measured || used["memory_bytes"].is_null(),
        "never 0 where it is not measured: {used}"
    );
    let events = stats["events"].as_array().unwrap();
    let started = events
        .iter()
        .find(|event| event["container"] == name.as_str() && event["action"] == "start");
    assert!(started.is_some_and(|event| event["at"].is_string()), "{events:?}");
    assert!(stats["lacks"].is_array());
    engine.remove(&name).await;
}

#[tokio::test]
async fn rubbish_among_events_is_said_on_the_host() {
    let rubbish = RubbishEngine::start(Rubbish::Events).await;
    let (_database, server) = server().await;
    let host = server
        .post(
            "/api/v1/hosts",
            json!({ "name": "odd", "url": rubbish.docker_host() }),
        )
        .await
        .json();
    let said = until(&server, &host["id"], |host| host["events_fault"].is_string()).await;
    assert_eq!(said["status"], "online", "it is no reason to call it lost");
    let fault = said["events_fault"].as_str().unwrap();
    assert!(
        fault.contains("lines are no events") && fault.ends_with('.'),
        "{fault}"
    );
}
