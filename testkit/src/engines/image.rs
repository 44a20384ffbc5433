//! The one image of the tests: busybox-static in an otherwise empty file system, about 2 MB.

use super::api::EngineApi;
use std::{path::Path, process::Command};

/// The image's name, in Docker and in Podman.
pub const IMAGE: &str = "localhost/chrontainer-test/busybox:1";

const APPLETS: &[&str] = &[
    "sh", "sleep", "cat", "echo", "true", "false", "touch", "rm", "ls", "kill", "date", "env", "grep",
    "head", "seq", "httpd", "wget", "nc", "ps", "test", "printf", "yes", "dd", "mkdir",
];

/// Puts the image into the engine unless it is there.
pub(super) async fn import(api: &EngineApi) {
    if api
        .send(reqwest::Method::GET, &format!("/images/{IMAGE}/json"), None)
        .await
        .status()
        .is_success()
    {
        return;
    }
    let (repository, tag) = IMAGE.rsplit_once(':').expect("the image's name has a tag");
    let query = format!("repo={repository}&tag={tag}&changes=ENV%20PATH%3D%2Fbin");
    let made = api.import(archive(), &query).await;
    let status = api
        .send(reqwest::Method::GET, &format!("/images/{IMAGE}/json"), None)
        .await
        .status();
    if !status.is_success() {
        // Podman takes no name on import: give it one.
        let id = made["id"]
            .as_str()
            .or(made["status"].as_str())
            .unwrap_or_default();
        let id = id.trim_start_matches("sha256:");
        api.post(&format!("/images/{id}/tag?repo={repository}&tag={tag}"), None)
            .await;
    }
}

fn archive() -> Vec<u8> {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let busybox = busybox.expect("busybox is missing: apt-get install busybox-static");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let bin = dir.path().join("bin");
    std::fs::create_dir_all(&bin).expect("a directory for the image");
    for empty in ["tmp", "etc", "proc", "sys", "dev"] {
        std::fs::create_dir_all(dir.path().join(empty)).expect("a directory for the image");
    }
    std::fs::copy(busybox, bin.join("busybox")).expect("busybox can be copied");
    for applet in APPLETS {
        std::os::unix::fs::symlink("busybox", bin.join(applet)).expect("a link in the image");
    }
    let tar = Command::new("tar")
        .arg("-C")
        .arg(dir.path())
        .args(["--owner=0", "--group=0", "-cf", "-", "."])
        .output();
    let tar = tar.expect("tar is installed");
    assert!(
        tar.status.success(),
        "tar: {}",
        String::from_utf8_lossy(&tar.stderr)
    );
    tar.stdout
}
