//! A line of the audit log, as lists and exports carry it.

use crate::ids::{AuditId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something that somebody did, or tried to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditLine {
    pub id: AuditId,
    pub at: DateTime<Utc>,
    pub user_id: Option<UserId>,
    /// The name at the time.
    pub actor: String,
    /// `session`, `api_key`, `basic`, `run`, `system` or `console`.
    pub via: String,
    pub address: Option<String>,
    /// `schedule.update` and the like.
    pub action: String,
    pub object_kind: String,
    pub object_id: Option<String>,
    pub object_name: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub before: Option<serde_json::Value>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub after: Option<serde_json::Value>,
    /// `done`, `refused` or `failed`.
    pub outcome: String,
}
