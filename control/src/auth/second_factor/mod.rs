//! The second factor: codes of an authenticator app, and recovery codes for when it is lost.
//!
//! Between a right password and a right code there is a step of its own: a random token in the browser's cookie that opens
//! nothing but the page that asks for the code, for five minutes ([`step`]). A passkey is another answer to the same step
//! ([`super::passkeys`]): whoever has one is asked for a second factor, and has recovery codes.

mod step;
#[cfg(test)]
mod tests;
mod totp;

pub use step::{STEP_LASTS, sign_in_with_code};
pub(super) use step::{begin_step, complete, pending};

use super::{
    Client, NewSession, attempts::Attempt, change_password::session_needed, own_sessions, passwords, proof,
    tokens,
};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
    secrets::Sealed,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Bytea, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{OrgId, SecretId, UserId},
    people::{SecondFactor, SecondFactorSetup},
};
use secrecy::SecretString;
use uuid::Uuid;

/// How many recovery codes there are.
const CODES: usize = 10;

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Bytea)]
    nonce: Vec<u8>,
    #[diesel(sql_type = Bytea)]
    sealed: Vec<u8>,
    #[diesel(sql_type = Bool)]
    confirmed: bool,
    #[diesel(sql_type = BigInt)]
    last_step: i64,
    #[diesel(sql_type = BigInt)]
    now: i64,
}

async fn stored(conn: &mut AsyncPgConnection, user: UserId) -> Result<Option<Stored>> {
    Ok(diesel::sql_query(
        "select key_id, nonce, sealed, confirmed_at is not null as confirmed, last_step, \
         extract(epoch from clock_timestamp())::bigint as now from second_factors where user_id = $1 for update",
    )
    .bind::<SqlUuid, _>(user.0)
    .get_result(conn)
    .await
    .optional()?)
}

#[derive(QueryableByName)]
struct Having {
    #[diesel(sql_type = Bool)]
    app: bool,
    #[diesel(sql_type = Bool)]
    passkey: bool,
}

async fn having(conn: &mut AsyncPgConnection, user: UserId) -> Result<Having> {
    Ok(diesel::sql_query(
        "select exists (select 1 from second_factors where user_id = $1 and confirmed_at is not null) as app, \
         exists (select 1 from passkeys where user_id = $1) as passkey",
    )
    .bind::<SqlUuid, _>(user.0)
    .get_result(conn)
    .await?)
}

/// Whether a password alone does not open the account: it has an app or a passkey.
pub(super) async fn is_on(conn: &mut AsyncPgConnection, user: UserId) -> Result<bool> {
    let having = having(conn, user).await?;
    Ok(having.app || having.passkey)
}

/// Whether it has an authenticator app.
pub(super) async fn has_app(conn: &mut AsyncPgConnection, user: UserId) -> Result<bool> {
    Ok(having(conn, user).await?.app)
}

/// Whether somebody has a second factor of their own.
pub(crate) async fn has_second_factor(conn: &mut AsyncPgConnection, actor: &Actor) -> Result<bool> {
    match actor.user_id {
        Some(user) => is_on(conn, user).await,
        None => Ok(false),
    }
}

fn opened(control: &Control, user: UserId, stored: &Stored) -> Result<Vec<u8>> {
    let sealed = Sealed {
        nonce: stored.nonce.clone(),
        bytes: stored.sealed.clone(),
    };
    let key = control.seal_key();
    let opened = (stored.key_id == key.id())
        .then(|| key.open(OrgId(Uuid::nil()), SecretId(user.0), &sealed))
        .flatten();
    opened.ok_or_else(|| {
        Problem::new(
            ErrorClass::Unavailable,
            "secret_key_lost",
            "The second factor was sealed with another key, so no code can be checked. Put the old key back with \
             CHRONTAINER_SECRET_KEY_FILE, or take the second factor away with `chrontainer-server user reset`.",
        )
        .into()
    })
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    left: i64,
}

/// How it stands with one's own second factor.
///
/// # Errors
/// When the database does not answer.
pub async fn second_factor(control: &Control, actor: &Actor) -> Result<SecondFactor> {
    actor.require(Permission::Own)?;
    let Some(user) = actor.user_id else {
        return Ok(SecondFactor::default());
    };
    let mut conn = control.db().conn().await?;
    let having = having(&mut conn, user).await?;
    let Left { left } = diesel::sql_query(
        "select count(*) as left from recovery_codes where user_id = $1 and used_at is null",
    )
    .bind::<SqlUuid, _>(user.0)
    .get_result(&mut conn)
    .await?;
    Ok(SecondFactor {
        on: having.app,
        recovery_codes_left: if having.app || having.passkey {
            left.unsigned_abs()
        } else {
            0
        },
        missing: actor.second_factor_missing,
    })
}

/// Begins to set it up: a secret for the app. It asks nobody for a code until the first right one.
///
/// # Errors
/// 403 `session_needed`; 409 `second_factor_on`.
pub async fn begin_second_factor(control: &Control, actor: &Actor) -> Result<SecondFactorSetup> {
    let user = own(actor)?;
    let secret: [u8; totp::SECRET] = rand::random();
    let key = control.seal_key();
    let sealed = key
        .seal(OrgId(Uuid::nil()), SecretId(user.0), &secret)
        .ok_or_else(|| Error::Internal("a second factor could not be sealed".to_owned()))?;
    let mut conn = control.db().conn().await?;
    let written = diesel::sql_query(
        "insert into second_factors as f (user_id, key_id, nonce, sealed) values ($1, $2, $3, $4) \
         on conflict (user_id) do update set key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, \
         last_step = 0, created_at = now() where f.confirmed_at is null",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<Text, _>(key.id())
    .bind::<Bytea, _>(sealed.nonce)
    .bind::<Bytea, _>(sealed.bytes)
    .execute(&mut conn)
    .await?;
    if written == 0 {
        return Err(Problem::new(
            ErrorClass::Conflict,
            "second_factor_on",
            "The second factor is on already. Turn it off first to set up another app.",
        )
        .into());
    }
    let secret = totp::base32(&secret);
    let name: String = actor
        .name
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    Ok(SecondFactorSetup {
        url: format!("otpauth://totp/Chrontainer:{name}?secret={secret}&issuer=Chrontainer"),
        secret,
    })
}

/// Turns it on with the first right code. Gives the recovery codes, this once, and a new session; all others end.
///
/// # Errors
/// 403 `session_needed`; 409 `second_factor_not_begun`; 422 `code_wrong`; 429 after too many tries.
pub async fn confirm_second_factor(
    control: &Control,
    actor: &Actor,
    code: &str,
    client: &Client,
) -> Result<(Vec<String>, Option<NewSession>)> {
    let user = own(actor)?;
    let attempt = attempt(user);
    attempt.begin(control).await?;
    let mut conn = control.db().conn().await?;
    let (codes, session, ended) = conn
        .transaction::<_, Error, _>(async |conn| {
            let Some(stored) = stored(conn, user).await?.filter(|stored| !stored.confirmed) else {
                return Err(Problem::new(
                    ErrorClass::Conflict,
                    "second_factor_not_begun",
                    "There is no second factor to be confirmed. Begin anew.",
                )
                .into());
            };
            let secret = opened(control, user, &stored)?;
            let step =
                totp::matching(&secret, code, stored.now, stored.last_step).ok_or_else(|| wrong("code"))?;
            attempt.succeeded(conn).await?;
            diesel::sql_query(
                "update second_factors set confirmed_at = now(), last_step = $2 where user_id = $1",
            )
            .bind::<SqlUuid, _>(user.0)
            .bind::<BigInt, _>(step)
            .execute(conn)
            .await?;
            let codes = new_codes(conn, user).await?;
            let mut ended = own_sessions::end_all(conn, user, None, own_sessions::own(actor)).await?;
            let session = own_sessions::replace(control, conn, actor, actor.org_id, client).await?;
            ended.extend(own_sessions::own(actor));
            let entry = Entry::new("user.second_factor_on", "user").object(user.0, &actor.name);
            audit::record(conn, actor, entry).await?;
            Ok((codes, session, ended))
        })
        .await?;
    own_sessions::tell(control, &ended);
    Ok((codes, session))
}

/// Makes recovery codes in the place of all others.
pub(super) async fn new_codes(conn: &mut AsyncPgConnection, user: UserId) -> Result<Vec<String>> {
    // Without what is easily mistaken for another: 16 letters of 32 are 80 bits.
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";
    let codes: Vec<String> = (0..CODES)
        .map(|_| {
            let random: [u8; 16] = rand::random();
            let letters = random.map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
            let parts: Vec<String> = letters.chunks(4).map(|part| part.iter().collect()).collect();
            parts.join("-")
        })
        .collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| recovery_hash(code)).collect();
    diesel::sql_query(
        "with old as (delete from recovery_codes where user_id = $1 and not code_hash = any($2)) \
         insert into recovery_codes (user_id, code_hash) select $1, h from unnest($2) as t (h)",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<Array<Bytea>, _>(hashes)
    .execute(conn)
    .await?;
    Ok(codes)
}

/// Blanks, dashes and capitals do not matter: people copy these by hand.
fn recovery_hash(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    tokens::hash(&plain.to_ascii_lowercase())
}

/// Forgets the recovery codes: nothing is left that they would stand in for.
pub(super) async fn forget_codes(conn: &mut AsyncPgConnection, user: UserId) -> Result<()> {
    diesel::sql_query("delete from recovery_codes where user_id = $1")
        .bind::<SqlUuid, _>(user.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Turns the app off, with the password; an account that has none must have signed in lately. Every other session ends. The
/// recovery codes stay while there are passkeys.
///
/// # Errors
/// 403 `session_needed` or `prove_first`; 422 `wrong_password`; 429 after too many tries.
pub async fn end_second_factor(control: &Control, actor: &Actor, password: SecretString) -> Result<()> {
    let user = own(actor)?;
    if passwords::has_one(control, user).await? {
        proof::prove_with_password(control, actor, password).await?;
    }
    let mut conn = control.db().conn().await?;
    let ended = conn
        .transaction::<_, Error, _>(async |conn| {
            proof::require(conn, actor).await?;
            diesel::sql_query("delete from second_factors where user_id = $1")
                .bind::<SqlUuid, _>(user.0)
                .execute(conn)
                .await?;
            if !is_on(conn, user).await? {
                forget_codes(conn, user).await?;
            }
            let entry = Entry::new("user.second_factor_off", "user").object(user.0, &actor.name);
            audit::record(conn, actor, entry).await?;
            own_sessions::end_all(conn, user, None, own_sessions::own(actor)).await
        })
        .await?;
    own_sessions::tell(control, &ended);
    Ok(())
}

/// Takes the second factor of a member away who has lost it.
///
/// # Errors
/// 403 for somebody with more rights than one's own, or with rights elsewhere; 404 `member_not_found`.
pub async fn clear_second_factor(control: &Control, actor: &Actor, user: UserId) -> Result<()> {
    actor.require(Permission::UsersManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let member = crate::people::manageable(conn, actor, user).await?;
        member.require_account_rights(actor)?;
        take_away(conn, user).await?;
        let entry = Entry::new("user.second_factor_cleared", "user").object(user.0, &member.name);
        audit::record(conn, actor, entry).await
    })
    .await
}

/// Deletes all that an account is asked for beside a password: app, passkeys, recovery codes.
pub(super) async fn take_away(conn: &mut AsyncPgConnection, user: UserId) -> Result<()> {
    diesel::sql_query(
        "with codes as (delete from recovery_codes where user_id = $1), keys as (delete from passkeys where user_id = $1), \
         asked as (delete from passkey_challenges where user_id = $1), \
         steps as (delete from sign_in_steps where user_id = $1) delete from second_factors where user_id = $1",
    )
    .bind::<SqlUuid, _>(user.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// One's own account, and only by browser.
pub(super) fn own(actor: &Actor) -> Result<UserId, Problem> {
    actor.require(Permission::OwnManage)?;
    match (actor.user_id, own_sessions::own(actor)) {
        (Some(user), Some(_)) => Ok(user),
        _ => Err(session_needed()),
    }
}

fn attempt(user: UserId) -> Attempt {
    Attempt::of_code(&user.to_string())
}

fn wrong(field: &str) -> Problem {
    Problem::invalid(
        "code_wrong",
        field,
        "That code is not right. Take the one that the app shows now, and check the clock of its device.",
    )
}
