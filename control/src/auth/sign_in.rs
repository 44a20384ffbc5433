//! Signing in with a name and a password.

use super::{Client, NewSession, actors, attempts::Attempt, passwords, second_factor, sessions};
use crate::{
    Control,
    audit::{self, Entry, Outcome},
    error::{Error, Result},
    providers::passwords_taken,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Role, Via},
    errors::{ErrorClass, Problem},
    ids::{OrgId, UserId},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(QueryableByName)]
struct Account {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    password_hash: Option<String>,
    #[diesel(sql_type = Bool)]
    disabled: bool,
    /// Its password counts although passwords are switched off.
    #[diesel(sql_type = Bool)]
    let_in: bool,
}

/// Checks name and password and makes a session. An unknown name, a wrong password and a disabled account
/// get one answer, after the same time.
///
/// # Errors
/// 401 `wrong_credentials`, 429 `too_many_attempts` with `retry_after`, 403 `no_organisation`.
pub async fn sign_in(
    control: &Control,
    name: &str,
    password: SecretString,
    client: &Client,
) -> Result<NewSession> {
    match enter(control, name, password, client).await? {
        Entered::Session(session) => Ok(session),
        Entered::Step(_) => Err(Problem::new(
            ErrorClass::Unauthenticated,
            "second_factor_needed",
            "This account has a second factor. Sign in with a browser.",
        )
        .into()),
    }
}

/// Where a right password leads.
#[derive(Debug)]
pub enum Entered {
    Session(NewSession),
    /// To the question for a code: the token of that step, see [`super::sign_in_with_code`].
    Step(SecretString),
}

/// As [`sign_in`], for those who can answer the question for a code.
///
/// # Errors
/// As [`sign_in`]; 403 `passwords_off` where passwords are switched off and this account's was not let in again by the
/// command line.
pub async fn enter(
    control: &Control,
    name: &str,
    password: SecretString,
    client: &Client,
) -> Result<Entered> {
    let attempt = Attempt::new(name, client.address.as_deref());
    attempt.begin(control).await?;

    let mut conn = control.db().conn().await?;
    let passwords = passwords_taken(&mut conn).await?;
    let account: Option<Account> = diesel::sql_query(
        "select id, name, password_hash, disabled_at is not null as disabled, \
         coalesce(password_until > now(), false) as let_in from users where lower(name) = lower($1)",
    )
    .bind::<Text, _>(name.trim())
    .get_result(&mut conn)
    .await
    .optional()?;
    if !passwords && !account.as_ref().is_some_and(|account| account.let_in) {
        let entry = Entry::new("session.begin", "user").outcome(Outcome::Refused);
        audit::record(&mut conn, &stranger(OrgId::HOME, client), entry).await?;
        return Err(passwords_off().into());
    }
    // The hash takes its time; somebody else may use the connection meanwhile.
    drop(conn);
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let fits = passwords::verify(password, stored).await?;

    let mut conn = control.db().conn().await?;
    let account = match account {
        Some(account) if fits && !account.disabled => account,
        other => {
            let org = match &other {
                Some(account) => actors::home(&mut conn, UserId(account.id)).await?,
                None => None,
            };
            let entry = match &other {
                Some(account) => Entry::new("session.begin", "user").object(account.id, &account.name),
                // The name is left out: what is typed into a name field is now and then a password.
                None => Entry::new("session.begin", "user"),
            };
            let stranger = stranger(org.unwrap_or(OrgId::HOME), client);
            audit::record(&mut conn, &stranger, entry.outcome(Outcome::Refused)).await?;
            tracing::warn!(
                client.address = client.address.as_deref(),
                "a sign-in was refused"
            );
            return Err(wrong_credentials().into());
        }
    };
    conn.transaction::<_, Error, _>(async |conn| {
        attempt.succeeded(conn).await?;
        admit(control, conn, (UserId(account.id), &account.name), None, client).await
    })
    .await
}

/// Lets somebody in who has shown who they are, by a password or through `provider`: with a session, or to the question for
/// a code. In the caller's transaction.
///
/// # Errors
/// 403 `no_organisation`.
pub(crate) async fn admit(
    control: &Control,
    conn: &mut AsyncPgConnection,
    who: (UserId, &str),
    provider: Option<&str>,
    client: &Client,
) -> Result<Entered> {
    let (user, _) = who;
    if second_factor::is_on(conn, user).await? {
        return Ok(Entered::Step(second_factor::begin_step(conn, user).await?));
    }
    let how = provider.map(|provider| json!({ "provider": provider }));
    Ok(Entered::Session(begin(control, conn, who, how, client).await?))
}

/// Makes the session of somebody who needs to show nothing more. `how` is for the audit log. In the caller's transaction.
///
/// # Errors
/// 403 `no_organisation`.
pub(super) async fn begin(
    control: &Control,
    conn: &mut AsyncPgConnection,
    (user, name): (UserId, &str),
    how: Option<Value>,
    client: &Client,
) -> Result<NewSession> {
    let org = actors::home(conn, user).await?.ok_or_else(no_organisation)?;
    let member = actors::actor_for_user(conn, org, user)
        .await?
        .ok_or_else(wrong_credentials)?;
    let session = sessions::create(control, conn, (user, name, member.role), org, client).await?;
    let mut entry = Entry::new("session.begin", "user").object(user.0, name);
    if let Some(how) = how {
        entry = entry.after(how);
    }
    audit::record(conn, &session.actor, entry).await?;
    Ok(session)
}

/// Somebody who is not signed in, for the audit log.
pub(crate) fn stranger(org: OrgId, client: &Client) -> Actor {
    Actor {
        org_id: org,
        user_id: None,
        name: "somebody".to_owned(),
        role: Role::Viewer,
        server_admin: false,
        second_factor_missing: false,
        grants: Vec::new(),
        schedules: Vec::new(),
        via: Via::System,
        address: client.address.clone(),
    }
}

fn wrong_credentials() -> Problem {
    Problem::new(
        ErrorClass::Unauthenticated,
        "wrong_credentials",
        "The name or the password is wrong. Check both and try again.",
    )
}

pub(crate) fn passwords_off() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "passwords_off",
        "Passwords are switched off on this server. Sign in with one of the other ways. Whoever has the server's machine can let a \
         password in again with `chrontainer-server user reset`.",
    )
}

pub(super) fn no_organisation() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "no_organisation",
        "This account belongs to no organisation. Ask an owner to add it to one.",
    )
}
