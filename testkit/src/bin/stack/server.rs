//! The real server as a process of its own.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use testkit::postgres::Result;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

/// How long a start may take: a debug build on a busy machine.
const START: Duration = Duration::from_secs(60);

/// Everything the server is started with, so that it can be started again.
pub struct ServerProcess {
    program: PathBuf,
    settings: Vec<(&'static str, String)>,
    /// Where its output goes.
    log: PathBuf,
    address: String,
    setup_url: Option<String>,
    child: Option<Child>,
}

impl ServerProcess {
    /// Starts it on a free port and waits until it answers.
    pub async fn start(settings: Vec<(&'static str, String)>, log: PathBuf) -> Result<Self> {
        let mut server = Self {
            program: program()?,
            settings,
            log,
            address: "127.0.0.1:0".to_owned(),
            setup_url: None,
            child: None,
        };
        server.start_again().await?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn setup_url(&self) -> Option<&str> {
        self.setup_url.as_deref()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it where it was.
    pub async fn start_again(&mut self) -> Result<()> {
        if self.child.is_some() {
            return Err("the server runs already".into());
        }
        // It must not outlive this process, even where that is killed.
        let mut command = self.with_settings("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]).arg(&self.program);
        command.env("CHRONTAINER_LISTEN", &self.address);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or("its output is not piped")?;
        let mut lines = BufReader::new(output).lines();
        let mut log = tokio::fs::File::from_std(log);
        let ready = tokio::time::timeout(START, async {
            // The set-up link comes right after the address, if it comes at all.
            while let Some(line) = lines.next_line().await? {
                log.write_all(format!("{line}\n").as_bytes()).await?;
                if let Some(address) = line.strip_prefix("listening on http://") {
                    self.address = address.trim().to_owned();
                    return Ok::<_, std::io::Error>(true);
                }
            }
            Ok(false)
        })
        .await;
        if !matches!(ready, Ok(Ok(true))) {
            // Where it ended already there is nothing to kill.
            let _ended = child.kill().await;
            return Err(format!("the server did not start:\n{}", tail(&self.log)).into());
        }
        let next = tokio::time::timeout(Duration::from_millis(300), lines.next_line()).await;
        if let Ok(Ok(Some(line))) = next {
            log.write_all(format!("{line}\n").as_bytes()).await?;
            self.setup_url = line.split_once(": ").map(|(_, link)| link.trim().to_owned());
        }
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if log.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        self.child = Some(child);
        Ok(())
    }

    /// A command of the same program with the same settings; gives what it printed.
    pub async fn output_of(&self, arguments: &[&str]) -> Result<String> {
        let output = self
            .with_settings(&self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .await?;
        if !output.status.success() {
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// SIGTERM, and its end.
    pub async fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().ok_or("the server does not run")?;
        let id = child.id().ok_or("the server ended by itself")?;
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(i32::try_from(id)?),
            nix::sys::signal::Signal::SIGTERM,
        )?;
        if let Ok(status) = tokio::time::timeout(Duration::from_secs(30), child.wait()).await {
            return match status?.code() {
                Some(0) => Ok(()),
                code => Err(format!("the server ended with {code:?}:\n{}", tail(&self.log)).into()),
            };
        }
        child.kill().await?;
        Err(format!("the server did not end on SIGTERM:\n{}", tail(&self.log)).into())
    }

    pub async fn kill9(&mut self) -> Result<()> {
        let mut child = self.child.take().ok_or("the server does not run")?;
        Ok(child.kill().await?)
    }

    fn with_settings(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        // What the caller's shell holds must not decide what is tested.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CHRONTAINER_") {
                command.env_remove(name);
            }
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The end of the server's log.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// `SERVER_BINARY`, or the one built beside this program.
fn program() -> Result<PathBuf> {
    let program = match std::env::var_os("SERVER_BINARY") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("chrontainer-server"),
    };
    if program.is_file() {
        return Ok(std::path::absolute(program)?);
    }
    Err(format!("{} is not there: cargo build -p server", program.display()).into())
}
