//! Triggers over REST, with a real engine: webhooks, events of containers, outcomes.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{
    engines::{RunOptions, TestEngine},
    postgres::TestDatabase,
    server::{Answer, TestServer, TestServerOptions, migrations},
};

const SOON: Duration = Duration::from_secs(60);

async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn create(server: &TestServer, draft: Value) -> Value {
    let answer = server.post("/api/v1/schedules", draft).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

async fn runs(server: &TestServer, schedule: &Value) -> Vec<Value> {
    let id = schedule["id"].as_str().unwrap();
    let answer = server.get(&format!("/api/v1/runs?limit=500&schedule={id}")).await;
    answer.json()["items"].as_array().unwrap().clone()
}

async fn ended(server: &TestServer, id: &str) -> Value {
    until(&format!("run {id} has ended"), async || {
        let run = server.get(&format!("/api/v1/runs/{id}")).await.json();
        let open = ["waiting", "queued", "running", "cancelling"].contains(&run["status"].as_str()?);
        (!open).then_some(run)
    })
    .await
}

async fn call(server: &TestServer, path: &str, body: impl Into<Vec<u8>>, signature: Option<&str>) -> Answer {
    let mut request = server.request(reqwest::Method::POST, path).body(body.into());
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    Answer::of(request).await
}

async fn with_container(engine: &TestEngine, name: &str, options: RunOptions) -> (TestDatabase, TestServer) {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    engine.run_container(name, options).await;
    let options = TestServerOptions::on(&database)
        .docker_host(engine.docker_host())
        .env("CHRONTAINER_LOG", "info,server=debug");
    let server = TestServer::start(options).await.unwrap();
    sees(&server, name).await;
    (database, server)
}

async fn sees(server: &TestServer, name: &str) {
    until(&format!("{name} is listed"), async || {
        let list = server
            .get(&format!("/api/v1/containers?query=name:{name}"))
            .await
            .json();
        list["items"].get(0).cloned()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_runs_its_schedule_with_what_was_sent() {
    let engine = TestEngine::shared().await;
    let web = engine.name("hooked");
    let (_database, server) = with_container(&engine, &web, RunOptions::default()).await;
    let echo = json!({"action": {"type": "exec", "command": ["echo", "tag={{ trigger.payload.tag }}"]}, "target": format!("name:{web}")});
    let draft = json!({"name": "deploy", "triggers": [{"type": "webhook"}], "steps": [echo], "overlap": "queue", "queue_depth": 100});
    let made = create(&server, draft.clone()).await;
    let path = made["webhook"]["path"].as_str().unwrap().to_owned();
    assert_eq!(made["sentence"], "When its webhook is called");
    let id = made["id"].as_str().unwrap();
    let shown = server.get(&format!("/api/v1/schedules/{id}")).await;
    assert!(!shown.text.contains("webhook\":{"), "{shown:?}");

    let called = call(&server, &path, r#"{"tag":"v2"}"#, None).await;
    assert_eq!(called.status, 202, "{called:?}");
    assert_eq!(called.json()["status"], "queued");
    let run = ended(&server, called.json()["run"].as_str().unwrap()).await;
    assert_eq!(
        (&run["status"], &run["trigger"]["type"]),
        (&json!("succeeded"), &json!("webhook"))
    );
    let log = server
        .get(&format!(
            "/api/v1/runs/{}/log?limit=500",
            run["id"].as_str().unwrap()
        ))
        .await;
    assert!(log.text.contains("tag=v2"), "{log:?}");
    // A payload without what the step asks for is an error, and never an empty text.
    let called = call(&server, &path, "{}", None).await;
    let run = ended(&server, called.json()["run"].as_str().unwrap()).await;
    assert_eq!(run["status"], "failed", "{run:#}");

    for (path, body, status, code) in [
        (path.as_str(), "tag=v2".to_owned(), 400, "body_not_json"),
        (
            path.as_str(),
            format!("\"{}\"", "x".repeat(64 * 1024)),
            413,
            "body_too_large",
        ),
        (
            "/api/v1/hooks/hook_wrong",
            "{}".to_owned(),
            404,
            "webhook_not_found",
        ),
    ] {
        let answer = call(&server, path, body, None).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{answer:?}"
        );
    }
    // From a page of somebody else's.
    let request = server
        .request(reqwest::Method::POST, &path)
        .header("origin", "https://evil.example");
    assert_eq!(Answer::of(request).await.code(), "cross_site");

    let renewed = server
        .post(&format!("/api/v1/schedules/{id}/webhook"), json!({}))
        .await;
    assert_eq!(renewed.status, 201, "{renewed:?}");
    let new = renewed.json()["path"].as_str().unwrap().to_owned();
    assert_eq!(call(&server, &path, "", None).await.status, 404);
    // A flood is held off, and told for how long.
    let mut refused = None;
    for _ in 0..80 {
        let answer = call(&server, &new, r#"{"tag":"x"}"#, None).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let refused = refused.expect("a flood is refused");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);

    // Whatever was logged: no secret is in it.
    let log = server.log();
    for secret in [&path, &new] {
        let token = secret.rsplit('/').next().unwrap();
        assert!(!log.contains(token), "a token is in the log");
    }
    assert!(log.contains("/api/v1/hooks/{token}"), "calls are logged at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_takes_signed_calls_only() {
    let (_database, server) = super::server().await;
    let draft = json!({"name": "signed", "triggers": [{"type": "webhook", "signed": true}], "steps": [{"action": {"type": "noop"}}]});
    let made = create(&server, draft).await;
    let path = made["webhook"]["path"].as_str().unwrap();
    let secret = made["webhook"]["signing_secret"].as_str().unwrap();
    let body = br#"{"ref":"refs/heads/main"}"#;
    let good = signature(secret, body);
    for (signature, status) in [
        (None, 403),
        (Some(good.replace("sha256=", "sha256=0")), 403),
        (Some(self::signature("another", body)), 403),
        (Some(good.clone()), 202),
    ] {
        let answer = call(&server, path, body.to_vec(), signature.as_deref()).await;
        assert_eq!(answer.status, status, "{signature:?}: {answer:?}");
    }
    let other = call(
        &server,
        path,
        br#"{"ref":"refs/heads/evil"}"#.to_vec(),
        Some(&good),
    )
    .await;
    assert_eq!((other.status, other.code().as_str()), (403, "signature_invalid"));
}

/// HMAC-SHA-256 by its definition (RFC 2104), apart from the server's.
fn signature(secret: &str, body: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let mut key = secret.as_bytes().to_vec();
    key.resize(64, 0);
    let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(body)
        .finalize();
    let outer = Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize();
    let hex: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_dies_runs_a_schedule_once_on_two_servers() {
    let engine = TestEngine::shared().await;
    let web = engine.name("dying");
    let dies = RunOptions::cmd(["sh", "-c", "trap 'exit 3' USR1; while true; do sleep 0.1; done"]);
    let (database, server) = with_container(&engine, &web, dies).await;
    let second = TestServer::start(TestServerOptions::on(&database).docker_host(engine.docker_host()))
        .await
        .unwrap();
    sees(&second, &web).await;
    let waits = |name: &str, exit_codes: Value, steps: Value| {
        json!({"name": name, "triggers": [{"type": "event", "on": ["die", "start"], "exit_codes": exit_codes,
            "target": format!("name:{web}"), "debounce": "0s"}], "steps": steps})
    };
    let restart = json!([{"action": {"type": "start"}, "target": format!("name:{web}")}]);
    let watchdog = create(&server, waits("watchdog", json!("nonzero"), restart)).await;
    let noop = json!([{"action": {"type": "noop"}}]);
    let only_die = json!({"name": "others", "triggers": [{"type": "event", "on": ["die"], "exit_codes": [4],
        "target": format!("name:{web}")}], "steps": noop});
    let others = create(&server, only_die).await;

    engine
        .api()
        .post(&format!("/containers/{web}/kill?signal=USR1"), None)
        .await;
    let run = until("the watchdog ran", async || runs(&server, &watchdog).await.pop()).await;
    let run = ended(&server, run["id"].as_str().unwrap()).await;
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(run["trigger"]["type"], "event");
    let by = run["trigger"]["by"].as_str().unwrap();
    assert!(by.contains(&web) && by.ends_with("exited with 3"), "{by}");
    // Its own start of the container wakes it no second time.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(runs(&server, &watchdog).await.len(), 1);
    assert!(runs(&server, &others).await.is_empty());
    assert_eq!(engine.state(&web).await, "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_trigger_is_told_by_its_field() {
    let (_database, server) = super::server().await;
    let draft = |trigger: Value| json!({"name": "bad", "triggers": [trigger], "steps": [{"action": {"type": "noop"}}]});
    for (trigger, code, field) in [
        (
            json!({"type": "dates", "at": []}),
            "dates_invalid",
            "triggers[0].at",
        ),
        (
            json!({"type": "dates", "at": ["2020-01-01T00:00:00Z"]}),
            "in_the_past",
            "triggers[0].at",
        ),
        (
            json!({"type": "event", "on": ["die"], "target": "host:nowhere"}),
            "invalid_selector",
            "triggers[0].target",
        ),
        (
            json!({"type": "outcome", "schedule": "nobody", "of": "any"}),
            "unknown_schedule",
            "triggers[0].schedule",
        ),
    ] {
        let answer = server.post("/api/v1/schedules", draft(trigger)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{answer:?}");
        assert_eq!(answer.json()["error"]["details"]["field"], field, "{answer:?}");
    }
    let preview = json!({"triggers": [{"type": "dates", "at": ["2036-02-29T10:00:00Z", "2035-12-24T10:00:00Z"]}, {"type": "webhook"}],
        "timezone": "UTC"});
    let answer = server.post("/api/v1/cron/preview", preview).await.json();
    assert_eq!(
        answer["sentence"],
        "On 2 dates from 2035-12-24 to 2036-02-29; when its webhook is called"
    );
    assert_eq!(answer["next"][0]["local"], "Mon 2035-12-24 10:00 UTC");
    assert_eq!(answer["next"].as_array().unwrap().len(), 2);
}
