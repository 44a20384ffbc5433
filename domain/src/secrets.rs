//! Secrets, as far as anybody sees them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A stored secret without its value, which never comes out again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretName {
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
