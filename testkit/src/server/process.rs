//! The process of a test server.

use super::{OWNER, TestServerOptions};
use crate::postgres::Result;
use nix::{sys::signal::Signal, unistd::Pid};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

const START: Duration = Duration::from_secs(60);
const LISTENING: &str = "listening on ";
const SETUP: &str = "set up with this link, once: ";

#[derive(Debug)]
pub struct Process {
    pub url: String,
    child: Child,
    /// What it printed.
    printed: Arc<Mutex<Vec<String>>>,
}

impl Process {
    pub async fn start(options: &TestServerOptions, dir: &Path) -> Result<Self> {
        let mut command = command(options, dir)?;
        let log = File::options().create(true).append(true).open(dir.join("log"))?;
        command.stdout(Stdio::piped()).stderr(log);
        let mut process = Self {
            url: String::new(),
            child: command.into_std().spawn()?,
            printed: Arc::default(),
        };
        let stdout = process.child.stdout.take();
        let stdout = stdout.ok_or("there is no standard output")?;
        let (ready, is_ready) = mpsc::channel();
        let lines = Arc::clone(&process.printed);
        std::thread::spawn(move || read(stdout, &lines, &ready));
        let waited = tokio::task::spawn_blocking(move || is_ready.recv_timeout(START)).await?;
        match waited {
            Ok(url) => {
                // The set-up link, if there is one, follows at once.
                tokio::time::sleep(Duration::from_millis(20)).await;
                process.url = url;
                Ok(process)
            }
            Err(_) => {
                // It may have ended, or hang; what it logged tells which.
                let _gone = process.child.kill();
                let ended = process.child.wait()?;
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                Err(format!("the server did not start ({ended}):\n{log}").into())
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn setup_link(&self) -> Option<String> {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed
            .iter()
            .find_map(|line| line.strip_prefix(SETUP))
            .map(str::to_owned)
    }

    pub fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // A process that is gone already is no error here.
            let _gone = nix::sys::signal::kill(Pid::from_raw(pid), signal);
        }
    }

    pub fn kill(&mut self) {
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }

    pub async fn stopped(&self, limit: Duration) -> Result<()> {
        let begun = Instant::now();
        while state(self.child.id()) != Some('T') {
            if begun.elapsed() > limit {
                return Err("the server goes on".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub async fn wait(&mut self, limit: Duration) -> Result<Option<i32>> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            if begun.elapsed() > limit {
                return Err("the server does not stop".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    /// A test may give up while it still waits for the start.
    fn drop(&mut self) {
        self.kill();
    }
}

/// The state of a process in the words of proc(5); nothing when it is gone.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, brackets too.
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

fn read(stdout: ChildStdout, lines: &Mutex<Vec<String>>, ready: &mpsc::Sender<String>) {
    for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
        if let Some(url) = line.strip_prefix(LISTENING) {
            // Nobody waits any more once the time is up.
            let _waits = ready.send(url.to_owned());
        }
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// The program with the settings of a test: nothing of the caller's environment gets in.
pub fn command(options: &TestServerOptions, dir: &Path) -> Result<tokio::process::Command> {
    let mut words = options.prefix.iter().map(PathBuf::from).chain([program()?]);
    let mut command = tokio::process::Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LLVM_PROFILE_FILE"))
        .env("HOME", dir)
        .env("RUST_BACKTRACE", "1")
        .env("CHRONTAINER_LISTEN", "127.0.0.1:0")
        .env("CHRONTAINER_DATA_DIR", dir.join("data"))
        .env("CHRONTAINER_RUNTIME_DIR", dir.join("run"))
        .env("CHRONTAINER_SITE_ROOT", site())
        // Tests and measurements ask more often than anybody.
        .env("CHRONTAINER_RATE_LIMIT", "0")
        // The machine's own engine is none of a test's business.
        .env(
            "DOCKER_HOST",
            options
                .docker_host
                .as_deref()
                .unwrap_or("unix:///nonexistent/docker.sock"),
        )
        .current_dir(dir)
        .stdin(Stdio::null());
    if let Some(url) = &options.database_url {
        command.env("CHRONTAINER_DATABASE_URL", url);
    }
    if options.set_up {
        command
            .env("CHRONTAINER_SETUP_USER", OWNER)
            .env("CHRONTAINER_SETUP_PASSWORD_FILE", dir.join("password"));
    }
    command.envs(options.env.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// `SERVER_BINARY`, or what cargo built beside this test.
fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SERVER_BINARY") {
        return Ok(path.into());
    }
    built("chrontainer-server")
}

/// One of the workspace's programs, as cargo built it beside this test.
pub fn built(program: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    test.ancestors()
        .skip(1)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("{program} is not built; run: cargo build --workspace --bins").into())
}

/// The built interface if there is one; the server works without.
fn site() -> PathBuf {
    let program = program().unwrap_or_default();
    let target = program
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("target"));
    target.join("site")
}

/// The processes whose working directory is in this directory: a private Postgres, with all that it started.
pub fn what_works_below(dir: &Path) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir)))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// A private Postgres outlives a server that was killed.
pub fn kill_what_works_below(dir: &Path) {
    for pid in what_works_below(dir) {
        let _gone = nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

#[expect(clippy::print_stderr, reason = "a failed test shows the server's log")]
pub fn show(log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(60);
    eprintln!("the end of the server's log:\n{}", lines[from..].join("\n"));
}
