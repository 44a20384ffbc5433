//! Making a passkey for one's own account.

use super::{
    challenges::{self, Purpose},
    failed,
    party::Party,
    read, rows,
};
use crate::{
    Control,
    audit::{self, Entry},
    auth::{
        Client, NewSession, devices, names, own_sessions, proof,
        second_factor::{self, own},
    },
    error::{Error, Result},
};
use diesel_async::AsyncConnection;
use domain::{
    auth::Actor,
    errors::{ErrorClass, Problem},
    passkeys::Challenge,
};
use serde_json::{Value, json};
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential};

/// As many as an account may have.
const MOST: usize = 20;

/// What a new passkey brought along.
#[derive(Debug)]
pub struct MadePasskey {
    /// For when all is lost; shown this once. Only with the first thing that is asked for beside a password.
    pub recovery_codes: Vec<String>,
    /// In place of the one that asked.
    pub session: Option<NewSession>,
}

/// Begins to make a passkey.
///
/// # Errors
/// 403 `session_needed` or `prove_first`; 409 `too_many_passkeys`.
pub async fn begin_passkey(control: &Control, actor: &Actor, party: &Party) -> Result<Challenge> {
    let user = own(actor)?;
    let mut conn = control.db().conn().await?;
    proof::require(&mut conn, actor).await?;
    let keys = rows::of_user(&mut conn, user, None).await?;
    if keys.len() >= MOST {
        return Err(Problem::new(
            ErrorClass::Conflict,
            "too_many_passkeys",
            format!("There are {MOST} passkeys already. Remove one that you no longer use."),
        )
        .into());
    }
    let known = keys.iter().map(|key| key.passkey.cred_id().clone()).collect();
    let (options, state) = party
        .webauthn()?
        .start_passkey_registration(user.0, &actor.name, &actor.name, Some(known))
        .map_err(|error| failed(&error))?;
    let mut options = serde_json::to_value(options)
        .map_err(|error| Error::Internal(format!("a challenge cannot be written: {error}")))?;
    // The device keeps whose it is, so that nobody must type a name to sign in with it.
    if let Some(wanted) = options
        .pointer_mut("/publicKey/authenticatorSelection")
        .and_then(Value::as_object_mut)
    {
        wanted.insert("residentKey".to_owned(), json!("required"));
        wanted.insert("requireResidentKey".to_owned(), json!(true));
    }
    challenges::put(&mut conn, Purpose::Register, Some(user), &options, &state).await
}

/// Keeps the passkey that the browser's device has made. Without a name it is called after the browser. The first one is a
/// second factor for the password: recovery codes come with it, and every other session ends.
///
/// # Errors
/// 403 `session_needed` or `prove_first`; 409 `passkey_too_late` or `passkey_known`; 422 `passkey_unreadable` or
/// `passkey_unusable`, or for the name.
pub async fn finish_passkey(
    control: &Control,
    actor: &Actor,
    party: &Party,
    token: &str,
    answer: &str,
    name: &str,
    client: &Client,
) -> Result<MadePasskey> {
    let user = own(actor)?;
    let described = devices::describe(client.user_agent.as_deref());
    let name = names::check(if name.trim().is_empty() { &described } else { name })?;
    let answer: RegisterPublicKeyCredential = read(answer)?;
    let mut conn = control.db().conn().await?;
    let state: PasskeyRegistration =
        challenges::take(&mut conn, Purpose::Register, Some(user), token).await?;
    let made = party.webauthn()?.finish_passkey_registration(&answer, &state).map_err(|error| {
        tracing::warn!(reason = %error, "a new passkey was refused");
        Problem::invalid(
            "passkey_unusable",
            "answer",
            "The passkey cannot be used: it must be made here, and check a finger, a face or a PIN. Try again, or take another device.",
        )
    })?;
    let (codes, session, ended) = conn
        .transaction::<_, Error, _>(async |conn| {
            proof::require(conn, actor).await?;
            let first = !second_factor::is_on(conn, user).await?;
            let id = rows::insert(conn, user, party, &name, &made).await?;
            let entry = Entry::new("passkey.create", "passkey").object(id.0, &name);
            audit::record(conn, actor, entry.after(json!({ "host": party.host() }))).await?;
            if !first {
                return Ok((Vec::new(), None, Vec::new()));
            }
            let codes = second_factor::new_codes(conn, user).await?;
            let mut ended = own_sessions::end_all(conn, user, None, own_sessions::own(actor)).await?;
            let session = own_sessions::replace(control, conn, actor, actor.org_id, client).await?;
            ended.extend(own_sessions::own(actor));
            Ok((codes, session, ended))
        })
        .await?;
    own_sessions::tell(control, &ended);
    Ok(MadePasskey {
        recovery_codes: codes,
        session,
    })
}
