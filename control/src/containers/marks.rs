//! Tags, notes and favourites. They hang on the lasting identity, so that a container keeps them when it is recreated.

use super::service::{find, not_on_this};
use crate::{
    Control, audit,
    error::Result,
    events::{Kind, Topic, publish},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{ContainerId, UserId},
    marks::{Marks, checked_note, checked_tags},
};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The tags and the note of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    pub tags: Vec<String>,
    pub note: Option<String>,
}

/// What is attached to every container of every organisation: few have anything.
#[derive(Debug, Default)]
pub(super) struct AllMarks {
    pub marks: HashMap<ContainerId, Marked>,
    pub favourites: HashMap<UserId, HashSet<ContainerId>>,
}

#[derive(QueryableByName)]
struct MarkRow {
    #[diesel(sql_type = SqlUuid)]
    container_id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    tags: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
}

#[derive(QueryableByName)]
struct FavouriteRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    container_id: Uuid,
}

pub(super) async fn all(control: &Control) -> Result<AllMarks> {
    let mut conn = control.db().conn().await?;
    let marks: Vec<MarkRow> = diesel::sql_query(
        "select container_id, tags, note from container_marks where tags <> '{}' or note is not null",
    )
    .load(&mut conn)
    .await?;
    let liked: Vec<FavouriteRow> = diesel::sql_query("select user_id, container_id from favourites")
        .load(&mut conn)
        .await?;
    let mut all = AllMarks {
        marks: marks
            .into_iter()
            .map(|row| {
                let marked = Marked {
                    tags: row.tags,
                    note: row.note,
                };
                (ContainerId(row.container_id), marked)
            })
            .collect(),
        ..AllMarks::default()
    };
    for row in liked {
        let favourites = all.favourites.entry(UserId(row.user_id)).or_default();
        favourites.insert(ContainerId(row.container_id));
    }
    Ok(all)
}

/// What is attached to one container.
///
/// # Errors
/// 403; 404 `container_not_found`.
pub async fn marks(control: &Control, actor: &Actor, id: &str) -> Result<Marks> {
    actor.require(Permission::ContainersRead)?;
    let line = find(control, actor, id).await?;
    Ok(view(control, actor, line.id))
}

/// Replaces the tags of one container.
///
/// # Errors
/// 403; 404 `container_not_found`; 422 `tag_invalid`, `too_many_tags`.
pub async fn set_tags(control: &Control, actor: &Actor, id: &str, tags: &[String]) -> Result<Marks> {
    let tags = checked_tags(tags)?;
    change(control, actor, id, "container.tag", |marked| marked.tags = tags).await
}

/// Replaces the note of one container; a blank one removes it.
///
/// # Errors
/// 403; 404 `container_not_found`; 422 `note_too_long`.
pub async fn set_note(control: &Control, actor: &Actor, id: &str, note: &str) -> Result<Marks> {
    let note = checked_note(note)?;
    change(control, actor, id, "container.note", |marked| marked.note = note).await
}

async fn change(
    control: &Control,
    actor: &Actor,
    id: &str,
    action: &str,
    change: impl FnOnce(&mut Marked) + Send,
) -> Result<Marks> {
    actor.require(Permission::ContainersOperate)?;
    let line = find(control, actor, id).await?;
    // Grants may pick by tag, so nobody tags what they may not act on.
    if !control
        .fleet()
        .may_on(actor, Permission::ContainersOperate, &line)
    {
        return Err(not_on_this(&line.facts.name).into());
    }
    let mut conn = control.db().conn().await?;
    let marked = conn
        .transaction(async |conn| {
            let before = locked(conn, line.id).await?;
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Result::<_>::Ok(after);
            }
            diesel::sql_query(
                "insert into container_marks (container_id, org_id, tags, note) values ($1, $2, $3, $4) \
                 on conflict (container_id) do update set tags = excluded.tags, note = excluded.note, updated_at = now()",
            )
            .bind::<SqlUuid, _>(line.id.0)
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<Array<Text>, _>(&after.tags)
            .bind::<Nullable<Text>, _>(&after.note)
            .execute(conn)
            .await?;
            let entry = audit::Entry::new(action, "container")
                .object(line.id, &line.facts.name)
                .before(json!({ "tags": before.tags, "note": before.note }))
                .after(json!({ "tags": after.tags, "note": after.note }));
            audit::record(conn, actor, entry).await?;
            publish(conn, actor.org_id, Kind::Marks, line.id.0).await?;
            Ok(after)
        })
        .await?;
    control.fleet().put_marks(control, line.id, marked);
    control.wake(Topic::Events);
    Ok(view(control, actor, line.id))
}

/// The stored marks, against another change at the same time: the container's own row is locked.
async fn locked(conn: &mut AsyncPgConnection, id: ContainerId) -> Result<Marked> {
    let row: Option<MarkRow> = diesel::sql_query(
        "select c.id as container_id, coalesce(m.tags, '{}') as tags, m.note from containers c \
         left join container_marks m on m.container_id = c.id where c.id = $1 for update of c",
    )
    .bind::<SqlUuid, _>(id.0)
    .get_result(conn)
    .await
    .optional()?;
    let row = row.ok_or_else(|| Problem::not_found("container"))?;
    Ok(Marked {
        tags: row.tags,
        note: row.note,
    })
}

/// Makes a container a favourite of the caller's, or no longer.
///
/// # Errors
/// 403, also for who is no person; 404 `container_not_found`.
pub async fn favour(control: &Control, actor: &Actor, id: &str, is: bool) -> Result<Marks> {
    actor.require(Permission::ContainersRead)?;
    let user = person(actor)?;
    let line = find(control, actor, id).await?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let sql = if is {
            "insert into favourites (user_id, container_id, org_id) values ($1, $2, $3) on conflict do nothing"
        } else {
            "delete from favourites where user_id = $1 and container_id = $2 and org_id = $3"
        };
        let changed = diesel::sql_query(sql)
            .bind::<SqlUuid, _>(user.0)
            .bind::<SqlUuid, _>(line.id.0)
            .bind::<SqlUuid, _>(actor.org_id.0)
            .execute(conn)
            .await?;
        if changed > 0 {
            let entry = audit::Entry::new("container.favourite", "container")
                .object(line.id, &line.facts.name)
                .after(json!({ "favourite": is }));
            audit::record(conn, actor, entry).await?;
            publish(conn, actor.org_id, Kind::Marks, line.id.0).await?;
        }
        Result::<_>::Ok(())
    })
    .await?;
    control.fleet().put_favourite(user, line.id, is);
    control.wake(Topic::Events);
    Ok(view(control, actor, line.id))
}

/// Favourites and views belong to a person.
pub(crate) fn person(actor: &Actor) -> Result<UserId> {
    actor.user_id.ok_or_else(|| {
        Problem::new(
            ErrorClass::Forbidden,
            "no_person",
            "This belongs to a person, so a person must ask for it. Sign in, or use an API key.",
        )
        .into()
    })
}

fn view(control: &Control, actor: &Actor, id: ContainerId) -> Marks {
    control.fleet().read(|state| {
        let marked = state.marks.get(&id).cloned().unwrap_or_default();
        Marks {
            tags: marked.tags,
            note: marked.note,
            favourite: actor
                .user_id
                .and_then(|user| state.favourites.get(&user))
                .is_some_and(|favourites| favourites.contains(&id)),
        }
    })
}
