//! What is said of a host.

use crate::components::icon;
use domain::hosts::{EngineFacts, Host, Transport};
use leptos::prelude::*;

/// How it is reached.
pub fn transport(host: &Host) -> AnyView {
    let pinned = host.ssh.as_ref().is_some_and(|ssh| ssh.fingerprint.is_some());
    let keys = host.ssh.as_ref().map_or(0, |ssh| ssh.host_keys.len());
    let (sign, words) = match host.transport {
        Transport::Unix => ("plug", "Local socket"),
        Transport::Tcp => ("network", "TCP, not encrypted"),
        Transport::Tls => ("lock", "TCP with TLS"),
        Transport::Ssh if keys > 1 => ("terminal", "SSH, keys pinned"),
        Transport::Ssh if pinned => ("terminal", "SSH, key pinned"),
        Transport::Ssh => ("terminal", "SSH, key not pinned yet"),
    };
    let rest = host
        .url
        .split_once("://")
        .map_or(host.url.as_str(), |(_, rest)| rest);
    view! { <span class="tr">{icon(sign)}{words}" "<code title=host.url.clone()>{rest.to_owned()}</code></span> }.into_any()
}

pub fn tags(host: &Host) -> AnyView {
    host.tags
        .iter()
        .map(|tag| view! { <span class="tag">{icon("tag")}{tag.clone()}</span> })
        .collect_view()
        .into_any()
}

/// Its containers on Fleet.
pub fn fleet_href(name: &str) -> String {
    let query = format!("host:{}", domain::selectors::quote(name));
    format!("/?q={}", crate::containers::words::encode(&query))
}

/// "Docker 27.5.0, API 1.47"
pub fn product(engine: &EngineFacts) -> String {
    let name = match engine.kind.as_str() {
        "podman" => "Podman",
        "docker" => "Docker",
        other => other,
    };
    format!("{name} {}, API {}", engine.version, engine.api_version)
}

/// "Debian GNU/Linux 12, 6.1.0"
pub fn system(engine: &EngineFacts) -> String {
    joined(&[&engine.os, &engine.kernel])
}

/// "pi5, 4 CPUs, 7.8 GB, aarch64"
pub fn machine(engine: &EngineFacts) -> String {
    let cpus = if engine.cpus == 1 {
        "1 CPU".to_owned()
    } else {
        format!("{} CPUs", engine.cpus)
    };
    joined(&[
        &engine.hostname,
        &cpus,
        &bytes(engine.memory_bytes),
        &engine.architecture,
    ])
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// "7.8 GB"
pub fn bytes(bytes: i64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return match unit {
                "GB" | "MB" if value < 99.95 => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// What happened to a container, for people.
pub fn happened(action: &str) -> String {
    match action {
        "die" => "Ended".to_owned(),
        "destroy" => "Removed".to_owned(),
        "oom" => "Out of memory".to_owned(),
        "health_status" => "Health".to_owned(),
        "create" => "Created".to_owned(),
        "start" => "Started".to_owned(),
        "stop" => "Stopped".to_owned(),
        "kill" => "Signalled".to_owned(),
        "pause" => "Paused".to_owned(),
        "unpause" => "Unpaused".to_owned(),
        "rename" => "Renamed".to_owned(),
        "restart" => "Restarted".to_owned(),
        "update" => "Updated".to_owned(),
        other => other.to_owned(),
    }
}

/// "0.4 ms", "34 ms"
pub fn latency(ms: f32) -> String {
    if ms < 9.95 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(8_200_000_000), "8.2 GB");
        assert_eq!(bytes(412_000_000), "412 MB");
        assert_eq!(bytes(3_600_000_000_000), "3.6 TB");
        assert_eq!(
            (latency(0.42), latency(34.4)),
            ("0.4 ms".to_owned(), "34 ms".to_owned())
        );
    }
}
