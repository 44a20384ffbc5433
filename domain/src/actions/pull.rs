//! Pulling an image.

use super::{Kind, Visit, WorksOn, texts};
use crate::errors::Problem;
use serde::{Deserialize, Serialize};

/// Pulls an image on every host of the target; without an image, the one of each container. Containers go on with what
/// they were made from until they are recreated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Pull {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl Kind for Pull {
    const VERB: &'static str = "pull";
    const LABEL: &'static str = "Pull an image";

    fn works_on(&self) -> WorksOn {
        match self.image {
            Some(_) => WorksOn::Hosts,
            None => WorksOn::Containers,
        }
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        match &self.image {
            Some(image) => texts::image(image, &format!("{field}.image")),
            None => Ok(()),
        }
    }

    fn texts(&mut self, field: &str, visit: Visit<'_>) -> Result<(), Problem> {
        match &mut self.image {
            Some(image) => visit(&format!("{field}.image"), image),
            None => Ok(()),
        }
    }

    fn detail(&self) -> Option<String> {
        self.image.clone()
    }
}
