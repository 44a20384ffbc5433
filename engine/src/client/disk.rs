//! What an engine keeps on its disk (`GET /system/df`).

use crate::{error::EngineError, wire::Wire};
use domain::hosts::DiskUse;
use serde::Deserialize;

/// The largest answer that is read, in bytes: it lists every image, container and volume.
const LIMIT: usize = 32 * 1024 * 1024;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    layers_size: Option<i64>,
    images: Option<Vec<Item>>,
    containers: Option<Vec<Item>>,
    volumes: Option<Vec<Item>>,
    build_cache: Option<Vec<Item>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Item {
    size: Option<i64>,
    size_rw: Option<i64>,
    usage_data: Option<Usage>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Usage {
    size: Option<i64>,
}

pub(super) async fn measure(wire: &Wire) -> Result<DiskUse, EngineError> {
    let answer = wire
        .get::<Answer>("measure its disk", "/system/df", LIMIT)
        .await?;
    Ok(convert(&answer))
}

fn convert(answer: &Answer) -> DiskUse {
    let count = |items: &Option<Vec<Item>>| items.as_ref().map_or(0, Vec::len) as u32;
    // Engines write -1 for what they have not measured.
    let sum = |items: &Option<Vec<Item>>, size: fn(&Item) -> Option<i64>| {
        items.iter().flatten().filter_map(size).filter(|size| *size > 0).sum()
    };
    DiskUse {
        images: count(&answer.images),
        images_bytes: answer
            .layers_size
            .filter(|size| *size > 0)
            .unwrap_or_else(|| sum(&answer.images, |image| image.size)),
        containers_bytes: sum(&answer.containers, |container| container.size_rw),
        volumes: count(&answer.volumes),
        volumes_bytes: sum(&answer.volumes, |volume| volume.usage_data.as_ref()?.size),
        build_cache_bytes: sum(&answer.build_cache, |part| part.size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_counts_as_nothing() {
        let answer = r#"{"LayersSize":1000,"Images":[{"Size":700},{"Size":800}],"Containers":[{"SizeRw":5},{}],
            "Volumes":[{"UsageData":{"Size":-1}},{"UsageData":{"Size":40}}],"BuildCache":null}"#;
        let disk = convert(&serde_json::from_str(answer).expect("an answer"));
        assert_eq!(
            disk,
            DiskUse {
                images: 2,
                images_bytes: 1000,
                containers_bytes: 5,
                volumes: 2,
                volumes_bytes: 40,
                build_cache_bytes: 0
            }
        );
    }
}
