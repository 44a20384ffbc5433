//! Removing a container.

use super::Kind;
use serde::{Deserialize, Serialize};

/// Removes a container. What it wrote outside of volumes is gone with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Also while it runs: it is killed first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Its anonymous volumes too. Named volumes always stay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub volumes: bool,
}

impl Kind for Remove {
    const VERB: &'static str = "remove";
    const LABEL: &'static str = "Remove";

    fn refused_on_itself(&self) -> bool {
        true
    }

    fn goes_backwards(&self) -> bool {
        true
    }
}
