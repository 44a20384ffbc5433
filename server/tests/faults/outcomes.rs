//! `kill -9` around the end of a run that another schedule waits for.

use super::{
    api::{SOON, by_hand, create, database, ended, runs, text, try_post, until},
    kill::KILL_AT,
};
use serde_json::json;
use testkit::server::{TestServer, TestServerOptions};

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_followed_once_wherever_the_server_dies() {
    let database = database().await;
    let options = TestServerOptions::on_url(database.url()).env("CHRONTAINER_RUN_LEASE", "2s");
    let mut server = TestServer::start(options.env(KILL_AT, "finish")).await.unwrap();
    let steps = json!([{"action": {"type": "wait", "time": "100ms"}}]);
    let first = text(&create(&server, by_hand("first", steps)).await["id"]);
    let draft = json!({"name": "second", "triggers": [{"type": "outcome", "schedule": "first", "of": "success"}],
        "steps": [{"action": {"type": "noop"}}]});
    let second = text(&create(&server, draft).await["id"]);
    let _lost = try_post(&server, &format!("/api/v1/schedules/{first}/run")).await;
    server.ended(SOON).await.unwrap();
    // Before the end is written, just after, and while what it called is decided.
    for point in ["finished", "calls_decided"] {
        server.set_env(KILL_AT, Some(point));
        if server.start_again().await.is_ok() {
            server.ended(SOON).await.unwrap();
        }
        assert!(
            server.log().contains(&format!("point=\"{point}\"")),
            "{}",
            server.log()
        );
    }
    server.set_env(KILL_AT, None);
    server.start_again().await.unwrap();
    let made = until("the second runs", SOON, async || {
        runs(&server, &format!("&schedule={second}")).await.pop()
    })
    .await;
    let run = ended(&server, &text(&made["id"]), SOON).await;
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(runs(&server, &format!("&schedule={second}")).await.len(), 1);
    assert_eq!(runs(&server, &format!("&schedule={first}")).await.len(), 1);
}
