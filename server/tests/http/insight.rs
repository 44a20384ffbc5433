//! How schedules went and what was changed, over REST.

use super::inside::{HOME, Inside};
use axum::http::Method;
use domain::auth::Role;
use serde_json::{Value, json};
use testkit::server::{Answer, TestServer};

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
async fn a_schedule_and_the_organisation_have_statistics() {
    let (_database, server) = super::server().await;
    let good = nightly(&server, "good", json!({ "action": { "type": "noop" } })).await;
    let bad = nightly(
        &server,
        "bad",
        json!({ "action": { "type": "restart" }, "target": "name:nobody" }),
    )
    .await;
    for id in [&good, &good, &bad] {
        let run = server
            .post(&format!("/api/v1/schedules/{id}/run?wait=30s"), json!({}))
            .await;
        assert_eq!(run.status, 202, "{run:?}");
    }
    let found = server
        .get(&format!("/api/v1/schedules/{good}/statistics"))
        .await
        .json();
    assert_eq!(
        (&found["days"], &found["runs"], &found["succeeded"]),
        (&json!(30), &json!(2), &json!(2))
    );
    assert_eq!(found["success_rate"], json!(1.0));
    assert_eq!(found["trend"].as_array().unwrap().len(), 30);
    assert_eq!(found["trend"][29]["runs"], 2, "{found:#}");
    assert!(found["duration"]["p50_ms"].is_number(), "{found:#}");
    assert_eq!(found["next"].as_array().unwrap().len(), 5);

    let all = server.get("/api/v1/statistics?days=7").await.json();
    assert_eq!(all["failing"].as_array().unwrap().len(), 1, "{all:#}");
    assert_eq!(
        (&all["failing"][0]["name"], &all["failing"][0]["failures"]),
        (&json!("bad"), &json!(1))
    );
    for path in [
        "/api/v1/statistics?days=0".to_owned(),
        format!("/api/v1/schedules/{good}/statistics?days=900"),
    ] {
        let answer = server.get(&path).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_days"));
        assert_eq!(answer.json()["error"]["details"]["field"], "days");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_decides_how_long_runs_are_kept() {
    let inside = Inside::start().await;
    let admin = inside.member(HOME, "ada", Role::Admin).await;
    let viewer = inside.member(HOME, "vera", Role::Viewer).await;
    let path = "/api/v1/retention";
    let found = inside.answer(Method::GET, path, Some(&viewer)).await.json();
    assert_eq!(
        found["limits"],
        json!({ "days": 90, "runs_per_schedule": 1000, "bytes": 1_000_000_000 })
    );
    assert_eq!(found["kept"]["runs"], 0);
    let put = async |key: &str, limits: Value| {
        Answer::of(inside.request(Method::PUT, path, Some(key)).json(&limits)).await
    };
    assert_eq!(put(&viewer, json!({ "days": 1 })).await.status, 403);
    let set = put(&admin, json!({ "days": 30, "bytes": null })).await;
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(
        set.json()["limits"],
        json!({ "days": 30, "runs_per_schedule": null, "bytes": null })
    );
    let wrong = put(&admin, json!({ "runs_per_schedule": 0 })).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (422, "invalid_retention"));
    assert_eq!(wrong.json()["error"]["details"]["field"], "runs_per_schedule");
    assert_eq!(put(&admin, json!({ "weeks": 3 })).await.status, 422);

    let database = inside.database.client().await.unwrap();
    database
        .execute(
            "insert into runs (id, org_id, title, trigger, plan, state, queued_at, finished_at) \
             values ('01000000-0000-7000-8000-000000000000', $1::text::uuid, 'old', '{\"type\":\"schedule\"}', '{\"steps\":[]}', \
               'succeeded', now() - interval '1 year', now() - interval '1 year')",
            &[&HOME],
        )
        .await
        .unwrap();
    assert_eq!(control::retention::apply(inside.control()).await.unwrap(), 1);
    let gone = inside
        .answer(
            Method::GET,
            "/api/v1/runs/01000000-0000-7000-8000-000000000000",
            Some(&viewer),
        )
        .await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "run_not_found"));
}
