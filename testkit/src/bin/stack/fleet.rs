//! The containers that the browser sees: one in every state.

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
