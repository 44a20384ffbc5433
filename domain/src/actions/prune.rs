//! Removing what is not used any more.

use super::{Kind, WorksOn};
use crate::durations::HumanDuration;
use serde::{Deserialize, Serialize};

/// Removes what nothing uses, on every host of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Prune {
    pub what: What,
    /// Only what was made longer ago than this; volumes have no age and refuse it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "7d"))]
    pub older_than: Option<HumanDuration>,
    /// Only says what would go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry: bool,
}

/// What is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Stopped containers.
    Containers,
    /// Images without a name that no container uses.
    #[default]
    Images,
    /// All images that no container uses.
    AllImages,
    /// Anonymous volumes that no container uses.
    Volumes,
    /// Networks that no container uses.
    Networks,
    /// What builds keep for later builds.
    BuildCache,
}

impl What {
    pub const ALL: [What; 6] = [
        What::Containers,
        What::Images,
        What::AllImages,
        What::Volumes,
        What::Networks,
        What::BuildCache,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Images => "images",
            Self::AllImages => "all_images",
            Self::Volumes => "volumes",
            Self::Networks => "networks",
            Self::BuildCache => "build_cache",
        }
    }

    /// "stopped containers": for sentences.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Containers => "stopped containers",
            Self::Images => "images without a name",
            Self::AllImages => "images that nothing uses",
            Self::Volumes => "anonymous volumes that nothing uses",
            Self::Networks => "networks that nothing uses",
            Self::BuildCache => "build cache",
        }
    }
}

impl Kind for Prune {
    const VERB: &'static str = "prune";
    const LABEL: &'static str = "Clean up";

    fn works_on(&self) -> WorksOn {
        WorksOn::Hosts
    }

    fn check(&self, field: &str) -> Result<(), crate::errors::Problem> {
        if self.what == What::Volumes && self.older_than.is_some() {
            return Err(crate::errors::Problem::invalid(
                "volumes_have_no_age",
                &format!("{field}.older_than"),
                "Engines do not tell how old a volume is to what cleans up. Leave the age out for volumes.",
            ));
        }
        Ok(())
    }

    fn detail(&self) -> Option<String> {
        Some(self.what.describe().to_owned())
    }
}
