//! `kill -9` of Postgres in the middle of runs.

use super::{
    api::{
        SOON, container_id, create, database_is_back, every_second, is_open, on, run, runs, text, try_post,
        until,
    },
    fires::{self, Fired, exactly_once},
    kill::honest,
};
use futures::future::join_all;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use testkit::{
    engines::{RunOptions, TestEngine},
    postgres::TestCluster,
    server::{TestServer, TestServerOptions},
};

/// Containers that are restarted in one round; every other one keeps the engine busy for two seconds.
const ROUND: usize = 4;

/// Asks for the round's restarts and gives them a random time.
async fn begin(server: &TestServer, ids: &[String]) -> Duration {
    let instant = Duration::from_millis(rand::random_range(0..1500));
    let asked = join_all(ids.iter().map(|id| {
        let path = format!("/api/v1/containers/{id}/restart?grace=2s");
        async move { try_post(server, &path).await }
    }));
    tokio::join!(asked, tokio::time::sleep(instant));
    instant
}

async fn containers(engine: &TestEngine, prefix: &str, count: usize) -> Vec<String> {
    let names: Vec<_> = (0..count)
        .map(|n| engine.name(&format!("{prefix}-{n}")))
        .collect();
    join_all(
        (0..)
            .zip(&names)
            .map(|(n, name)| engine.run_container(name, RunOptions::counted(n % 2 == 1))),
    )
    .await;
    names
}

async fn all_end(server: &TestServer, engine: &TestEngine, wanted: usize, context: &str) {
    let list = until(&format!("every run has ended; {context}"), SOON, async || {
        let list = runs(server, "").await;
        (!list.iter().any(is_open)).then_some(list)
    })
    .await;
    let mut done = 0;
    for summary in list.iter().filter(|run| run["trigger"]["type"] == "direct") {
        honest(engine, &run(server, &text(&summary["id"])).await, context).await;
        done += 1;
    }
    assert!(done >= wanted, "only {done} runs; {context}");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_schedules_survive_the_death_of_their_database() {
    let engine = TestEngine::shared().await;
    tokio::join!(of_its_own(&engine), private(&engine));
}

async fn of_its_own(engine: &TestEngine) {
    let mut cluster = tokio::task::spawn_blocking(TestCluster::own)
        .await
        .unwrap()
        .unwrap();
    let url = cluster.create_database("chrontainer").await.unwrap();
    let names = containers(engine, "own", 3 * ROUND).await;
    let options = on(&url, engine).env("CHRONTAINER_RUN_LEASE", "5s");
    let mut server = TestServer::start(options).await.unwrap();
    let mut ids = Vec::new();
    for name in &names {
        ids.push(container_id(&server, name).await);
    }
    let schedules = [
        create(&server, every_second("one")).await,
        create(&server, every_second("two")).await,
    ];
    let mut context = String::from("killed after");
    for (round, ids) in ids.chunks(ROUND).enumerate() {
        let instant = begin(&server, ids).await;
        context.push_str(&format!(" {instant:?}"));
        tokio::task::block_in_place(|| cluster.kill()).unwrap();
        if round == 2 {
            // Both at once, as a power cut does it.
            server.kill9();
        }
        tokio::task::block_in_place(|| cluster.start()).unwrap();
        if round == 2 {
            server.start_again().await.unwrap();
        }
        database_is_back(&server).await;
    }
    all_end(&server, engine, 2 * ROUND, &context).await;
    let client = cluster.client("chrontainer").await.unwrap();
    let to = fires::now(&client).await;
    exactly_once(&client, &schedules, &to, Fired::OrMissed).await;
}

/// The server starts it again by itself.
async fn private(engine: &TestEngine) {
    let names = containers(engine, "private", 2 * ROUND).await;
    let options = TestServerOptions::private()
        .docker_host(engine.docker_host())
        .env("CHRONTAINER_RUN_LEASE", "5s");
    let mut server = TestServer::start(options).await.unwrap();
    let mut ids = Vec::new();
    for name in &names {
        ids.push(container_id(&server, name).await);
    }
    let mut context = String::from("killed after");
    for (round, ids) in ids.chunks(ROUND).enumerate() {
        let instant = begin(&server, ids).await;
        context.push_str(&format!(" {instant:?}"));
        kill9(postmaster(&server.data_dir()));
        if round == 1 {
            server.kill9();
            server.start_again().await.unwrap();
        }
        database_is_back(&server).await;
    }
    all_end(&server, engine, ROUND, &context).await;
}

/// The process in the pid file somewhere below the data directory.
fn postmaster(data: &Path) -> String {
    fn find(dir: &Path) -> Option<PathBuf> {
        let inside = dir.join("postmaster.pid");
        if inside.is_file() {
            return Some(inside);
        }
        let entries = std::fs::read_dir(dir).ok()?.flatten();
        entries
            .filter(|entry| entry.path().is_dir())
            .find_map(|entry| find(&entry.path()))
    }
    let file = find(data).expect("the private Postgres runs");
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().next().unwrap().trim().to_owned()
}

fn kill9(pid: String) {
    assert!(
        Command::new("kill")
            .args(["-9", &pid])
            .status()
            .unwrap()
            .success()
    );
}
