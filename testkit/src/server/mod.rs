//! The real server program on a port of its own, with an owner and an API key.
//!
//! ```ignore
//! let database = TestDatabase::create(&migrations).await?;
//! let mut server = TestServer::start(TestServerOptions::on(&database)).await?;
//! let schedules = server.get("/api/v1/schedules").await.json().await;   // with the key
//! let browser = server.sign_in().await?;                                // with a session
//! server.kill9();
//! server.start_again().await?;                                          // the same data, another port
//! ```

mod browser;
mod process;

pub use browser::{Answer, Browser};
pub use process::built;

use crate::postgres::{Error, Result, TestDatabase, connect};
use nix::sys::signal::Signal;
use process::Process;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// The owner of every test server that is set up.
pub const OWNER: &str = "owner";
pub const PASSWORD: &str = "correct horse battery";

/// How a test server is started.
#[derive(Clone, Debug)]
pub struct TestServerOptions {
    database_url: Option<String>,
    docker_host: Option<String>,
    env: Vec<(String, String)>,
    prefix: Vec<String>,
    set_up: bool,
}

impl TestServerOptions {
    /// On a database of a test.
    pub fn on(database: &TestDatabase) -> Self {
        Self::on_url(database.url())
    }

    /// On any database.
    pub fn on_url(url: &str) -> Self {
        Self {
            database_url: Some(url.to_owned()),
            docker_host: None,
            env: Vec::new(),
            prefix: Vec::new(),
            set_up: true,
        }
    }

    /// On a private Postgres in the server's own data directory.
    pub fn private() -> Self {
        Self {
            database_url: None,
            ..Self::on_url("")
        }
    }

    /// The engine that counts as the local one; without it there is none.
    #[must_use]
    pub fn docker_host(mut self, url: impl Into<String>) -> Self {
        self.docker_host = Some(url.into());
        self
    }

    /// One more variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// A command that runs it: `["nice", "-n", "5"]`. It must become the server, so that signals reach it.
    #[must_use]
    pub fn within<const N: usize>(mut self, command: [&str; N]) -> Self {
        self.prefix = command.map(str::to_owned).to_vec();
        self
    }

    /// Leaves the set-up to the test: there is a link, no owner and no key.
    #[must_use]
    pub fn not_set_up(mut self) -> Self {
        self.set_up = false;
        self
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct TestServer {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    /// A key with the owner's rights; empty when the server was not set up.
    pub api_key: String,
    options: TestServerOptions,
    process: Process,
    http: reqwest::Client,
    dir: Home,
}

/// The directory of a server; what a private Postgres still does in it ends with it.
#[derive(Debug)]
struct Home(TempDir);

impl Home {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        process::kill_what_works_below(&self.path().join("data"));
    }
}

impl TestServer {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When the program was not built, or does not start within a minute; the error holds its log.
    pub async fn start(options: TestServerOptions) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::Builder::new()
            .prefix("ct-server-")
            // Postgres may run as another account below it.
            .permissions(std::fs::Permissions::from_mode(0o711))
            .tempdir_in("/tmp")?;
        let dir = Home(dir);
        std::fs::write(dir.path().join("password"), PASSWORD)?;
        let process = Process::start(&options, dir.path()).await?;
        let mut server = Self {
            url: process.url.clone(),
            api_key: String::new(),
            options,
            process,
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(60))
                .build()?,
            dir,
        };
        if server.options.set_up {
            server.api_key = server.create_key(OWNER).await?;
        }
        Ok(server)
    }

    /// Starts it again on the same data, after [`TestServer::kill9`] or [`TestServer::stop`]. The port changes.
    ///
    /// # Errors
    /// As [`TestServer::start`].
    pub async fn start_again(&mut self) -> Result<()> {
        self.process.kill();
        self.process = Process::start(&self.options, self.dir.path()).await?;
        self.url = self.process.url.clone();
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The processes of its private Postgres.
    pub fn database_pids(&self) -> Vec<i32> {
        process::what_works_below(&self.data_dir())
    }

    /// A connection to its private Postgres.
    ///
    /// # Errors
    /// When it has none, or that does not answer.
    pub async fn database(&self) -> Result<tokio_postgres::Client> {
        connect(&format!(
            "host={} user=chrontainer dbname=chrontainer",
            self.socket_dir()?.display()
        ))
        .await
    }

    /// Where its private Postgres listens.
    ///
    /// # Errors
    /// When it has none.
    pub fn socket_dir(&self) -> Result<PathBuf> {
        let found = std::fs::read_dir(self.dir.path().join("run"))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("pg-"))
            });
        found.ok_or_else(|| "the private Postgres has no socket directory".into())
    }

    /// The URL of its private database, for another server on it.
    ///
    /// # Errors
    /// When it has none.
    pub fn database_url(&self) -> Result<String> {
        Ok(format!(
            "postgres:///chrontainer?host={}&user=chrontainer",
            self.socket_dir()?.display()
        ))
    }

    /// The one-time link that it printed at its start.
    pub fn setup_link(&self) -> Option<String> {
        self.process.setup_link()
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Sets a variable of its environment, or removes it, from the next start on.
    pub fn set_env(&mut self, name: &str, value: Option<&str>) {
        self.options.env.retain(|(known, _)| known != name);
        if let Some(value) = value {
            self.options.env.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it still runs after that time.
    pub async fn ended(&mut self, limit: Duration) -> Result<()> {
        self.process.wait(limit).await.map(|_code| ())
    }

    /// Waits until it was stopped by a SIGSTOP.
    ///
    /// # Errors
    /// When it still runs after that time.
    pub async fn stopped(&self, limit: Duration) -> Result<()> {
        self.process.stopped(limit).await
    }

    /// `kill -9`.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// Stops it in the middle of whatever it does, as a suspended machine does.
    pub fn sigstop(&self) {
        self.process.signal(Signal::SIGSTOP);
    }

    /// Undoes [`TestServer::sigstop`].
    pub fn sigcont(&self) {
        self.process.signal(Signal::SIGCONT);
    }

    /// SIGTERM, and waits for the end. Returns its exit code.
    ///
    /// # Errors
    /// When it takes longer than 30 s.
    pub async fn stop(&mut self) -> Result<Option<i32>> {
        self.process.signal(Signal::SIGTERM);
        self.process.wait(Duration::from_secs(30)).await
    }

    /// Runs another command of the program on the same settings and returns what it printed.
    ///
    /// # Errors
    /// When the command fails; the error is what it said.
    pub async fn command(&self, words: &[&str]) -> Result<String> {
        let (_, listen) = self.url.split_once("://").unwrap_or_default();
        let output = process::command(&self.options, self.dir.path())?
            .args(words)
            // Where it listens in fact, for those who ask it something.
            .env("CHRONTAINER_LISTEN", listen)
            .output()
            .await?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
        }
    }

    /// A new API key of an account.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn create_key(&self, user: &str) -> Result<String> {
        let name = format!("test {}", uuid::Uuid::now_v7().simple());
        let key = self
            .command(&["api-key", "create", "--user", user, "--name", &name])
            .await?;
        Ok(key.trim().to_owned())
    }

    /// A request to a path, without any credentials.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// `GET` with the key.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(reqwest::Method::GET, path, None).await
    }

    /// `POST` of JSON with the key.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(reqwest::Method::POST, path, Some(body)).await
    }

    /// `PUT` of JSON with the key.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(reqwest::Method::PUT, path, Some(body)).await
    }

    /// `DELETE` with the key.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(reqwest::Method::DELETE, path, None).await
    }

    /// Any request with the key.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path).bearer_auth(&self.api_key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request).await
    }

    /// A browser that nobody has signed in with.
    pub fn browser(&self) -> Browser {
        Browser::new(self.http.clone(), &self.url)
    }

    /// A browser that the owner has signed in with.
    ///
    /// # Errors
    /// When signing in is refused.
    pub async fn sign_in(&self) -> Result<Browser> {
        let mut browser = self.browser();
        let answer = browser.sign_in(OWNER, PASSWORD).await;
        if answer.status == 200 || answer.status == 302 {
            Ok(browser)
        } else {
            Err(Error::from(format!("signing in was answered with {answer:?}")))
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.process.kill();
        if std::thread::panicking() {
            process::show(&self.log());
        }
    }
}

/// Where the migrations are.
pub fn migrations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations")
}
