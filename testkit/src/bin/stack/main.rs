//! What the browser's tests run against, in one process: a real engine with containers in every state, a wire to it that
//! can be cut, a database, and the real server with the built interface.
//!
//! ```text
//! stack [--fresh]        --fresh: nobody owns the server yet, and `setup_url` is the way in
//! ```
//!
//! Prints one line of JSON once everything answers, then takes commands on its input, one line each, and answers each
//! with one line of JSON: `{"ok":true,…}` or `{"error":"…"}`. SIGTERM, SIGINT or the end of the input ends it, and
//! nothing is left. See [`commands`] for the commands.

mod commands;
mod doors;
mod fleet;
mod server;

use commands::Stack;
use serde_json::{Value, json};
use std::{io::BufRead, process::ExitCode};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// One thread: the server dies with the thread that started it, however that ends.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let fresh = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--fresh" => true,
        _ => {
            complain("stack [--fresh]");
            return ExitCode::from(64);
        }
    };
    match run(fresh).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run(fresh: bool) -> testkit::postgres::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut input = lines_of_input();
    let mut stack = tokio::select! {
        stack = Stack::start(fresh) => stack?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    say(&stack.describe());
    loop {
        let line = tokio::select! {
            line = input.recv() => line,
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
        };
        let Some(line) = line else { break };
        say(&match stack.command(&line).await {
            Ok(mut answer) => {
                answer["ok"] = json!(true);
                answer
            }
            Err(error) => json!({ "error": error.to_string() }),
        });
    }
    stack.end().await;
    Ok(())
}

/// A thread of its own: a read that waits would hold up the runtime's end.
fn lines_of_input() -> mpsc::UnboundedReceiver<String> {
    let (send, receive) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_ok_and(|line| send.send(line).is_ok()) {
                continue;
            }
            return;
        }
    });
    receive
}

#[expect(clippy::print_stdout, reason = "its output is its interface")]
fn say(value: &Value) {
    println!("{value}");
}

#[expect(clippy::print_stderr, reason = "its output is its interface")]
fn complain(text: &str) {
    eprintln!("stack: {text}");
}
