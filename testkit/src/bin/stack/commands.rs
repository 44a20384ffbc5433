//! The stack and what the tests do to it.
//!
//! ```text
//! inspect NAME               what the engine knows: id, state, started_at (RFC 3339 with nanoseconds)
//! many NAME COUNT            so many containers NAME-1, NAME-2, …, made and never started; none of another count are left
//! run NAME | stubborn NAME   another container; a stubborn one ignores SIGTERM
//! labelled NAME KEY=VALUE…   one with labels; values hold no blanks
//! worded NAME KEY VALUE      one with a label that holds blanks
//! recreate NAME              removed and made again under the same name: another engine id
//! start|stop|kill|pause|unpause|remove NAME
//! engine hang|cut|refuse|slow|resume      the wire to the engine, not the engine itself
//! server stop|start|kill9
//! ssh start|stop|new-key     an SSH server in front of the engine: address, fingerprint, known_hosts, key, password
//! tls start|stop             the engine behind mutual TLS: address, and the PEM texts of its CA and of a client
//! sessions end               everybody is signed out, without a word to the browser
//! ```

use crate::{
    doors::Doors,
    fleet,
    server::{ServerProcess, tail},
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use testkit::{
    engines::{FaultProxy, RunOptions, TestEngine},
    postgres::{Result, TestDatabase},
};

const USER: &str = "ada";
const PASSWORD: &str = "nine lighthouses at dusk";

/// Dropped in this order: the server before what it uses.
pub struct Stack {
    server: ServerProcess,
    wire: FaultProxy,
    doors: Doors,
    engine: TestEngine,
    database: TestDatabase,
    api_key: Option<String>,
    _directory: tempfile::TempDir,
}

impl Stack {
    pub async fn start(fresh: bool) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("chrstack").tempdir_in("/tmp")?;
        let migrations = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations"));
        let engine = async {
            let engine = TestEngine::start_apart().await;
            fleet::make(&engine).await;
            engine
        };
        let (engine, database) = tokio::join!(engine, TestDatabase::create(&migrations));
        let database = database?;
        let wire = FaultProxy::start(engine.socket()).await;
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("password"), PASSWORD)?;
        let mut settings = vec![
            ("CHRONTAINER_DATABASE_URL", database.url().to_owned()),
            ("CHRONTAINER_DATABASE_POOL", "12".to_owned()),
            ("CHRONTAINER_DATA_DIR", path("data")),
            ("CHRONTAINER_RUNTIME_DIR", path("run")),
            ("CHRONTAINER_SITE_ROOT", site()?.display().to_string()),
            ("DOCKER_HOST", wire.docker_host()),
        ];
        if !fresh {
            settings.push(("CHRONTAINER_SETUP_USER", USER.to_owned()));
            settings.push(("CHRONTAINER_SETUP_PASSWORD_FILE", path("password")));
        }
        let server = ServerProcess::start(settings, directory.path().join("server.log")).await?;
        let api_key = match fresh {
            true => None,
            false => Some(
                server
                    .output_of(&["api-key", "create", "--user", USER, "--name", "e2e"])
                    .await?,
            ),
        };
        Ok(Self {
            server,
            wire,
            doors: Doors::default(),
            engine,
            database,
            api_key,
            _directory: directory,
        })
    }

    pub fn describe(&self) -> Value {
        json!({
            "url": self.server.url(),
            "user": USER,
            "password": PASSWORD,
            "api_key": self.api_key,
            "docker_host": self.engine.docker_host(),
            "setup_url": self.server.setup_url(),
            "log": self.server.log(),
        })
    }

    pub async fn command(&mut self, line: &str) -> Result<Value> {
        let words: Vec<_> = line.split_whitespace().collect();
        let done = json!({});
        match words.as_slice() {
            ["inspect", name] => {
                let found = self.engine.api().inspect(name).await;
                return Ok(json!({
                    "id": found["Id"], "state": found["State"]["Status"], "started_at": found["State"]["StartedAt"],
                }));
            }
            ["worded", name, key, value @ ..] => {
                let options = RunOptions {
                    labels: [((*key).to_owned(), value.join(" "))].into(),
                    ..RunOptions::default()
                };
                return self.made(name, options).await;
            }
            ["run", name] => return self.made(name, RunOptions::default()).await,
            ["many", name, count] => fleet::many(&self.engine, name, count.parse()?).await,
            ["ssh", verb] => return self.doors.ssh(verb, self.engine.socket()).await,
            ["tls", verb] => return self.doors.tls(verb, self.engine.socket()).await,
            ["stubborn", name] => return self.made(name, RunOptions::stubborn()).await,
            ["labelled", name, labels @ ..] => {
                let labels = labels.iter().filter_map(|label| label.split_once('='));
                let options = RunOptions {
                    labels: labels
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .collect(),
                    ..RunOptions::default()
                };
                return self.made(name, options).await;
            }
            ["recreate", name] => {
                self.engine.remove(name).await;
                return self.made(name, fleet::options(name)).await;
            }
            ["remove", name] => self.engine.remove(name).await,
            [verb @ ("start" | "stop" | "kill" | "pause" | "unpause"), name] => {
                self.engine.api().act(name, verb).await;
            }
            ["engine", "hang"] => self.wire.hang(),
            ["engine", "cut"] => self.wire.cut(),
            ["engine", "refuse"] => {
                self.wire.refuse().await;
                self.wire.break_connections();
            }
            ["engine", "slow"] => self.wire.delay(Duration::from_secs(2)),
            ["engine", "resume"] => self.wire.resume().await,
            ["server", "stop"] => self.server.stop().await?,
            ["server", "kill9"] => self.server.kill9().await?,
            ["server", "start"] => self.server.start_again().await?,
            ["server", "log"] => return Ok(json!({ "log": tail(self.server.log()) })),
            ["sessions", "end"] => {
                self.database
                    .client()
                    .await?
                    .batch_execute("delete from sessions")
                    .await?;
            }
            _ => return Err(format!("no such command: {line}").into()),
        }
        Ok(done)
    }

    async fn made(&self, name: &str, options: RunOptions) -> Result<Value> {
        Ok(json!({ "id": self.engine.run_container(name, options).await }))
    }

    /// Ends the server in order; the rest ends with the values.
    pub async fn end(mut self) {
        // A test may have ended it.
        let _ended = self.server.stop().await;
    }
}

/// The built interface: `LEPTOS_SITE_ROOT`, or what `./dev` builds beside this program.
fn site() -> Result<PathBuf> {
    let site = match std::env::var_os("LEPTOS_SITE_ROOT") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("../site"),
    };
    if site.join("hash.txt").is_file() {
        return Ok(std::path::absolute(site)?);
    }
    Err(format!(
        "the interface is not built in {}: cargo xtask site",
        site.display()
    )
    .into())
}
