//! Auth: who comes in, and how.
//!
//! People sign in with a name and a password and get a session; programs come with an API key. Both end up as a
//! [`domain::auth::Actor`]. Nothing that opens a door is stored: passwords as Argon2id, everything else as SHA-256 of a
//! random token, which is enough because 256 random bits cannot be guessed.

mod actors;
pub mod api_keys;
mod attempts;
mod names;
mod passwords;
mod sessions;
mod setup;
mod sign_in;
mod sweep;
pub(crate) mod tokens;

pub use actors::{actor_for_user, viewer};
pub use api_keys::authenticate_key;
pub use passwords::{PASSWORD_MAX, PASSWORD_MIN, random as random_password, set_password};
pub use sessions::{SessionEnds, authenticate_session, sign_out};
pub use setup::{complete_setup, issue_setup_token, setup_needed, setup_unattended};
pub use sign_in::sign_in;
pub(crate) use sweep::sweep;

use domain::auth::Actor;
use secrecy::SecretString;
use std::time::Duration;

/// Where a request comes from, as far as the trusted proxies tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// A fresh session. The token goes to the browser and is known nowhere else.
#[derive(Debug)]
pub struct NewSession {
    pub token: SecretString,
    pub actor: Actor,
    /// How long it lasts at most.
    pub max_age: Duration,
}
