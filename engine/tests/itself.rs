//! What tells a container's own id, read inside of real containers.

use engine::itself::{id_from, is_same_container};
use std::time::Duration;
use testkit::engines::{RunOptions, TestEngine};

async fn finds_itself(test: &TestEngine) {
    let out = tempfile::tempdir().expect("a directory");
    let name = test.name("inside");
    let script = "cat /proc/self/mountinfo >/out/mountinfo; cat /proc/self/cgroup >/out/cgroup; cat /etc/hostname >/out/name";
    let options = RunOptions {
        binds: vec![format!("{}:/out", out.path().display())],
        ..RunOptions::cmd(["sh", "-c", script])
    };
    let id = test.run_container(&name, options).await;
    test.wait_for_state(&name, "exited", Duration::from_secs(10))
        .await;
    let read = |file: &str| std::fs::read_to_string(out.path().join(file)).expect("the container wrote it");
    let (mounts, cgroup, hostname) = (read("mountinfo"), read("cgroup"), read("name"));
    assert_eq!(
        id_from(&mounts, &cgroup, hostname.trim(), true).as_deref(),
        Some(id.as_str())
    );
    // Each on its own, as far as it can: version 2 of cgroups shows nothing.
    assert_eq!(id_from(&mounts, "", "", false).as_deref(), Some(id.as_str()));
    let short = id_from("", "", hostname.trim(), true).expect("the host name is the short id");
    assert!(is_same_container(&id, &short));
}

#[tokio::test]
async fn in_docker() {
    finds_itself(&TestEngine::shared().await).await;
}

#[tokio::test]
async fn in_podman() {
    finds_itself(&TestEngine::podman().await).await;
}
