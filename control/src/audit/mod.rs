//! Audit: every change, who made it, before and after.
//!
//! A line is written in the transaction of the change it tells of, so that neither exists without the other. Secrets
//! never go into `before` or `after`.

mod chain;
mod list;
mod trim;

pub(crate) use chain::keep;
pub use chain::{Checkpoint, Verdict, extend, verify};
pub use list::{AuditQuery, list, note_export};
pub use trim::trim;

use crate::error::{Error, Result};
use diesel::sql_types::{Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{auth::Actor, ids::AuditId};
use serde_json::Value;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Outcome {
    #[default]
    Done,
    /// Not allowed, or wrong credentials.
    Refused,
    Failed,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What happened to what.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// `schedule.update` and the like: the object's kind, then a verb.
    pub action: String,
    pub object_kind: String,
    pub object_id: Option<String>,
    pub object_name: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub outcome: Outcome,
}

impl Entry {
    pub fn new(action: &str, object_kind: &str) -> Self {
        Self {
            action: action.to_owned(),
            object_kind: object_kind.to_owned(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn id(mut self, id: impl ToString) -> Self {
        self.object_id = Some(id.to_string());
        self
    }

    #[must_use]
    pub fn object(mut self, id: impl ToString, name: &str) -> Self {
        self.object_name = Some(name.to_owned());
        self.id(id)
    }

    #[must_use]
    pub fn before(mut self, value: Value) -> Self {
        self.before = Some(value);
        self
    }

    #[must_use]
    pub fn after(mut self, value: Value) -> Self {
        self.after = Some(value);
        self
    }

    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// Writes a line in the caller's transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn record(conn: &mut AsyncPgConnection, actor: &Actor, entry: Entry) -> Result<()> {
    let via = serde_json::to_value(&actor.via).map_err(|source| Error::Stored {
        what: "an actor",
        source,
    })?;
    diesel::sql_query(
        "insert into audit (id, org_id, user_id, actor, via, address, action, object_kind, object_id, object_name, \
         before, after, outcome) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind::<SqlUuid, _>(AuditId::new().0)
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
    .bind::<Text, _>(&actor.name)
    .bind::<Jsonb, _>(via)
    .bind::<Nullable<Text>, _>(actor.address.as_deref())
    .bind::<Text, _>(entry.action)
    .bind::<Text, _>(entry.object_kind)
    .bind::<Nullable<Text>, _>(entry.object_id)
    .bind::<Nullable<Text>, _>(entry.object_name)
    .bind::<Nullable<Jsonb>, _>(entry.before)
    .bind::<Nullable<Jsonb>, _>(entry.after)
    .bind::<Text, _>(entry.outcome.as_str())
    .execute(conn)
    .await?;
    Ok(())
}
