//! Removing what nothing uses any more.

use crate::{
    client::{Engine, version::ApiVersion},
    error::EngineError,
    images::escaped,
    wire::decode,
};
use domain::actions::What;
use http::Method;
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};

/// What can be cleaned up.
pub type PruneKind = What;

/// What went, or would go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Names and ids.
    pub what: Vec<String>,
    /// Bytes, where the engine tells.
    pub freed: u64,
}

const LIMIT: usize = 32 * 1024 * 1024;
/// Removing thousands of layers takes its time.
const DEADLINE: Duration = Duration::from_secs(900);

impl Engine {
    /// Removes what nothing uses, if it is older than that.
    ///
    /// # Errors
    /// `Conflict` while another one is under way; anything else of [`EngineError`].
    pub async fn prune(&self, kind: PruneKind, older_than: Option<Duration>) -> Result<Pruned, EngineError> {
        const OPERATION: &str = "clean up";
        self.ready().await?;
        // Before, "unused volumes" meant named ones too, with all that is in them.
        if kind == What::Volumes
            && self
                .wire
                .api()
                .is_some_and(|api| api < ApiVersion::SPARES_VOLUMES)
        {
            return Err(EngineError::Refused {
                operation: OPERATION,
                status: 400,
                message: "it is too old to tell anonymous volumes from named ones (Docker 23 can), so none are removed"
                    .to_owned(),
            });
        }
        let mut filters = json!({});
        if let Some(age) = older_than {
            filters["until"] = json!([format!("{}s", age.as_secs())]);
        }
        let place = match kind {
            What::Containers => "/containers/prune",
            What::Images | What::AllImages => {
                filters["dangling"] = json!([if kind == What::Images { "true" } else { "false" }]);
                "/images/prune"
            }
            What::Volumes => "/volumes/prune",
            What::Networks => "/networks/prune",
            What::BuildCache => "/build/prune",
        };
        let path = format!("{place}?filters={}", escaped(&filters.to_string()));
        let request = self.wire.order(Method::POST, &path, None)?;
        let answer = self.wire.ordered(OPERATION, request, LIMIT, DEADLINE).await?;
        let answer: Value = decode(OPERATION, &answer)?;
        Ok(read(&answer))
    }

    /// What [`Engine::prune`] would remove now.
    ///
    /// # Errors
    /// Anything of [`EngineError`].
    pub async fn prunable(
        &self,
        kind: PruneKind,
        older_than: Option<Duration>,
    ) -> Result<Pruned, EngineError> {
        const OPERATION: &str = "list what is not used";
        self.ready().await?;
        let path = match kind {
            What::Containers => {
                let filters = json!({ "status": ["created", "exited", "dead"] });
                format!("/containers/json?all=1&filters={}", escaped(&filters.to_string()))
            }
            What::Images => {
                let filters = json!({ "dangling": ["true"] });
                format!("/images/json?filters={}", escaped(&filters.to_string()))
            }
            What::AllImages => "/images/json".to_owned(),
            What::Volumes | What::Networks => {
                let filters = json!({ "dangling": ["true"] });
                let of = if kind == What::Volumes {
                    "volumes"
                } else {
                    "networks"
                };
                format!("/{of}?filters={}", escaped(&filters.to_string()))
            }
            What::BuildCache => "/system/df?type=build-cache".to_owned(),
        };
        let list = async |path: &str| -> Result<Value, EngineError> {
            let answer = self
                .wire
                .get_bytes(OPERATION, path, LIMIT, self.options().list)
                .await?;
            decode(OPERATION, &answer)
        };
        let found = list(&path).await?;
        let used: HashSet<String> = if matches!(kind, What::Images | What::AllImages) {
            let containers = list("/containers/json?all=1").await?;
            let ids = containers.as_array().into_iter().flatten();
            ids.filter_map(|one| one["ImageID"].as_str().map(str::to_owned))
                .collect()
        } else {
            HashSet::new()
        };
        let before = older_than
            .and_then(|age| std::time::SystemTime::now().checked_sub(age))
            .map(chrono::DateTime::<chrono::Utc>::from);
        let items = match kind {
            What::Volumes => &found["Volumes"],
            What::BuildCache => &found["BuildCache"],
            _ => &found,
        };
        let mut pruned = Pruned::default();
        for item in items.as_array().into_iter().flatten() {
            let goes = match kind {
                What::Images | What::AllImages => !used.contains(item["Id"].as_str().unwrap_or_default()),
                What::Volumes => is_anonymous(item),
                What::BuildCache => item["InUse"] != json!(true),
                What::Containers | What::Networks => true,
            };
            let young = before.is_some_and(|before| made_at(item).is_some_and(|made| made > before));
            if goes && !young {
                pruned.what.push(name(item));
                pruned.freed += item["Size"].as_u64().unwrap_or_default();
            }
        }
        Ok(pruned)
    }
}

fn read(answer: &Value) -> Pruned {
    let texts = |key: &str| {
        let list = answer[key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut what = texts("ContainersDeleted");
    what.extend(texts("VolumesDeleted"));
    what.extend(texts("NetworksDeleted"));
    what.extend(texts("CachesDeleted"));
    for image in answer["ImagesDeleted"].as_array().into_iter().flatten() {
        what.extend(
            image["Untagged"]
                .as_str()
                .or(image["Deleted"].as_str())
                .map(str::to_owned),
        );
    }
    Pruned {
        what,
        freed: answer["SpaceReclaimed"].as_u64().unwrap_or_default(),
    }
}

fn is_anonymous(volume: &Value) -> bool {
    let name = volume["Name"].as_str().unwrap_or_default();
    volume["Labels"].get("com.docker.volume.anonymous").is_some()
        || (name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn name(item: &Value) -> String {
    let first = |list: &Value| {
        list.as_array()
            .and_then(|list| list.first()?.as_str().map(str::to_owned))
    };
    first(&item["Names"])
        .map(|name| name.trim_start_matches('/').to_owned())
        .or_else(|| first(&item["RepoTags"]).filter(|tag| tag != "<none>:<none>"))
        .or_else(|| item["Name"].as_str().map(str::to_owned))
        .or_else(|| item["Id"].as_str().or(item["ID"].as_str()).map(str::to_owned))
        .unwrap_or_default()
}

fn made_at(item: &Value) -> Option<chrono::DateTime<chrono::Utc>> {
    let text = || item["Created"].as_str().or(item["CreatedAt"].as_str());
    match item["Created"].as_i64() {
        Some(seconds) => chrono::DateTime::from_timestamp(seconds, 0),
        None => chrono::DateTime::parse_from_rfc3339(text()?)
            .ok()
            .map(|time| time.to_utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_is_read_from_every_kind_of_answer() {
        let images =
            json!({"ImagesDeleted":[{"Untagged":"old:1"},{"Deleted":"sha256:aa"}],"SpaceReclaimed":5});
        let expected = Pruned {
            what: vec!["old:1".to_owned(), "sha256:aa".to_owned()],
            freed: 5,
        };
        assert_eq!(read(&images), expected);
        assert_eq!(read(&json!({"ContainersDeleted":null})), Pruned::default());
        assert_eq!(name(&json!({"Names":["/web"],"Id":"8c"})), "web");
        assert_eq!(
            name(&json!({"RepoTags":["<none>:<none>"],"Id":"sha256:aa"})),
            "sha256:aa"
        );
    }

    #[test]
    fn only_anonymous_volumes_go() {
        assert!(is_anonymous(&json!({"Name":"a".repeat(64),"Labels":null})));
        assert!(is_anonymous(
            &json!({"Name":"x","Labels":{"com.docker.volume.anonymous":""}})
        ));
        assert!(!is_anonymous(&json!({"Name":"database","Labels":null})));
    }
}
