//! Passkeys: what signs people in without a password, as its owner and the browser see it.

use crate::{Timestamp, ids::PasskeyId, providers::SignInWay};
use serde::{Deserialize, Serialize};

/// A passkey of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    pub id: PasskeyId,
    pub name: String,
    /// The host that it works at.
    pub host: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Where passkeys work, or why they do not where the page was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Such as `https://chrontainer.example.org`. A page that is elsewhere can use none.
    pub origin: String,
    /// The sentence that says why none can be made or used there.
    pub refusal: Option<String>,
}

/// All passkeys of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkeys {
    pub items: Vec<Passkey>,
    pub place: Place,
    /// For when every passkey is lost.
    pub recovery_codes_left: u64,
}

/// What the browser asks the authenticator, and what the answer is sent back with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    pub token: String,
    /// JSON of the options that `navigator.credentials` takes, with base64url (RFC 4648, section 5) where it wants bytes.
    pub options: String,
}

/// How somebody can show again that a session is theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofWays {
    pub password: bool,
    pub passkeys: bool,
    /// Providers that the account is linked with: signing in there again shows it too.
    pub providers: Vec<SignInWay>,
}

/// What completes a sign-in whose first step was right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepWays {
    /// An authenticator app.
    pub app: bool,
    pub passkeys: bool,
    /// Where the account's passkeys work, when it has some but none for this address.
    pub elsewhere: Option<String>,
}
