//! Reaching hosts over REST: the test of a connection, SSH with its host keys, mutual TLS, docker contexts, what is
//! known of a host afterwards.

use super::server;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{
    engines::{Certificates, HungEngine, Rubbish, RubbishEngine, Sshd, SshdOptions, TestEngine, TlsFront},
    server::{Answer, TestServer},
};

/// The steps of a test, each a line of JSON.
pub(super) async fn steps(server: &TestServer, path: &str, body: Value) -> Vec<Value> {
    let answer = server.post(path, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(super) async fn until(server: &TestServer, id: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/hosts/{}", id.as_str().unwrap());
    for _ in 0..400 {
        let host = server.get(&path).await.json();
        if wanted(&host) {
            return host;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the host never came to be so: {}", server.get(&path).await.text);
}

fn names(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| step["step"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_connection_is_tested_step_by_step_before_it_is_saved() {
    let engine = TestEngine::shared().await;
    let (_database, server) = server().await;
    let good = steps(
        &server,
        "/api/v1/hosts/test",
        json!({ "url": engine.docker_host() }),
    )
    .await;
    assert_eq!(names(&good), ["connect", "ping", "version", "permission"]);
    assert!(
        good.iter()
            .all(|step| step["state"] == "passed" && step["ms"].is_u64()),
        "{good:?}"
    );
    assert!(good[2]["message"].as_str().unwrap().contains("Docker"));
    assert_eq!(
        server.get("/api/v1/hosts").await.json()["total"],
        0,
        "nothing was saved"
    );

    let hung = HungEngine::start().await;
    let html = RubbishEngine::start(Rubbish::Html).await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("tcp://{}", listener.local_addr().unwrap())
    };
    for (url, step, code, words) in [
        (closed, "connect", "connection_refused", "refused the connection"),
        (
            "tcp://no-such-host.invalid".to_owned(),
            "resolve",
            "name_unknown",
            "has no address",
        ),
        (
            "unix:///nonexistent.sock".to_owned(),
            "connect",
            "socket_missing",
            "There is no socket",
        ),
        (
            html.docker_host(),
            "ping",
            "engine_protocol",
            "not a Docker or Podman engine",
        ),
        (
            hung.docker_host(),
            "ping",
            "engine_timeout",
            "did not answer within",
        ),
    ] {
        let failed = steps(&server, "/api/v1/hosts/test", json!({ "url": url })).await;
        let last = failed.last().unwrap();
        assert_eq!(
            (&last["step"], &last["state"], &last["code"]),
            (&json!(step), &json!("failed"), &json!(code)),
            "{last}"
        );
        assert!(last["message"].as_str().unwrap().contains(words), "{last}");
    }
    for (body, code, field) in [
        (json!({}), "url_missing", "url"),
        (json!({ "url": "gopher://x" }), "url_scheme_unknown", "url"),
        (
            json!({ "url": "tcp://x", "tls": { "ca": "x" } }),
            "pem_invalid",
            "tls.ca",
        ),
    ] {
        let refused = server.post("/api/v1/hosts/test", body).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, code));
        assert_eq!(refused.json()["error"]["details"]["field"], field);
    }

    // Saved, it is tested as it is stored, or with what the body changes; and a twin is noticed.
    let host = server
        .post(
            "/api/v1/hosts",
            json!({ "name": "local", "url": engine.docker_host() }),
        )
        .await
        .json();
    until(&server, &host["id"], |host| host["status"] == "online").await;
    let path = format!("/api/v1/hosts/{}/test", host["id"].as_str().unwrap());
    assert_eq!(steps(&server, &path, json!({})).await.len(), 4);
    let other = steps(&server, &path, json!({ "url": "unix:///nonexistent.sock" })).await;
    assert_eq!(other.last().unwrap()["state"], "failed");
    let twin = steps(
        &server,
        "/api/v1/hosts/test",
        json!({ "url": engine.docker_host() }),
    )
    .await;
    let last = twin.last().unwrap();
    assert_eq!(
        (&last["step"], &last["state"]),
        (&json!("duplicate"), &json!("warning"))
    );
    assert!(last["message"].as_str().unwrap().contains("local"));
}

#[tokio::test]
async fn an_ssh_host_is_pinned_by_a_person_and_a_changed_key_is_refused() {
    let engine = TestEngine::shared().await;
    let mut sshd = Sshd::start(SshdOptions::default()).await;
    let (_database, server) = server().await;
    let url = sshd.docker_host("admin", &engine.socket());
    let fingerprint = sshd.fingerprint();
    let mut body = json!({ "name": "nas", "url": url, "ssh": { "private_key": sshd.client_key(), "passphrase": null,
        "password": null, "docker_path": null } });

    let unknown = server.post("/api/v1/hosts", body.clone()).await;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (409, "host_key_unknown"),
        "{unknown:?}"
    );
    assert_eq!(
        unknown.json()["error"]["details"]["fingerprint"],
        fingerprint.as_str()
    );
    let tested = steps(
        &server,
        "/api/v1/hosts/test",
        json!({ "url": url, "ssh": body["ssh"] }),
    )
    .await;
    let last = tested.last().unwrap();
    assert_eq!(
        (&last["step"], &last["fingerprint"]),
        (&json!("host_key"), &json!(fingerprint))
    );
    assert_eq!(
        sshd.sign_ins(),
        0,
        "nothing is sent to a host that nobody has confirmed"
    );

    // Another fingerprint than the host's is no confirmation.
    body["accept_fingerprint"] = json!(format!("SHA256:{}", "a".repeat(43)));
    let changed = server.post("/api/v1/hosts", body.clone()).await;
    assert_eq!(
        (changed.status, changed.code().as_str()),
        (409, "host_key_changed"),
        "{changed:?}"
    );
    assert_eq!(
        changed.json()["error"]["details"]["fingerprint"],
        fingerprint.as_str()
    );
    assert_eq!(
        changed.json()["error"]["details"]["pinned"],
        body["accept_fingerprint"]
    );
    body["accept_fingerprint"] = json!("nonsense");
    assert_eq!(
        server.post("/api/v1/hosts", body.clone()).await.code(),
        "fingerprint_invalid"
    );

    body["accept_fingerprint"] = json!(fingerprint);
    let added = server.post("/api/v1/hosts", body.clone()).await;
    assert_eq!(added.status, 201, "{added:?}");
    let host = added.json();
    assert_eq!(host["transport"], "ssh");
    assert_eq!(host["ssh"]["has_private_key"], true);
    assert_eq!(host["ssh"]["fingerprint"], fingerprint.as_str());
    until(&server, &host["id"], |host| host["status"] == "online").await;
    let path = format!("/api/v1/hosts/{}", host["id"].as_str().unwrap());
    let tested = steps(&server, &format!("{path}/test"), json!({})).await;
    assert_eq!(
        names(&tested),
        [
            "resolve",
            "connect",
            "host_key",
            "sign_in",
            "socket",
            "ping",
            "version",
            "permission"
        ]
    );

    // The machine shows another key: refused, with both, until a person says that it may.
    sshd.change_host_key().await;
    let refused = until(&server, &host["id"], |host| {
        host["error_code"] == "host_key_changed"
    })
    .await;
    assert_eq!(refused["status"], "offline");
    assert_eq!(refused["offered_fingerprint"], sshd.fingerprint().as_str());
    assert_eq!(refused["ssh"]["fingerprint"], fingerprint.as_str());
    let accept = json!({ "accept_fingerprint": sshd.fingerprint() });
    let pinned = server.send(Method::PATCH, &path, Some(accept)).await;
    assert_eq!(
        pinned.json()["ssh"]["fingerprint"],
        sshd.fingerprint().as_str(),
        "{pinned:?}"
    );
    until(&server, &host["id"], |host| host["status"] == "online").await;

    // A password is not sent to another machine, and what is wrong with a key is said.
    let password = json!({ "ssh": { "private_key": null, "password": "guess me" } });
    assert_eq!(
        server.send(Method::PATCH, &path, Some(password)).await.json()["ssh"]["has_password"],
        true
    );
    let elsewhere = json!({ "url": "ssh://admin@127.0.0.2:1" });
    let refused = server.send(Method::PATCH, &path, Some(elsewhere)).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (422, "password_needed")
    );
    let sealed = sshd.another_key("ecdsa", "open sesame");
    for (ssh, code, field) in [
        (
            json!({ "private_key": sealed }),
            "ssh_key_encrypted",
            "ssh.passphrase",
        ),
        (
            json!({ "private_key": sealed, "passphrase": "wrong" }),
            "ssh_passphrase_wrong",
            "ssh.passphrase",
        ),
        (
            json!({ "private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n-----END OPENSSH PRIVATE KEY-----" }),
            "ssh_key_unreadable",
            "ssh.private_key",
        ),
        (
            json!({ "docker_path": "docker; rm -rf /" }),
            "docker_path_invalid",
            "ssh.docker_path",
        ),
    ] {
        let answer: Answer = server
            .send(Method::PATCH, &path, Some(json!({ "ssh": ssh })))
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{answer:?}");
        assert_eq!(answer.json()["error"]["details"]["field"], field);
    }
}

#[tokio::test]
async fn a_host_behind_mutual_tls_trusts_its_ca_alone() {
    let engine = TestEngine::shared().await;
    let ca = Certificates::make();
    let front = TlsFront::start(engine.socket(), &ca, "server", Some(&ca)).await;
    let (_database, server) = server().await;
    let tls = json!({ "ca": ca.pem("ca"), "cert": ca.pem("client"), "key": ca.key("client") });
    let body = json!({ "name": "vps", "url": front.docker_host(), "tls": tls });
    let tested = steps(
        &server,
        "/api/v1/hosts/test",
        json!({ "url": front.docker_host(), "tls": tls }),
    )
    .await;
    assert_eq!(
        names(&tested),
        [
            "resolve",
            "connect",
            "certificate",
            "ping",
            "version",
            "permission"
        ]
    );
    let host = server.post("/api/v1/hosts", body).await.json();
    until(&server, &host["id"], |host| host["status"] == "online").await;

    let stranger = Certificates::make();
    let path = format!("/api/v1/hosts/{}", host["id"].as_str().unwrap());
    let wrong = json!({ "tls": { "ca": stranger.pem("ca") } });
    let tested = steps(&server, &format!("{path}/test"), wrong.clone()).await;
    let last = tested.last().unwrap();
    assert_eq!(
        (&last["step"], &last["code"]),
        (&json!("certificate"), &json!("tls_ca_wrong")),
        "{last}"
    );
    server.send(Method::PATCH, &path, Some(wrong)).await;
    until(&server, &host["id"], |host| host["error_code"] == "tls_ca_wrong").await;
    let other = json!({ "tls": { "ca": ca.pem("ca"), "key": stranger.key("client") } });
    let mismatch = server.send(Method::PATCH, &path, Some(other)).await;
    assert_eq!(
        (mismatch.status, mismatch.code().as_str()),
        (422, "tls_key_mismatch"),
        "{mismatch:?}"
    );

    // The key that sealed it is lost: that is said, and entering everything again is the way out.
    let mut server = server;
    server.stop().await.unwrap();
    std::fs::remove_file(server.data_dir().join("secret.key")).unwrap();
    server.start_again().await.unwrap();
    let lost = until(&server, &host["id"], |host| {
        host["error_code"] == "secret_key_lost"
    })
    .await;
    assert!(
        lost["error"].as_str().unwrap().contains("enter them again"),
        "{lost}"
    );
    assert!(server.log().contains("sealed with another key"));
    server
        .send(Method::PATCH, &path, Some(json!({ "tls": tls })))
        .await;
    until(&server, &host["id"], |host| host["status"] == "online").await;

    // A new key for everything, once no server goes on with the old one.
    let refused = server
        .command(&["secrets", "rotate"])
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("Stop every server first"), "{refused}");
    server.stop().await.unwrap();
    let key = std::fs::read(server.data_dir().join("secret.key")).unwrap();
    let said = server.command(&["secrets", "rotate"]).await.unwrap();
    assert!(said.starts_with("1 secret is sealed with the new key"), "{said}");
    assert_ne!(std::fs::read(server.data_dir().join("secret.key")).unwrap(), key);
    server.start_again().await.unwrap();
    until(&server, &host["id"], |host| host["status"] == "online").await;
}

#[tokio::test]
async fn what_is_known_of_a_host() {
    let mut engine = TestEngine::start().await;
    let (_database, server) = server().await;
    let host = server
        .post(
            "/api/v1/hosts",
            json!({ "name": "local", "url": engine.docker_host() }),
        )
        .await
        .json();
    until(&server, &host["id"], |host| host["status"] == "online").await;
    engine.stop_engine().await;
    until(&server, &host["id"], |host| host["status"] == "offline").await;
    engine.start_engine().await;
    let path = format!("/api/v1/hosts/{}", host["id"].as_str().unwrap());
    server.post(&format!("{path}/retry"), json!({})).await;
    until(&server, &host["id"], |host| host["status"] == "online").await;
    let stats = server.get(&format!("{path}/stats")).await.json();
    assert_eq!(stats["status"], "online");
    assert!(
        stats["engine"]["version"].is_string() && stats["disk"]["images"].is_u64(),
        "{stats}"
    );
    let states: Vec<&str> = stats["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        (states.first(), states.last()),
        (Some(&"online"), Some(&"online")),
        "{stats}"
    );
    assert!(states.contains(&"offline"));
    let error = &stats["last_errors"][0];
    assert!(error["message"].as_str().unwrap().len() > 10 && error["code"].is_string());
}

#[tokio::test]
async fn docker_contexts_become_hosts() {
    let (database, _) = server().await;
    let config = tempfile::tempdir().unwrap();
    for (folder, name, host) in [
        ("a", "shed", "ssh://pi@127.0.0.1:1"),
        ("b", "vps", "tcp://127.0.0.1:1"),
        ("c", "odd", "npipe:////./pipe"),
    ] {
        let meta = config.path().join("contexts/meta").join(folder);
        std::fs::create_dir_all(&meta).unwrap();
        let text = json!({ "Name": name, "Metadata": { "Description": "One" }, "Endpoints": { "docker": { "Host": host } } });
        std::fs::write(meta.join("meta.json"), text.to_string()).unwrap();
    }
    let options = testkit::server::TestServerOptions::on(&database)
        .env("DOCKER_CONFIG", config.path().to_str().unwrap());
    let server = TestServer::start(options).await.unwrap();
    let import = |body: Value| server.post("/api/v1/hosts/import-contexts", body);
    let outcomes = |answer: &Answer| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        answer
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (text(&one["name"]), text(&one["outcome"])))
            .collect()
    };
    let pair = |name: &str, outcome: &str| (name.to_owned(), outcome.to_owned());
    let looked = import(json!({ "dry_run": true })).await;
    assert_eq!(
        outcomes(&looked),
        [pair("odd", "failed"), pair("shed", "found"), pair("vps", "found")],
        "{looked:?}"
    );
    assert_eq!(server.get("/api/v1/hosts").await.json()["total"], 0);
    let added = import(json!({ "names": ["shed", "vps"] })).await;
    assert_eq!(outcomes(&added), [pair("shed", "added"), pair("vps", "added")]);
    let again = import(json!({ "names": ["vps"] })).await;
    assert_eq!(outcomes(&again), [pair("vps", "known")]);
    let shed = server.get("/api/v1/hosts").await.json()["items"][0].clone();
    assert_eq!(
        (&shed["transport"], &shed["ssh"]["use_agent"]),
        (&json!("ssh"), &json!(true))
    );
    for export in ["%%%", "Zm9v"] {
        let refused = import(json!({ "export": export })).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (422, "context_export_invalid")
        );
    }
}
