//! A Podman service with its own storage.

use super::{api::EngineApi, lease::Lease};
use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(super) struct Podman {
    lease: Lease,
    child: Child,
}

/// Limits that a container may always have: Podman's own default asks for more than a sandboxed machine grants. And
/// runc, which comes with Docker: Podman's own crun refuses machines that have cgroups of both versions.
const SETTINGS: &str = r#"[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"#;

impl Podman {
    pub(super) async fn start() -> Self {
        let lease = Lease::create(&super::unique(), 0);
        let root = lease.root();
        std::fs::write(root.join("containers.conf"), SETTINGS).expect("Podman's settings");
        let path = |name: &str| root.join(name).display().to_string();
        let log = File::create(root.join("log")).expect("the engine's log");
        let child = Command::new("podman")
            .args([
                "--root",
                &path("data"),
                "--runroot",
                &path("run"),
                "--tmpdir",
                &path("tmp"),
            ])
            .args([
                "system",
                "service",
                "--time=0",
                &format!("unix://{}", path("docker.sock")),
            ])
            .env("CONTAINERS_CONF", path("containers.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("podman starts: apt-get install podman");
        let mut podman = Self { lease, child };
        let api = EngineApi::new(podman.socket());
        let end = Instant::now() + Duration::from_secs(30);
        while !(podman.socket().exists() && api.answers().await) {
            let over = podman
                .child
                .try_wait()
                .expect("one's own child can be waited for")
                .is_some();
            let log = std::fs::read_to_string(podman.lease.root().join("log")).unwrap_or_default();
            assert!(!over && Instant::now() < end, "podman does not answer: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        podman
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.lease.root().join("docker.sock")
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        self.lease.reap();
        let _ = self.child.wait();
    }
}
