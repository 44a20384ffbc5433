//! `kill -9` at the points of actions that leave no container behind: requests, other schedules' runs, pulls, clean-ups,
//! and between two attempts. What may be done again is, what may not is said to be unknown, and all within the promise.

use super::{
    api::{SOON, by_hand, container_id, create, database, ended, on, run, runs, text, try_post},
    kill::{KILL_AT, PROMISE},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use testkit::{
    engines::{RunOptions, TestEngine},
    server::TestServer,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_an_action_repeats_only_what_may_be_repeated() {
    let engine = TestEngine::shared().await;
    let database = database().await;
    let web = engine.name("points");
    engine.run_container(&web, RunOptions::default()).await;
    let (url, hits) = listen().await;
    let options = on(database.url(), &engine).env("CHRONTAINER_HTTP_ALLOW", "127.0.0.0/8");
    let mut server = TestServer::start(options).await.unwrap();
    container_id(&server, &web).await;

    let ask = |method: &str| json!({"action": {"type": "http", "method": method, "url": url}});
    for (method, point, status, count) in [
        // What may have arrived is never sent again; asking is.
        ("POST", "http_intent", "unknown", 0),
        ("POST", "http_answered", "unknown", 1),
        ("GET", "http_intent", "succeeded", 1),
        ("GET", "http_answered", "succeeded", 2),
    ] {
        hits.store(0, Ordering::SeqCst);
        let run = dies(&mut server, &web, point, json!([ask(method)])).await;
        assert_eq!(target(&run)["status"], status, "{method} {point}: {run:#}");
        assert_eq!(hits.load(Ordering::SeqCst), count, "{method} {point}");
    }

    let prune = json!({"action": {"type": "prune", "what": "containers", "dry": true}, "target": "*"});
    let run = dies(&mut server, &web, "prune_intent", json!([prune])).await;
    assert_eq!(target(&run)["status"], "succeeded", "{run:#}");

    // No registry is there; what matters is that it was tried again and ended.
    let pull = json!({"action": {"type": "pull", "image": "127.0.0.1:1/nothing:1"}, "target": "*"});
    let run = dies(&mut server, &web, "pull_intent", json!([pull])).await;
    assert_eq!(target(&run)["status"], "failed", "{run:#}");

    let tries = json!({"action": {"type": "exec", "command": ["sh", "-c", "echo x >> /tmp/tries; [ $(wc -l < /tmp/tries) = 2 ]"]},
        "target": format!("name:{web}"), "retry": {"attempts": 3, "initial": "1s"}});
    let run = dies(&mut server, &web, "retry", json!([tries])).await;
    let target = target(&run);
    assert_eq!(
        (&target["status"], &target["attempt"]),
        (&json!("succeeded"), &json!(2)),
        "{run:#}"
    );

    let inner = text(&create(&server, by_hand("inner", json!([{"action": {"type": "noop"}}]))).await["id"]);
    let chain = json!([{"action": {"type": "run_schedule", "schedule": "inner"}}]);
    let run = dies(&mut server, &web, "chain_intent", chain).await;
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let made = runs(&server, &format!("&schedule={inner}")).await;
    assert_eq!(made.len(), 1, "{made:#?}");
}

fn target(run: &Value) -> &Value {
    &run["steps"][0]["targets"][0]
}

/// Lets the server die at this point of a run of the steps, starts it again, and gives the run as it ended.
async fn dies(server: &mut TestServer, web: &str, point: &str, steps: Value) -> Value {
    let name = format!("{point} {}", server.pid());
    let schedule = text(&create(server, by_hand(&name, steps)).await["id"]);
    server.kill9();
    server.set_env(KILL_AT, Some(point));
    server.start_again().await.unwrap();
    container_id(server, web).await;
    let _lost = try_post(server, &format!("/api/v1/schedules/{schedule}/run")).await;
    server.ended(SOON).await.unwrap();
    assert!(
        server.log().contains(&format!("point=\"{point}\"")),
        "{}",
        server.log()
    );
    server.set_env(KILL_AT, None);
    let begun = Instant::now();
    server.start_again().await.unwrap();
    let made = runs(server, &format!("&schedule={schedule}")).await;
    assert_eq!(made.len(), 1, "{point}: {made:#?}");
    let id = text(&made[0]["id"]);
    ended(server, &id, PROMISE.saturating_sub(begun.elapsed())).await;
    run(server, &id).await
}

/// A place to make requests to, and how many were made.
async fn listen() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let hits = Arc::new(AtomicUsize::new(0));
    let seen = hits.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                // A client that is killed before it has sent anything made no request.
                if matches!(stream.read(&mut buffer).await, Ok(read) if read > 0) {
                    seen.fetch_add(1, Ordering::SeqCst);
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
                    let _gone = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    (url, hits)
}
