//! The containers that the browser sees: one in every state.

use futures::StreamExt;
use std::time::Duration;
use testkit::engines::{RunOptions, TestEngine};

/// How each container is made. `public` is a free port of this machine.
fn plan(public: u16) -> Vec<(&'static str, RunOptions)> {
    let part_of = |stack: &str, service: &str| {
        RunOptions::default()
            .label("com.docker.compose.project", stack)
            .label("com.docker.compose.service", service)
    };
    let web = RunOptions {
        network: "bridge".to_owned(),
        ports: vec![(80, public)],
        health_interval: Duration::from_secs(5),
        ..part_of("shop", "web").health("true")
    };
    let exits = |code: &str| RunOptions::cmd(["sh", "-c", code]);
    vec![
        ("web", web),
        ("api", part_of("shop", "api")),
        ("db", part_of("shop", "db")),
        (
            "worker",
            RunOptions {
                health_interval: Duration::from_secs(5),
                ..part_of("shop", "worker").health("exit 1")
            },
        ),
        ("proxy", part_of("edge", "proxy")),
        ("cache", part_of("edge", "cache")),
        ("mailer", exits("exit 1")),
        ("backup", exits("exit 0")),
        ("notes", RunOptions::default()),
        // The engine refuses to start it.
        ("broken", RunOptions::cmd(["/no/such/program"]).created_only()),
    ]
}

/// Makes them all.
pub async fn make(engine: &TestEngine) {
    let plan = plan(free_port());
    futures::future::join_all(
        plan.into_iter()
            .map(|(name, options)| engine.run_container(name, options)),
    )
    .await;
    engine.api().act("cache", "pause").await;
}

/// Makes so many containers of that name that are never started, and removes those that are too many.
pub async fn many(engine: &TestEngine, name: &str, count: usize) {
    let there = names(engine).await;
    let begins = format!("{name}-");
    let wanted: Vec<String> = (1..=count).map(|number| format!("{begins}{number}")).collect();
    for gone in there
        .iter()
        .filter(|one| one.starts_with(&begins) && !wanted.contains(one))
    {
        engine.remove(gone).await;
    }
    let missing = wanted.iter().filter(|one| !there.contains(one));
    let made = missing.map(|one| engine.run_container(one, RunOptions::default().created_only()));
    futures::stream::iter(made)
        .buffer_unordered(8)
        .collect::<Vec<_>>()
        .await;
}

async fn names(engine: &TestEngine) -> Vec<String> {
    let list = engine.api().get("/containers/json?all=1").await;
    let all = list.as_array().cloned().unwrap_or_default();
    all.iter()
        .filter_map(|one| Some(one["Names"][0].as_str()?.trim_start_matches('/').to_owned()))
        .collect()
}

/// How a container of that name is made again; one that is not in the plan is an ordinary one.
pub fn options(name: &str) -> RunOptions {
    plan(free_port())
        .into_iter()
        .find(|(planned, _)| *planned == name)
        .map_or_else(RunOptions::default, |(_, options)| options)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_or(18080, |address| address.port())
}
