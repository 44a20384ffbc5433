//! A dockerd of one's own: no firewall rules, no bridge unless asked for, everything in one directory.

use super::{
    api::EngineApi,
    bridge::{self, Network},
    certificates::Certificates,
    generation::Generation,
    lease::Lease,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

pub(super) struct Dockerd {
    lease: Lease,
    child: Option<Child>,
}

impl Dockerd {
    pub(super) async fn start(network: Network) -> Self {
        let lease = Lease::create(&super::unique(), 0);
        bridge::prepare(lease.root(), network);
        let child = spawn(lease.root(), Generation::Docker20).await;
        Self {
            lease,
            child: Some(child),
        }
    }

    /// One that also listens on a port of loopback with TLS, and lets nobody in without a certificate of this authority.
    pub(super) async fn start_with_tls(authority: &Certificates, port: u16) -> Self {
        let lease = Lease::create(&super::unique(), 0);
        let file = |name: &str| authority.path(name).display().to_string();
        let words = [
            "-H".to_owned(),
            format!("tcp://127.0.0.1:{port}"),
            "--tlsverify".to_owned(),
            "--tlscacert".to_owned(),
            file("ca.pem"),
            "--tlscert".to_owned(),
            file("server.pem"),
            "--tlskey".to_owned(),
            file("server.key"),
        ];
        std::fs::write(lease.root().join("more"), words.join("\n")).expect("the engine's options");
        let child = spawn(lease.root(), Generation::Docker20).await;
        Self {
            lease,
            child: Some(child),
        }
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket(self.lease.root())
    }

    pub(super) async fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        self.ended(Duration::from_secs(30)).await;
    }

    pub(super) async fn kill9(&mut self) {
        self.signal(Signal::SIGKILL);
        self.ended(Duration::from_secs(5)).await;
        // Its containerd would go on, and a new dockerd could neither use nor replace it.
        let file = self.lease.root().join("exec/containerd/containerd.pid");
        if let Some(pid) = std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            let end = Instant::now() + Duration::from_secs(5);
            while kill(Pid::from_raw(pid), None).is_ok() && Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let _ = std::fs::remove_file(file);
    }

    pub(super) async fn start_again(&mut self) {
        assert!(self.child.is_none(), "the engine runs already");
        let _ = std::fs::remove_file(self.lease.root().join("pid"));
        self.child = Some(spawn(self.lease.root(), Generation::Docker20).await);
    }

    pub(super) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the engine runs");
        let pid = i32::try_from(child.id()).expect("a pid is an i32");
        kill(Pid::from_raw(pid), signal).expect("one's own child takes signals");
    }

    async fn ended(&mut self, patience: Duration) {
        let mut child = self.child.take().expect("the engine runs");
        let end = Instant::now() + patience;
        while child
            .try_wait()
            .expect("one's own child can be waited for")
            .is_none()
        {
            assert!(
                Instant::now() < end,
                "dockerd does not end: see {}",
                self.lease.root().join("log").display()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show_log(self.lease.root());
        }
        self.lease.reap();
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }
}

pub(super) fn socket(root: &Path) -> PathBuf {
    root.join("docker.sock")
}

/// Starts dockerd in this directory and waits until it answers. overlay2 is tried first; where the file system cannot
/// carry it, vfs serves.
pub(super) async fn spawn(root: &Path, generation: Generation) -> Child {
    for driver in ["overlay2", "vfs"] {
        if driver == "vfs" && root.join("data/overlay2").exists() && root.join("data/image/overlay2").exists()
        {
            break;
        }
        if let Some(child) = try_spawn(root, driver, generation).await {
            return child;
        }
    }
    show_log(root);
    panic!("dockerd does not start: see its log above");
}

async fn try_spawn(root: &Path, driver: &str, generation: Generation) -> Option<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(root.join("log"))
        .expect("the engine's log");
    let path = |name: &str| root.join(name).display().to_string();
    let program = generation
        .program()
        .unwrap_or_else(|| std::env::var("CHRONTAINER_TEST_DOCKERD").unwrap_or_else(|_| dockerd()));
    let mut child = bridge::command(root, &program)
        .envs(generation.environment())
        .args([
            "--data-root",
            &path("data"),
            "--exec-root",
            &path("exec"),
            "--pidfile",
            &path("pid"),
        ])
        .args([
            "-H",
            &format!("unix://{}", socket(root).display()),
            "--storage-driver",
            driver,
        ])
        .args([
            "--bridge",
            &bridge::of(root),
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
            "--ip-forward=false",
        ])
        .args(
            std::fs::read_to_string(root.join("more"))
                .unwrap_or_default()
                .lines(),
        )
        // Containers that ignore SIGTERM must not hold up a test that stops the engine.
        .args(["--shutdown-timeout", "2"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle of the log"))
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start ({error}): apt-get install docker.io"));
    let api = EngineApi::new(socket(root));
    let end = Instant::now() + Duration::from_secs(60);
    while !(socket(root).exists() && api.answers().await) {
        if child
            .try_wait()
            .expect("one's own child can be waited for")
            .is_some()
        {
            return None;
        }
        assert!(
            Instant::now() < end,
            "dockerd does not answer: see {}",
            path("log")
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some(child)
}

fn dockerd() -> String {
    let known = ["/usr/sbin/dockerd", "/usr/bin/dockerd", "/usr/local/bin/dockerd"];
    known
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or("dockerd")
        .to_owned()
}

/// The end of the engine's log, for the test's own output.
#[allow(
    clippy::print_stderr,
    reason = "a failed test's output is where its engine's log is looked for"
)]
fn show_log(root: &Path) {
    let log = std::fs::read_to_string(root.join("log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    for line in &lines[lines.len().saturating_sub(30)..] {
        eprintln!("dockerd: {line}");
    }
}
