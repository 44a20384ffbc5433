//! From somebody whom a provider vouches for to an account here: by what the provider calls them, by a verified address where
//! that is allowed, by an invitation, or with a new account. Never by a name, which anybody may choose.

use super::{
    flow::Flow,
    person::{Person, domain_of, refused},
    roles,
};
use crate::{
    Control,
    audit::{self, Entry},
    auth::{self, Client, Entered},
    error::{Error, Result},
    people,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::Actor,
    errors::Problem,
    ids::{IdentityId, OrgId, SessionId, UserId},
    providers::{Provider, SignUp, granted},
};
use serde_json::json;
use uuid::Uuid;

#[derive(QueryableByName)]
pub(super) struct Account {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Bool)]
    pub disabled: bool,
}

/// Signs somebody in, in the caller's transaction. Gives back the sessions that ended by a change of their roles.
///
/// # Errors
/// 403 `email_unverified`, `domain_not_allowed`, `not_invited`, `account_disabled`, `no_organisation`, `invitation_invalid`,
/// `email_ambiguous`.
pub(super) async fn enter(
    control: &Control,
    conn: &mut AsyncPgConnection,
    provider: &Provider,
    person: &Person,
    flow: &Flow,
    client: &Client,
) -> Result<(Entered, Vec<SessionId>)> {
    let email = allowed(provider, person)?;
    one_at_a_time(conn, provider, person).await?;
    let address = client.address.as_deref();
    let account = match by_subject(conn, provider, person).await? {
        Some(account) => {
            touch(conn, provider, person, email).await?;
            account
        }
        None => {
            let known = match email.filter(|_| provider.link_by_email) {
                Some(email) => by_email(conn, email).await?,
                None => None,
            };
            let account = match known {
                Some(account) if account.disabled => return Err(refused("account_disabled").into()),
                Some(account) => account,
                None if flow.invitation_hash.is_some() || is_welcome(provider, person) => {
                    create(conn, provider, person, address).await?
                }
                None => return Err(refused("not_invited").into()),
            };
            insert(conn, provider, person, email, UserId(account.id)).await?;
            let actor = themselves(&account, address);
            let entry = Entry::new("identity.link", "user").object(account.id, &account.name);
            let after = json!({ "provider": provider.name, "as": person.label });
            audit::record(conn, &actor, entry.after(after)).await?;
            account
        }
    };
    if account.disabled {
        return Err(refused("account_disabled").into());
    }
    let user = UserId(account.id);
    if let Some(hash) = &flow.invitation_hash {
        people::join_by_invitation(conn, hash, user, &account.name, address).await?;
    }
    let ended = roles::apply(conn, provider, person, user, &account.name, address).await?;
    let entered = auth::admit(control, conn, (user, &account.name), Some(&provider.name), client)
        .await
        .map_err(|error| match error {
            Error::Problem(problem) if problem.code == "no_organisation" => refused("no_organisation").into(),
            other => other,
        })?;
    Ok((entered, ended))
}

/// Links who somebody is at a provider to the account that they are signed in with.
///
/// # Errors
/// 409 `identity_taken`; 403 `email_unverified`, `domain_not_allowed`.
pub(super) async fn link(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    provider: &Provider,
    person: &Person,
) -> Result<()> {
    let email = allowed(provider, person)?;
    let user = actor.user_id.ok_or_else(|| refused("session_changed"))?;
    conn.transaction::<_, Error, _>(async |conn| {
        one_at_a_time(conn, provider, person).await?;
        match by_subject(conn, provider, person).await? {
            Some(account) if account.id == user.0 => touch(conn, provider, person, email).await,
            Some(_) => Err(refused("identity_taken").into()),
            None => {
                insert(conn, provider, person, email, user).await?;
                let entry = Entry::new("identity.link", "user").object(user, &actor.name);
                let after = json!({ "provider": provider.name, "as": person.label });
                audit::record(conn, actor, entry.after(after)).await
            }
        }
    })
    .await
}

/// The address that counts: with domains it is a verified one of theirs, without it may be missing.
pub(super) fn allowed<'a>(provider: &Provider, person: &'a Person) -> Result<Option<&'a str>, Problem> {
    let first = person.emails.as_slice().first().map(String::as_str);
    if provider.domains.is_empty() {
        return Ok(first);
    }
    if first.is_none() {
        return Err(refused("email_unverified"));
    }
    let fits = |email: &&String| domain_of(email).is_some_and(|domain| provider.domains.contains(&domain));
    match person.emails.iter().find(fits) {
        Some(email) => Ok(Some(email)),
        None => Err(refused("domain_not_allowed")),
    }
}

/// Whether somebody without an account gets one.
pub(super) fn is_welcome(provider: &Provider, person: &Person) -> bool {
    provider.sign_up == SignUp::AutoCreate
        && granted(&provider.mappings, &person.values)
            .values()
            .any(Option::is_some)
}

/// Two answers about one person would make two accounts.
async fn one_at_a_time(conn: &mut AsyncPgConnection, provider: &Provider, person: &Person) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(format!("identity {} {}", provider.id, person.subject))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn by_subject(
    conn: &mut AsyncPgConnection,
    provider: &Provider,
    person: &Person,
) -> Result<Option<Account>> {
    Ok(diesel::sql_query(
        "select u.id, u.name, u.disabled_at is not null as disabled from identities i join users u on u.id = i.user_id \
         where i.provider_id = $1 and i.subject = $2",
    )
    .bind::<SqlUuid, _>(provider.id.0)
    .bind::<Text, _>(&person.subject)
    .get_result(conn)
    .await
    .optional()?)
}

/// The account that those who manage it gave this address, or that a provider has verified it for which is trusted with that:
/// another one might verify somebody's address for whoever asks, and they would wait in the account for them.
pub(super) async fn by_email(conn: &mut AsyncPgConnection, email: &str) -> Result<Option<Account>> {
    let mut accounts: Vec<Account> = diesel::sql_query(
        "select u.id, u.name, u.disabled_at is not null as disabled from users u where lower(u.email) = lower($1) \
         or exists (select 1 from identities i join identity_providers p on p.id = i.provider_id \
           where i.user_id = u.id and p.link_by_email and lower(i.email) = lower($1)) limit 2",
    )
    .bind::<Text, _>(email)
    .load(conn)
    .await?;
    if accounts.len() > 1 {
        return Err(refused("email_ambiguous").into());
    }
    Ok(accounts.pop())
}

async fn insert(
    conn: &mut AsyncPgConnection,
    provider: &Provider,
    person: &Person,
    email: Option<&str>,
    user: UserId,
) -> Result<()> {
    diesel::sql_query(
        "insert into identities (id, provider_id, user_id, subject, label, email) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<SqlUuid, _>(IdentityId::new().0)
    .bind::<SqlUuid, _>(provider.id.0)
    .bind::<SqlUuid, _>(user.0)
    .bind::<Text, _>(&person.subject)
    .bind::<Text, _>(&person.label)
    .bind::<Nullable<Text>, _>(email)
    .execute(conn)
    .await?;
    Ok(())
}

async fn touch(
    conn: &mut AsyncPgConnection,
    provider: &Provider,
    person: &Person,
    email: Option<&str>,
) -> Result<()> {
    diesel::sql_query(
        "update identities set label = $3, email = $4, last_used_at = now() where provider_id = $1 and subject = $2",
    )
    .bind::<SqlUuid, _>(provider.id.0)
    .bind::<Text, _>(&person.subject)
    .bind::<Text, _>(&person.label)
    .bind::<Nullable<Text>, _>(email)
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes an account without a password, by a name that nobody has.
async fn create(
    conn: &mut AsyncPgConnection,
    provider: &Provider,
    person: &Person,
    address: Option<&str>,
) -> Result<Account> {
    let user = UserId::new();
    for n in 1..100_u32 {
        let name = match n {
            1 => person.name.clone(),
            _ => format!("{}-{n}", person.name),
        };
        let name = auth::names::check(&name)?;
        let made = diesel::sql_query("insert into users (id, name) values ($1, $2) on conflict do nothing")
            .bind::<SqlUuid, _>(user.0)
            .bind::<Text, _>(&name)
            .execute(conn)
            .await?;
        if made > 0 {
            let account = Account {
                id: user.0,
                name,
                disabled: false,
            };
            let entry = Entry::new("user.create", "user").object(user, &account.name);
            let after = json!({ "provider": provider.name, "as": person.label });
            audit::record(conn, &themselves(&account, address), entry.after(after)).await?;
            return Ok(account);
        }
    }
    Err(Error::Internal(format!(
        "a hundred accounts are called {}",
        person.name
    )))
}

fn themselves(account: &Account, address: Option<&str>) -> Actor {
    Actor {
        user_id: Some(UserId(account.id)),
        name: account.name.clone(),
        address: address.map(str::to_owned),
        ..Actor::system(OrgId::HOME)
    }
}
