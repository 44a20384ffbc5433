//! Hosts over REST: every shape, bad input, secrets that never come back.

use super::server;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{
    engines::{Certificates, HungEngine, Rubbish, RubbishEngine, TestEngine},
    server::{Answer, TestServer},
};

/// A port of 127.0.0.1 on which nothing listens.
async fn closed_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

async fn add(server: &TestServer, body: Value) -> Value {
    let answer = server.post("/api/v1/hosts", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

async fn patch(server: &TestServer, id: &Value, body: Value) -> Answer {
    let path = format!("/api/v1/hosts/{}", id.as_str().unwrap());
    server.send(Method::PATCH, &path, Some(body)).await
}

/// Waits until the host is what is wanted.
async fn until(server: &TestServer, id: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/hosts/{}", id.as_str().unwrap());
    for _ in 0..300 {
        let host = server.get(&path).await.json();
        if wanted(&host) {
            return host;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the host never came to be so: {}", server.get(&path).await.text);
}

#[tokio::test]
async fn a_host_is_added_changed_and_removed() {
    let engine = TestEngine::shared().await;
    let (_database, server) = server().await;
    let host = add(
        &server,
        json!({
            "name": " nas ", "url": engine.docker_host(), "tags": ["home", "Home", "arm"], "note": "In the attic.",
            "address": "nas.lan",
        }),
    )
    .await;
    assert_eq!(host["name"], "nas");
    assert_eq!(host["transport"], "unix");
    assert_eq!(host["tags"], json!(["home", "arm"]));
    assert_eq!(
        (&host["note"], &host["address"]),
        (&json!("In the attic."), &json!("nas.lan"))
    );
    assert_eq!(
        (&host["enabled"], &host["maintenance"]),
        (&json!(true), &json!(false))
    );
    assert!(host["warning"].is_null() && host["ssh"].is_null() && host["tls"].is_null());
    let id = &host["id"];
    let online = until(&server, id, |host| host["status"] == "online").await;
    assert!(online["engine"]["engine_id"].as_str().unwrap().len() > 8);

    // PATCH changes what it names, and counts the version.
    let changed = patch(&server, id, json!({ "maintenance": true, "tags": ["pi"] })).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.json();
    assert_eq!(
        (&changed["maintenance"], &changed["tags"]),
        (&json!(true), &json!(["pi"]))
    );
    assert_eq!(changed["note"], "In the attic.");
    assert_eq!(changed["version"], json!(2));
    assert_eq!(changed["status"], "online", "it is not connected anew");
    // Saying the same again is no change.
    let same = patch(&server, id, json!({ "maintenance": true })).await.json();
    assert_eq!(same["version"], json!(2));

    // A stale version saves nothing and shows what is there.
    let stale = patch(&server, id, json!({ "note": "x", "version": 1 })).await;
    assert_eq!((stale.status, stale.code().as_str()), (409, "stale_version"));
    assert_eq!(stale.json()["error"]["details"]["current"]["version"], 2);

    // PUT replaces all that is not secret.
    let path = format!("/api/v1/hosts/{}", id.as_str().unwrap());
    let body = json!({ "name": "attic", "url": engine.docker_host(), "version": 2 });
    let replaced = server.put(&path, body).await.json();
    assert_eq!(
        (&replaced["name"], &replaced["note"]),
        (&json!("attic"), &json!(""))
    );
    assert_eq!(
        (&replaced["tags"], &replaced["maintenance"]),
        (&json!([]), &json!(false))
    );
    assert!(replaced["address"].is_null());

    // Disabled, it is not connected; enabled again, it is.
    patch(&server, id, json!({ "enabled": false })).await;
    until(&server, id, |host| {
        host["status"] == "disabled" && host["containers"] == 0
    })
    .await;
    patch(&server, id, json!({ "enabled": true })).await;
    until(&server, id, |host| host["status"] == "online").await;

    let gone = server.delete(&path).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(server.get(&path).await.code(), "host_not_found");
    assert_eq!(server.delete(&path).await.code(), "host_not_found");
}

#[tokio::test]
async fn another_address_is_connected_anew() {
    let engine = TestEngine::shared().await;
    let (_database, server) = server().await;
    let url = format!("tcp://127.0.0.1:{}", closed_port().await);
    let host = add(&server, json!({ "name": "nas", "url": url })).await;
    assert_eq!(host["transport"], "tcp");
    assert!(
        host["warning"]
            .as_str()
            .unwrap()
            .contains("anyone on that network"),
        "{host}"
    );
    let id = &host["id"];
    let offline = until(&server, id, |host| host["status"] == "offline").await;
    assert_eq!(offline["error_code"], "engine_unreachable");
    assert!(
        offline["error"]
            .as_str()
            .unwrap()
            .contains("refused the connection")
    );
    let changed = patch(&server, id, json!({ "url": engine.docker_host() }))
        .await
        .json();
    assert!(changed["warning"].is_null());
    until(&server, id, |host| host["status"] == "online").await;
    // And away again: the reason is another, and what was there stays visible.
    patch(&server, id, json!({ "url": "unix:///nonexistent/docker.sock" })).await;
    let away = until(&server, id, |host| host["status"] == "offline").await;
    assert!(
        away["error"].as_str().unwrap().contains("There is no socket"),
        "{away}"
    );
    assert!(away["engine"]["version"].is_string());
}

#[tokio::test]
async fn two_hosts_that_are_one_engine_are_noticed() {
    let engine = TestEngine::shared().await;
    let (_database, server) = server().await;
    let first = add(&server, json!({ "name": "one", "url": engine.docker_host() })).await;
    let link = tempfile::tempdir().unwrap();
    let other = link.path().join("d.sock");
    std::os::unix::fs::symlink(engine.socket(), &other).unwrap();
    let second = add(
        &server,
        json!({ "name": "two", "url": format!("unix://{}", other.display()) }),
    )
    .await;
    let seen = until(&server, &second["id"], |host| host["same_engine"] != json!([])).await;
    assert_eq!(seen["same_engine"], json!([{ "id": first["id"], "name": "one" }]));
    until(&server, &first["id"], |host| {
        host["same_engine"][0]["name"] == "two"
    })
    .await;
}

#[tokio::test]
async fn a_host_that_schedules_name_is_not_deleted_by_accident() {
    let (_database, server) = server().await;
    let host = add(
        &server,
        json!({ "name": "nas", "url": "unix:///nonexistent.sock" }),
    )
    .await;
    add(&server, json!({ "name": "pi", "url": "unix:///other.sock" })).await;
    for (name, target) in [
        ("Nightly", "host:nas name:web"),
        ("Elsewhere", "host:pi"),
        ("One", "container:nas/web"),
    ] {
        let schedule = json!({
            "name": name, "timezone": "UTC", "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
            "steps": [{ "action": { "type": "restart" }, "target": target }],
        });
        let made = server.post("/api/v1/schedules", schedule).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    // What waits for something there, and what asks about it, names it too.
    let waits = json!({
        "name": "Waits", "timezone": "UTC", "steps": [{ "action": { "type": "restart" }, "target": "name:web" }],
        "triggers": [{ "type": "event", "on": ["die"], "target": "host:nas" }],
    });
    let asks = json!({
        "name": "Asks", "timezone": "UTC", "steps": [{ "action": { "type": "restart" }, "target": "name:web" }],
        "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
        "conditions": [{ "selector": "host:nas" }],
    });
    for schedule in [waits, asks] {
        let made = server.post("/api/v1/schedules", schedule).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let quiet = json!({
        "name": "Quiet", "timezone": "UTC", "on": { "type": "host", "id": host["id"] },
        "window": { "type": "weekly", "start": "22:00", "duration": "8h" },
    });
    let made = server.post("/api/v1/blackouts", quiet).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/api/v1/hosts/{}", host["id"].as_str().unwrap());
    let refused = server.delete(&path).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (409, "host_has_schedules")
    );
    let details = &refused.json()["error"]["details"]["schedules"];
    let names: Vec<&str> = details
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Asks", "Nightly", "One", "Waits"]);
    assert!(details[0]["id"].is_string());
    let blackouts = &refused.json()["error"]["details"]["blackouts"];
    assert_eq!(blackouts[0]["name"], "Quiet");
    assert_eq!(server.delete(&format!("{path}?force=true")).await.status, 204);
    assert_eq!(server.get("/api/v1/schedules").await.json()["total"], 5);
}

#[tokio::test]
async fn what_cannot_be_a_host_is_refused_with_the_field() {
    let (_database, server) = server().await;
    add(&server, json!({ "name": "taken", "url": "unix:///taken.sock" })).await;
    let long = format!("unix:///{}", "x".repeat(107));
    let with = |extra: Value| {
        let mut body = json!({ "name": "nas", "url": "tcp://127.0.0.1:1" });
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    for (body, status, code, field) in [
        (with(json!({ "name": "" })), 422, "name_invalid", "name"),
        (with(json!({ "name": "two words" })), 422, "name_invalid", "name"),
        (
            with(json!({ "name": "x".repeat(64) })),
            422,
            "name_invalid",
            "name",
        ),
        (with(json!({ "name": "TAKEN" })), 409, "name_taken", "name"),
        (
            with(json!({ "url": "unix:///taken.sock" })),
            409,
            "host_exists",
            "url",
        ),
        (with(json!({ "url": "" })), 422, "url_invalid", "url"),
        (
            with(json!({ "url": "nas:2375" })),
            422,
            "url_scheme_unknown",
            "url",
        ),
        (
            with(json!({ "url": "gopher://nas" })),
            422,
            "url_scheme_unknown",
            "url",
        ),
        (
            with(json!({ "url": "https://nas" })),
            422,
            "transport_unsupported",
            "url",
        ),
        (
            with(json!({ "url": "tcp://nas:99999" })),
            422,
            "url_invalid",
            "url",
        ),
        (
            with(json!({ "url": "tcp://user:secret@nas" })),
            422,
            "url_invalid",
            "url",
        ),
        (with(json!({ "url": long })), 422, "url_path_too_long", "url"),
        (
            with(json!({ "tags": ["fine", "two words"] })),
            422,
            "tags_invalid",
            "tags[1]",
        ),
        (
            with(json!({ "note": "x".repeat(2001) })),
            422,
            "note_invalid",
            "note",
        ),
        (
            with(json!({ "address": "http://nas" })),
            422,
            "address_invalid",
            "address",
        ),
        (with(json!({ "colour": 1 })), 422, "body_invalid", "colour"),
        (with(json!({ "tls": { "ca": 7 } })), 422, "body_invalid", "tls.ca"),
        (
            with(json!({ "tls": { "ca": "nonsense" } })),
            422,
            "pem_invalid",
            "tls.ca",
        ),
        (
            with(json!({ "ssh": { "password": "x" } })),
            422,
            "ssh_not_used",
            "ssh",
        ),
        (
            with(json!({ "url": "unix:///x.sock", "tls": { "ca": "-----BEGIN X" } })),
            422,
            "tls_not_used",
            "tls",
        ),
        (
            with(json!({ "accept_fingerprint": format!("SHA256:{}", "a".repeat(43)) })),
            422,
            "fingerprint_not_used",
            "accept_fingerprint",
        ),
    ] {
        let answer = server.post("/api/v1/hosts", body.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{body}: {answer:?}"
        );
        assert_eq!(answer.json()["error"]["details"]["field"], field, "{body}");
    }
    // A name with markup in it is a name, and stays text.
    let host = add(&server, json!({ "name": "<b>nas</b>", "url": "unix:///b.sock" })).await;
    assert_eq!(host["name"], "<b>nas</b>");
    let page = server.sign_in().await.unwrap().open("/hosts").await;
    assert!(!page.text.contains("<b>nas</b>") && page.text.contains("&lt;b&gt;nas"));
}

#[tokio::test]
async fn hosts_that_do_not_answer_say_why() {
    let (_database, server) = server().await;
    let hung = HungEngine::start().await;
    let html = RubbishEngine::start(Rubbish::Html404).await;
    let ssh = RubbishEngine::start(Rubbish::NotHttp).await;
    let old = RubbishEngine::start(Rubbish::TooOld).await;
    let label = RubbishEngine::start(Rubbish::Endless).await;
    for (name, url, code, words) in [
        (
            "closed",
            format!("tcp://127.0.0.1:{}", closed_port().await),
            "engine_unreachable",
            "refused the connection",
        ),
        (
            "nameless",
            "tcp://no-such-host.invalid:2375".to_owned(),
            "engine_unreachable",
            "has no address",
        ),
        (
            "missing",
            "unix:///nonexistent/docker.sock".to_owned(),
            "engine_unreachable",
            "There is no socket",
        ),
        (
            "html",
            html.docker_host(),
            "engine_protocol",
            "not a Docker or Podman engine",
        ),
        (
            "ssh",
            ssh.docker_host(),
            "engine_protocol",
            "not a Docker or Podman engine",
        ),
        ("old", old.docker_host(), "engine_too_old", "Update the engine"),
        (
            "label",
            label.docker_host(),
            "engine_answer_too_large",
            "enormous label",
        ),
        (
            "hung",
            hung.docker_host(),
            "engine_timeout",
            "did not answer within",
        ),
    ] {
        let host = add(&server, json!({ "name": name, "url": url })).await;
        let offline = until(&server, &host["id"], |host| host["status"] == "offline").await;
        assert_eq!(offline["error_code"], code, "{name}: {offline}");
        assert!(
            offline["error"].as_str().unwrap().contains(words),
            "{name}: {offline}"
        );
    }
}

#[tokio::test]
async fn secrets_never_come_back() {
    let (database, server) = server().await;
    let url = format!("tcp://127.0.0.1:{}", closed_port().await);
    let ca = Certificates::make();
    let tls = json!({ "ca": ca.pem("ca"), "cert": ca.pem("client"), "key": ca.key("client") });
    let host = add(&server, json!({ "name": "vps", "url": url, "tls": tls })).await;
    assert_eq!(host["transport"], "tls");
    assert_eq!(
        host["tls"],
        json!({ "has_ca": true, "has_cert": true, "has_key": true })
    );
    assert!(host["warning"].is_null());
    let id = host["id"].as_str().unwrap();

    // A change that leaves them out keeps them; a part of three is no TLS; null takes all away.
    let kept = patch(&server, &host["id"], json!({ "tls": { "ca": ca.pem("ca") } }))
        .await
        .json();
    assert_eq!(kept["tls"]["has_key"], true);
    let part = patch(&server, &host["id"], json!({ "tls": { "key": null } })).await;
    assert_eq!((part.status, part.code().as_str()), (422, "tls_incomplete"));

    // Everything that can be read, by REST and as a page.
    let mut seen = String::new();
    let one = format!("/api/v1/hosts/{id}");
    for path in ["/api/v1/hosts", "/api/v1/runs", &one, &format!("{one}/stats")] {
        seen += &server.get(path).await.text;
    }
    seen += &host.to_string();
    seen += &server.sign_in().await.unwrap().open("/hosts").await.text;
    seen += &server.log();
    let client = database.client().await.unwrap();
    for table in ["hosts", "audit", "events", "host_connections"] {
        let rows = client
            .query(&format!("select row_to_json(t)::text from {table} t"), &[])
            .await
            .unwrap();
        seen.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    seen += &server.post(&format!("{one}/test"), json!({})).await.text;
    // A line of each that is in nothing else.
    for secret in [ca.key("client"), ca.pem("client"), ca.pem("ca")] {
        let line = secret
            .lines()
            .skip_while(|line| !line.starts_with("-----BEGIN"))
            .nth(2)
            .unwrap()
            .to_owned();
        assert!(line.len() > 30 && !seen.contains(&line), "a secret is shown");
    }
    let sealed = client
        .query_one("select count(*), bool_and(host_id is not null) from secrets", &[])
        .await
        .unwrap();
    assert_eq!((sealed.get::<_, i64>(0), sealed.get::<_, bool>(1)), (1, true));

    let plain = patch(&server, &host["id"], json!({ "tls": null })).await.json();
    assert_eq!(
        (&plain["transport"], &plain["tls"]),
        (&json!("tcp"), &Value::Null)
    );
    let left = client
        .query_one("select count(*) from secrets", &[])
        .await
        .unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
    // They go with their host, too.
    patch(&server, &host["id"], json!({ "tls": tls })).await;
    server.delete(&format!("/api/v1/hosts/{id}")).await;
    let left = client
        .query_one("select count(*) from secrets", &[])
        .await
        .unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}
