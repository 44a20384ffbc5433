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
}

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
    }
}
