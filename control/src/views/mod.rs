//! Saved views of the fleet: one person's own, in one organisation, and those that are shared with a team of theirs.

use crate::{
    Control, audit,
    containers::person,
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{UserId, ViewId},
    pages::Page,
    views::{Shown, View, ViewDraft},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many views one person keeps.
const MOST: usize = 100;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    show: Value,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Nullable<Text>)]
    owner: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    teams: Vec<String>,
}

/// Everything that [`Row`] wants, for the person `$2` in the organisation `$1`; conditions follow.
const SELECT: &str = "select v.id, v.name, v.show, v.version, case when v.user_id <> $2 then u.name end as owner, \
     array(select t.name from shares x join teams t on t.id = x.team_id where x.view_id = v.id order by lower(t.name)) as teams \
     from views v join users u on u.id = v.user_id where v.org_id = $1";

impl Row {
    /// What a newer release stored is shown as far as it is known.
    fn view(self) -> View {
        let show: Shown = serde_json::from_value(self.show).unwrap_or_default();
        View {
            id: ViewId(self.id),
            name: self.name,
            address: show.address(),
            show,
            version: self.version,
            owner: self.owner,
            teams: self.teams,
        }
    }
}

/// The caller's views by name, and after them those that are shared with a team of theirs.
///
/// # Errors
/// 403.
pub async fn list(control: &Control, actor: &Actor) -> Result<Page<View>> {
    actor.require(Permission::ContainersRead)?;
    let user = person(actor)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{SELECT} and (v.user_id = $2 or exists (select 1 from shares x join team_members m on m.team_id = x.team_id \
         where x.view_id = v.id and m.user_id = $2)) order by v.user_id <> $2, lower(v.name), v.id limit 1000"
    ))
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<SqlUuid, _>(user.0)
    .load(&mut conn)
    .await?;
    let items: Vec<View> = rows.into_iter().map(Row::view).collect();
    Ok(Page {
        total: items.len() as u64,
        next: None,
        items,
    })
}

/// Keeps a view.
///
/// # Errors
/// 403; 409 `name_taken`; 422 `name_invalid`, `invalid_selector`, `too_many_views`.
pub async fn create(control: &Control, actor: &Actor, draft: ViewDraft) -> Result<View> {
    actor.require(Permission::ContainersRead)?;
    let user = person(actor)?;
    let draft = draft.checked()?;
    let own = list(control, actor).await?.items;
    if own.iter().filter(|view| view.owner.is_none()).count() >= MOST {
        return Err(Problem::invalid(
            "too_many_views",
            "name",
            "You have 100 views, which is as many as are kept. Delete one that you no longer use.",
        )
        .into());
    }
    let id = ViewId::new();
    let show = to_json(&draft.show)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        diesel::sql_query("insert into views (id, org_id, user_id, name, show) values ($1, $2, $3, $4, $5)")
            .bind::<SqlUuid, _>(id.0)
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(user.0)
            .bind::<Text, _>(&draft.name)
            .bind::<Jsonb, _>(&show)
            .execute(conn)
            .await?;
        let entry = audit::Entry::new("view.create", "view").object(id, &draft.name);
        audit::record(conn, actor, entry.after(show.clone())).await?;
        Ok(locked(conn, actor, user, id).await?.view())
    })
    .await
}

/// Replaces a view.
///
/// # Errors
/// 403; 404 `view_not_found`; 409 `name_taken`, `stale_version` with the current object; 422 as [`create`].
pub async fn update(control: &Control, actor: &Actor, id: ViewId, draft: ViewDraft) -> Result<View> {
    actor.require(Permission::ContainersRead)?;
    let user = person(actor)?;
    let draft = draft.checked()?;
    let show = to_json(&draft.show)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let before = locked(conn, actor, user, id).await?;
        if draft.version.is_some_and(|version| version != before.version) {
            return Err(stale(before.view()));
        }
        diesel::sql_query(
            "update views set name = $2, show = $3, version = version + 1, updated_at = now() where id = $1",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<Text, _>(&draft.name)
        .bind::<Jsonb, _>(&show)
        .execute(conn)
        .await?;
        let entry = audit::Entry::new("view.update", "view")
            .object(id, &draft.name)
            .before(json!({ "name": before.name, "show": before.show }))
            .after(json!({ "name": draft.name, "show": show }));
        audit::record(conn, actor, entry).await?;
        Ok(locked(conn, actor, user, id).await?.view())
    })
    .await
}

/// Deletes a view.
///
/// # Errors
/// 403; 404 `view_not_found`.
pub async fn delete(control: &Control, actor: &Actor, id: ViewId) -> Result<()> {
    actor.require(Permission::ContainersRead)?;
    let user = person(actor)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let before = locked(conn, actor, user, id).await?;
        diesel::sql_query("delete from views where id = $1")
            .bind::<SqlUuid, _>(id.0)
            .execute(conn)
            .await?;
        let entry = audit::Entry::new("view.delete", "view")
            .object(id, &before.name)
            .before(before.show);
        audit::record(conn, actor, entry).await
    })
    .await
}

async fn locked(conn: &mut AsyncPgConnection, actor: &Actor, user: UserId, id: ViewId) -> Result<Row> {
    let row: Option<Row> = diesel::sql_query(format!(
        "{SELECT} and v.user_id = $2 and v.id = $3 for update of v"
    ))
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<SqlUuid, _>(user.0)
    .bind::<SqlUuid, _>(id.0)
    .get_result(conn)
    .await
    .optional()?;
    row.ok_or_else(|| Problem::not_found("view").into())
}

fn stale(current: View) -> Error {
    Problem::new(
        ErrorClass::Conflict,
        "stale_version",
        "This view was changed in another window in the meantime, so nothing was saved. Look at what it is now, and \
         make your change again.",
    )
    .with("current", current)
    .into()
}

fn to_json(show: &Shown) -> Result<Value> {
    serde_json::to_value(show).map_err(|source| Error::Stored {
        what: "a view",
        source,
    })
}
