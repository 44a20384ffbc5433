//! `./dev bench`: measures the real server and prints a table.
//!
//! ```text
//! bench [--repeat N] [--save] [part …]      parts: schedule forecast events memory fleet site cron history,
//!                                         and page: of fleet only what the page does, in both sizes
//! ```
//!
//! Without a part, all of them but history, which takes minutes and gigabytes. `--repeat` measures everything so often and gives the median with the least and the most; `--save` writes the table
//! into docs/PERFORMANCE.md.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod cron;
mod events;
mod fleet;
mod forecast;
mod history;
mod machine;
mod memory;
mod page;
mod report;
mod save;
mod schedule;
mod site;

use machine::Machine;
use report::Report;
use std::process::ExitCode;
use testkit::postgres::Result;
use tokio::signal::unix::{SignalKind, signal};

const PARTS: [&str; 9] = [
    "schedule", "forecast", "events", "memory", "fleet", "site", "cron", "page", "history",
];
/// Only when it is named.
const ON_DEMAND: &str = "history";

#[tokio::main]
async fn main() -> ExitCode {
    // Dropping what is measured ends every process that it started.
    let done = tokio::select! {
        done = run() => done,
        () = stopped() => Err("stopped".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Arguments {
    parts: Vec<String>,
    repeat: usize,
    save: bool,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut read = Self {
            parts: Vec::new(),
            repeat: 1,
            save: false,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--save" => read.save = true,
                "--repeat" => {
                    let times = words.next().and_then(|times| times.parse().ok());
                    read.repeat = times
                        .filter(|times| (1..=20).contains(times))
                        .ok_or("--repeat takes a number from 1 to 20")?;
                }
                part if PARTS.contains(&part) => read.parts.push(word),
                _ => return Err(format!("there is no part {word}; parts are: {}", PARTS.join(" ")).into()),
            }
        }
        if read.save && !read.parts.is_empty() {
            return Err("--save writes the whole table: name no parts".into());
        }
        Ok(read)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() && part != ON_DEMAND || self.parts.iter().any(|wanted| wanted == part)
    }
}

async fn run() -> Result<()> {
    let wanted = Arguments::read(std::env::args().skip(1))?;
    let machine = Machine::look();
    let mut report = Report::default();
    for _ in 0..wanted.repeat {
        if wanted.wants("schedule") {
            schedule::measure(&mut report).await?;
        }
        if wanted.wants("forecast") {
            forecast::measure(&mut report).await?;
        }
        if wanted.wants("events") {
            events::measure(&mut report).await?;
        }
        if wanted.wants("memory") {
            memory::measure(&mut report).await?;
        }
        if wanted.wants("fleet") {
            fleet::measure(&mut report).await?;
        }
        // A part of fleet, by itself only when it is named.
        if wanted.parts.iter().any(|part| part == "page") {
            fleet::measure_page(&mut report).await?;
        }
        if wanted.wants("site") {
            site::measure(&mut report).await?;
        }
        if wanted.wants("cron") {
            cron::measure(&mut report)?;
        }
        if wanted.wants("history") {
            history::measure(&mut report).await?;
        }
    }
    let taken = match wanted.repeat {
        1 => "Measured once".to_owned(),
        times => format!("Measured {times} times: the median (least–most)"),
    };
    let text = format!("{report}\n{taken}, on {machine}\n");
    println!("{text}");
    if wanted.save {
        println!("written to {}", save::results(&text)?.display());
    }
    Ok(())
}

async fn stopped() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
