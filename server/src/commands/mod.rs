//! The command line of the server's program. Bare, it serves.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "commands print what they did"
)]

mod accounts;
mod backups;
mod health;
mod secrets;
mod serve;
#[cfg(test)]
mod tests;

use crate::settings::Settings;
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Runs Chrontainer. Settings come from CHRONTAINER_ variables; docs/OPERATIONS.md lists them.
#[derive(Parser)]
#[command(name = "chrontainer-server", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server; what happens without a command too.
    Serve,
    /// Keys for the REST API.
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Accounts.
    #[command(subcommand)]
    User(User),
    /// The audit log.
    #[command(subcommand)]
    Audit(Audit),
    /// Dumps of the private database.
    #[command(subcommand)]
    Backup(Backup),
    /// The key of the sealed secrets.
    #[command(subcommand)]
    Secrets(Secrets),
    /// Replaces the private database by a dump. The server must not run.
    Restore {
        /// A file of the backups directory.
        #[arg(long)]
        dump: PathBuf,
    },
    /// Asks the server that runs with these settings whether it is ready, and fails when it is not.
    Health,
    /// Prints the release.
    Version,
}

#[derive(Subcommand)]
enum ApiKey {
    /// Makes a key with the rights of an account and prints it, this once.
    Create {
        /// The account whose rights the key has.
        #[arg(long)]
        user: String,
        /// What the key is called in lists.
        #[arg(long)]
        name: String,
    },
}

#[derive(Subcommand)]
enum User {
    /// Gives an account a new password, lets it in again if it was disabled, and ends its sessions.
    Reset {
        #[arg(long)]
        name: String,
        /// A file that holds the new password; without it one is made and printed.
        #[arg(long)]
        password_file: Option<PathBuf>,
        /// Takes the second factor away too, passkeys included, for somebody who lost it.
        #[arg(long)]
        without_second_factor: bool,
    },
}

#[derive(Subcommand)]
enum Secrets {
    /// Makes a new key and seals every secret with it; the old key is kept beside it. No server must run.
    Rotate {
        /// Although servers run: start them again right afterwards.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Subcommand)]
enum Audit {
    /// Computes the chain of hashes over the log anew, and fails when a line was changed, removed or slipped in.
    Verify,
}

#[derive(Subcommand)]
enum Backup {
    /// Takes a dump of the private database now.
    Now,
    /// Lists the dumps that are kept.
    List,
}

/// A sentence for the person at the terminal.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command that the process was given.
pub fn run() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    if matches!(command, Command::Version) {
        println!("chrontainer-server {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            // EX_CONFIG of sysexits.h: starting again changes nothing.
            return ExitCode::from(78);
        }
    };
    crate::logging::begin(&settings);
    let done = runtime().and_then(|runtime| runtime.block_on(execute(command, settings)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command, settings: Settings) -> Result<(), Failure> {
    match command {
        Command::Serve | Command::Version => serve::run(settings).await,
        Command::ApiKey(ApiKey::Create { user, name }) => accounts::create_key(&settings, &user, &name).await,
        Command::User(User::Reset {
            name,
            password_file,
            without_second_factor,
        }) => accounts::reset(&settings, &name, password_file.as_deref(), without_second_factor).await,
        Command::Audit(Audit::Verify) => accounts::verify_audit(&settings).await,
        Command::Secrets(Secrets::Rotate { force }) => secrets::rotate(&settings, force).await,
        Command::Backup(Backup::Now) => backups::now(&settings).await,
        Command::Backup(Backup::List) => backups::list(&settings),
        Command::Restore { dump } => backups::restore(&settings, &dump).await,
        Command::Health => health::ask(settings.listen, settings.tls.is_some()).await,
    }
}

/// A few threads do: the work is waiting, and each thread costs memory.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let threads = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(1, 4);
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(32)
        // Rendering a page nests deeply, above all in a debug build.
        .thread_stack_size(4 * 1024 * 1024)
        .enable_all()
        .build()?)
}
