//! How schedules went and what was changed, over REST.

use serde_json::{Value, json};
use testkit::server::TestServer;

async fn nightly(server: &TestServer, name: &str, action: Value) -> String {
    let draft = json!({
        "name": name, "timezone": "Europe/Berlin", "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
        "steps": [action],
    });
    let made = server.post("/api/v1/schedules", draft).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_tells_who_changed_what() {
    let (_database, server) = super::server().await;
    let id = nightly(&server, "nightly", json!({ "action": { "type": "noop" } })).await;
    let change = json!({
        "name": "at night", "timezone": "Europe/Berlin", "triggers": [{ "type": "cron", "expression": "0 4 * * *" }],
        "steps": [{ "action": { "type": "noop" } }], "overlap": "queue",
    });
    let changed = server.put(&format!("/api/v1/schedules/{id}"), change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let page = server
        .get(&format!("/api/v1/schedules/{id}/history"))
        .await
        .json();
    assert_eq!((&page["total"], &page["next"]), (&json!(2), &Value::Null));
    assert_eq!(page["items"][0]["action"], "update");
    assert!(page["items"][0]["by"].is_string() && page["items"][0]["at"].is_string());
    assert_eq!(
        page["items"][0]["changes"],
        json!([
            { "field": "name", "before": "nightly", "after": "at night" },
            { "field": "overlap", "before": "skip", "after": "queue" },
            { "field": "triggers[0].expression", "before": "0 3 * * *", "after": "0 4 * * *" },
        ]),
        "{page:#}"
    );
    assert_eq!(page["items"][1]["action"], "create");
    let answer = server
        .get(&format!("/api/v1/schedules/{id}/history?cursor=nonsense"))
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "cursor_invalid"));
}
