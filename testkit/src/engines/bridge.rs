//! A network bridge for one engine, so that its containers can publish ports.

use std::{path::Path, process::Command};

/// What an engine's containers can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Nothing but themselves.
    None,
    /// A bridge of this machine.
    Bridge,
    /// A bridge inside a network of the engine's own: nothing of it is seen from this machine, and this machine's
    /// interfaces stay as they are, at which browsers drop their connections.
    Apart,
}

/// The bridge inside a network of its own.
const APART: &str = "chr0";
/// Makes that network, and becomes the program in its arguments.
const ENTER: &str = "ip link set lo up && ip link add chr0 type bridge && ip address add 10.127.0.1/24 dev chr0 && \
                     ip link set chr0 up && exec \"$0\" \"$@\"";

/// Prepares the network for an engine in this directory.
pub(super) fn prepare(root: &Path, network: Network) {
    match network {
        Network::None => {}
        Network::Bridge => make(root),
        Network::Apart => std::fs::write(root.join("apart"), APART).expect("the network's note"),
    }
}

/// A command that runs the engine's program in its network.
pub(super) fn command(root: &Path, program: &str) -> Command {
    if !root.join("apart").exists() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--", "sh", "-c", ENTER, program]);
    command
}

/// Makes a bridge with an unused network and notes its name in the engine's directory, by which it is removed.
fn make(root: &Path) {
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
    std::fs::read_to_string(root.join("bridge"))
        .or_else(|_| std::fs::read_to_string(root.join("apart")))
        .unwrap_or_else(|_| "none".to_owned())
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
