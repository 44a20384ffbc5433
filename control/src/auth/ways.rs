//! What an account can sign in with: the last of it stays.

use crate::{error::Result, providers::passwords_taken};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    errors::{ErrorClass, Problem},
    ids::UserId,
};

/// Two ways that are taken away at once must not both find the other one.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, user: UserId) -> Result<()> {
    diesel::sql_query("select 1 from users where id = $1 for update")
        .bind::<SqlUuid, _>(user.0)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = Bool)]
    linked: bool,
    #[diesel(sql_type = Bool)]
    passkey: bool,
    #[diesel(sql_type = Bool)]
    password: bool,
}

/// Refuses to go on where nothing is left to sign in with.
///
/// # Errors
/// 409 `last_way_in`.
pub(crate) async fn require_one(conn: &mut AsyncPgConnection, user: UserId) -> Result<()> {
    let left: Left = diesel::sql_query(
        "select exists (select 1 from identities i join identity_providers p on p.id = i.provider_id \
           where i.user_id = $1 and p.enabled) as linked, \
         exists (select 1 from passkeys k where k.user_id = $1) as passkey, u.password_hash is not null as password \
         from users u where u.id = $1",
    )
    .bind::<SqlUuid, _>(user.0)
    .get_result(conn)
    .await?;
    if left.linked || left.passkey || (left.password && passwords_taken(conn).await?) {
        return Ok(());
    }
    Err(Problem::new(
        ErrorClass::Conflict,
        "last_way_in",
        "This is the last way in that your account has. Set a password, make a passkey or link an account elsewhere first.",
    )
    .into())
}
