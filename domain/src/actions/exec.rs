//! Running a command in a container.

use super::{Kind, Visit, texts};
use crate::errors::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Runs a command in a running container. It fails when the command's exit code is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// The program and its arguments; no shell is involved unless one is named: `["sh", "-c", "date"]`.
    pub command: Vec<String>,
    /// A name or number, with a group after a colon; the container's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

impl Kind for Exec {
    const VERB: &'static str = "exec";
    const LABEL: &'static str = "Run a command";

    fn check(&self, field: &str) -> Result<(), Problem> {
        texts::command(&self.command, &format!("{field}.command"), false)?;
        texts::env(&self.env, &format!("{field}.env"))?;
        for (name, value) in [("user", &self.user), ("workdir", &self.workdir)] {
            if let Some(value) = value {
                texts::text(value, &format!("{field}.{name}"))?;
            }
        }
        Ok(())
    }

    fn texts(&mut self, field: &str, visit: Visit<'_>) -> Result<(), Problem> {
        texts::visit_list(&mut self.command, &format!("{field}.command"), visit)?;
        texts::visit_map(&mut self.env, &format!("{field}.env"), visit)?;
        texts::visit_option(&mut self.user, &format!("{field}.user"), visit)?;
        texts::visit_option(&mut self.workdir, &format!("{field}.workdir"), visit)
    }

    fn detail(&self) -> Option<String> {
        Some(texts::short(&self.command.join(" ")))
    }
}
