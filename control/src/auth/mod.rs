//! Auth: who comes in, and how.
//!
//! People sign in with a name and a password and get a session; programs come with an API key. Both end up as a
//! [`domain::auth::Actor`]. Another way to prove who one is (a provider, a passkey) is another file beside
//! `sign_in`, which ends as that one does: it finds the account, and calls `sign_in::admit`, as [`crate::providers`] does, or
//! `sign_in::begin` where no second factor is to be asked for, as [`passkeys`] does. Nothing that opens a door is stored: passwords as Argon2id, everything else as SHA-256 of a
//! random token, which is enough because 256 random bits cannot be guessed.

mod actors;
pub mod api_keys;
mod attempts;
mod basic;
mod change_password;
mod devices;
mod guessable;
pub(crate) mod names;
mod own_sessions;
pub mod passkeys;
mod passwords;
mod proof;
mod second_factor;
mod sessions;
mod setup;
mod sign_in;
mod sweep;
pub(crate) mod tokens;
pub(crate) mod ways;

pub(crate) use actors::role;
pub use actors::{actor_for_user, viewer};
pub use api_keys::authenticate_key;
pub(crate) use attempts::Attempt;
pub(crate) use basic::Basics;
pub use basic::{authenticate_basic, basic_is_on};
pub(crate) use change_password::session_needed;
pub use change_password::{change_password, complete_reset, reset_for, reset_link, set_first_password};
pub(crate) use own_sessions::{end_all, replace as replace_session, tell as tell_ended};
pub use own_sessions::{end_other_sessions, end_session, list_sessions};
pub use passwords::{PASSWORD_MAX, PASSWORD_MIN, random as random_password, set_password, set_password_and};
pub(crate) use passwords::{check as check_password, hash as hash_password};
pub use proof::{PROOF_LASTS, proof_ways, prove_with_password};
pub(crate) use second_factor::has_second_factor;
pub use second_factor::{
    STEP_LASTS, begin_second_factor, clear_second_factor, confirm_second_factor, end_second_factor,
    second_factor, sign_in_with_code,
};
pub(crate) use sessions::create as create_session;
pub use sessions::{SessionEnds, authenticate_session, sign_out};
pub use setup::{complete_setup, issue_setup_token, setup_needed, setup_unattended};
pub use sign_in::{Entered, enter, sign_in};
pub(crate) use sign_in::{admit, passwords_off, stranger};
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
