//! Reads `GET /containers/json` leniently: one odd container must not hide the others.

use super::{in_order, labels::bounded};
use crate::{error::EngineError, wire::decode};
use domain::containers::{ContainerFacts, ContainerState, Health, Port};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Listed {
    id: String,
    names: Option<Vec<String>>,
    image: Option<String>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    created: Option<i64>,
    ports: Option<Vec<ListedPort>>,
    labels: Option<BTreeMap<String, String>>,
    state: Option<String>,
    status: Option<String>,
    /// From API 1.52 on; before, health is only told in `Status`.
    health: Option<ListedHealth>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ListedPort {
    #[serde(rename = "IP")]
    ip: Option<String>,
    private_port: u16,
    public_port: Option<u16>,
    #[serde(rename = "Type")]
    protocol: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ListedHealth {
    status: Option<String>,
}

pub(super) fn read(operation: &'static str, body: &[u8]) -> Result<Vec<ContainerFacts>, EngineError> {
    let listed = match serde_json::from_slice::<Vec<Listed>>(body) {
        Ok(listed) => listed,
        Err(error) => {
            let each: Vec<serde_json::Value> = decode(operation, body)?;
            tracing::warn!(%error, "a container in an engine's list could not be read; the others are shown");
            each.into_iter()
                .filter_map(|value| serde_json::from_value(value).ok())
                .collect()
        }
    };
    let mut facts: Vec<_> = listed
        .into_iter()
        .filter(|c| !c.id.is_empty())
        .map(convert)
        .collect();
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(facts)
}

fn convert(listed: Listed) -> ContainerFacts {
    let state = ContainerState::from_engine(listed.state.as_deref().unwrap_or_default());
    let status = listed.status.unwrap_or_default();
    let health = match listed.health.and_then(|health| health.status) {
        Some(word) => Health::from_engine(&word),
        None => health_in(&status),
    };
    let ports = listed.ports.unwrap_or_default().into_iter().filter_map(|port| {
        Some(Port {
            ip: port.ip.unwrap_or_default(),
            public: port.public_port.filter(|&number| number > 0)?,
            private: port.private_port,
            protocol: port.protocol.unwrap_or_else(|| "tcp".to_owned()),
        })
    });
    ContainerFacts {
        name: own_name(&listed.names.unwrap_or_default()),
        image: listed.image.unwrap_or_default(),
        image_id: listed.image_id.unwrap_or_default(),
        state,
        health,
        health_output: None,
        exit_code: exit_code_in(&status).filter(|_| state.has_exit_code()),
        created_at: listed
            .created
            .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0)),
        started_at_raw: None,
        started_at: None,
        finished_at: None,
        ports: in_order(ports.collect()),
        labels: bounded(listed.labels.unwrap_or_default()),
        engine_id: listed.id,
    }
}

/// Whether an exit code means something in this state: a running container's is a leftover.
pub(super) trait HasExitCode {
    fn has_exit_code(self) -> bool;
}

impl HasExitCode for ContainerState {
    fn has_exit_code(self) -> bool {
        matches!(self, Self::Exited | Self::Dead | Self::Restarting)
    }
}

/// A container's own name among those legacy links give it: the one without a second slash.
fn own_name(names: &[String]) -> String {
    let bare = |name: &String| name.trim_start_matches('/').to_owned();
    names
        .iter()
        .map(bare)
        .find(|name| !name.contains('/'))
        .or_else(|| names.first().map(bare))
        .unwrap_or_default()
}

/// `Up 3 minutes (healthy)`, `Up 2 seconds (health: starting)`.
fn health_in(status: &str) -> Option<Health> {
    let (_, word) = status.strip_suffix(')')?.rsplit_once('(')?;
    Health::from_engine(word.strip_prefix("health: ").unwrap_or(word))
}

/// `Exited (137) 2 hours ago`, `Restarting (1) 5 seconds ago`.
fn exit_code_in(status: &str) -> Option<i64> {
    let (_, rest) = status.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_texts_are_read() {
        assert_eq!(health_in("Up 3 minutes (healthy)"), Some(Health::Healthy));
        assert_eq!(health_in("Up 3 minutes (unhealthy)"), Some(Health::Unhealthy));
        assert_eq!(
            health_in("Up 2 seconds (health: starting)"),
            Some(Health::Starting)
        );
        assert_eq!(health_in("Up 2 seconds"), None);
        assert_eq!(health_in("Up 2 hours (Paused)"), None);
        assert_eq!(exit_code_in("Exited (137) 2 hours ago"), Some(137));
        assert_eq!(exit_code_in("Up 2 seconds (healthy)"), None);
    }

    #[test]
    fn podmans_nulls_and_unknown_states_are_read() {
        let body = br#"[{"Id":"b","Names":["/web/alias","/web"],"State":"stopping2","Ports":null,"Labels":null,
            "ImageID":"sha256:1","Image":"x:1","Created":1795353056,"Status":"Created"},
            {"Id":"a","Names":["/db"],"State":"exited","Status":"Exited (2) 1 second ago",
             "Ports":[{"PrivatePort":80,"Type":"tcp"},{"IP":"::","PrivatePort":5432,"PublicPort":5433,"Type":"tcp"},
                      {"IP":"0.0.0.0","PrivatePort":5432,"PublicPort":5433,"Type":"tcp"}]}]"#;
        let facts = read("list", body).expect("a list");
        assert_eq!(
            facts.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            ["db", "web"]
        );
        assert_eq!(facts[0].exit_code, Some(2));
        assert_eq!(
            facts[0].ports.iter().map(|p| p.ip.as_str()).collect::<Vec<_>>(),
            ["0.0.0.0", "::"]
        );
        assert_eq!(facts[1].state, ContainerState::Unknown);
        assert_eq!(facts[1].created_at.map(|time| time.timestamp()), Some(1795353056));
    }

    #[test]
    fn one_odd_container_hides_no_other() {
        let facts = read("list", br#"[{"Id":7},{"Id":"ok","Names":["/ok"]}]"#).expect("a list");
        assert_eq!(facts.len(), 1);
        assert!(read("list", br#"{"Id":"x"}"#).is_err());
    }
}
