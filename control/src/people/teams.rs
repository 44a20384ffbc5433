//! Teams: members who are granted things together.

use crate::{
    Control,
    audit::{self, Entry},
    auth::names,
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::Problem,
    ids::TeamId,
    pages::Page,
    people::{NamedUser, NewTeam, Team, TeamChange},
};
use serde_json::{Value, json};
use uuid::Uuid;

const LIST: &str = "select t.id, t.name, (select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'name', u.name) \
     order by lower(u.name)), '[]') from team_members m join users u on u.id = m.user_id where m.team_id = t.id) as members \
     from teams t where t.org_id = $1";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    members: Value,
}

impl Row {
    fn view(self) -> Result<Team> {
        let members: Vec<NamedUser> =
            serde_json::from_value(self.members).map_err(|source| Error::Stored {
                what: "a team",
                source,
            })?;
        Ok(Team {
            id: TeamId(self.id),
            name: self.name,
            members,
        })
    }
}

/// The teams of the organisation by name.
///
/// # Errors
/// 403; when the database does not answer.
pub async fn list_teams(control: &Control, actor: &Actor) -> Result<Page<Team>> {
    actor.require(Permission::UsersRead)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!("{LIST} order by lower(t.name), t.id limit 500"))
        .bind::<SqlUuid, _>(actor.org_id.0)
        .load(&mut conn)
        .await?;
    let items = rows.into_iter().map(Row::view).collect::<Result<Vec<_>>>()?;
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

async fn team(conn: &mut AsyncPgConnection, actor: &Actor, id: TeamId) -> Result<Team> {
    let row: Option<Row> = diesel::sql_query(format!("{LIST} and t.id = $2"))
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(id.0)
        .get_result(conn)
        .await
        .optional()?;
    row.ok_or_else(|| Problem::not_found("team"))?.view()
}

/// Makes a team without members.
///
/// # Errors
/// 403; 409 `name_taken`; 422 for the name.
pub async fn create_team(control: &Control, actor: &Actor, new: NewTeam) -> Result<Team> {
    actor.require(Permission::UsersManage)?;
    let name = names::check(&new.name)?;
    let id = TeamId::new();
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        diesel::sql_query("insert into teams (id, org_id, name) values ($1, $2, $3)")
            .bind::<SqlUuid, _>(id.0)
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<Text, _>(&name)
            .execute(conn)
            .await?;
        audit::record(conn, actor, Entry::new("team.create", "team").object(id.0, &name)).await?;
        team(conn, actor, id).await
    })
    .await
}

/// Changes a team's name, or who belongs to it. What is granted to it counts for its members from their next request on.
///
/// # Errors
/// 403; 404 `team_not_found`; 409 `name_taken`; 422 for the name, `not_a_member`.
pub async fn change_team(control: &Control, actor: &Actor, id: TeamId, change: TeamChange) -> Result<Team> {
    actor.require(Permission::UsersManage)?;
    let name = change.name.as_deref().map(names::check).transpose()?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let before = team(conn, actor, id).await?;
        if let Some(name) = &name {
            diesel::sql_query("update teams set name = $3 where org_id = $1 and id = $2")
                .bind::<SqlUuid, _>(actor.org_id.0)
                .bind::<SqlUuid, _>(id.0)
                .bind::<Text, _>(name)
                .execute(conn)
                .await?;
        }
        if let Some(members) = &change.members {
            diesel::sql_query("delete from team_members where org_id = $1 and team_id = $2")
                .bind::<SqlUuid, _>(actor.org_id.0)
                .bind::<SqlUuid, _>(id.0)
                .execute(conn)
                .await?;
            let mut ids: Vec<Uuid> = members.iter().map(|user| user.0).collect();
            ids.sort_unstable();
            ids.dedup();
            let added = diesel::sql_query(
                "insert into team_members (team_id, org_id, user_id) select $2, $1, m.user_id from memberships m \
                 where m.org_id = $1 and m.user_id = any($3)",
            )
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .bind::<Array<SqlUuid>, _>(&ids)
            .execute(conn)
            .await?;
            if added != ids.len() {
                return Err(Problem::invalid(
                    "not_a_member",
                    "members",
                    "Somebody of them is no member of this organisation. Invite them first.",
                )
                .into());
            }
        }
        let after = team(conn, actor, id).await?;
        let names = |team: &Team| team.members.iter().map(|user| user.name.clone()).collect::<Vec<_>>();
        let entry = Entry::new("team.change", "team")
            .object(id.0, &after.name)
            .before(json!({ "name": before.name, "members": names(&before) }))
            .after(json!({ "name": after.name, "members": names(&after) }));
        audit::record(conn, actor, entry).await?;
        Ok(after)
    })
    .await
}

/// Deletes a team, and with it what is granted to it.
///
/// # Errors
/// 403; 404 `team_not_found`.
pub async fn delete_team(control: &Control, actor: &Actor, id: TeamId) -> Result<()> {
    actor.require(Permission::UsersManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let before = team(conn, actor, id).await?;
        diesel::sql_query("delete from teams where org_id = $1 and id = $2")
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .execute(conn)
            .await?;
        audit::record(
            conn,
            actor,
            Entry::new("team.delete", "team").object(id.0, &before.name),
        )
        .await
    })
    .await
}
