//! Steps over REST: what is refused and where, secrets, and doing runs again.

use serde_json::{Value, json};

fn draft(name: &str, steps: Value) -> Value {
    json!({"name": name, "timezone": "UTC", "triggers": [{"type": "cron", "expression": "0 0 29 2 *"}], "steps": steps})
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_refused_with_their_field_and_secrets_never_come_out() {
    let (_database, server) = super::server().await;
    let post = async |path: &str, body: Value| server.post(path, body).await;
    let exec = |text: &str| json!({"action": {"type": "exec", "command": ["echo", text]}, "target": "*"});
    for (step, code, field) in [
        (
            exec("{{ targt.name }}"),
            "invalid_variables",
            "steps[0].action.command[1]",
        ),
        (
            exec("{{ secret('gone') }}"),
            "unknown_secret",
            "steps[0].action.command[1]",
        ),
        (
            json!({"action": {"type": "exec", "command": []}, "target": "*"}),
            "command_empty",
            "steps[0].action.command",
        ),
        (
            json!({"action": {"type": "run_schedule", "schedule": "nobody"}}),
            "unknown_schedule",
            "steps[0].action.schedule",
        ),
        (
            json!({"action": {"type": "noop"}, "retry": {"attempts": 0}}),
            "attempts_invalid",
            "steps[0].retry.attempts",
        ),
        (
            json!({"action": {"type": "noop"}, "timeout": "0s"}),
            "timeout_invalid",
            "steps[0].timeout",
        ),
    ] {
        let answer = post("/api/v1/schedules", draft("bad", json!([step]))).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{answer:?}");
        assert_eq!(answer.json()["error"]["details"]["field"], field, "{answer:?}");
    }

    let answer = post("/api/v1/secrets", json!({"name": "token", "value": "s3cret"})).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let list = server.get("/api/v1/secrets").await;
    assert_eq!(list.json()["items"][0]["name"], "token");
    assert!(!list.text.contains("s3cret"));
    let made = post(
        "/api/v1/schedules",
        draft("good", json!([exec("{{ secret('token') }}")])),
    )
    .await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(!made.text.contains("s3cret"));

    // A schedule that would run itself, over another one.
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let other = post(
        "/api/v1/schedules",
        draft(
            "other",
            json!([{"action": {"type": "run_schedule", "schedule": "good"}}]),
        ),
    )
    .await;
    assert_eq!(other.status, 201, "{other:?}");
    assert_eq!(other.json()["steps"][0]["action"]["schedule"], id.as_str());
    let circle = draft(
        "good",
        json!([{"action": {"type": "run_schedule", "schedule": "other"}}]),
    );
    let answer = server.put(&format!("/api/v1/schedules/{id}"), circle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "schedules_in_a_circle"),
        "{answer:?}"
    );
    let answer = server.delete("/api/v1/secrets/token").await;
    assert_eq!(answer.status, 204, "{answer:?}");
}
