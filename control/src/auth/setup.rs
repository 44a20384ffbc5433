//! The first start: who opens the one-time link becomes the owner.

use super::{Client, NewSession, names, passwords, sessions, tokens};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Bytea, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Role, Via},
    errors::{ErrorClass, Problem},
    ids::{OrgId, UserId},
};
use secrecy::{ExposeSecret, SecretString};

/// "chronset" in ASCII: the advisory lock under which the owner is made.
const LOCK: i64 = 0x6368_726f_6e73_6574;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether nobody owns this installation yet.
///
/// # Errors
/// When the database does not answer.
pub async fn setup_needed(control: &Control) -> Result<bool> {
    needed(&mut *control.db().conn().await?).await
}

async fn needed(conn: &mut AsyncPgConnection) -> Result<bool> {
    let owned: Answer =
        diesel::sql_query("select exists (select 1 from memberships where role = 'owner') as yes")
            .get_result(conn)
            .await?;
    Ok(!owned.yes)
}

/// A new token for the set-up link, in place of the older one; nothing once there is an owner.
///
/// # Errors
/// When the database does not answer.
pub async fn issue_setup_token(control: &Control) -> Result<Option<SecretString>> {
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        lock(conn).await?;
        if !needed(conn).await? {
            return Ok(None);
        }
        let token = tokens::random("");
        diesel::sql_query(
            "with old as (delete from setup_tokens where used_at is null) \
             insert into setup_tokens (token_hash) values ($1)",
        )
        .bind::<Bytea, _>(tokens::hash(token.expose_secret()))
        .execute(conn)
        .await?;
        Ok(Some(token))
    })
    .await
}

/// Makes the owner's account and signs them in. The token is used up by success only.
///
/// # Errors
/// 409 `already_set_up`, 403 `setup_link_invalid`, 422 for the name or the password.
pub async fn complete_setup(
    control: &Control,
    token: &str,
    name: &str,
    password: SecretString,
    client: &Client,
) -> Result<NewSession> {
    let hashed_token = tokens::hash(token.trim());
    let mut conn = control.db().conn().await?;
    // Before the costly hash, so that guessing costs us nothing.
    if !needed(&mut conn).await? {
        return Err(already_set_up().into());
    }
    if !is_valid(&mut conn, &hashed_token).await? {
        return Err(link_invalid().into());
    }
    drop(conn);
    let name = names::check(name)?;
    passwords::check(&password, &name)?;
    let hashed = passwords::hash(password).await?;

    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        lock(conn).await?;
        if !needed(conn).await? {
            return Err(already_set_up().into());
        }
        let used = diesel::sql_query(
            "update setup_tokens set used_at = now() where token_hash = $1 and used_at is null",
        )
        .bind::<Bytea, _>(&hashed_token)
        .execute(conn)
        .await?;
        if used == 0 {
            return Err(link_invalid().into());
        }
        let user = make_owner(conn, &name, &hashed).await?;
        let session =
            sessions::create(control, conn, (user, &name, Role::Owner), OrgId::HOME, client).await?;
        audit::record(
            conn,
            &session.actor,
            Entry::new("setup.complete", "user").object(user.0, &name),
        )
        .await?;
        Ok(session)
    })
    .await
}

/// Makes the owner's account without a browser, and says whether it did: once somebody owns the installation nothing
/// happens, so that the settings may stay in place.
///
/// # Errors
/// 422 for the name or the password.
pub async fn setup_unattended(control: &Control, name: &str, password: SecretString) -> Result<bool> {
    if !setup_needed(control).await? {
        return Ok(false);
    }
    let name = names::check(name)?;
    passwords::check(&password, &name)?;
    let hashed = passwords::hash(password).await?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        lock(conn).await?;
        if !needed(conn).await? {
            return Ok(false);
        }
        let user = make_owner(conn, &name, &hashed).await?;
        let actor = Actor {
            via: Via::Console,
            name: "console".to_owned(),
            ..Actor::system(OrgId::HOME)
        };
        audit::record(
            conn,
            &actor,
            Entry::new("setup.complete", "user").object(user.0, &name),
        )
        .await?;
        Ok(true)
    })
    .await
}

async fn lock(conn: &mut AsyncPgConnection) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock($1)")
        .bind::<BigInt, _>(LOCK)
        .execute(conn)
        .await?;
    Ok(())
}

async fn is_valid(conn: &mut AsyncPgConnection, hashed_token: &[u8]) -> Result<bool> {
    let found: Answer = diesel::sql_query(
        "select exists (select 1 from setup_tokens where token_hash = $1 and used_at is null) as yes",
    )
    .bind::<Bytea, _>(hashed_token)
    .get_result(conn)
    .await?;
    Ok(found.yes)
}

async fn make_owner(conn: &mut AsyncPgConnection, name: &str, password_hash: &str) -> Result<UserId> {
    let user = UserId::new();
    diesel::sql_query(
        "insert into users (id, name, password_hash, is_server_admin) values ($1, $2, $3, true)",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<Text, _>(name)
    .bind::<Text, _>(password_hash)
    .execute(conn)
    .await?;
    diesel::sql_query("insert into memberships (org_id, user_id, role) values ($1, $2, 'owner')")
        .bind::<SqlUuid, _>(OrgId::HOME.0)
        .bind::<SqlUuid, _>(user.0)
        .execute(conn)
        .await?;
    Ok(user)
}

fn already_set_up() -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "already_set_up",
        "Chrontainer is set up already. Sign in instead.",
    )
}

fn link_invalid() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "setup_link_invalid",
        "This set-up link is not valid: it was used, or a later start of the server made a new one. Take the link \
         from the newest lines of the server's log.",
    )
}
