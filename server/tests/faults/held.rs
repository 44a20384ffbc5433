//! `kill -9` while runs wait for others of their schedule: none is lost, none runs twice, and none beside another.

use super::{
    api::{SOON, create, database, ended, run, runs, text, until},
    kill::{KILL_AT, PROMISE},
};
use serde_json::{Value, json};
use testkit::server::{TestServer, TestServerOptions};
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_wait_survive_a_kill_at_every_point_of_their_way() {
    tokio::join!(one_after_the_other(), in_the_place_of_another());
}

fn schedule(overlap: &str, time: &str) -> Value {
    json!({"name": overlap, "timezone": "UTC", "triggers": [{"type": "cron", "expression": "0 0 29 2 *"}],
        "steps": [{"action": {"type": "wait", "time": time}}], "overlap": overlap, "queue_depth": 5})
}

/// Lets the schedule fire now, by the ticker.
async fn fire(client: &Client, schedule: &str, runs_then: i64) {
    client
        .execute(
            "update schedules set next_at = clock_timestamp() where id::text = $1",
            &[&schedule],
        )
        .await
        .unwrap();
    client
        .batch_execute("notify chrontainer, 'schedules'")
        .await
        .unwrap();
    until("it has fired", SOON, async || {
        let row = client
            .query_one(
                "select count(*) from runs where schedule_id::text = $1",
                &[&schedule],
            )
            .await
            .unwrap();
        (row.get::<_, i64>(0) == runs_then).then_some(())
    })
    .await;
}

async fn state(client: &Client, schedule: &str) -> String {
    client
        .query_one(
            "select string_agg(state, ' ' order by id) from runs where schedule_id::text = $1",
            &[&schedule],
        )
        .await
        .unwrap()
        .get(0)
}

/// Starts it again and again, until it has died at each of the points.
async fn dies_at(server: &mut TestServer, points: &[&str]) {
    for point in points {
        server.set_env(KILL_AT, Some(point));
        // It may die before it listens.
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
}

async fn one_after_the_other() {
    let database = database().await;
    let client = database.client().await.unwrap();
    let mut server = TestServer::start(TestServerOptions::on(&database)).await.unwrap();
    let id = text(&create(&server, schedule("queue", "5s")).await["id"]);
    for count in 1..=3 {
        fire(&client, &id, count).await;
    }
    assert_eq!(state(&client, &id).await, "running waiting waiting");
    server.kill9();
    dies_at(
        &mut server,
        &["finish", "finished", "releasing", "claimed", "releasing"],
    )
    .await;
    until("all have run", PROMISE, async || {
        (state(&client, &id).await == "succeeded succeeded succeeded").then_some(())
    })
    .await;
    let beside = client
        .query_one(
            "select count(*) from runs a join runs b on a.schedule_id = b.schedule_id and a.id < b.id \
             and b.started_at < a.finished_at",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(beside.get::<_, i64>(0), 0, "one at a time");
}

async fn in_the_place_of_another() {
    let database = database().await;
    let client = database.client().await.unwrap();
    let mut server = TestServer::start(TestServerOptions::on(&database)).await.unwrap();
    let id = text(&create(&server, schedule("replace", "10m")).await["id"]);
    fire(&client, &id, 1).await;
    until("it runs", SOON, async || {
        (state(&client, &id).await == "running").then_some(())
    })
    .await;
    // Killed once the second is there, perhaps before the first has ended.
    fire(&client, &id, 2).await;
    server.kill9();
    let then = state(&client, &id).await;
    assert!(
        [
            "cancelling waiting",
            "cancelled waiting",
            "cancelled queued",
            "cancelled running"
        ]
        .contains(&then.as_str()),
        "{then}"
    );
    // A third takes the place of the second, which runs by then or waits.
    let points: &[&str] = match then.as_str() {
        "cancelling waiting" => &["finish", "finished", "releasing"],
        _ => &[],
    };
    dies_at(&mut server, points).await;
    until("the second runs", PROMISE, async || {
        (state(&client, &id).await == "cancelled running").then_some(())
    })
    .await;
    fire(&client, &id, 3).await;
    until("the third runs", SOON, async || {
        (state(&client, &id).await == "cancelled cancelled running").then_some(())
    })
    .await;
    let all = runs(&server, &format!("&schedule={id}")).await;
    let third = text(&all[0]["id"]);
    let cancelled = server
        .post(&format!("/api/v1/runs/{third}/cancel"), json!({}))
        .await;
    assert!(cancelled.status < 300, "{cancelled:?}");
    ended(&server, &third, SOON).await;
    for one in all {
        let run = run(&server, &text(&one["id"])).await;
        assert_eq!(run["status"], "cancelled", "{run:#}");
    }
}
