//! Running a container once.

use super::{Kind, Visit, WorksOn, texts};
use crate::errors::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Makes a container, waits for its end, keeps its output and exit code, and removes it. It runs once on every host of
/// the target. It fails when the exit code is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Pulled when the host does not have it.
    pub image: String,
    /// In place of the image's own command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// A network's name, `host` or `none`; the engine's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// What a container sees of its host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// A path of the host (it begins with `/`), or a volume's name.
    pub source: String,
    /// Where it is in the container.
    pub target: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// What a container may use at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// `512m`, `2g`, or bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Processors, in parts too: `0.5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<String>,
    /// Processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
}

impl Limits {
    /// The memory in bytes; nothing when it cannot be read.
    pub fn memory_bytes(&self) -> Option<i64> {
        let text = self.memory.as_deref()?.trim().to_ascii_lowercase();
        let text = text.trim_end_matches('b').trim_end_matches('i');
        let (number, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
            Some((at, _)) => text.split_at(at),
            None => (text, ""),
        };
        let factor: i64 = match unit.trim() {
            "" => 1,
            "k" => 1 << 10,
            "m" => 1 << 20,
            "g" => 1 << 30,
            _ => return None,
        };
        number
            .parse::<i64>()
            .ok()?
            .checked_mul(factor)
            .filter(|bytes| *bytes > 0)
    }

    /// Billionths of a processor, as engines count; nothing when it cannot be read.
    pub fn nano_cpus(&self) -> Option<i64> {
        let cpus: f64 = self.cpus.as_deref()?.trim().parse().ok()?;
        (cpus.is_finite() && cpus > 0.0 && cpus <= 4096.0).then_some((cpus * 1e9).round() as i64)
    }
}

impl Kind for Run {
    const VERB: &'static str = "run";
    const LABEL: &'static str = "Run a container";

    fn works_on(&self) -> WorksOn {
        WorksOn::Hosts
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        texts::image(&self.image, &format!("{field}.image"))?;
        texts::command(&self.command, &format!("{field}.command"), true)?;
        texts::env(&self.env, &format!("{field}.env"))?;
        for (index, mount) in self.mounts.iter().enumerate() {
            let field = format!("{field}.mounts[{index}]");
            texts::text(&mount.source, &format!("{field}.source"))?;
            if mount.source.trim().is_empty() {
                return Err(Problem::invalid(
                    "mount_invalid",
                    &format!("{field}.source"),
                    "There is no source. Name a path of the host, or a volume.",
                ));
            }
            texts::text(&mount.target, &format!("{field}.target"))?;
            // What variables make of it is looked at again when they are filled in.
            if !mount.target.starts_with('/') && !texts::begins_with_variable(&mount.target) {
                return Err(Problem::invalid(
                    "mount_invalid",
                    &format!("{field}.target"),
                    "The place in the container must be a whole path: it begins with a slash.",
                ));
            }
        }
        if let Some(limits) = &self.limits {
            if limits.memory.is_some() && limits.memory_bytes().is_none() {
                return Err(Problem::invalid(
                    "limit_invalid",
                    &format!("{field}.limits.memory"),
                    "This is no amount of memory. Write 512m, 2g, or a number of bytes.",
                ));
            }
            if limits.cpus.is_some() && limits.nano_cpus().is_none() {
                return Err(Problem::invalid(
                    "limit_invalid",
                    &format!("{field}.limits.cpus"),
                    "This is no number of processors. Write 0.5 or 2.",
                ));
            }
        }
        Ok(())
    }

    fn texts(&mut self, field: &str, visit: Visit<'_>) -> Result<(), Problem> {
        visit(&format!("{field}.image"), &mut self.image)?;
        texts::visit_list(&mut self.command, &format!("{field}.command"), visit)?;
        texts::visit_map(&mut self.env, &format!("{field}.env"), visit)?;
        for (index, mount) in self.mounts.iter_mut().enumerate() {
            visit(&format!("{field}.mounts[{index}].source"), &mut mount.source)?;
            visit(&format!("{field}.mounts[{index}].target"), &mut mount.target)?;
        }
        texts::visit_option(&mut self.network, &format!("{field}.network"), visit)
    }

    fn detail(&self) -> Option<String> {
        Some(texts::short(&format!(
            "{} {}",
            self.image,
            self.command.join(" ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        let limits = |memory: &str, cpus: &str| Limits {
            memory: Some(memory.to_owned()),
            cpus: Some(cpus.to_owned()),
            pids: None,
        };
        let read = |memory, cpus| {
            (
                limits(memory, cpus).memory_bytes(),
                limits(memory, cpus).nano_cpus(),
            )
        };
        assert_eq!(read("512m", "0.5"), (Some(512 << 20), Some(500_000_000)));
        assert_eq!(read("2GiB", "2"), (Some(2 << 30), Some(2_000_000_000)));
        assert_eq!(read("1048576", "NaN"), (Some(1 << 20), None));
        assert_eq!(read("lots", "-1"), (None, None));
        assert_eq!(read("9999999999999g", "0"), (None, None));
    }
}
