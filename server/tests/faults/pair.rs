//! Two servers on one database.

use super::{
    api::{create, database, every_second, runs, text, until},
    fires::{self, Fired, exactly_once},
};
use futures::{StreamExt, stream};
use std::{collections::HashSet, time::Duration};
use testkit::server::{TestServer, TestServerOptions};

const SCHEDULES: usize = 200;
const SECONDS: i64 = 60;

/// Takes a minute, nearly all of it waiting.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_fire_two_hundred_schedules_every_second_exactly_once() {
    let database = database().await;
    let one = TestServer::start(TestServerOptions::on(&database)).await.unwrap();
    let two = TestServer::start(TestServerOptions::on(&database)).await.unwrap();
    let servers = [&one, &two];
    let schedules: Vec<_> = stream::iter(0..SCHEDULES)
        .map(|n| create(servers[n % 2], every_second(&format!("every second {n}"))))
        .buffered(8)
        .collect()
        .await;

    let client = database.client().await.unwrap();
    let last = &text(&schedules[SCHEDULES - 1]["next_at"]);
    let to: String = client
        .query_one(
            "select ($1::text::timestamptz + $2 * interval '1 second')::text",
            &[last, &(SECONDS as f64)],
        )
        .await
        .unwrap()
        .get(0);
    until("a minute has passed", Duration::from_secs(90), async || {
        (fires::now(&client).await > to).then_some(())
    })
    .await;
    exactly_once(&client, &schedules, &to, Fired::Each).await;

    let owners = client
        .query(
            "select distinct owner::text from runs where owner is not null",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(owners.len(), 2, "both have worked");
    for server in servers {
        assert!(!server.log().contains("ERROR"), "{}", server.log());
    }
    // What the API tells is what happened.
    let told = runs(&one, &format!("&schedule={}", text(&schedules[0]["id"]))).await;
    let times: HashSet<String> = told.iter().map(|run| text(&run["scheduled_for"])).collect();
    assert!(
        times.len() == told.len() && told.len() as i64 > SECONDS,
        "{}",
        told.len()
    );
}
