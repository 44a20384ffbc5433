//! Passwords: Argon2id with the parameters that OWASP's Password Storage Cheat Sheet names for it.

use crate::{
    Control,
    auth::{guessable, names},
    error::{Error, Result},
};
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use diesel::{sql_types::Text, sql_types::Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Via},
    errors::Problem,
    ids::{OrgId, UserId},
};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// The shortest and the longest password, in characters. There are no rules about its composition.
pub const PASSWORD_MIN: usize = 8;
pub const PASSWORD_MAX: usize = 1024;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of the hash.
const LENGTH: usize = 32;
/// Blocks of 1 KiB that are asked for: 34 MiB.
const ROOM: usize = 34 * 1024;

/// Each hash takes 19 MiB and a core: two at once leave a Pi with 1 GB alive however many people sign in.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

/// A hash that no password has, for names that do not exist: they cost the same time. It is made at the first
/// use, with the parameters of today.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let random: [u8; 32] = rand::random();
    make(&random).unwrap_or_default()
});

/// A password for somebody who lost theirs: 128 random bits.
pub fn random() -> SecretString {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()).into()
}

/// Checks a new password of an account: its length, and that it is not among those that are tried first.
///
/// # Errors
/// 422 `password_too_short`, `password_too_long` or `password_common`.
pub fn check(password: &SecretString, name: &str) -> Result<(), Problem> {
    let length = password.expose_secret().chars().count();
    if length < PASSWORD_MIN {
        return Err(Problem::invalid(
            "password_too_short",
            "password",
            format!(
                "The password is too short. Use at least {PASSWORD_MIN} characters; a few words do well."
            ),
        ));
    }
    if length > PASSWORD_MAX {
        return Err(Problem::invalid(
            "password_too_long",
            "password",
            format!("The password is too long. Use at most {PASSWORD_MAX} characters."),
        ));
    }
    if guessable::is_guessable(password.expose_secret(), name) {
        return Err(Problem::invalid(
            "password_common",
            "password",
            "This password is among those that are tried first. Use another one; a few unrelated words do well.",
        ));
    }
    Ok(())
}

/// Hashes a password (about 20 ms on a desktop, 200 ms on a Pi), at most two at once.
///
/// # Errors
/// Internal, when there is no memory for it.
pub async fn hash(password: SecretString) -> Result<String> {
    on_a_thread(move || make(password.expose_secret().as_bytes())).await?
}

/// Whether the password is the one. Without a stored hash the answer is no, after the same time.
///
/// # Errors
/// Internal, when there is no memory for it.
pub async fn verify(password: SecretString, stored: Option<String>) -> Result<bool> {
    on_a_thread(move || {
        let known = stored.is_some();
        let text = stored.unwrap_or_else(|| NOBODY.clone());
        matches(password.expose_secret().as_bytes(), &text).unwrap_or_default() && known
    })
    .await
}

#[derive(diesel::QueryableByName)]
struct Kept {
    #[diesel(sql_type = diesel::sql_types::Nullable<Text>)]
    password_hash: Option<String>,
}

/// Whether the account has a password at all.
pub(super) async fn has_one(control: &Control, user: UserId) -> Result<bool> {
    let mut conn = control.db().conn().await?;
    let kept: Kept = diesel::sql_query("select password_hash from users where id = $1")
        .bind::<SqlUuid, _>(user.0)
        .get_result(&mut conn)
        .await?;
    Ok(kept.password_hash.is_some())
}

/// Whether it is the password of this account.
pub(super) async fn is_own(control: &Control, user: UserId, password: SecretString) -> Result<bool> {
    let mut conn = control.db().conn().await?;
    let kept: Kept = diesel::sql_query("select password_hash from users where id = $1")
        .bind::<SqlUuid, _>(user.0)
        .get_result(&mut conn)
        .await?;
    drop(conn);
    verify(password, kept.password_hash).await
}

/// Gives an account a new password and ends all its sessions; for the command line of the server's machine. For a day the
/// password is taken although passwords are switched off, so that a broken provider shuts nobody out for good.
///
/// # Errors
/// 404 when there is no such account, 422 for a password that breaks the rules.
pub async fn set_password(control: &Control, name: &str, password: SecretString) -> Result<()> {
    set_password_and(control, name, password, false).await
}

/// As [`set_password`]; `without_second_factor` takes the second factor and the passkeys away too, for somebody who
/// lost them.
///
/// # Errors
/// As [`set_password`].
pub async fn set_password_and(
    control: &Control,
    name: &str,
    password: SecretString,
    without_second_factor: bool,
) -> Result<()> {
    let name = names::check(name)?;
    check(&password, &name)?;
    let hashed = hash(password).await?;
    let mut conn = control.db().conn().await?;
    let ended = conn
        .transaction::<_, Error, _>(async |conn| {
            let account: Option<Account> = first(
                diesel::sql_query(
                    "update users set password_hash = $2, updated_at = now(), disabled_at = null, \
                     password_until = now() + interval '1 day' where lower(name) = lower($1) returning id, name",
                )
                .bind::<Text, _>(&name)
                .bind::<Text, _>(&hashed)
                .load(conn)
                .await?,
            );
            let account = account.ok_or_else(|| Problem::not_found("user"))?;
            if without_second_factor {
                super::second_factor::take_away(conn, UserId(account.id)).await?;
            }
            let ended: Vec<Ended> =
                diesel::sql_query("delete from sessions where user_id = $1 returning id, org_id")
                    .bind::<SqlUuid, _>(account.id)
                    .load(conn)
                    .await?;
            let org = crate::auth::actors::home(conn, UserId(account.id))
                .await?
                .unwrap_or(OrgId::HOME);
            let actor = Actor {
                via: Via::Console,
                name: "console".to_owned(),
                ..Actor::system(org)
            };
            crate::audit::record(
                conn,
                &actor,
                crate::audit::Entry::new("user.password_reset", "user").object(account.id, &account.name),
            )
            .await?;
            Ok(ended)
        })
        .await?;
    for session in ended {
        control.session_ends().tell(domain::ids::SessionId(session.id));
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Account {
    #[diesel(sql_type = SqlUuid)]
    id: uuid::Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(diesel::QueryableByName)]
struct Ended {
    #[diesel(sql_type = SqlUuid)]
    id: uuid::Uuid,
}

fn first<T>(rows: Vec<T>) -> Option<T> {
    rows.into_iter().next()
}

async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let place = PLACES
        .clone()
        .acquire_owned()
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    })
    .await
    .map_err(|error| Error::Internal(format!("hashing a password ended early: {error}")))
}

/// The hash with a fresh salt, in PHC string format.
fn make(password: &[u8]) -> Result<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(LENGTH)).map_err(failed)?;
    let salt: [u8; Salt::RECOMMENDED_LENGTH] = rand::random();
    let mut out = [0; LENGTH];
    derive(&params, password, &salt, &mut out)?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(failed)?,
        salt: Some(Salt::new(&salt).map_err(failed)?),
        hash: Some(Output::new(&out).map_err(failed)?),
    };
    Ok(hash.to_string())
}

/// Nothing when the stored text is no hash of ours.
fn matches(password: &[u8], stored: &str) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    if stored.algorithm != ARGON2ID_IDENT || stored.version != Some(Version::V0x13.into()) {
        return None;
    }
    let (salt, expected) = (stored.salt.as_ref()?, stored.hash.as_ref()?);
    // As it was made: the parameters of today may be others.
    let params = Params::try_from(&stored).ok()?;
    let mut out = vec![0; expected.len()];
    derive(&params, password, salt, &mut out).ok()?;
    // Compares in constant time.
    Some(*expected == Output::new(&out).ok()?)
}

fn derive(params: &Params, password: &[u8], salt: &[u8], out: &mut [u8]) -> Result<()> {
    // glibc gives blocks above 32 MiB back to the system at once and keeps smaller ones in each thread's arena: a few
    // sign-ins at once left 100 MB resident for good. What is never touched costs nothing.
    let mut memory = Vec::with_capacity(params.block_count().max(ROOM));
    memory.resize(params.block_count(), Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password, salt, out, memory.as_mut_slice())
        .map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("a password could not be hashed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn only_the_password_itself_fits() {
        let stored = hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(
            verify("correct horse".into(), Some(stored.clone()))
                .await
                .unwrap()
        );
        assert!(!verify("correct horsf".into(), Some(stored)).await.unwrap());
        assert!(
            !verify("anything".into(), Some("not a hash".into()))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn an_unknown_name_costs_as_much_as_a_known_one() {
        let stored = hash("correct horse".into()).await.unwrap();
        // Makes the hash of nobody.
        assert!(!verify("wrong one".into(), None).await.unwrap());
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..5 {
            for (times, stored) in times.iter_mut().zip([Some(stored.clone()), None]) {
                let begun = Instant::now();
                assert!(!verify("wrong one".into(), stored).await.unwrap());
                times.push(begun.elapsed());
            }
        }
        let [known, unknown] = times.map(|times| times.into_iter().min().unwrap());
        assert!(
            unknown * 2 > known && known * 2 > unknown,
            "{known:?} {unknown:?}"
        );
    }

    #[test]
    fn length_counts_and_what_is_tried_first() {
        let code = |password: &str| check(&password.into(), "ada").map_err(|problem| problem.code);
        assert_eq!(code("no rules here"), Ok(()));
        assert_eq!(code("kwpzrtmv"), Ok(()), "no digits or capitals are asked for");
        assert_eq!(code("aaaaaaa").unwrap_err(), "password_too_short");
        assert_eq!(code("Password123!").unwrap_err(), "password_common");
        assert_eq!(code(&"ab c".repeat(300)).unwrap_err(), "password_too_long");
    }

    #[tokio::test]
    async fn hashes_of_other_programs_and_other_parameters_fit() {
        // Made by the reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -e
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify("password".into(), Some(stored.into())).await.unwrap());
        assert!(!verify("Password".into(), Some(stored.into())).await.unwrap());
    }
}
