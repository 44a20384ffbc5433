//! Passkeys: signing in by a key that the person's device holds, instead of a password or after one.
//!
//! A device signs a challenge, and only at the host that the key was made for, after it has checked a finger, a face or a
//! PIN. So a passkey is two factors at once: alone it signs in (`sign_in`), and after a password it answers the step
//! that asks for a second factor (`step`). What is checked of an answer is `webauthn-rs`' work; here it is kept whose a key
//! is and that each challenge is answered once.

mod answers;
mod challenges;
mod party;
mod prove;
mod register;
mod rows;
mod sign_in;
mod step;
#[cfg(test)]
mod tests;

pub use party::Party;
pub use prove::{begin_proof, prove_with_passkey};
pub use register::{MadePasskey, begin_passkey, finish_passkey};
pub use sign_in::{any_passkey, begin_passkey_sign_in, sign_in_with_passkey};
pub use step::{begin_passkey_step, complete_step_with_passkey, step_ways};

use answers::Refusal;
use rows::Key;

use super::{
    names, own_sessions, proof,
    second_factor::{self, own},
    ways,
};
use crate::{
    Control,
    audit::{self, Entry, Outcome},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{OrgId, PasskeyId, UserId},
    passkeys::Passkey,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use webauthn_rs::prelude::WebauthnError;

/// One's own passkeys, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_passkeys(control: &Control, actor: &Actor) -> Result<Vec<Passkey>> {
    actor.require(Permission::Own)?;
    let Some(user) = actor.user_id else {
        return Ok(Vec::new());
    };
    let mut conn = control.db().conn().await?;
    let keys = rows::of_user(&mut conn, user, None).await?;
    Ok(keys.into_iter().map(Key::view).collect())
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Gives one of one's own passkeys another name.
///
/// # Errors
/// 403 `session_needed`; 404 `passkey_not_found`; 422 for the name.
pub async fn rename_passkey(control: &Control, actor: &Actor, id: PasskeyId, name: &str) -> Result<()> {
    let user = own(actor)?;
    let name = names::check(name)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let before: Option<Named> =
            diesel::sql_query("select name from passkeys where id = $1 and user_id = $2 for update")
                .bind::<SqlUuid, _>(id.0)
                .bind::<SqlUuid, _>(user.0)
                .get_result(conn)
                .await
                .optional()?;
        let before = before.ok_or_else(|| Problem::not_found("passkey"))?;
        diesel::sql_query("update passkeys set name = $2 where id = $1")
            .bind::<SqlUuid, _>(id.0)
            .bind::<Text, _>(&name)
            .execute(conn)
            .await?;
        let entry = Entry::new("passkey.rename", "passkey").object(id.0, &name);
        audit::record(conn, actor, entry.before(json!({ "name": before.name }))).await
    })
    .await
}

/// Takes one of one's own passkeys away. Every other session ends, since it may have been begun with it; with the last thing
/// that is asked for beside a password, the recovery codes go as well.
///
/// # Errors
/// 403 `session_needed` or `prove_first`; 404 `passkey_not_found`; 409 `last_way_in` when nothing else would be left to sign
/// in with.
pub async fn remove_passkey(control: &Control, actor: &Actor, id: PasskeyId) -> Result<()> {
    let user = own(actor)?;
    let mut conn = control.db().conn().await?;
    let ended = conn
        .transaction::<_, Error, _>(async |conn| {
            proof::require(conn, actor).await?;
            ways::lock(conn, user).await?;
            let gone: Option<Named> =
                diesel::sql_query("delete from passkeys where id = $1 and user_id = $2 returning name")
                    .bind::<SqlUuid, _>(id.0)
                    .bind::<SqlUuid, _>(user.0)
                    .get_result(conn)
                    .await
                    .optional()?;
            let gone = gone.ok_or_else(|| Problem::not_found("passkey"))?;
            ways::require_one(conn, user).await?;
            if !second_factor::is_on(conn, user).await? {
                second_factor::forget_codes(conn, user).await?;
            }
            let entry = Entry::new("passkey.delete", "passkey").object(id.0, &gone.name);
            audit::record(conn, actor, entry).await?;
            own_sessions::end_all(conn, user, None, own_sessions::own(actor)).await
        })
        .await?;
    own_sessions::tell(control, &ended);
    Ok(())
}

/// Notes that a passkey was refused, and says it.
async fn refused(conn: &mut AsyncPgConnection, actor: &Actor, (key, error): &Refusal) -> Result<Problem> {
    let copied = matches!(error, WebauthnError::CredentialPossibleCompromise);
    let action = if copied {
        "passkey.copied"
    } else {
        "passkey.refused"
    };
    let entry = match key {
        Some(key) => {
            let of = json!({ "of": key.user_name });
            Entry::new(action, "passkey")
                .object(key.id.0, &key.name)
                .after(of)
        }
        None => Entry::new(action, "passkey"),
    };
    audit::record(conn, actor, entry.outcome(Outcome::Refused)).await?;
    tracing::warn!(reason = %error, client.address = actor.address.as_deref(), "a passkey was refused");
    Ok(if copied { was_copied() } else { not_accepted() })
}

/// Where a refusal about this account is noted.
async fn org_of(conn: &mut AsyncPgConnection, user: Option<UserId>) -> Result<OrgId> {
    let org = match user {
        Some(user) => super::actors::home(conn, user).await?,
        None => None,
    };
    Ok(org.unwrap_or(OrgId::HOME))
}

/// What a browser sent.
fn read<T: DeserializeOwned>(answer: &str) -> Result<T, Problem> {
    serde_json::from_str(answer).map_err(|_| {
        Problem::invalid(
            "passkey_unreadable",
            "answer",
            "What the browser sent is no answer of a passkey. Try again, or use another browser.",
        )
    })
}

fn not_accepted() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "passkey_refused",
        "This passkey was not accepted. It may have been removed here, or belong to another account. Sign in another way.",
    )
}

fn was_copied() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "passkey_copied",
        "This passkey was not accepted: it counts fewer uses than it had before, as a copy of it would. Sign in another way \
         and remove it.",
    )
}

fn failed(error: &WebauthnError) -> Error {
    Error::Internal(format!("a passkey's challenge could not be made: {error}"))
}
