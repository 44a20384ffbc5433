//! What a container shares with others.

use super::check_id;
use crate::{client::Engine, error::EngineError};
use serde::Deserialize;

const LIMIT: usize = 8 * 1024 * 1024;

/// The containers whose network, processes or volumes a container uses, by id or name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(pub Vec<String>);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Described {
    host_config: HostConfig,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    network_mode: Option<String>,
    pid_mode: Option<String>,
    ipc_mode: Option<String>,
    volumes_from: Option<Vec<String>>,
}

impl Engine {
    /// What a container shares with others.
    ///
    /// # Errors
    /// `NotFound` when the engine does not know it, and anything else of [`EngineError`].
    pub async fn links(&self, id: &str) -> Result<Links, EngineError> {
        check_id(id)?;
        self.ready().await?;
        let found: Described = self
            .wire
            .get("describe the container", &format!("/containers/{id}/json"), LIMIT)
            .await?;
        Ok(found.host_config.links())
    }
}

impl HostConfig {
    fn links(self) -> Links {
        let modes = [self.network_mode, self.pid_mode, self.ipc_mode];
        let shared = modes
            .into_iter()
            .flatten()
            .filter_map(|mode| Some(mode.strip_prefix("container:")?.to_owned()));
        // `NAME` or `NAME:ro`.
        let volumes = self
            .volumes_from
            .into_iter()
            .flatten()
            .filter_map(|from| from.split(':').next().map(str::to_owned));
        let mut all: Vec<String> = shared.chain(volumes).filter(|name| !name.is_empty()).collect();
        all.sort();
        all.dedup();
        Links(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_networks_and_volumes_are_found() {
        let described: Described = serde_json::from_str(
            r#"{"HostConfig":{"NetworkMode":"container:8c83","PidMode":"host","IpcMode":"private",
                "VolumesFrom":["data:ro","8c83"]}}"#,
        )
        .expect("a description");
        assert_eq!(described.host_config.links().0, ["8c83", "data"]);
    }
}
