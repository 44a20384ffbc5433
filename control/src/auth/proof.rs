//! Showing again that a session is one's own, before it may change how one comes in: a browser left open, or a stolen cookie,
//! must not be enough to make a way in that lasts.

use super::{attempts::Attempt, own_sessions, passwords, second_factor::own};
use crate::{
    Control,
    audit::{self, Entry, Outcome},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    passkeys::ProofWays,
};
use secrecy::SecretString;
use std::time::Duration;

/// How long it counts; a sign-in counts as well.
pub const PROOF_LASTS: Duration = Duration::from_secs(600);

#[derive(QueryableByName)]
struct Proven {
    #[diesel(sql_type = Bool)]
    recently: bool,
}

/// Refuses whoever has not shown lately that the session is theirs.
///
/// # Errors
/// 403 `prove_first`.
pub(super) async fn require(conn: &mut AsyncPgConnection, actor: &Actor) -> Result<()> {
    let proven: Option<Proven> = diesel::sql_query(
        "select proven_at > now() - $2 * interval '1 second' as recently from sessions where id = $1",
    )
    .bind::<Nullable<SqlUuid>, _>(own_sessions::own(actor).map(|id| id.0))
    .bind::<BigInt, _>(PROOF_LASTS.as_secs().cast_signed())
    .get_result(conn)
    .await
    .optional()?;
    if proven.is_some_and(|proven| proven.recently) {
        return Ok(());
    }
    Err(Problem::new(
        ErrorClass::Forbidden,
        "prove_first",
        "You signed in a while ago. Show once more that it is you.",
    )
    .into())
}

/// Notes that somebody has just shown it.
pub(super) async fn note(conn: &mut AsyncPgConnection, actor: &Actor) -> Result<()> {
    diesel::sql_query("update sessions set proven_at = now() where id = $1")
        .bind::<Nullable<SqlUuid>, _>(own_sessions::own(actor).map(|id| id.0))
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Ways {
    #[diesel(sql_type = Bool)]
    password: bool,
    #[diesel(sql_type = Bool)]
    passkeys: bool,
}

/// How one can show it.
///
/// # Errors
/// When the database does not answer.
pub async fn proof_ways(control: &Control, actor: &Actor) -> Result<ProofWays> {
    actor.require(Permission::Own)?;
    let Some(user) = actor.user_id else {
        return Ok(ProofWays::default());
    };
    let mut conn = control.db().conn().await?;
    let found: Ways = diesel::sql_query(
        "select password_hash is not null as password, exists (select 1 from passkeys where user_id = $1) as passkeys \
         from users where id = $1",
    )
    .bind::<SqlUuid, _>(user.0)
    .get_result(&mut conn)
    .await?;
    drop(conn);
    let linked = crate::providers::list_identities(control, actor).await?.items;
    let mut providers = crate::providers::ways(control).await?;
    providers.retain(|way| linked.iter().any(|identity| identity.slug == way.slug));
    Ok(ProofWays {
        password: found.password,
        passkeys: found.passkeys,
        providers,
    })
}

/// Shows it with the password.
///
/// # Errors
/// 403 `session_needed`; 422 `wrong_password`; 429 after too many tries.
pub async fn prove_with_password(control: &Control, actor: &Actor, password: SecretString) -> Result<()> {
    let user = own(actor)?;
    let attempt = Attempt::new(&actor.name, actor.address.as_deref());
    attempt.begin(control).await?;
    let fits = passwords::is_own(control, user, password).await?;
    let mut conn = control.db().conn().await?;
    if !fits {
        let entry = Entry::new("session.prove", "user").object(user.0, &actor.name);
        audit::record(&mut conn, actor, entry.outcome(Outcome::Refused)).await?;
        return Err(Problem::invalid(
            "wrong_password",
            "password",
            "That is not your password. Check it and try again.",
        )
        .into());
    }
    conn.transaction::<_, Error, _>(async |conn| {
        attempt.succeeded(conn).await?;
        note(conn, actor).await
    })
    .await
}
