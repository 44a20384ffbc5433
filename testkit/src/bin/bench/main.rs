//! `./dev bench`: measures the real server and prints a table. A part's name measures that part alone.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod schedule;
mod table;

use std::process::ExitCode;
use table::Table;
use testkit::postgres::Result;

const PARTS: &str = "schedule";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|word| word == part);
    if let Some(unknown) = wanted.iter().find(|word| *word != "schedule") {
        return Err(format!("there is no part {unknown}; parts are: {PARTS}").into());
    }
    let mut table = Table::default();
    if is_wanted("schedule") {
        schedule::measure(&mut table).await?;
    }
    println!("{table}");
    Ok(())
}
