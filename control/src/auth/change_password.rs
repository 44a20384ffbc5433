//! One's own password, and the one-time link for somebody who lost theirs.

use super::{
    Client, NewSession, actors, attempts::Attempt, own_sessions, passwords, proof, second_factor::own, tokens,
};
use crate::{
    Control,
    audit::{self, Entry, Outcome},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Via},
    errors::{ErrorClass, Problem},
    ids::{OrgId, UserId},
    people::OneTimeLink,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// How long a link for a new password is good.
const HOURS: i32 = 24;

/// Changes one's own password. Every session ends; the browser that asked gets a new one.
///
/// # Errors
/// 403 `session_needed` for a key; 422 `wrong_password`, or what is wrong with the new one; 429 after too many tries.
pub async fn change_password(
    control: &Control,
    actor: &Actor,
    current: SecretString,
    new: SecretString,
    client: &Client,
) -> Result<Option<NewSession>> {
    actor.require(Permission::OwnManage)?;
    let (Some(user), Some(_)) = (actor.user_id, own_sessions::own(actor)) else {
        return Err(session_needed().into());
    };
    passwords::check(&new, &actor.name)?;
    let attempt = Attempt::new(&actor.name, actor.address.as_deref());
    attempt.begin(control).await?;
    if !passwords::is_own(control, user, current).await? {
        let mut conn = control.db().conn().await?;
        let entry = Entry::new("user.password_change", "user").object(user.0, &actor.name);
        audit::record(&mut conn, actor, entry.outcome(Outcome::Refused)).await?;
        return Err(Problem::invalid(
            "wrong_password",
            "current",
            "That is not your password now. Check it and try again.",
        )
        .into());
    }
    let hashed = passwords::hash(new).await?;
    let mut conn = control.db().conn().await?;
    let (session, ended) = conn
        .transaction::<_, Error, _>(async |conn| {
            attempt.succeeded(conn).await?;
            diesel::sql_query("update users set password_hash = $2, updated_at = now() where id = $1")
                .bind::<SqlUuid, _>(user.0)
                .bind::<Text, _>(&hashed)
                .execute(conn)
                .await?;
            let mut ended = own_sessions::end_all(conn, user, None, own_sessions::own(actor)).await?;
            let session = own_sessions::replace(control, conn, actor, actor.org_id, client).await?;
            ended.extend(own_sessions::own(actor));
            let entry = Entry::new("user.password_change", "user").object(user.0, &actor.name);
            audit::record(conn, actor, entry).await?;
            Ok((session, ended))
        })
        .await?;
    own_sessions::tell(control, &ended);
    Ok(session)
}

/// Gives one's own account, which came to be through a provider, its first password. Every session ends; the browser that asked
/// gets a new one.
///
/// # Errors
/// 403 `session_needed` for a key, or `prove_first`; 409 `password_exists`; 422 for the password.
pub async fn set_first_password(
    control: &Control,
    actor: &Actor,
    new: SecretString,
    client: &Client,
) -> Result<Option<NewSession>> {
    let user = own(actor)?;
    passwords::check(&new, &actor.name)?;
    let mut conn = control.db().conn().await?;
    proof::require(&mut conn, actor).await?;
    // The hash takes its time; somebody else may use the connection meanwhile.
    drop(conn);
    let hashed = passwords::hash(new).await?;
    let mut conn = control.db().conn().await?;
    let (session, ended) = conn
        .transaction::<_, Error, _>(async |conn| {
            let set = diesel::sql_query(
                "update users set password_hash = $2, updated_at = now() where id = $1 and password_hash is null",
            )
            .bind::<SqlUuid, _>(user.0)
            .bind::<Text, _>(&hashed)
            .execute(conn)
            .await?;
            if set == 0 {
                return Err(Problem::new(
                    ErrorClass::Conflict,
                    "password_exists",
                    "Your account has a password already. Change it with the one that it has.",
                )
                .into());
            }
            let mut ended = own_sessions::end_all(conn, user, None, own_sessions::own(actor)).await?;
            let session = own_sessions::replace(control, conn, actor, actor.org_id, client).await?;
            ended.extend(own_sessions::own(actor));
            let entry = Entry::new("user.password_first", "user").object(user.0, &actor.name);
            audit::record(conn, actor, entry).await?;
            Ok((session, ended))
        })
        .await?;
    own_sessions::tell(control, &ended);
    Ok(session)
}

#[derive(QueryableByName)]
struct Expires {
    #[diesel(sql_type = Timestamptz)]
    expires_at: Timestamp,
}

/// A link by which a member sets a new password, once. It replaces the links that were made before.
///
/// # Errors
/// 403 for somebody with more rights than one's own, or with rights elsewhere; 404 `member_not_found`.
pub async fn reset_link(control: &Control, actor: &Actor, user: UserId) -> Result<OneTimeLink> {
    actor.require(Permission::UsersManage)?;
    let token = tokens::random("");
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let member = crate::people::manageable(conn, actor, user).await?;
        member.require_account_rights(actor)?;
        let Expires { expires_at } = diesel::sql_query(
            "with old as (delete from password_resets where user_id = $2 and used_at is null) \
             insert into password_resets (token_hash, user_id, created_by, expires_at) \
             values ($1, $2, $3, now() + $4 * interval '1 hour') returning expires_at",
        )
        .bind::<Bytea, _>(tokens::hash(token.expose_secret()))
        .bind::<SqlUuid, _>(user.0)
        .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
        .bind::<diesel::sql_types::Integer, _>(HOURS)
        .get_result(conn)
        .await?;
        let entry = Entry::new("user.reset_link", "user").object(user.0, &member.name);
        audit::record(conn, actor, entry).await?;
        Ok(OneTimeLink {
            path: format!("/reset?token={}", token.expose_secret()),
            expires_at,
        })
    })
    .await
}

#[derive(QueryableByName)]
struct Account {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Whose password a link sets.
///
/// # Errors
/// 403 `reset_link_invalid`.
pub async fn reset_for(control: &Control, token: &str) -> Result<String> {
    let mut conn = control.db().conn().await?;
    let account: Option<Account> = diesel::sql_query(
        "select u.id, u.name from password_resets r join users u on u.id = r.user_id \
         where r.token_hash = $1 and r.used_at is null and r.expires_at > now() and u.disabled_at is null",
    )
    .bind::<Bytea, _>(tokens::hash(token.trim()))
    .get_result(&mut conn)
    .await
    .optional()?;
    Ok(account.ok_or_else(link_invalid)?.name)
}

/// Sets the password by a link, which is used up by success only. Every session ends; signing in comes next.
///
/// # Errors
/// 403 `reset_link_invalid`; 422 for the password.
pub async fn complete_reset(
    control: &Control,
    token: &str,
    new: SecretString,
    client: &Client,
) -> Result<()> {
    // Before the costly hash, so that guessing costs us nothing.
    let name = reset_for(control, token).await?;
    passwords::check(&new, &name)?;
    let hashed = passwords::hash(new).await?;
    let mut conn = control.db().conn().await?;
    let ended = conn
        .transaction::<_, Error, _>(async |conn| {
            let account: Option<Account> = diesel::sql_query(
                "with used as (update password_resets set used_at = now() where token_hash = $1 and used_at is null \
                   and expires_at > now() returning user_id) \
                 update users u set password_hash = $2, updated_at = now() from used \
                 where u.id = used.user_id and u.disabled_at is null returning u.id, u.name",
            )
            .bind::<Bytea, _>(tokens::hash(token.trim()))
            .bind::<Text, _>(&hashed)
            .get_result(conn)
            .await
            .optional()?;
            let account = account.ok_or_else(link_invalid)?;
            let user = UserId(account.id);
            let ended = own_sessions::end_all(conn, user, None, None).await?;
            let actor = Actor {
                user_id: Some(user),
                name: account.name.clone(),
                via: Via::System,
                address: client.address.clone(),
                ..Actor::system(actors::home(conn, user).await?.unwrap_or(OrgId::HOME))
            };
            let entry = Entry::new("user.password_reset", "user").object(user.0, &account.name);
            audit::record(conn, &actor, entry).await?;
            Ok(ended)
        })
        .await?;
    own_sessions::tell(control, &ended);
    Ok(())
}

pub(crate) fn session_needed() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "session_needed",
        "An API key cannot do this. Sign in with a browser.",
    )
}

fn link_invalid() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "reset_link_invalid",
        "This link is not valid: it was used, a newer one was made, or its 24 hours are over. Ask for a new one.",
    )
}
