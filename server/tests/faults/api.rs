//! What the tests do over REST and what they wait for.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{
    engines::TestEngine,
    postgres::TestDatabase,
    server::{Answer, TestServer, TestServerOptions, migrations},
};

/// Nothing takes that long: it only tells what hangs from what is slow on a busy machine.
pub const SOON: Duration = Duration::from_secs(120);

/// A migrated database.
pub async fn database() -> TestDatabase {
    TestDatabase::create(&migrations()).await.unwrap()
}

/// How a server is started that has the engine as its local one.
pub fn on(url: &str, engine: &TestEngine) -> TestServerOptions {
    TestServerOptions::on_url(url).docker_host(engine.docker_host())
}

/// Asks until there is an answer.
pub async fn until<T>(what: &str, limit: Duration, ask: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Nothing when the server is not there.
pub async fn try_get(server: &TestServer, path: &str) -> Option<Value> {
    let request = server.request(reqwest::Method::GET, path);
    let answer = request.bearer_auth(&server.api_key).send().await.ok()?;
    let ok = answer.status().is_success();
    let body = answer.json().await.ok()?;
    ok.then_some(body)
}

/// Asks although the server may be killed meanwhile.
pub async fn try_post(server: &TestServer, path: &str) -> Option<Answer> {
    let request = server.request(reqwest::Method::POST, path);
    let answer = request.bearer_auth(&server.api_key).send().await.ok()?;
    Some(Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer.text().await.ok()?,
    })
}

/// A container, once the server has seen it.
pub async fn container(server: &TestServer, name: &str) -> Value {
    until(&format!("{name} is listed"), SOON, async || {
        let list = try_get(server, &format!("/api/v1/containers?query=name:{name}")).await?;
        list["items"].get(0).cloned()
    })
    .await
}

pub async fn container_id(server: &TestServer, name: &str) -> String {
    text(&container(server, name).await["id"])
}

/// Waits until the server sees the container in this state.
pub async fn seen(server: &TestServer, name: &str, state: &str) -> Value {
    until(&format!("{name} is seen as {state}"), SOON, async || {
        let found = container(server, name).await;
        (found["state"] == state).then_some(found)
    })
    .await
}

pub async fn run(server: &TestServer, id: &str) -> Value {
    let answer = server.get(&format!("/api/v1/runs/{id}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

pub fn is_open(run: &Value) -> bool {
    matches!(
        run["status"].as_str().unwrap(),
        "waiting" | "queued" | "running" | "cancelling"
    )
}

/// The run, once it has ended.
pub async fn ended(server: &TestServer, id: &str, limit: Duration) -> Value {
    until(&format!("run {id} has ended"), limit, async || {
        let run = try_get(server, &format!("/api/v1/runs/{id}")).await?;
        (!is_open(&run)).then_some(run)
    })
    .await
}

/// All runs of a schedule, or of everything, newest first.
pub async fn runs(server: &TestServer, filter: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = server
            .get(&format!("/api/v1/runs?limit=500{filter}{cursor}"))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// A schedule that never fires by itself.
pub fn by_hand(name: &str, steps: Value) -> Value {
    json!({"name": name, "timezone": "UTC", "triggers": [{"type": "cron", "expression": "0 0 29 2 *"}], "steps": steps})
}

/// A schedule of every second that does nothing.
/// Its runs may overlap: a run that a sleeping server holds must not excuse those after it.
pub fn every_second(name: &str) -> Value {
    json!({"name": name, "timezone": "UTC", "triggers": [{"type": "cron", "expression": "* * * * * *"}],
        "steps": [{"action": {"type": "noop"}}], "overlap": "allow"})
}

pub fn restart(name: &str, grace: &str) -> Value {
    json!({"action": {"type": "restart", "grace": grace}, "target": format!("name:{name}")})
}

pub async fn create(server: &TestServer, draft: Value) -> Value {
    let answer = server.post("/api/v1/schedules", draft).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Waits until the server answers from its database again.
pub async fn database_is_back(server: &TestServer) {
    until("the database is back", SOON, async || {
        try_get(server, "/api/v1/runs?limit=1").await
    })
    .await;
}
