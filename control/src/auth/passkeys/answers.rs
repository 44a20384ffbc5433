//! Asking for a passkey and checking what is answered; the same for all that passkeys are good for.

use super::{
    challenges::{self, Purpose},
    failed,
    party::Party,
    rows::{self, Key},
};
use crate::error::{Error, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel_async::AsyncPgConnection;
use domain::{
    errors::{ErrorClass, Problem},
    ids::UserId,
    passkeys::Challenge,
};
use serde_json::{Value, json};
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential, WebauthnError};

/// Why an answer was refused, and the key that was meant, if it is known.
pub(super) type Refusal = (Option<Key>, WebauthnError);

/// A challenge for one of an account's passkeys; without an account, for whichever the device finds.
///
/// # Errors
/// 409 `no_passkey_here`.
pub(super) async fn ask(
    conn: &mut AsyncPgConnection,
    party: &Party,
    purpose: Purpose,
    user: Option<UserId>,
) -> Result<Challenge> {
    let (mut options, state) = party
        .webauthn()?
        .start_discoverable_authentication()
        .map_err(|error| failed(&error))?;
    // A button was pressed: the browser shall ask at once, instead of waiting for somebody to fill a field.
    options.mediation = None;
    let mut options = serde_json::to_value(options)
        .map_err(|error| Error::Internal(format!("a challenge cannot be written: {error}")))?;
    if let Some(user) = user {
        let keys = rows::of_user(conn, user, Some(party)).await?;
        if keys.is_empty() {
            return Err(Problem::new(
                ErrorClass::Conflict,
                "no_passkey_here",
                format!(
                    "Your account has no passkey for {}. Use another way.",
                    party.host()
                ),
            )
            .into());
        }
        let allowed: Vec<Value> = keys
            .iter()
            .map(|key| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(key.passkey.cred_id()) }))
            .collect();
        if let Some(wanted) = options.pointer_mut("/publicKey").and_then(Value::as_object_mut) {
            wanted.insert("allowCredentials".to_owned(), allowed.into());
        }
    }
    challenges::put(conn, purpose, user, &options, &state).await
}

/// Checks an answer against the key as it is stored now, so that one that was removed since the question is worth nothing
/// and the counter is the last one. Notes the use.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    party: &Party,
    user: Option<UserId>,
    answer: &PublicKeyCredential,
    state: DiscoverableAuthentication,
) -> Result<Result<Key, Refusal>> {
    let Some(mut key) = rows::called(conn, party, answer.get_credential_id()).await? else {
        return Ok(Err((None, WebauthnError::CredentialNotFound)));
    };
    // Whose it is by what the device has kept must be whose it is here. Devices say it when nobody else does.
    let webauthn = party.webauthn()?;
    let said = webauthn
        .identify_discoverable_authentication(answer)
        .ok()
        .map(|(user, _)| UserId(user));
    let of_owner = match (user, said) {
        (Some(user), said) => user == key.user && said.is_none_or(|said| said == user),
        (None, said) => said == Some(key.user),
    };
    if !of_owner || key.disabled {
        return Ok(Err((Some(key), WebauthnError::InvalidUserUniqueId)));
    }
    let result = match webauthn.finish_discoverable_authentication_v2(answer, state, &key.passkey) {
        Ok(result) => result,
        Err(error) => return Ok(Err((Some(key), error))),
    };
    rows::used(conn, &mut key, &result).await?;
    Ok(Ok(key))
}
