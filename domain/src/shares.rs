//! What is shared with a team.

use crate::ids::{ShareId, TeamId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// What can be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShareKind {
    /// The team's members are operators on its containers.
    Host,
    /// The team's members may run, skip, move and pause it, and switch it on and off.
    Schedule,
    /// The team's members have it in their list.
    View,
}

impl ShareKind {
    pub const ALL: [Self; 3] = [Self::Host, Self::Schedule, Self::View];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Schedule => "schedule",
            Self::View => "view",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What sharing gives the members of a team, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Host => "Its members are operators on every container of this host.",
            Self::Schedule => {
                "Its members may run this schedule, skip and move runs, pause it, and switch it on and off. Its runs go on acting \
                 for whoever saved it last."
            }
            Self::View => "Its members have this view in their list. Only you change it.",
        }
    }
}

impl fmt::Display for ShareKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that is shared with a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Share {
    pub id: ShareId,
    pub kind: ShareKind,
    /// The id of the host, the schedule or the view.
    pub object_id: Uuid,
    pub object_name: String,
    pub team_id: TeamId,
    pub team_name: String,
    /// Nobody when the account is gone.
    pub shared_by: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Something to be shared with a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewShare {
    pub kind: ShareKind,
    /// The id of the host, the schedule or the view.
    pub object_id: Uuid,
    pub team_id: TeamId,
}

/// Which shares. What is absent excludes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct ShareQuery {
    pub kind: Option<ShareKind>,
    /// The id of the host, the schedule or the view.
    pub object_id: Option<Uuid>,
    pub team_id: Option<TeamId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_json() {
        for kind in ShareKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(ShareKind::from_word(kind.as_str()), Some(kind));
        }
    }
}
