//! A generated engine: speaks enough of the Docker API over a unix socket to have any number of containers, events and
//! stats, without running one. For tests of scale; what an engine really does is tested with real ones.

use super::faults::{Task, socket_dir};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::broadcast,
    task::JoinSet,
};

const IMAGES: [&str; 6] = [
    "ghcr.io/immich-app/immich-server:v1.123.0",
    "lscr.io/linuxserver/sonarr:4.0.11",
    "postgres:17-alpine",
    "redis:7.4",
    "nginx:1.27",
    "grafana/grafana:11.4.0",
];
const STACKS: [&str; 5] = ["media", "shop", "home", "monitoring", "paperless"];
const SERVICES: [&str; 4] = ["web", "worker", "db", "cache"];

/// One container of the generated engine.
#[derive(Clone, Debug)]
struct One {
    id: String,
    name: String,
    number: usize,
    state: &'static str,
    /// Seconds since 1970.
    started: f64,
}

/// What the tasks of one engine share.
struct World {
    name: String,
    containers: Mutex<Vec<One>>,
    events: broadcast::Sender<Arc<str>>,
    hung: AtomicBool,
    born: Instant,
}

/// An engine that runs until it is dropped.
pub struct GeneratedEngine {
    _dir: TempDir,
    path: PathBuf,
    world: Arc<World>,
    _task: Task,
}

impl GeneratedEngine {
    /// Starts one of that name with so many containers; nine of ten run.
    ///
    /// # Panics
    /// When there can be no socket.
    pub async fn start(name: &str, containers: usize) -> Self {
        let (dir, path) = socket_dir();
        let listener = UnixListener::bind(&path).expect("a socket");
        let now = now();
        let containers = (0..containers)
            .map(|number| One {
                id: id(name, number),
                name: container_name(number),
                number,
                state: match number % 20 {
                    7 => "exited",
                    13 => "paused",
                    _ => "running",
                },
                started: now - 3600.0 - (number * 977 % 86_400) as f64,
            })
            .collect();
        let world = Arc::new(World {
            name: name.to_owned(),
            containers: Mutex::new(containers),
            events: broadcast::channel(4096).0,
            hung: AtomicBool::new(false),
            born: Instant::now(),
        });
        let shared = world.clone();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let world = shared.clone();
                open.spawn(async move {
                    // A connection that ends is no error of a test.
                    let _ = serve(&world, stream).await;
                });
                while open.try_join_next().is_some() {}
            }
        });
        Self {
            _dir: dir,
            path,
            world,
            _task: Task::new(task),
        }
    }

    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// From now on it takes requests and answers none, or answers again.
    pub fn hang(&self, hung: bool) {
        self.world.hung.store(hung, Ordering::Relaxed);
    }

    /// How many containers there are.
    pub fn count(&self) -> usize {
        self.world.containers().len()
    }

    /// Starts or stops a container behind everybody's back. Gives its name and the state it has now.
    pub fn flip(&self, number: usize) -> (String, &'static str) {
        let mut containers = self.world.containers();
        let count = containers.len();
        let one = &mut containers[number % count];
        let to = if one.state == "running" {
            "exited"
        } else {
            "running"
        };
        let changed = self.world.turn(one, to);
        (changed.name, to)
    }
}

impl World {
    fn containers(&self) -> MutexGuard<'_, Vec<One>> {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, one: &mut One, to: &'static str) -> One {
        let action = match (one.state, to) {
            ("paused", "running") => "unpause",
            (_, "running") => "start",
            (_, "paused") => "pause",
            _ => "die",
        };
        one.state = to;
        if action == "start" {
            one.started = now();
        }
        self.tell(one, action);
        one.clone()
    }

    fn tell(&self, one: &One, action: &str) {
        let at = now();
        let event = json!({
            "Type": "container", "Action": action, "scope": "local",
            "Actor": { "ID": one.id, "Attributes": { "name": one.name, "image": image(one) } },
            "time": at as i64, "timeNano": (at * 1e9) as i64,
        });
        // Nobody listening is no error.
        let _ = self.events.send(Arc::from(format!("{event}\n")));
    }

    fn answer(&self, method: &str, path: &str) -> (u16, Value) {
        let path = path.split('?').next().unwrap_or_default();
        let path = match path.strip_prefix("/v1.") {
            Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => path,
        };
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            (_, ["_ping"]) => (200, Value::Null),
            ("GET", ["version"]) => (
                200,
                json!({ "Version": "28.5.0", "ApiVersion": "1.51", "Components": [] }),
            ),
            ("GET", ["info"]) => (200, self.info()),
            ("GET", ["containers", "json"]) => (
                200,
                self.containers().iter().map(listed).collect::<Vec<_>>().into(),
            ),
            ("GET", ["containers", id, "json"]) => self.with(id, |one| (200, inspected(one))),
            ("GET", ["containers", id, "stats"]) => self.with(id, |one| (200, self.stats(one))),
            ("POST", ["containers", id, verb]) => self.act(id, verb),
            ("DELETE", ["containers", id]) => self.remove(id),
            _ => (404, json!({ "message": "page not found" })),
        }
    }

    fn with(&self, id: &str, answer: impl FnOnce(&mut One) -> (u16, Value)) -> (u16, Value) {
        let mut containers = self.containers();
        match containers.iter_mut().find(|one| one.id == id || one.name == id) {
            Some(one) => answer(one),
            None => (404, json!({ "message": format!("No such container: {id}") })),
        }
    }

    fn act(&self, id: &str, verb: &str) -> (u16, Value) {
        self.with(id, |one| {
            let to = match (verb, one.state) {
                ("start", "running") | ("stop" | "kill", "exited") => return (304, Value::Null),
                ("start", "exited" | "created") | ("unpause", "paused") => "running",
                ("stop" | "kill", _) => "exited",
                ("pause", "running") => "paused",
                ("restart", _) => {
                    one.state = "exited";
                    self.tell(one, "die");
                    "running"
                }
                _ => {
                    let message = format!("Container {id} is {}", one.state);
                    return (409, json!({ "message": message }));
                }
            };
            self.turn(one, to);
            (204, Value::Null)
        })
    }

    fn remove(&self, id: &str) -> (u16, Value) {
        let mut containers = self.containers();
        match containers.iter().position(|one| one.id == id || one.name == id) {
            Some(at) => {
                let one = containers.remove(at);
                self.tell(&one, "destroy");
                (204, Value::Null)
            }
            None => (404, json!({ "message": format!("No such container: {id}") })),
        }
    }

    fn info(&self) -> Value {
        json!({
            "ID": id(&self.name, 0), "Name": self.name, "OperatingSystem": "Generated", "Architecture": "x86_64",
            "KernelVersion": "6.12.0", "NCPU": 8, "MemTotal": 16_777_216_000_i64, "MemoryLimit": true,
            "DockerRootDir": "/var/lib/docker", "SystemTime": rfc3339(now()),
        })
    }

    fn stats(&self, one: &One) -> Value {
        let running = one.state == "running";
        let lived = self.born.elapsed().as_nanos() as u64;
        let share = (one.number % 40) as u64 + 1;
        let used = if running { lived / 400 * share } else { 0 };
        let memory = (20 + one.number as u64 % 200) * 1_000_000;
        let cpu = |total: u64, system: u64| {
            json!({ "cpu_usage": { "total_usage": total, "usage_in_kernelmode": 0, "usage_in_usermode": total },
                "system_cpu_usage": system, "online_cpus": 8, "throttling_data": {} })
        };
        json!({
            "id": one.id, "name": format!("/{}", one.name), "read": rfc3339(now()), "preread": rfc3339(now() - 1.0),
            "cpu_stats": cpu(used, lived * 8),
            "precpu_stats": cpu(used.saturating_sub(1_000_000_000 / 400 * share), (lived * 8).saturating_sub(8_000_000_000)),
            "memory_stats": if running {
                json!({ "usage": memory, "limit": 16_777_216_000_u64, "stats": { "inactive_file": 1_000_000 } })
            } else {
                json!({})
            },
            "pids_stats": { "current": 4 }, "networks": {}, "blkio_stats": {},
        })
    }
}

/// Answers the requests of one connection.
async fn serve(world: &World, mut stream: UnixStream) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some((method, path)) = request(&mut stream, &mut buffer).await? else {
            return Ok(());
        };
        if world.hung.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        if method == "GET" && path.contains("/events") {
            return tell_events(world, stream).await;
        }
        let (status, body) = world.answer(&method, &path);
        let body = match body {
            Value::Null if status == 200 => "OK".to_owned(),
            Value::Null => String::new(),
            value => value.to_string(),
        };
        let length = match status {
            204 | 304 => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let head = format!(
            "HTTP/1.1 {status} Generated\r\nApi-Version: 1.51\r\nContent-Type: application/json\r\n{length}\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
    }
}

async fn tell_events(world: &World, mut stream: UnixStream) -> std::io::Result<()> {
    let mut events = world.events.subscribe();
    stream
        .write_all(b"HTTP/1.1 200 Generated\r\nApi-Version: 1.51\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await?;
    loop {
        match events.recv().await {
            Ok(event) => {
                if world.hung.load(Ordering::Relaxed) {
                    return std::future::pending().await;
                }
                let chunk = format!("{:x}\r\n{event}\r\n", event.len());
                stream.write_all(chunk.as_bytes()).await?;
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return Ok(()),
        }
    }
}

/// The next request's method and path; its body is thrown away. Nothing at the connection's end.
async fn request(stream: &mut UnixStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<(String, String)>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let length: usize = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok())?
        })
        .unwrap_or_default();
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    buffer.drain(..end + length);
    Ok(Some((method.to_owned(), path.to_owned())))
}

fn id(engine: &str, number: usize) -> String {
    let mut seed = 0xcbf2_9ce4_8422_2325_u64;
    for byte in engine.bytes().chain(number.to_le_bytes()) {
        seed = (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (0..4)
        .map(|part| {
            format!(
                "{:016x}",
                seed.wrapping_mul(2 * part + 1).rotate_left(part as u32 * 7)
            )
        })
        .collect()
}

fn container_name(number: usize) -> String {
    let (stack, service) = place(number);
    format!("{stack}-{service}-{number}")
}

fn place(number: usize) -> (&'static str, &'static str) {
    (
        STACKS[number / 8 % STACKS.len()],
        SERVICES[number % SERVICES.len()],
    )
}

fn image(one: &One) -> &'static str {
    IMAGES[one.number % IMAGES.len()]
}

fn labels(one: &One) -> Value {
    let (stack, service) = place(one.number);
    json!({
        "com.docker.compose.project": stack,
        "com.docker.compose.service": service,
        "com.docker.compose.container-number": one.number.to_string(),
        "com.docker.compose.project.config_files": format!("/srv/{stack}/compose.yaml"),
        "com.docker.compose.project.working_dir": format!("/srv/{stack}"),
        "com.docker.compose.version": "2.32.1",
        "org.opencontainers.image.source": "https://example.org/generated",
        "org.opencontainers.image.version": "1.2.3",
    })
}

fn status(one: &One) -> String {
    match one.state {
        "running" if one.number.is_multiple_of(5) => "Up 2 hours (healthy)".to_owned(),
        "running" => "Up 2 hours".to_owned(),
        "paused" => "Up 2 hours (Paused)".to_owned(),
        _ => "Exited (0) 3 minutes ago".to_owned(),
    }
}

fn listed(one: &One) -> Value {
    let port = 8000 + one.number % 2000;
    json!({
        "Id": one.id, "Names": [format!("/{}", one.name)], "Image": image(one),
        "ImageID": format!("sha256:{}", id("image", one.number % IMAGES.len())),
        "Command": "/entrypoint.sh", "Created": one.started as i64 - 60, "State": one.state, "Status": status(one),
        "Ports": [{ "IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": port, "Type": "tcp" }],
        "Labels": labels(one), "HostConfig": { "NetworkMode": "bridge" }, "NetworkSettings": { "Networks": {} }, "Mounts": [],
    })
}

fn inspected(one: &mut One) -> Value {
    let port = 8000 + one.number % 2000;
    let health = (one.state == "running" && one.number.is_multiple_of(5)).then(
        || json!({ "Status": "healthy", "FailingStreak": 0, "Log": [{ "ExitCode": 0, "Output": "ok" }] }),
    );
    json!({
        "Id": one.id, "Name": format!("/{}", one.name), "Created": rfc3339(one.started - 60.0),
        "Image": format!("sha256:{}", id("image", one.number % IMAGES.len())),
        "State": { "Status": one.state, "Running": one.state != "exited", "Paused": one.state == "paused",
            "ExitCode": 0, "StartedAt": rfc3339(one.started), "FinishedAt": "0001-01-01T00:00:00Z", "Health": health },
        "Config": { "Image": image(one), "Labels": labels(one) },
        "NetworkSettings": { "Ports": { "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": port.to_string() }] } },
    })
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs_f64()
}

/// As engines write it.
fn rfc3339(seconds: f64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs_f64(seconds.max(0.0));
    domain::Timestamp::from(time)
        .format("%Y-%m-%dT%H:%M:%S%.9fZ")
        .to_string()
}
