//! Reads `GET /containers/{id}/json` leniently.

use super::{in_order, list::HasExitCode, moment};
use domain::containers::{ContainerFacts, ContainerState, Health, Port};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

/// How much of a health check's output is kept, in bytes.
const OUTPUT_LIMIT: usize = 4096;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Inspected {
    id: String,
    name: Option<String>,
    /// The image's id.
    image: Option<String>,
    created: Option<String>,
    state: State,
    config: Config,
    network_settings: Option<NetworkSettings>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    status: Option<String>,
    running: Option<bool>,
    paused: Option<bool>,
    exit_code: Option<i64>,
    started_at: Option<String>,
    finished_at: Option<String>,
    health: Option<Checks>,
    /// Podman's older name of it.
    healthcheck: Option<Checks>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Checks {
    status: Option<String>,
    log: Option<Vec<Check>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Check {
    output: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    image: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    stop_timeout: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkSettings {
    ports: Option<BTreeMap<String, Option<Vec<Binding>>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    host_ip: Option<String>,
    host_port: Option<String>,
}

impl Inspected {
    /// How long the engine waits before it kills this container when asked without a grace time; `None` when
    /// it waits for ever.
    pub(super) fn own_grace(&self) -> Option<Duration> {
        match self.config.stop_timeout {
            Some(seconds) if seconds < 0 => None,
            Some(seconds) => Some(Duration::from_secs(seconds.unsigned_abs())),
            None => Some(Duration::from_secs(10)),
        }
    }

    pub(super) fn state(&self) -> ContainerState {
        match self.state.status.as_deref() {
            Some(word) if !word.is_empty() => ContainerState::from_engine(word),
            _ if self.state.paused == Some(true) => ContainerState::Paused,
            _ if self.state.running == Some(true) => ContainerState::Running,
            _ => ContainerState::Unknown,
        }
    }

    pub(super) fn into_facts(self) -> ContainerFacts {
        let state = self.state();
        let checks = self.state.health.or(self.state.healthcheck).unwrap_or_default();
        let health = Health::from_engine(checks.status.as_deref().unwrap_or_default());
        let output = checks
            .log
            .unwrap_or_default()
            .pop()
            .and_then(|check| check.output);
        let started_at_raw = self.state.started_at.filter(|text| moment(text).is_some());
        let bindings = self
            .network_settings
            .and_then(|network| network.ports)
            .unwrap_or_default();
        ContainerFacts {
            engine_id: self.id,
            name: self.name.unwrap_or_default().trim_start_matches('/').to_owned(),
            image: self.config.image.unwrap_or_default(),
            image_id: self.image.unwrap_or_default(),
            state,
            health,
            health_output: output
                .filter(|_| health.is_some())
                .map(|text| shortened(text, OUTPUT_LIMIT)),
            exit_code: self.state.exit_code.filter(|_| state.has_exit_code()),
            created_at: self.created.as_deref().and_then(moment),
            started_at: started_at_raw.as_deref().and_then(moment),
            started_at_raw,
            finished_at: self.state.finished_at.as_deref().and_then(moment),
            ports: in_order(bindings.into_iter().flat_map(published).collect()),
            labels: super::labels::bounded(self.config.labels.unwrap_or_default()),
        }
    }
}

/// `"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]`.
fn published((key, bindings): (String, Option<Vec<Binding>>)) -> Vec<Port> {
    let (private, protocol) = key.split_once('/').unwrap_or((&key, "tcp"));
    let Ok(private) = private.parse() else {
        return Vec::new();
    };
    let port = |binding: Binding| {
        let public = binding.host_port?.parse().ok().filter(|&number| number > 0)?;
        Some(Port {
            ip: binding.host_ip.unwrap_or_default(),
            public,
            private,
            protocol: protocol.to_owned(),
        })
    };
    bindings
        .unwrap_or_default()
        .into_iter()
        .filter_map(port)
        .collect()
}

/// At most `limit` bytes, cut between characters.
pub(super) fn shortened(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or_default();
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(json: &str) -> ContainerFacts {
        serde_json::from_str::<Inspected>(json)
            .expect("an inspect")
            .into_facts()
    }

    #[test]
    fn a_running_container_is_read() {
        let facts = facts(
            r#"{"Id":"8c","Name":"/web","Image":"sha256:1","Created":"2026-11-22T13:10:56.9Z",
            "State":{"Status":"running","Running":true,"ExitCode":0,"StartedAt":"2026-11-22T13:10:57.202251531Z",
                     "FinishedAt":"0001-01-01T00:00:00Z",
                     "Health":{"Status":"unhealthy","Log":[{"Output":"old"},{"Output":"new"}]}},
            "Config":{"Image":"nginx:1","Labels":{"com.docker.compose.project":"shop"}},
            "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"::","HostPort":"8080"}],"53/udp":null}}}"#,
        );
        assert_eq!(
            facts.started_at_raw.as_deref(),
            Some("2026-11-22T13:10:57.202251531Z")
        );
        assert_eq!((facts.finished_at, facts.exit_code), (None, None));
        assert_eq!(
            (facts.health, facts.health_output.as_deref()),
            (Some(Health::Unhealthy), Some("new"))
        );
        assert_eq!(facts.stack(), Some("shop"));
        assert_eq!(facts.ports.len(), 1);
    }

    #[test]
    fn podmans_variants_are_read() {
        let facts = facts(
            r#"{"Id":"8c","Name":"web","State":{"Status":"stopped","ExitCode":3,"StartedAt":"2026-11-22T14:10:57+01:00",
            "Healthcheck":{"Status":"","Log":null}},"Config":{"Labels":null}}"#,
        );
        assert_eq!(
            (facts.state, facts.exit_code, facts.health),
            (ContainerState::Exited, Some(3), None)
        );
    }

    #[test]
    fn output_is_cut_between_characters() {
        assert_eq!(shortened("ää".to_owned(), 3), "ä");
        assert_eq!(shortened("abc".to_owned(), 3), "abc");
    }
}
