//! Words and addresses of containers.

use crate::components::time::elapsed;
use domain::{
    containers::{Container, ContainerState, Port},
    selectors::quote,
};
use std::collections::BTreeSet;

/// What is happening, for a verb of the API: "restart" → "Restarting".
pub fn doing(verb: &str) -> &'static str {
    match verb {
        "start" => "Starting",
        "stop" => "Stopping",
        "restart" => "Restarting",
        "pause" => "Pausing",
        "unpause" => "Resuming",
        "kill" => "Killing",
        "remove" => "Removing",
        _ => "Working",
    }
}

/// What a button says.
pub fn label(verb: &str) -> &'static str {
    match verb {
        "start" => "Start",
        "stop" => "Stop",
        "restart" => "Restart",
        "pause" => "Pause",
        "unpause" => "Resume",
        "kill" => "Kill",
        "remove" => "Remove",
        _ => "Do",
    }
}

/// The icon of a verb.
pub fn icon_of(verb: &str) -> &'static str {
    match verb {
        "start" | "unpause" => "play",
        "stop" => "square",
        "pause" => "pause",
        "kill" => "circle-x",
        "remove" => "trash-2",
        _ => "rotate-cw",
    }
}

/// The verbs that make sense in a state, the likeliest first.
pub fn verbs(state: ContainerState) -> &'static [&'static str] {
    match state {
        ContainerState::Running => &["restart", "stop", "pause"],
        ContainerState::Paused => &["unpause", "stop", "restart"],
        ContainerState::Restarting => &["stop", "restart"],
        ContainerState::Removing => &[],
        ContainerState::Created | ContainerState::Exited | ContainerState::Dead => &["start"],
        ContainerState::Unknown => &["start", "restart", "stop"],
    }
}

/// The line below the state: how long it has been so.
pub fn since(container: &Container, now: i64) -> String {
    let ago = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| elapsed(now - at.timestamp_millis()));
    match container.state {
        ContainerState::Running | ContainerState::Paused => {
            ago(container.started_at).map(|time| format!("up {time}"))
        }
        ContainerState::Exited | ContainerState::Dead => {
            ago(container.finished_at).map(|time| format!("{time} ago"))
        }
        ContainerState::Created => ago(container.created_at).map(|time| format!("{time} ago")),
        _ => None,
    }
    .unwrap_or_default()
}

/// The image without the registry's name, which is the longest and least telling part.
pub fn short_image(image: &str) -> &str {
    match image.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) || registry == "localhost" => rest,
        _ => image,
    }
}

/// A published port once, whatever addresses it is bound to.
pub fn ports(container: &Container) -> Vec<&Port> {
    let mut all: Vec<&Port> = container.ports.iter().filter(|port| port.public != 0).collect();
    // What a browser may open comes first.
    all.sort_by_key(|port| (port.protocol != "tcp", port.public, port.protocol.clone()));
    all.dedup_by(|a, b| (a.public, &a.protocol) == (b.public, &b.protocol));
    all
}

/// Where a port is reached; nothing for what no browser opens.
pub fn port_href(port: &Port, host: &str) -> Option<String> {
    if port.protocol != "tcp" || host.is_empty() {
        return None;
    }
    let scheme = if matches!(port.private, 443 | 8443) || matches!(port.public, 443 | 8443) {
        "https"
    } else {
        "http"
    };
    Some(format!("{scheme}://{host}:{}", port.public))
}

/// A target that finds just these containers, and again after they were recreated: by host and name.
pub fn target(containers: &[Container]) -> String {
    let all = containers.iter().map(|c| (c.host.name.as_str(), c.name.as_str()));
    let pairs: BTreeSet<_> = all.collect();
    let hosts: BTreeSet<_> = pairs.iter().map(|(host, _)| *host).collect();
    let names: BTreeSet<_> = pairs.iter().map(|(_, name)| *name).collect();
    let values = |all: BTreeSet<&str>| all.into_iter().map(quote).collect::<Vec<_>>().join(",");
    if pairs.len() == hosts.len() * names.len() {
        return format!("host:{} name:{}", values(hosts), values(names));
    }
    // Every one of the names on every one of the hosts would be more than was chosen.
    let pairs = pairs
        .into_iter()
        .map(|(host, name)| quote(&format!("{host}/{name}")));
    format!("container:{}", pairs.collect::<Vec<_>>().join(","))
}

/// Where a schedule for these containers is made.
pub fn plan_href(containers: &[Container]) -> String {
    format!("/schedules/new?target={}", encode(&target(containers)))
}

/// What hovering over an image says: its whole name, under which digests registries know it, and exactly which one it is.
pub fn image_title(container: &Container, digests: &[String]) -> String {
    let mut lines = vec![container.image.as_str()];
    lines.extend(digests.iter().map(String::as_str));
    lines.push(&container.image_id);
    lines.dedup();
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What happened, without what it means and what to do.
pub fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

pub use domain::views::encode;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_left_out_of_an_image() {
        assert_eq!(
            short_image("lscr.io/linuxserver/sonarr:4"),
            "linuxserver/sonarr:4"
        );
        assert_eq!(short_image("localhost:5000/web"), "web");
        assert_eq!(short_image("library/nginx"), "library/nginx");
        assert_eq!(short_image("nginx:1.27"), "nginx:1.27");
    }

    #[test]
    fn a_target_is_for_those_that_were_chosen_and_no_other() {
        let container = |host: &str, name: &str| -> Container {
            serde_json::from_value(serde_json::json!({
                "id": domain::ids::ContainerId::new(), "engine_id": "4f2a9c", "name": name, "image": "web",
                "host": { "id": domain::ids::HostId::new(), "name": host },
                "state": "running", "ports": [], "stale": false, "protected": false,
            }))
            .unwrap()
        };
        let chosen = |pairs: &[(&str, &str)]| {
            let containers: Vec<_> = pairs.iter().map(|(host, name)| container(host, name)).collect();
            target(&containers)
        };
        assert_eq!(chosen(&[("nas", "web")]), "host:nas name:web");
        assert_eq!(chosen(&[("nas", "web"), ("nas", "db")]), "host:nas name:db,web");
        assert_eq!(chosen(&[("pi", "web"), ("nas", "web")]), "host:nas,pi name:web");
        let all = [("nas", "web"), ("nas", "db"), ("pi", "web"), ("pi", "db")];
        assert_eq!(chosen(&all), "host:nas,pi name:db,web");
        // host:nas,pi name:db,web would take pi's web and nas' db as well.
        assert_eq!(chosen(&[("nas", "web"), ("pi", "db")]), "container:nas/web,pi/db");
        assert_eq!(
            chosen(&[("my nas", "web"), ("pi", "db")]),
            "container:\"my nas/web\",pi/db"
        );
    }

    #[test]
    fn an_image_is_told_exactly() {
        let mut container: Container = serde_json::from_value(serde_json::json!({
            "id": domain::ids::ContainerId::new(), "engine_id": "4f2a9c", "name": "web", "image": "nginx:1.27",
            "image_id": "sha256:aa", "host": { "id": domain::ids::HostId::new(), "name": "nas" },
            "state": "running", "ports": [], "stale": false, "protected": false,
        }))
        .unwrap();
        assert_eq!(image_title(&container, &[]), "nginx:1.27\nsha256:aa");
        let digests = ["nginx@sha256:bb".to_owned()];
        assert_eq!(
            image_title(&container, &digests),
            "nginx:1.27\nnginx@sha256:bb\nsha256:aa"
        );
        container.image = "sha256:aa".to_owned();
        assert_eq!(image_title(&container, &[]), "sha256:aa");
        container.image_id = String::new();
        assert_eq!(image_title(&container, &[]), "sha256:aa");
    }

    #[test]
    fn the_first_sentence_is_what_happened() {
        assert_eq!(
            first_sentence("There is no socket at /run/d.sock. Start it."),
            "There is no socket at /run/d.sock."
        );
        assert_eq!(first_sentence("Connection refused"), "Connection refused");
    }

    #[test]
    fn a_query_value_is_encoded() {
        assert_eq!(
            encode("host:nas name:\"my app\""),
            "host:nas%20name:%22my%20app%22"
        );
        assert_eq!(encode("ü&x=1"), "%C3%BC%26x%3D1");
    }
}
