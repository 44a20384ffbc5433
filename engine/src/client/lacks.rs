//! What an engine cannot do, said where people look instead of when it fails.

use super::version::ApiVersion;
use domain::hosts::{EngineFacts, Lack};

/// What this engine cannot do of what Chrontainer offers.
pub fn lacks(facts: &EngineFacts) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let mut add = |code: &str, message: String| {
        lacks.push(Lack {
            code: code.to_owned(),
            message,
        });
    };
    let api: Option<ApiVersion> = facts.api_version.parse().ok();
    if api.is_some_and(|api| api < ApiVersion::SPARES_VOLUMES) {
        let newer = match facts.kind.as_str() {
            "podman" => "Clean them up with podman volume prune there.",
            _ => "Docker 23 can.",
        };
        add(
            "volumes_not_told_apart",
            format!(
                "Unused volumes are not cleaned up: with API {} it cannot tell anonymous ones from named ones, which hold data. \
                 {newer}",
                facts.api_version
            ),
        );
    }
    if facts.kind == "podman" {
        add(
            "no_daemon",
            "After a restart of the machine Podman starts no container by itself. Enable podman-restart.service there for those \
             with a restart policy."
                .to_owned(),
        );
        add(
            "no_engine_id",
            "Podman has no id of its own, so hosts with the same machine name and the same storage directory look like one engine."
                .to_owned(),
        );
    }
    if !facts.memory_measured {
        add(
            "memory_not_measured",
            "The memory of its containers is not measured: the kernel leaves it out. On a Raspberry Pi, add cgroup_enable=memory \
             cgroup_memory=1 to the line in /boot/firmware/cmdline.txt and restart it."
                .to_owned(),
        );
    }
    if facts.storage_driver == "vfs" {
        add(
            "no_copy_on_write",
            "Its storage driver vfs copies an image for every container, which takes much time and room. overlay2 does not."
                .to_owned(),
        );
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(facts: &EngineFacts) -> Vec<String> {
        let lacks = lacks(facts);
        assert!(lacks.iter().all(|lack| lack.message.ends_with('.')), "{lacks:?}");
        lacks.into_iter().map(|lack| lack.code).collect()
    }

    #[test]
    fn what_is_missing_is_said_and_nothing_else() {
        let docker = EngineFacts {
            kind: "docker".into(),
            api_version: "1.51".into(),
            memory_measured: true,
            ..EngineFacts::default()
        };
        assert!(codes(&docker).is_empty());
        let old = EngineFacts {
            api_version: "1.41".into(),
            memory_measured: false,
            storage_driver: "vfs".into(),
            ..docker.clone()
        };
        assert_eq!(
            codes(&old),
            [
                "volumes_not_told_apart",
                "memory_not_measured",
                "no_copy_on_write"
            ]
        );
        let podman = EngineFacts {
            kind: "podman".into(),
            api_version: "1.41".into(),
            ..docker
        };
        assert_eq!(
            codes(&podman),
            ["volumes_not_told_apart", "no_daemon", "no_engine_id"]
        );
    }
}
