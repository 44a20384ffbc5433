//! How people may sign in at this server: which buttons there are, and whether passwords are taken.

use super::rows;
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    providers::{SignInPolicy, SignInWay},
};
use serde_json::json;

/// The ways beside a password, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn ways(control: &Control) -> Result<Vec<SignInWay>> {
    let mut conn = control.db().conn().await?;
    let all = rows::all(&mut conn).await?;
    Ok(all
        .into_iter()
        .map(|stored| stored.provider)
        .filter(|provider| provider.enabled)
        .map(|provider| SignInWay {
            name: provider.name,
            slug: provider.slug,
            kind: provider.kind,
        })
        .collect())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether passwords are taken. While no provider is switched on they are, whatever was chosen: nobody could come in.
pub(crate) async fn passwords_taken(conn: &mut AsyncPgConnection) -> Result<bool> {
    let taken: Answer = diesel::sql_query(
        "select coalesce((select password_sign_in from server_settings), true) \
         or not exists (select 1 from identity_providers where enabled) as yes",
    )
    .get_result(conn)
    .await?;
    Ok(taken.yes)
}

/// Whether requests of the API may bring a name and a password.
pub(crate) async fn basic_taken(conn: &mut AsyncPgConnection) -> Result<bool> {
    let taken: Answer =
        diesel::sql_query("select coalesce((select basic_sign_in from server_settings), false) as yes")
            .get_result(conn)
            .await?;
    Ok(taken.yes)
}

/// How people may sign in.
///
/// # Errors
/// When the database does not answer.
pub async fn sign_in_policy(control: &Control) -> Result<SignInPolicy> {
    let mut conn = control.db().conn().await?;
    Ok(SignInPolicy {
        passwords: passwords_taken(&mut conn).await?,
        basic: basic_taken(&mut conn).await?,
    })
}

/// Switches passwords on or off, and whether the API takes them with each request. Sessions stay as they are.
///
/// # Errors
/// 403 for all but server administrators; 409 `link_first` for whoever could not come in any more.
pub async fn set_sign_in_policy(
    control: &Control,
    actor: &Actor,
    policy: SignInPolicy,
) -> Result<SignInPolicy> {
    actor.require(Permission::ProvidersManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        if !policy.passwords {
            let linked: Answer = diesel::sql_query(
                "select exists (select 1 from identities i join identity_providers p on p.id = i.provider_id \
                 where i.user_id = $1 and p.enabled) or exists (select 1 from passkeys where user_id = $1) as yes",
            )
            .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
            .get_result(conn)
            .await?;
            if !linked.yes {
                return Err(Problem::new(
                    ErrorClass::Conflict,
                    "link_first",
                    "Your own account is linked to no provider and has no passkey, so this would shut you out. Link it in Settings, \
                     Profile first.",
                )
                .into());
            }
        }
        let before = SignInPolicy {
            passwords: passwords_taken(conn).await?,
            basic: basic_taken(conn).await?,
        };
        diesel::sql_query("update server_settings set password_sign_in = $1, basic_sign_in = $2")
            .bind::<Bool, _>(policy.passwords)
            .bind::<Bool, _>(policy.basic)
            .execute(conn)
            .await?;
        let entry = Entry::new("server.sign_in_policy", "server")
            .before(json!({ "passwords": before.passwords, "basic": before.basic }))
            .after(json!({ "passwords": policy.passwords, "basic": policy.basic }));
        audit::record(conn, actor, entry).await?;
        Ok(SignInPolicy {
            passwords: passwords_taken(conn).await?,
            basic: policy.basic,
        })
    })
    .await
}
