//! Engines that misbehave: silent ones, talkers of nonsense, and a wire that can be cut.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Ends its task with the handle.
pub(super) struct Task(JoinHandle<()>);

impl Task {
    pub(super) fn new(task: JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn socket_dir() -> (TempDir, PathBuf) {
    let dir = tempfile::Builder::new()
        .prefix("chr")
        .tempdir_in("/tmp")
        .expect("a temporary directory");
    let path = dir.path().join("e.sock");
    (dir, path)
}

/// Accepts connections, reads what is sent, and never says a word.
pub struct HungEngine {
    _dir: TempDir,
    path: PathBuf,
    open: Arc<AtomicUsize>,
    _task: Task,
}

impl HungEngine {
    pub async fn start() -> Self {
        let (dir, path) = socket_dir();
        let listener = UnixListener::bind(&path).expect("a socket");
        let open = Arc::new(AtomicUsize::new(0));
        let count = open.clone();
        let task = tokio::spawn(async move {
            let mut readers = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let count = count.clone();
                readers.spawn(async move {
                    let mut sink = [0; 4096];
                    while stream.read(&mut sink).await.is_ok_and(|length| length > 0) {}
                    count.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self {
            _dir: dir,
            path,
            open,
            _task: Task(task),
        }
    }

    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// What a [`RubbishEngine`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rubbish {
    /// Another protocol altogether.
    NotHttp,
    /// A web server's page, with status 200.
    Html,
    /// A web server's error page, with status 404.
    Html404,
    /// An engine of API 1.24.
    TooOld,
    /// Pings well, and breaks off every document in its middle.
    BrokenJson,
    /// Pings well, and never ends its list of containers: one label grows without end.
    Endless,
    /// Pings well, sends the head of each answer and half of a body, and is silent.
    HalfAnswer,
    /// An empty engine whose events are rubbish with one real event of container `good` among them.
    Events,
    /// Its stream of events is open and silent, while container `late` comes two seconds after the start.
    Stalled,
}

/// Speaks HTTP, or not quite.
pub struct RubbishEngine {
    _dir: TempDir,
    path: PathBuf,
    _task: Task,
}

impl RubbishEngine {
    pub async fn start(rubbish: Rubbish) -> Self {
        let (dir, path) = socket_dir();
        let listener = UnixListener::bind(&path).expect("a socket");
        let begun = std::time::Instant::now();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(async move {
                    // A client that goes away mid-answer is what these tests are about.
                    let _ = talk(stream, rubbish, begun.elapsed()).await;
                });
            }
        });
        Self {
            _dir: dir,
            path,
            _task: Task(task),
        }
    }

    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.path.display())
    }
}

async fn talk(mut stream: UnixStream, rubbish: Rubbish, age: Duration) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let asks = |part: &str| head.lines().next().unwrap_or_default().contains(part);
    let plain = |status: &str, headers: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let page = "<html><h1>It works!</h1></html>";
    let answer = match rubbish {
        Rubbish::NotHttp => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        Rubbish::Html => plain("200 OK", "", page),
        Rubbish::Html404 => plain("404 Not Found", "", page),
        Rubbish::TooOld => plain("200 OK", "Api-Version: 1.24\r\n", "OK"),
        _ if asks("/_ping") => plain("200 OK", "Api-Version: 1.41\r\n", "OK"),
        Rubbish::BrokenJson => plain("200 OK", "", r#"[{"Id":"x","#),
        Rubbish::HalfAnswer => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"Id\":")
                .await?;
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return Ok(());
        }
        Rubbish::Endless => {
            let part = "a".repeat(64 * 1024);
            stream
                .write_all(format!("{chunked}1a\r\n[{{\"Id\":\"x\",\"Labels\":{{\"a\":\"\r\n").as_bytes())
                .await?;
            loop {
                stream
                    .write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes())
                    .await?;
            }
        }
        Rubbish::Events if asks("/events") => {
            let good = r#"{"Type":"container","Action":"start","Actor":{"ID":"good","Attributes":{"name":"good"}},"timeNano":5}"#;
            let long = "x".repeat(3 * 1024 * 1024);
            stream.write_all(chunked.as_bytes()).await?;
            for line in ["\u{0}\u{1}garbage", "{\"Type\":", "[]", "{}", &long, good] {
                stream
                    .write_all(format!("{:x}\r\n{line}\n\r\n", line.len() + 1).as_bytes())
                    .await?;
            }
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return Ok(());
        }
        Rubbish::Stalled if asks("/events") => {
            stream.write_all(chunked.as_bytes()).await?;
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return Ok(());
        }
        Rubbish::Stalled if asks("/containers/json") && age > Duration::from_secs(2) => plain(
            "200 OK",
            "",
            r#"[{"Id":"late","Names":["/late"],"Image":"x","ImageID":"x","State":"running"}]"#,
        ),
        Rubbish::Events | Rubbish::Stalled if asks("/containers/json") => plain("200 OK", "", "[]"),
        Rubbish::Events | Rubbish::Stalled if asks("/containers/") => {
            plain("404 Not Found", "", r#"{"message":"No such container"}"#)
        }
        Rubbish::Events | Rubbish::Stalled => plain("200 OK", "", "{}"),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Pass,
    Hang,
    Cut,
}

/// A wire to a real engine that can be cut, frozen and slowed down.
pub struct FaultProxy {
    address: Address,
    mode: watch::Sender<Mode>,
    /// Connections of an older generation end.
    generation: watch::Sender<u64>,
    delay: Arc<AtomicU64>,
    target: PathBuf,
    task: Option<Task>,
}

enum Address {
    Unix { path: PathBuf, _dir: TempDir },
    Tcp(std::net::SocketAddr),
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl FaultProxy {
    /// A unix socket in front of another.
    pub async fn start(target: impl AsRef<Path>) -> Self {
        let (dir, path) = socket_dir();
        Self::at(Address::Unix { path, _dir: dir }, target.as_ref()).await
    }

    /// A port on loopback in front of a unix socket.
    pub async fn start_tcp(target: impl AsRef<Path>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = free.local_addr().expect("a bound port");
        drop(free);
        Self::at(Address::Tcp(address), target.as_ref()).await
    }

    async fn at(address: Address, target: &Path) -> Self {
        let mode = watch::Sender::new(Mode::Pass);
        let mut proxy = Self {
            address,
            mode,
            generation: watch::Sender::default(),
            delay: Arc::default(),
            target: target.to_owned(),
            task: None,
        };
        proxy.listen().await;
        proxy
    }

    pub fn docker_host(&self) -> String {
        match &self.address {
            Address::Unix { path, .. } => format!("unix://{}", path.display()),
            Address::Tcp(address) => format!("tcp://{address}"),
        }
    }

    /// From now on nothing passes, in either direction; connections stay open and new ones are accepted.
    pub fn hang(&self) {
        self.mode.send_replace(Mode::Hang);
    }

    /// Ends all connections, and each new one at once.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// Ends all connections; new ones pass.
    pub fn break_connections(&self) {
        self.generation.send_modify(|number| *number += 1);
    }

    /// Ends all connections and stops listening: new ones are refused.
    pub async fn refuse(&mut self) {
        if let Some(mut task) = self.task.take() {
            task.0.abort();
            let _ = (&mut task.0).await;
        }
        if let Address::Unix { path, .. } = &self.address {
            // Without its listener the file stays, and connecting to it is refused: that is what is wanted.
            assert!(path.exists());
        }
    }

    /// Waits this long before each part of an answer is handed on.
    pub fn delay(&self, delay: Duration) {
        self.delay.store(
            u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    /// Everything passes again.
    pub async fn resume(&mut self) {
        self.delay.store(0, Ordering::Relaxed);
        self.mode.send_replace(Mode::Pass);
        if self.task.is_none() {
            self.listen().await;
        }
    }

    async fn listen(&mut self) {
        let listener = match &self.address {
            Address::Unix { path, .. } => {
                let _ = std::fs::remove_file(path);
                Listener::Unix(UnixListener::bind(path).expect("a socket"))
            }
            Address::Tcp(address) => {
                Listener::Tcp(TcpListener::bind(address).await.expect("the port is still free"))
            }
        };
        let (mode, generation) = (self.mode.subscribe(), self.generation.subscribe());
        let (delay, target) = (self.delay.clone(), self.target.clone());
        self.task = Some(Task(tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (mode, delay, target) = (mode.clone(), delay.clone(), target.clone());
                let mut generation = generation.clone();
                generation.mark_unchanged();
                match &listener {
                    Listener::Unix(listener) => {
                        let Ok((stream, _)) = listener.accept().await else {
                            return;
                        };
                        let (read, write) = stream.into_split();
                        open.spawn(carry(read, write, target, mode, generation, delay));
                    }
                    Listener::Tcp(listener) => {
                        let Ok((stream, _)) = listener.accept().await else {
                            return;
                        };
                        let _ = TcpStream::set_nodelay(&stream, true);
                        let (read, write) = stream.into_split();
                        open.spawn(carry(read, write, target, mode, generation, delay));
                    }
                }
                while open.try_join_next().is_some() {}
            }
        })));
    }
}

async fn carry(
    mut from_client: impl AsyncReadExt + Unpin,
    mut to_client: impl AsyncWriteExt + Unpin,
    target: PathBuf,
    mode: watch::Receiver<Mode>,
    mut generation: watch::Receiver<u64>,
    delay: Arc<AtomicU64>,
) {
    let mut cut = mode.clone();
    let work = async {
        let mut gate = mode.clone();
        if gate.wait_for(|mode| *mode != Mode::Hang).await.is_err() {
            return;
        }
        let Ok(engine) = UnixStream::connect(&target).await else {
            return;
        };
        let (mut from_engine, mut to_engine) = engine.into_split();
        let up = pump(&mut from_client, &mut to_engine, mode.clone(), None);
        let down = pump(&mut from_engine, &mut to_client, mode.clone(), Some(delay));
        tokio::select! { () = up => {}, () = down => {} }
    };
    tokio::select! {
        () = work => {}
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
        _ = generation.changed() => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut mode: watch::Receiver<Mode>,
    delay: Option<Arc<AtomicU64>>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(length) = from.read(&mut buffer).await else {
            return;
        };
        if length == 0 || mode.wait_for(|mode| *mode != Mode::Hang).await.is_err() {
            return;
        }
        if let Some(delay) = &delay {
            tokio::time::sleep(Duration::from_millis(delay.load(Ordering::Relaxed))).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
