//! A small client of the Docker API for tests, apart from the product's own.

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// The label that says which handle made a container.
// Not ours by its prefix: those ask for schedules.
const OWNER: &str = "test.chrontainer";

/// Speaks to an engine's unix socket. Unexpected answers panic with the engine's own words.
#[derive(Clone)]
pub struct EngineApi {
    client: Client,
    socket: PathBuf,
}

/// How a container for a test is made.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The command; by default one that waits, and ends at once when stopped.
    pub cmd: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub env: Vec<String>,
    /// A shell command that is the health check, every `health_interval`.
    pub health_cmd: Option<String>,
    pub health_interval: Duration,
    /// `none` by default; `host` to reach a server inside on loopback.
    pub network: String,
    /// Published ports (private, public); needs an engine with a bridge.
    pub ports: Vec<(u16, u16)>,
    /// `no`, `always`, `on-failure`, `unless-stopped`.
    pub restart: String,
    /// Its own grace time, in seconds.
    pub stop_timeout: Option<i64>,
    /// Host directories or files to mount: `/on/host:/inside`.
    pub binds: Vec<String>,
    /// Whether it is started at all.
    pub start: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            cmd: ["sh", "-c", "trap 'exit 0' TERM INT; sleep 100000 & wait"]
                .map(str::to_owned)
                .to_vec(),
            labels: BTreeMap::new(),
            env: Vec::new(),
            health_cmd: None,
            health_interval: Duration::from_secs(1),
            network: "none".to_owned(),
            ports: Vec::new(),
            restart: "no".to_owned(),
            stop_timeout: None,
            binds: Vec::new(),
            start: true,
        }
    }
}

impl RunOptions {
    /// A container with another command.
    pub fn cmd<const N: usize>(words: [&str; N]) -> Self {
        Self {
            cmd: words.map(str::to_owned).to_vec(),
            ..Self::default()
        }
    }

    /// A container that ignores SIGTERM: stopping it takes the whole grace time.
    pub fn stubborn() -> Self {
        Self::cmd(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    }

    /// A container that says each time that it is started, and then waits: see [`super::TestEngine::starts`]. A `stubborn`
    /// one ignores SIGTERM.
    pub fn counted(stubborn: bool) -> Self {
        Self::cmd([
            "sh",
            "-c",
            match stubborn {
                false => "trap 'exit 0' TERM INT; echo started; sleep 100000 & wait",
                true => "trap '' TERM; echo started; while :; do sleep 1; done",
            },
        ])
    }

    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn health(mut self, command: &str) -> Self {
        self.health_cmd = Some(command.to_owned());
        self
    }

    pub fn created_only(mut self) -> Self {
        self.start = false;
        self
    }

    fn body(&self, image: &str, owner: &str) -> Value {
        let mut labels = self.labels.clone();
        labels.insert(OWNER.to_owned(), owner.to_owned());
        let exposed: BTreeMap<_, _> = self
            .ports
            .iter()
            .map(|(private, _)| (format!("{private}/tcp"), json!({})))
            .collect();
        let bindings: BTreeMap<_, _> = self
            .ports
            .iter()
            .map(|(private, public)| {
                (
                    format!("{private}/tcp"),
                    json!([{"HostPort": public.to_string()}]),
                )
            })
            .collect();
        let mut body = json!({
            "Image": image, "Cmd": self.cmd, "Labels": labels, "Env": self.env, "ExposedPorts": exposed,
            "HostConfig": {
                "NetworkMode": self.network, "PortBindings": bindings, "Binds": self.binds,
                "RestartPolicy": {"Name": self.restart},
            },
        });
        if let Some(command) = &self.health_cmd {
            let interval = u64::try_from(self.health_interval.as_nanos()).unwrap_or(u64::MAX);
            body["Healthcheck"] = json!({
                "Test": ["CMD-SHELL", command], "Interval": interval, "Timeout": 5_000_000_000_u64, "Retries": 1,
            });
        }
        if let Some(seconds) = self.stop_timeout {
            body["StopTimeout"] = json!(seconds);
        }
        body
    }
}

impl EngineApi {
    pub fn new(socket: PathBuf) -> Self {
        let client = Client::builder()
            .unix_socket(socket.clone())
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client without TLS has nothing to fail on");
        Self { client, socket }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Whether the engine answers a ping within a second.
    pub async fn answers(&self) -> bool {
        let ping = self
            .client
            .get("http://engine/_ping")
            .timeout(Duration::from_secs(1))
            .send();
        ping.await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Sends a request; a connection that cannot be had panics, any status is given back.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self
            .client
            .request(method.clone(), format!("http://engine{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        match request.send().await {
            Ok(response) => response,
            Err(error) => panic!("{method} {path} on {}: {error:?}", self.socket.display()),
        }
    }

    async fn expect(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let response = self.send(method.clone(), path, body).await;
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        assert!(
            status.is_success() || status.as_u16() == 304,
            "{method} {path}: {status} {text}"
        );
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub async fn get(&self, path: &str) -> Value {
        self.expect(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Option<Value>) -> Value {
        self.expect(Method::POST, path, body).await
    }

    pub async fn inspect(&self, name: &str) -> Value {
        self.get(&format!("/containers/{name}/json")).await
    }

    /// `start`, `stop?t=1`, `kill`, `rename?name=x`, …
    pub async fn act(&self, name: &str, verb: &str) {
        self.post(&format!("/containers/{name}/{verb}"), None).await;
    }

    /// What a container has printed since it was made, over all its starts; with the marks that the engine puts between.
    pub async fn output(&self, name: &str) -> String {
        let path = format!("/containers/{name}/logs?stdout=1");
        let answer = self.send(Method::GET, &path, None).await;
        assert!(
            answer.status().is_success(),
            "the output of {name}: {}",
            answer.status()
        );
        String::from_utf8_lossy(&answer.bytes().await.unwrap_or_default()).into_owned()
    }

    pub(super) async fn run(&self, name: &str, owner: &str, options: RunOptions) -> String {
        let body = options.body(super::IMAGE, owner);
        let made = self
            .post(&format!("/containers/create?name={name}"), Some(body))
            .await;
        if options.start {
            self.act(name, "start").await;
        }
        made["Id"].as_str().unwrap_or_default().to_owned()
    }

    pub async fn remove(&self, name: &str) {
        let path = format!("/containers/{name}?force=1&v=1");
        let response = self.send(Method::DELETE, &path, None).await;
        let status = response.status();
        // 409: its removal is in progress already.
        assert!(
            status.is_success() || matches!(status.as_u16(), 404 | 409),
            "removing {name}: {status} {}",
            response.text().await.unwrap_or_default()
        );
    }

    pub(super) async fn import(&self, tar: Vec<u8>, query: &str) -> Value {
        let request = self
            .client
            .post(format!("http://engine/images/create?fromSrc=-&{query}"));
        let request = request.header("content-type", "application/x-tar").body(tar);
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("importing the image: {error:?}"));
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        assert!(status.is_success(), "importing the image: {status} {text}");
        let last = text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or_default();
        serde_json::from_str(last).unwrap_or(Value::Null)
    }

    async fn remove_all(&self, owner: &str) {
        let filters = format!("%7B%22label%22%3A%5B%22{OWNER}%3D{owner}%22%5D%7D");
        let url = format!("http://engine/containers/json?all=1&filters={filters}");
        let Ok(answer) = self.client.get(url).send().await else {
            return;
        };
        let found: Value = answer.json().await.unwrap_or(Value::Null);
        let removals = found.as_array().into_iter().flatten().filter_map(|container| {
            let id = container["Id"].as_str()?;
            let url = format!("http://engine/containers/{id}?force=1&v=1");
            Some(self.client.delete(url).send())
        });
        futures::future::join_all(removals).await;
    }

    /// From a destructor, inside a runtime or not.
    pub(super) fn remove_all_blocking(&self, owner: &str) {
        let (api, owner) = (Self::new(self.socket.clone()), owner.to_owned());
        let work = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(api.remove_all(&owner));
            }
        });
        // A destructor must not panic; what stayed is removed with the engine.
        let _ = work.join();
    }
}
