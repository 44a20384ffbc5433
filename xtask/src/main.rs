//! Builds the browser side and checks the house rules. `./dev` calls it; `cargo xtask help` lists what it does.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool prints what it did"
)]

mod commands;
mod schema;
mod site;
mod workspace;

use std::process::ExitCode;

/// Any failure, as a sentence for the person at the terminal.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
cargo xtask <command>

  site              build the wasm, styles and assets into <target>/site
  site --release    the same, small and compressed, into <target>/site-release
  schema            write control/src/schema.rs from what the migrations make
  schema --check    fail if control/src/schema.rs differs, or if a down.sql does not undo its up.sql
  schema --print    print it instead of writing it";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["site"] => site::build(site::Profile::Dev),
        ["site", "--release"] => site::build(site::Profile::Release),
        ["schema"] => schema::write(),
        ["schema", "--check"] => schema::check(),
        ["schema", "--print"] => schema::print(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(format!("no such command: {}\n\n{HELP}", words.join(" ")).into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
