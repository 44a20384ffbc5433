//! A server that is suspended, as a laptop or a virtual machine is, and wakes up past its lease.

use super::{
    api::{
        SOON, by_hand, container_id, create, database, ended, every_second, on, restart, run, text, try_post,
        until,
    },
    fires::{self, Fired, exactly_once},
};
use serde_json::json;
use testkit::{
    engines::{RunOptions, TestEngine},
    server::{TestServer, TestServerOptions},
};

const STOP_AT: &str = "CHRONTAINER_TEST_STOP_AT";

/// Just before it asks the engine, and just after: another server ends the run meanwhile, or nobody does. And in the middle
/// of a transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_slept_past_its_lease_does_nothing_twice_and_blocks_nobody() {
    let engine = TestEngine::shared().await;
    tokio::join!(
        taken_over(&engine, "intent"),
        taken_over(&engine, "acted"),
        alone(&engine, "intent"),
        alone(&engine, "acted"),
        while_it_decides(),
    );
}

/// A server that has stopped itself in the middle of a run, and the run's id.
async fn asleep(
    engine: &TestEngine,
    options: &TestServerOptions,
    point: &str,
    names: &[String; 2],
) -> (TestServer, String) {
    for name in names {
        engine.run_container(name, RunOptions::counted(false)).await;
    }
    let server = TestServer::start(options.clone().env(STOP_AT, point))
        .await
        .unwrap();
    for name in names {
        container_id(&server, name).await;
    }
    let steps = json!([restart(&names[0], "1s"), restart(&names[1], "1s")]);
    let schedule = create(&server, by_hand("both", steps)).await;
    let path = format!("/api/v1/schedules/{}/run", text(&schedule["id"]));
    tokio::select! {
        // It may stop before it has answered.
        _ = try_post(&server, &path) => {}
        stopped = server.stopped(SOON) => stopped.unwrap(),
    }
    server.stopped(SOON).await.unwrap();
    (server, text(&schedule["id"]))
}

async fn the_run(client: &tokio_postgres::Client, schedule: &str) -> String {
    let row = client
        .query_one(
            "select id::text from runs where schedule_id::text = $1",
            &[&schedule],
        )
        .await
        .unwrap();
    row.get(0)
}

async fn taken_over(engine: &TestEngine, point: &str) {
    let database = database().await;
    let options = on(database.url(), engine).env("CHRONTAINER_RUN_LEASE", "2s");
    let names = ["a", "b"].map(|name| engine.name(&format!("over-{point}-{name}")));
    let (sleeper, schedule) = asleep(engine, &options, point, &names).await;
    let id = the_run(&database.client().await.unwrap(), &schedule).await;

    let other = TestServer::start(options).await.unwrap();
    let ended = ended(&other, &id, SOON).await;
    assert_eq!(ended["status"], "succeeded", "{point}: {ended:#}");
    let log = other.get(&format!("/api/v1/runs/{id}/log")).await.json();

    sleeper.sigcont();
    until("the sleeper sees that it lost its run", SOON, async || {
        sleeper
            .log()
            .contains("another executor has this run now")
            .then_some(())
    })
    .await;
    assert_eq!(run(&sleeper, &id).await, ended, "{point}");
    assert_eq!(
        other.get(&format!("/api/v1/runs/{id}/log")).await.json(),
        log,
        "{point}"
    );
    for name in &names {
        assert_eq!(
            engine.starts(name, 2).await,
            2,
            "{point}: {name} was restarted once"
        );
    }
}

async fn alone(engine: &TestEngine, point: &str) {
    let database = database().await;
    let options = on(database.url(), engine).env("CHRONTAINER_RUN_LEASE", "2s");
    let names = ["a", "b"].map(|name| engine.name(&format!("alone-{point}-{name}")));
    let (sleeper, schedule) = asleep(engine, &options, point, &names).await;
    let client = database.client().await.unwrap();
    let id = the_run(&client, &schedule).await;
    until("its lease is over", SOON, async || {
        let over = "select 1 from runs where id::text = $1 and lease_until < now()";
        client.query_opt(over, &[&id]).await.unwrap()
    })
    .await;
    sleeper.sigcont();
    let run = ended(&sleeper, &id, SOON).await;
    assert_eq!(run["status"], "succeeded", "{point}: {run:#}");
    for name in &names {
        assert_eq!(
            engine.starts(name, 2).await,
            2,
            "{point}: {name} was restarted once"
        );
    }
}

/// It holds the locks of the schedules that it was deciding; the other server must not wait for it for ever.
async fn while_it_decides() {
    let database = database().await;
    let options = TestServerOptions::on(&database);
    let sleeper = TestServer::start(options.clone().env(STOP_AT, "fired:2"))
        .await
        .unwrap();
    let schedules = [create(&sleeper, every_second("always")).await];
    sleeper.stopped(SOON).await.unwrap();
    let client = database.client().await.unwrap();
    let asleep = fires::now(&client).await;

    let other = TestServer::start(options).await.unwrap();
    until("the other server goes on", SOON, async || {
        let after =
            "select 1 from runs where state = 'succeeded' and scheduled_for > $1::text::timestamptz limit 1";
        client.query_opt(after, &[&asleep]).await.ok()?
    })
    .await;
    sleeper.sigcont();
    until("the sleeper works again", SOON, async || {
        let ready = sleeper.get("/health/ready").await;
        (ready.status == 200).then_some(())
    })
    .await;
    let to = fires::now(&client).await;
    // The other server was not there yet when the first ones passed.
    exactly_once(&client, &schedules, &to, Fired::OrMissed).await;
    drop(other);
}
