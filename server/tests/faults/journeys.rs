//! What people and programs do over REST, on a real engine.

use super::api::{
    SOON, by_hand, container, container_id, create, database, ended, every_second, on, restart, run, runs,
    seen, text, until,
};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{
    engines::{RunOptions, TestEngine},
    postgres::TestDatabase,
    server::{Answer, TestServer},
};
use tokio::time::timeout;

/// A server that sees these containers.
async fn with(engine: &TestEngine, names: &[&String]) -> (TestDatabase, TestServer) {
    for name in names {
        engine.run_container(name, RunOptions::counted(false)).await;
    }
    let database = database().await;
    let server = TestServer::start(on(database.url(), engine)).await.unwrap();
    for name in names {
        seen(&server, name, "running").await;
    }
    (database, server)
}

async fn act(server: &TestServer, id: &str, what: &str, key: Option<&str>) -> Answer {
    let mut request = server
        .request(reqwest::Method::POST, &format!("/api/v1/containers/{id}/{what}"))
        .bearer_auth(&server.api_key);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    Answer::of(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_acted_on_once_per_key_and_refusals_are_the_engines_own() {
    let engine = TestEngine::shared().await;
    let (web, broken) = (engine.name("web"), engine.name("broken"));
    let no_program = RunOptions::cmd(["/no/such/program"]).created_only();
    engine.run_container(&broken, no_program).await;
    let (_database, server) = with(&engine, &[&web]).await;
    let id = container_id(&server, &web).await;

    // Without waiting: accepted, and still to be done or in the middle of it.
    let asked = act(&server, &id, "stop?grace=1s", None).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let stopped = ended(&server, &text(&asked.json()["run"]["id"]), SOON).await;
    assert_eq!(stopped["status"], "succeeded", "{stopped:#}");
    assert_eq!(stopped["trigger"]["type"], "direct");
    assert_eq!(engine.state(&web).await, "exited");

    // Waiting: the outcome, with its step and target. The same key is the same run, whether it waits or not.
    let first = act(&server, &id, "start?wait=30s", Some("start 1")).await.json()["run"].clone();
    assert_eq!(first["status"], "succeeded", "{first:#}");
    let target = &first["steps"][0]["targets"][0];
    assert_eq!(
        (&target["container"], &target["status"]),
        (&json!(web), &json!("succeeded")),
        "{first:#}"
    );
    let again = act(&server, &id, "start", Some("start 1")).await;
    assert_eq!((again.status, &again.json()["run"]), (202, &first));
    let reused = act(&server, &id, "stop", Some("start 1")).await;
    assert_eq!(
        (reused.status, reused.code().as_str()),
        (422, "idempotency_key_reused")
    );
    assert_eq!(
        (engine.state(&web).await.as_str(), engine.starts(&web, 2).await),
        ("running", 2)
    );
    let many = (0..4).map(|_| act(&server, &id, "restart?grace=1s&wait=30s", Some("restart 1")));
    let many = futures::future::join_all(many).await;
    assert!(
        many.iter()
            .all(|one| one.json()["run"]["id"] == many[0].json()["run"]["id"]),
        "{many:#?}"
    );
    assert_eq!(engine.starts(&web, 3).await, 3, "restarted once");

    // By the engine's own id too, and what the engine refuses it says itself.
    let engine_id = text(&container(&server, &web).await["engine_id"]);
    assert_eq!(
        server
            .get(&format!("/api/v1/containers/{engine_id}"))
            .await
            .json()["id"],
        json!(id)
    );
    let broken_id = container_id(&server, &broken).await;
    for (what, words) in [
        ("start?wait=30s", "no such file"),
        ("pause?wait=30s", "is not running"),
    ] {
        let run = act(&server, &broken_id, what, None).await.json()["run"].clone();
        assert_eq!(run["status"], "failed", "{run:#}");
        let message = text(&run["steps"][0]["targets"][0]["message"]);
        assert!(
            message.starts_with("The engine ") && message.contains(words),
            "{message}"
        );
        let log = server
            .get(&format!("/api/v1/runs/{}/log", text(&run["id"])))
            .await
            .text;
        assert!(log.contains(words), "{log}");
    }
    for (path, status, code) in [
        (
            "00000000-0000-7000-8000-000000000009/start",
            404,
            "container_not_found",
        ),
        (&format!("{id}/explode"), 404, "action_not_found"),
        (&format!("{id}/start?grace=1s"), 422, "grace_unused"),
    ] {
        let answer = server
            .post(&format!("/api/v1/containers/{path}"), json!({}))
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_on_the_engine_is_told_at_once() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    let (_database, server) = with(&engine, &[&web]).await;
    let request = server
        .request(reqwest::Method::GET, "/api/v1/events")
        .bearer_auth(&server.api_key);
    let mut stream = request.send().await.unwrap();
    let mut heard = String::new();
    while !heard.contains("connected") {
        heard.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    engine.api().act(&web, "stop?t=1").await;
    let told = timeout(Duration::from_secs(5), async {
        loop {
            heard.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
            let events = heard
                .split("\n\n")
                .filter(|event| event.contains("event: container_changed\n"));
            let data = events.filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")));
            let changes = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
            let mut ours = changes.filter(|change| change["container"]["name"] == web);
            if ours.any(|change| change["container"]["state"] == "exited") {
                return;
            }
        }
    });
    assert!(told.await.is_ok(), "only {heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_finds_its_container_again_and_does_as_it_is_told() {
    let engine = TestEngine::shared().await;
    let (web, slow) = (engine.name("web"), engine.name("slow"));
    let (_database, server) = with(&engine, &[&web]).await;
    engine.run_container(&slow, RunOptions::counted(true)).await;
    let before = seen(&server, &web, "running").await;
    let draft = json!({"name": "often", "timezone": "Europe/Berlin",
        "triggers": [{"type": "cron", "expression": "*/2 * * * * *"}], "steps": [restart(&web, "1s")]});
    let schedule = text(&create(&server, draft).await["id"]);
    let path = |what: &str| format!("/api/v1/schedules/{schedule}{what}");

    // It fires by itself, and is turned off.
    let fired = until("it fires", SOON, async || {
        let done = runs(&server, &format!("&schedule={schedule}&status=succeeded")).await;
        done.into_iter().find(|run| run["trigger"]["type"] == "schedule")
    })
    .await;
    assert!(
        fired["scheduled_for"].is_string() && fired["schedule"]["name"] == "often",
        "{fired:#}"
    );
    let off = server.post(&path("/disable"), json!({})).await.json();
    assert_eq!(
        (&off["enabled"], &off["next_at"]),
        (&json!(false), &Value::Null),
        "{off:#}"
    );
    let mut all = runs(&server, &format!("&schedule={schedule}")).await;
    for open in &all {
        ended(&server, &text(&open["id"]), SOON).await;
    }
    assert_eq!(
        engine.starts(&web, 1 + all.len()).await,
        1 + all.len(),
        "once for each time"
    );

    // Made again under its name it is the same container, and the schedule finds it.
    engine.remove(&web).await;
    engine.run_container(&web, RunOptions::counted(false)).await;
    let after = until("the new one is seen", SOON, async || {
        let found = container(&server, &web).await;
        (found["engine_id"] != before["engine_id"] && found["state"] == "running").then_some(found)
    })
    .await;
    assert_eq!(after["id"], before["id"]);
    let now = server.post(&path("/run?wait=30s"), json!({})).await.json()["run"].clone();
    assert_eq!(
        (&now["status"], &now["trigger"]["type"]),
        (&json!("succeeded"), &json!("manual")),
        "{now:#}"
    );
    assert_eq!(now["steps"][0]["targets"][0]["container_id"], before["id"]);
    assert_eq!(engine.starts(&web, 2).await, 2);

    // A fire that is skipped does not run, and history says so.
    let hourly = json!({"name": "often", "timezone": "UTC", "enabled": true, "version": off["version"],
        "triggers": [{"type": "cron", "expression": "0 * * * *"}], "steps": [restart(&web, "1s")]});
    let saved = server.put(&path(""), hourly).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    let next = saved.json()["next_at"].clone();
    let skipped = server.post(&path("/skip"), json!({})).await.json();
    assert!(
        skipped["skipping"] == next && text(&skipped["next_at"]) > text(&next),
        "{skipped:#}"
    );
    let back = Answer::of(
        server
            .request(reqwest::Method::DELETE, &path("/skip"))
            .bearer_auth(&server.api_key),
    )
    .await
    .json();
    assert!(back["skipping"].is_null() && back["next_at"] == next, "{back:#}");

    // Cancelled in the middle: what the engine does is finished, and nothing more is begun.
    let steps = json!([restart(&slow, "3s"), restart(&web, "1s")]);
    let two = text(&create(&server, by_hand("two", steps)).await["id"]);
    let begun = server
        .post(&format!("/api/v1/schedules/{two}/run"), json!({}))
        .await
        .json();
    let id = text(&begun["run"]["id"]);
    until("the engine was asked", SOON, async || {
        let run = run(&server, &id).await;
        (run["steps"][0]["targets"][0]["status"] == "running").then_some(())
    })
    .await;
    assert_eq!(
        server
            .post(&format!("/api/v1/runs/{id}/cancel"), json!({}))
            .await
            .status,
        202
    );
    let cancelled = ended(&server, &id, SOON).await;
    assert_eq!(cancelled["status"], "cancelled", "{cancelled:#}");
    assert_eq!(
        (engine.starts(&slow, 2).await, engine.starts(&web, 2).await),
        (2, 2),
        "{cancelled:#}"
    );
    let late = server.post(&format!("/api/v1/runs/{id}/cancel"), json!({})).await;
    assert_eq!((late.status, late.code().as_str()), (409, "run_ended"));

    // Deleted: gone from the lists, and its history stays.
    all = runs(&server, &format!("&schedule={schedule}")).await;
    assert_eq!(server.delete(&path("")).await.status, 204);
    assert_eq!(server.get(&path("")).await.status, 404);
    assert_eq!(runs(&server, &format!("&schedule={schedule}")).await, all);
    assert!(
        all.iter().all(|run| run["schedule"]["name"] == "often"),
        "{all:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_while_no_server_runs_is_recorded_as_missed() {
    let database = database().await;
    let mut server = TestServer::start(testkit::server::TestServerOptions::on(&database))
        .await
        .unwrap();
    let hourly = json!({"name": "hourly", "timezone": "UTC", "triggers": [{"type": "cron", "expression": "0 * * * *"}],
        "steps": [{"action": {"type": "noop"}}]});
    let schedule = text(&create(&server, hourly).await["id"]);
    let off = create(&server, every_second("off")).await;
    server
        .post(
            &format!("/api/v1/schedules/{}/disable", text(&off["id"])),
            json!({}),
        )
        .await;
    let before = runs(&server, &format!("&schedule={}", text(&off["id"])))
        .await
        .len();
    server.kill9();
    // As if it had been away for three hours.
    let client = database.client().await.unwrap();
    client
        .execute(
            "update schedules set next_at = date_trunc('hour', now()) - interval '3 hours' + interval '1 hour' \
             where id::text = $1",
            &[&schedule],
        )
        .await
        .unwrap();
    client
        .execute(
            "update servers set seen_at = now() - interval '3 hours', started_at = now() - interval '1 day'",
            &[],
        )
        .await
        .unwrap();
    server.start_again().await.unwrap();
    let missed = until("the gap is told", SOON, async || {
        runs(&server, &format!("&schedule={schedule}&status=missed"))
            .await
            .pop()
    })
    .await;
    assert!(
        text(&missed["message"]).contains("no server could run it"),
        "{missed:#}"
    );
    assert!(text(&missed["message"]).starts_with("Missed "), "{missed:#}");
    let now = server.get(&format!("/api/v1/schedules/{schedule}")).await.json();
    assert!(text(&now["next_at"]) > text(&missed["scheduled_for"]), "{now:#}");
    assert_eq!(
        runs(&server, &format!("&schedule={}", text(&off["id"])))
            .await
            .len(),
        before,
        "nothing that passed while it was turned off is missed"
    );
}

/// The server finds its own container by what engines mount into it; here the mount is made by hand.
#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_take_its_own_container_away() {
    let engine = TestEngine::shared().await;
    let (own, other) = (engine.name("own"), engine.name("other"));
    let own_id = engine.run_container(&own, RunOptions::counted(false)).await;
    engine.run_container(&other, RunOptions::counted(false)).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("containers").join(&own_id);
    std::fs::create_dir_all(&inside).unwrap();
    let hostname = inside.join("hostname");
    std::fs::write(&hostname, "itself\n").unwrap();
    let mount = r#"mount --bind "$0" /etc/hostname && exec "$@""#;
    let flags = if nix::unistd::geteuid().is_root() {
        "-m"
    } else {
        "-rm"
    };
    let database = database().await;
    let options = on(database.url(), &engine);
    let options = options.within(["unshare", flags, "sh", "-c", mount, hostname.to_str().unwrap()]);
    let server = TestServer::start(options).await.unwrap();

    let (own, other) = (container(&server, &own).await, container(&server, &other).await);
    assert_eq!(
        (&own["protected"], &other["protected"]),
        (&json!(true), &json!(false))
    );
    for what in ["stop", "pause"] {
        let refused = act(&server, &text(&own["id"]), what, None).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "protected"));
        let done = act(&server, &text(&other["id"]), &format!("{what}?wait=30s"), None)
            .await
            .json();
        assert_eq!(
            done["run"]["steps"][0]["targets"].as_array().unwrap().len(),
            1,
            "{done:#}"
        );
    }
    assert_eq!(engine.state(&text(&own["name"])).await, "running");
}
