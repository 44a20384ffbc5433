//! Names and passwords with every request of the API (HTTP Basic, RFC 7617), where a server administrator has switched that
//! on. The same counts hold as for signing in, and nobody comes in this way whose account has a second factor or whose
//! organisation asks for one.

use super::{Client, actors, attempts::Attempt, passwords, sign_in};
use crate::{
    Control,
    audit::{self, Entry, Outcome},
    error::Result,
    providers::{basic_taken, passwords_taken},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Via},
    errors::{ErrorClass, Problem},
    ids::{OrgId, UserId},
};
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::Sha256;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// For so long a right password is not computed again: each computation takes a core and 19 MiB.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many are remembered.
const MOST: usize = 1000;

/// Right answers of a while ago, by a digest that only this process can make.
pub(crate) struct Basics {
    key: [u8; 64],
    right: Mutex<HashMap<[u8; 32], Right>>,
    /// One computation after the other: a program that asks many things at once has one right answer for all of them.
    turn: tokio::sync::Mutex<()>,
}

/// It counts for as long as the account still has this very hash.
struct Right {
    stored: String,
    until: Instant,
}

impl Default for Basics {
    fn default() -> Self {
        Self {
            key: rand::random(),
            right: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl Basics {
    fn digest(&self, user: Uuid, password: &SecretString) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.key.into());
        mac.update(user.as_bytes());
        mac.update(password.expose_secret().as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn knows(&self, digest: &[u8; 32], stored: &str) -> bool {
        let right = self.right.lock();
        right
            .get(digest)
            .is_some_and(|right| right.stored == stored && right.until > Instant::now())
    }

    fn remember(&self, digest: [u8; 32], stored: String) {
        let now = Instant::now();
        let mut right = self.right.lock();
        if right.len() >= MOST {
            right.retain(|_, right| right.until > now);
            if right.len() >= MOST {
                right.clear();
            }
        }
        let until = now + REMEMBERED;
        right.insert(digest, Right { stored, until });
    }
}

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
    #[diesel(sql_type = Bool)]
    let_in: bool,
}

/// Whether names and passwords are taken with requests of the API.
///
/// # Errors
/// When the database does not answer.
pub async fn basic_is_on(control: &Control) -> Result<bool> {
    let mut conn = control.db().conn().await?;
    basic_taken(&mut conn).await
}

/// Who a name and a password belong to, in the organisation that they joined first; nobody when they do not fit, or when this
/// is not switched on.
///
/// # Errors
/// 429 `too_many_attempts` with `retry_after`; 403 `passwords_off`, `no_organisation`, `second_factor_needed`.
pub async fn authenticate_basic(
    control: &Control,
    name: &str,
    password: &SecretString,
    client: &Client,
) -> Result<Option<Actor>> {
    if !basic_is_on(control).await? {
        return Ok(None);
    }
    let basics = control.basics();
    let mut conn = control.db().conn().await?;
    let found = account(&mut conn, name).await?;
    let known = |account: &Account| {
        let stored = account.password_hash.as_deref()?;
        let digest = basics.digest(account.id, password);
        (!account.disabled && basics.knows(&digest, stored)).then_some(())
    };
    if let Some(account) = found.as_ref().filter(|account| known(account).is_some()) {
        return admitted(&mut conn, account, client).await.map(Some);
    }
    drop(conn);
    let _turn = basics.turn.lock().await;
    let mut conn = control.db().conn().await?;
    let found = account(&mut conn, name).await?;
    if let Some(account) = found.as_ref().filter(|account| known(account).is_some()) {
        return admitted(&mut conn, account, client).await.map(Some);
    }
    drop(conn);
    let attempt = Attempt::new(name, client.address.as_deref());
    attempt.begin(control).await?;
    let stored = found.as_ref().and_then(|account| account.password_hash.clone());
    let fits = passwords::verify(password.clone(), stored.clone()).await?;
    let mut conn = control.db().conn().await?;
    let account = match (found, stored) {
        (Some(account), Some(stored)) if fits && !account.disabled => {
            basics.remember(basics.digest(account.id, password), stored);
            account
        }
        (other, _) => {
            refused(&mut conn, other.as_ref(), client).await?;
            return Ok(None);
        }
    };
    let actor = admitted(&mut conn, &account, client).await?;
    attempt.succeeded(&mut conn).await?;
    // Once for every while that it is remembered, and not for each request.
    let entry = Entry::new("session.begin", "user").object(account.id, &account.name);
    audit::record(&mut conn, &actor, entry.after(json!({ "how": "HTTP Basic" }))).await?;
    Ok(Some(actor))
}

async fn account(conn: &mut AsyncPgConnection, name: &str) -> Result<Option<Account>> {
    Ok(diesel::sql_query(
        "select id, name, password_hash, disabled_at is not null as disabled, \
         coalesce(password_until > now(), false) as let_in from users where lower(name) = lower($1)",
    )
    .bind::<Text, _>(name.trim())
    .get_result(conn)
    .await
    .optional()?)
}

async fn refused(conn: &mut AsyncPgConnection, account: Option<&Account>, client: &Client) -> Result<()> {
    let org = match account {
        Some(account) => actors::home(conn, UserId(account.id)).await?,
        None => None,
    };
    // The name is left out where nobody has it: what is typed into a name field is now and then a password.
    let entry = match account {
        Some(account) => Entry::new("session.begin", "user").object(account.id, &account.name),
        None => Entry::new("session.begin", "user"),
    };
    let entry = entry
        .after(json!({ "how": "HTTP Basic" }))
        .outcome(Outcome::Refused);
    audit::record(
        conn,
        &sign_in::stranger(org.unwrap_or(OrgId::HOME), client),
        entry,
    )
    .await
}

#[derive(QueryableByName)]
struct Second {
    #[diesel(sql_type = Bool)]
    needed: bool,
}

/// Whoever has shown the right password, as far as a password alone opens anything of theirs.
async fn admitted(conn: &mut AsyncPgConnection, account: &Account, client: &Client) -> Result<Actor> {
    if !account.let_in && !passwords_taken(conn).await? {
        return Err(sign_in::passwords_off().into());
    }
    let user = UserId(account.id);
    let org = actors::home(conn, user)
        .await?
        .ok_or_else(sign_in::no_organisation)?;
    let second: Second = diesel::sql_query(
        "select exists (select 1 from second_factors where user_id = $1 and confirmed_at is not null) \
         or exists (select 1 from passkeys where user_id = $1) \
         or (select second_factor_required from orgs where id = $2) as needed",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<SqlUuid, _>(org.0)
    .get_result(conn)
    .await?;
    if second.needed {
        return Err(Problem::new(
            ErrorClass::Forbidden,
            "second_factor_needed",
            "This account has a second factor, or its organisation asks for one, so a password alone opens nothing. Send an API \
             key with `Authorization: Bearer`.",
        )
        .into());
    }
    let actor = actors::actor_for_user(conn, org, user)
        .await?
        .ok_or_else(sign_in::no_organisation)?;
    Ok(Actor {
        via: Via::Basic,
        address: client.address.clone(),
        ..actor
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth, testing::Fixture};
    use domain::{auth::Role, providers::SignInPolicy};

    const PASSWORD: &str = "seven otters on a raft";

    fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().into_problem().code
    }

    async fn switched(fixture: &Fixture, basic: bool) {
        let admin = Actor {
            server_admin: true,
            ..fixture.owner.clone()
        };
        let policy = SignInPolicy {
            passwords: true,
            basic,
        };
        let set = crate::providers::set_sign_in_policy(&fixture.control, &admin, policy.clone()).await;
        assert_eq!(set.unwrap(), policy);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_password_with_each_request_counts_only_where_that_is_switched_on() {
        let fixture = Fixture::new().await;
        let control = &fixture.control;
        fixture.person("ada", Role::Operator).await;
        auth::set_password(control, "ada", PASSWORD.into()).await.unwrap();
        let client = Client {
            address: Some("192.0.2.7".to_owned()),
            user_agent: None,
        };
        let ask = async |name: &str, password: &str| {
            authenticate_basic(control, name, &password.to_owned().into(), &client).await
        };
        assert!(
            ask("ada", PASSWORD).await.unwrap().is_none(),
            "off unless somebody switches it on"
        );
        switched(&fixture, true).await;
        let actor = ask("Ada", PASSWORD).await.unwrap().unwrap();
        assert_eq!(
            (actor.name.as_str(), actor.role, &actor.via),
            ("ada", Role::Operator, &Via::Basic)
        );
        assert_eq!(actor.address.as_deref(), Some("192.0.2.7"));
        ask("ada", PASSWORD).await.unwrap().unwrap();
        let begun = "select count(*) from audit where action = 'session.begin' and outcome = 'done'";
        assert_eq!(fixture.text(begun).await, "1", "told once for a while");
        // What is one's own needs a browser.
        let key = domain::people::NewApiKey {
            name: "stronger".to_owned(),
            scope: domain::auth::Scope::Manage,
            selector: None,
            days: None,
        };
        assert_eq!(
            code(auth::api_keys::create_own(control, &actor, key).await),
            "session_needed"
        );

        // A new password makes the old one worthless at once, remembered or not.
        auth::set_password(control, "ada", "nine lighthouses at dusk".into())
            .await
            .unwrap();
        assert!(ask("ada", PASSWORD).await.unwrap().is_none());
        // Guessing is slowed down as on the sign-in page, for a name that nobody has just as well.
        for name in ["ada", "nobody"] {
            let mut refused = None;
            for _ in 0..8 {
                match ask(name, "wrong again and again").await {
                    Ok(found) => assert!(found.is_none()),
                    Err(error) => refused = Some(error.into_problem().code),
                }
            }
            assert_eq!(refused.as_deref(), Some("too_many_attempts"), "{name}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn where_there_is_a_second_factor_a_password_opens_nothing() {
        let fixture = Fixture::new().await;
        let control = &fixture.control;
        let ada = fixture.person("ada", Role::Operator).await;
        auth::set_password(control, "ada", PASSWORD.into()).await.unwrap();
        switched(&fixture, true).await;
        let client = Client::default();
        let password: SecretString = PASSWORD.into();
        let ask = async || authenticate_basic(control, "ada", &password, &client).await;
        ask().await.unwrap().unwrap();
        fixture.sql("update orgs set second_factor_required = true").await;
        assert_eq!(code(ask().await), "second_factor_needed", "remembered or not");
        fixture
            .sql("update orgs set second_factor_required = false")
            .await;
        ask().await.unwrap().unwrap();
        fixture
            .sql(&format!(
                "insert into passkeys (id, user_id, name, credential_id, public, rp_id) \
                 values ('{}', '{}', 'key', '\\x01', '{{}}', 'localhost')",
                Uuid::now_v7(),
                ada.user_id.unwrap()
            ))
            .await;
        assert_eq!(code(ask().await), "second_factor_needed");
        fixture.sql("delete from passkeys").await;
        fixture
            .sql("update users set disabled_at = now() where name = 'ada'")
            .await;
        assert!(ask().await.unwrap().is_none());
        switched(&fixture, false).await;
        assert!(ask().await.unwrap().is_none());
    }
}
