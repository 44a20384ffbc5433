//! The Chrontainer command line: a client of the REST API.

mod client;
mod ps;
mod table;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "chrontainer",
    version,
    about = "Schedules and manages containers on many Docker hosts"
)]
struct Cli {
    /// Address of the server.
    #[arg(
        long,
        env = "CHRONTAINER_CLI_URL",
        default_value = "http://127.0.0.1:3000",
        global = true
    )]
    url: String,
    /// API key (`chk_…`); make one with `chrontainer-server api-key create`.
    #[arg(long, env = "CHRONTAINER_CLI_API_KEY", hide_env_values = true, global = true)]
    api_key: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the version of this program, and of the server if it answers.
    Version,
    /// List the containers of every host.
    Ps(ps::Ps),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let client = match client::Client::new(&cli.url, cli.api_key) {
        Ok(client) => client,
        Err(error) => return fail(&error),
    };
    let result = match cli.command {
        Command::Version => version(&client).await,
        Command::Ps(ps) => ps::run(&client, ps).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[allow(clippy::print_stderr, reason = "the command's own answer")]
fn fail(error: &client::Error) -> ExitCode {
    eprintln!("chrontainer: {error}");
    ExitCode::FAILURE
}

/// The client's version is worth printing even where no server answers.
#[allow(clippy::print_stdout, reason = "the command's output")]
async fn version(client: &client::Client) -> Result<(), client::Error> {
    println!("chrontainer {}", env!("CARGO_PKG_VERSION"));
    match client.get::<serde_json::Value>("/api/version", &[]).await {
        Ok(server) => println!("server      {}", server["release"].as_str().unwrap_or("unknown")),
        Err(error) => println!("server      none: {error}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn docs_operations_has_every_command_and_examples_that_work() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
        let page = std::fs::read_to_string(path).expect("the page");
        let command = Cli::command();
        for command in command.get_subcommands() {
            let name = command.get_name();
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| `chrontainer {name}")))
                .unwrap_or_else(|| panic!("no row for {name}"));
            for option in command.get_arguments().filter_map(|argument| argument.get_long()) {
                assert!(
                    row.contains(&format!("[--{option}")),
                    "{name} has --{option}: {row}"
                );
            }
            let example = format!("    chrontainer {name}");
            assert!(
                page.lines().any(|line| line.starts_with(&example)),
                "no example of {name}"
            );
        }
        let rows = page.lines().filter(|line| line.starts_with("| `chrontainer "));
        assert_eq!(
            rows.count(),
            command.get_subcommands().count(),
            "a row for each command"
        );
        let lines = page.lines().filter_map(|line| line.strip_prefix("    "));
        for example in lines.filter(|line| line.starts_with("chrontainer ")) {
            if let Err(error) = Cli::try_parse_from(example.split_whitespace()) {
                panic!("{example}: {error}");
            }
        }
    }
}
