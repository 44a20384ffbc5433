//! The one error type of the control plane.
//!
//! Two tiers: a [`Problem`] is for people (what happened, why, what to do) and goes out as it is; everything else is
//! internal, is logged once where it leaves the control plane ([`Error::into_problem`]) and is never sent.

use domain::errors::{ErrorClass, Problem};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Problem(Box<Problem>),
    #[error("database: {0}")]
    Database(diesel::result::Error),
    #[error("no database connection: {0}")]
    NoConnection(String),
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    #[error("stored data of {what} cannot be read: {source}")]
    Stored {
        what: &'static str,
        source: serde_json::Error,
    },
    /// This executor's lease is over: another one has taken the run.
    #[error("the lease of run {0} was lost")]
    LeaseLost(domain::ids::RunId),
    #[error("{0}")]
    Internal(String),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error as Diesel};
        match &error {
            Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                match sentence(info.constraint_name()) {
                    Some(problem) => problem.into(),
                    None => Self::Database(error),
                }
            }
            Diesel::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
                Self::NoConnection(info.message().to_owned())
            }
            _ => Self::Database(error),
        }
    }
}

impl Error {
    /// What people get. Internal errors are logged here, once, and become a plain sentence.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => *problem,
            Self::Engine(error) => {
                let class = if error.is_transient() {
                    ErrorClass::Unavailable
                } else {
                    ErrorClass::Conflict
                };
                Problem::new(class, error.code(), error.to_string())
            }
            Self::NoConnection(reason) => {
                tracing::warn!(error = %reason, "the database does not answer");
                database_unavailable()
            }
            Self::Database(error) if is_connection_loss(&error) => {
                tracing::warn!(error = %error, "the database connection was lost");
                database_unavailable()
            }
            Self::LeaseLost(_) => Problem::new(ErrorClass::Conflict, "lease_lost", self.to_string()),
            other => {
                tracing::error!(error = %other, "internal error");
                Problem::new(
                    ErrorClass::Internal,
                    "internal",
                    "Something went wrong inside Chrontainer. The server's log has the details. Try again.",
                )
            }
        }
    }

    /// Whether trying again later can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoConnection(_) => true,
            Self::Database(error) => is_connection_loss(error) || is_serialization(error),
            Self::Engine(error) => error.is_transient(),
            _ => false,
        }
    }
}

fn database_unavailable() -> Problem {
    Problem::new(
        ErrorClass::Unavailable,
        "database_unavailable",
        "The database does not answer. It may be restarting: try again in a few seconds.",
    )
}

fn is_connection_loss(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind, Error as Diesel};
    match error {
        Diesel::DatabaseError(DatabaseErrorKind::ClosedConnection, _) | Diesel::BrokenTransactionManager => {
            true
        }
        // tokio-postgres reports a server that went away in words only.
        Diesel::DatabaseError(_, info) => {
            let text = info.message();
            [
                "connection closed",
                "terminating connection",
                "is shutting down",
                "is starting up",
                "error communicating",
            ]
            .iter()
            .any(|part| text.contains(part))
        }
        _ => false,
    }
}

fn is_serialization(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind, Error as Diesel};
    match error {
        Diesel::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        Diesel::DatabaseError(_, info) => info.message().contains("deadlock detected"),
        _ => false,
    }
}

/// Constraint names mapped to sentences.
fn sentence(constraint: Option<&str>) -> Option<Problem> {
    let (code, field, message) = match constraint? {
        "users_name_key" => ("name_taken", "name", "This name is taken. Choose another one."),
        "hosts_name_key" => (
            "name_taken",
            "name",
            "Another host has this name. Choose another one.",
        ),
        "hosts_url_key" => ("host_exists", "url", "This address is already a host here."),
        "schedules_name_key" => (
            "name_taken",
            "name",
            "Another schedule has this name. Choose another one.",
        ),
        "blackouts_name_key" => (
            "name_taken",
            "name",
            "Another blackout has this name. Choose another one.",
        ),
        "api_keys_name_key" => (
            "name_taken",
            "name",
            "There is already a key of this name. Choose another one, or revoke it.",
        ),
        "views_name_key" => (
            "name_taken",
            "name",
            "You already have a view of this name. Choose another one, or change that view.",
        ),
        "teams_name_key" => (
            "name_taken",
            "name",
            "Another team has this name. Choose another one.",
        ),
        "identity_providers_slug_key" => (
            "slug_taken",
            "slug",
            "Another provider has this part of the address. Choose another one.",
        ),
        "users_email_key" => ("email_taken", "email", "Another account has this e-mail address."),
        "passkeys_credential_key" => (
            "passkey_known",
            "answer",
            "This passkey is known here already. Remove the old one first.",
        ),
        "secrets_name_key" => ("name_taken", "name", "There is already a secret of this name."),
        _ => return None,
    };
    Some(Problem::new(ErrorClass::Conflict, code, message).with("field", field))
}
