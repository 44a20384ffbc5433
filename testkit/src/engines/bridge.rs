//! A network bridge for one engine, so that its containers can publish ports.

use std::{path::Path, process::Command};

/// Makes a bridge with an unused network and notes its name in the engine's directory, by which it is removed.
pub(super) fn make(root: &Path) {
    let unique = super::unique();
    let name = format!("chr{}", &unique[..8]);
    std::fs::write(root.join("bridge"), &name).expect("the bridge's note");
    ip(&["link", "add", &name, "type", "bridge"]);
    // 10.128.0.0/9 in pieces of 256 addresses; which piece is drawn by lot.
    let lot = u16::from_str_radix(&unique[8..], 16).expect("hex digits");
    ip(&[
        "address",
        "add",
        &format!("10.{}.{}.1/24", 128 + (lot >> 8) % 128, lot & 255),
        "dev",
        &name,
    ]);
    ip(&["link", "set", &name, "up"]);
}

/// The bridge an engine in this directory uses.
pub(super) fn of(root: &Path) -> String {
    std::fs::read_to_string(root.join("bridge")).unwrap_or_else(|_| "none".to_owned())
}

fn ip(words: &[&str]) {
    let output = Command::new("ip")
        .args(words)
        .output()
        .expect("ip starts: apt-get install iproute2");
    assert!(
        output.status.success(),
        "ip {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
