//! What an engine says of itself (`GET /info`, `GET /version`).

use crate::{error::EngineError, wire::Wire};
use domain::hosts::EngineFacts;
use serde::Deserialize;

/// The largest description of an engine that is read, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    #[serde(rename = "ID")]
    id: Option<String>,
    name: Option<String>,
    operating_system: Option<String>,
    architecture: Option<String>,
    kernel_version: Option<String>,
    docker_root_dir: Option<String>,
    #[serde(rename = "NCPU")]
    cpus: Option<i64>,
    mem_total: Option<i64>,
    system_time: Option<String>,
    driver: Option<String>,
    cgroup_version: Option<String>,
    /// Podman does not tell it.
    memory_limit: Option<bool>,
    containers_running: Option<i64>,
    containers_paused: Option<i64>,
    containers_stopped: Option<i64>,
    images: Option<i64>,
    warnings: Option<Vec<String>>,
}

/// How many warnings are kept, and how much of each.
const WARNINGS: usize = 20;
const WARNING: usize = 300;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Version {
    version: Option<String>,
    api_version: Option<String>,
    components: Option<Vec<Component>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Component {
    name: Option<String>,
}

pub(super) async fn facts(wire: &Wire) -> Result<(EngineFacts, Option<i64>), EngineError> {
    const OPERATION: &str = "describe itself";
    let (info, version) = tokio::try_join!(
        wire.get::<Info>(OPERATION, "/info", LIMIT),
        wire.get::<Version>(OPERATION, "/version", LIMIT),
    )?;
    let clock = info
        .system_time
        .as_deref()
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    let clock = clock.and_then(|time| time.timestamp_nanos_opt());
    Ok((convert(info, version), clock))
}

fn convert(info: Info, version: Version) -> EngineFacts {
    let podman = version.components.iter().flatten().any(|component| {
        component
            .name
            .as_deref()
            .is_some_and(|name| name.contains("Podman"))
    });
    let hostname = info.name.unwrap_or_default();
    let engine_id = if podman {
        // Podman makes up a new id for every answer; its machine and its storage are what tell it from others.
        format!("podman:{hostname}:{}", info.docker_root_dir.unwrap_or_default())
    } else {
        info.id.unwrap_or_default()
    };
    let warnings: Vec<String> = info.warnings.unwrap_or_default();
    let warnings: Vec<String> = warnings
        .iter()
        .take(WARNINGS)
        .map(|line| line.chars().filter(|c| !c.is_control()).take(WARNING).collect())
        .collect();
    let no_memory = warnings
        .iter()
        .any(|line| line.contains("No memory limit support"));
    EngineFacts {
        engine_id,
        kind: if podman { "podman" } else { "docker" }.to_owned(),
        version: version.version.unwrap_or_default(),
        api_version: version.api_version.unwrap_or_default(),
        os: info.operating_system.unwrap_or_default(),
        architecture: info.architecture.unwrap_or_default(),
        kernel: info.kernel_version.unwrap_or_default(),
        hostname,
        cpus: info.cpus.unwrap_or_default(),
        memory_bytes: info.mem_total.unwrap_or_default(),
        storage_driver: info.driver.unwrap_or_default(),
        cgroup_version: info.cgroup_version.unwrap_or_default(),
        // Podman writes false for whatever it does not look up.
        memory_measured: !no_memory && (podman || info.memory_limit != Some(false)),
        containers_running: info.containers_running.unwrap_or_default(),
        containers_paused: info.containers_paused.unwrap_or_default(),
        containers_stopped: info.containers_stopped.unwrap_or_default(),
        images: info.images.unwrap_or_default(),
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(info: &str) -> EngineFacts {
        convert(serde_json::from_str(info).expect("an info"), Version::default())
    }

    #[test]
    fn a_pi_without_memory_cgroups_does_not_measure_memory() {
        let pi = facts(
            r#"{"ID":"x","MemoryLimit":false,"CgroupVersion":"2","Driver":"overlay2","ContainersRunning":3,
                "Warnings":["WARNING: No memory limit support","WARNING: No swap limit support"]}"#,
        );
        assert!(!pi.memory_measured);
        assert_eq!((pi.containers_running, pi.warnings.len()), (3, 2));
        assert!(facts(r#"{"ID":"x","MemoryLimit":true,"Warnings":null}"#).memory_measured);
        assert!(facts(r#"{"ID":"x"}"#).memory_measured);
    }
}
