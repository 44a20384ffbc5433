//! Who one is at providers: one's own list, and taking a link away.

use crate::{
    Control,
    audit::{self, Entry},
    auth,
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Via},
    errors::Problem,
    ids::IdentityId,
    pages::Page,
    providers::Identity,
};
use serde_json::json;
use uuid::Uuid;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    label: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    last_used_at: Timestamp,
}

/// One's own accounts at providers, by the provider's name.
///
/// # Errors
/// When the database does not answer.
pub async fn list_identities(control: &Control, actor: &Actor) -> Result<Page<Identity>> {
    actor.require(Permission::Own)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(
        "select i.id, p.name as provider, p.slug, i.label, i.created_at, i.last_used_at from identities i \
         join identity_providers p on p.id = i.provider_id where i.user_id = $1 order by lower(p.name), i.id limit 200",
    )
    .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
    .load(&mut conn)
    .await?;
    let items: Vec<Identity> = rows
        .into_iter()
        .map(|row| Identity {
            id: IdentityId(row.id),
            provider: row.provider,
            slug: row.slug,
            label: row.label,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        })
        .collect();
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    label: String,
}

/// Takes a link away: the account at the provider signs nobody in here any more.
///
/// # Errors
/// 403 `session_needed`; 404 `identity_not_found`; 409 `last_way_in` when nothing else would be left to sign in with.
pub async fn unlink(control: &Control, actor: &Actor, id: IdentityId) -> Result<()> {
    actor.require(Permission::OwnManage)?;
    let (Some(user), Via::Session { .. }) = (actor.user_id, &actor.via) else {
        return Err(auth::session_needed().into());
    };
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        auth::ways::lock(conn, user).await?;
        let gone: Option<Gone> = diesel::sql_query(
            "delete from identities i using identity_providers p where i.id = $1 and i.user_id = $2 and p.id = i.provider_id \
             returning p.name as provider, i.label",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(user.0)
        .get_result(conn)
        .await
        .optional()?;
        let gone = gone.ok_or_else(|| Problem::not_found("identity"))?;
        auth::ways::require_one(conn, user).await?;
        let entry = Entry::new("identity.unlink", "user").object(user, &actor.name);
        let before = json!({ "provider": gone.provider, "as": gone.label });
        audit::record(conn, actor, entry.before(before)).await
    })
    .await
}
