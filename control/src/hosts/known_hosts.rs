//! Host keys out of OpenSSH's `known_hosts`: what a person confirmed on another machine need not be compared again.

use domain::{errors::Problem, hosts::SshView};
use engine::{EngineUrl, transport::known_hosts};

/// The largest file that is read, in bytes.
const LARGEST: usize = 512 * 1024;

/// Pins the keys that a file has of the host, instead of those that were pinned.
///
/// # Errors
/// 422 `known_hosts_…` with the field.
pub(super) fn pin(ssh: &mut SshView, url: &EngineUrl, text: &str) -> Result<(), Problem> {
    let refused = |code, message: String| Err(Problem::invalid(code, "ssh.known_hosts", message));
    let EngineUrl::Ssh { host, port, .. } = url else {
        return Ok(());
    };
    if text.len() > LARGEST {
        return refused(
            "known_hosts_too_large",
            format!(
                "This is larger than {} kB. Send only the lines of this host.",
                LARGEST / 1024
            ),
        );
    }
    let found = known_hosts(text, host, *port);
    if found.lines == 0 {
        return refused(
            "known_hosts_invalid",
            "This is no known_hosts file: no line of it has a name, an algorithm and a key. Choose ~/.ssh/known_hosts of a \
             machine that connects to this host, or leave it out and compare the fingerprint."
                .to_owned(),
        );
    }
    let Some(last) = found.keys.last() else {
        let name = match port {
            22 => host.clone(),
            port => format!("[{host}]:{port}"),
        };
        return match found.revoked.is_empty() {
            false => refused(
                "known_hosts_revoked",
                format!(
                    "This file says that the keys of {name} are revoked. Find out why before you connect to it."
                ),
            ),
            true => refused(
                "known_hosts_no_key",
                format!(
                    "This file has no key of {name}. Its names are those that were typed for ssh: connect once from there by \
                     this name, or leave the file out and compare the fingerprint."
                ),
            ),
        };
    };
    let shown = found
        .keys
        .iter()
        .find(|key| Some(&key.fingerprint) == ssh.fingerprint.as_ref());
    let shown = shown.unwrap_or(last);
    ssh.fingerprint = Some(shown.fingerprint.clone());
    ssh.algorithm.clone_from(&shown.algorithm);
    ssh.host_keys = found.keys.iter().map(ToString::to_string).collect();
    Ok(())
}
