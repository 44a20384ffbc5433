//! Grants: another role on some containers, for a member or a team.

use super::selectors::Hosts;
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
    auth::{Actor, Permission, Role},
    errors::Problem,
    ids::{GrantId, TeamId, UserId},
    pages::Page,
    people::{GrantLine, NewGrant},
};
use serde_json::json;
use uuid::Uuid;

const LIST: &str = "select g.id, g.selector, g.role, g.user_id, g.team_id, coalesce(u.name, t.name) as holder, g.created_at \
     from grants g left join users u on u.id = g.user_id left join teams t on t.id = g.team_id where g.org_id = $1";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    selector: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    team_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    holder: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl Row {
    fn view(self, hosts: &Hosts) -> Result<GrantLine> {
        Ok(GrantLine {
            id: GrantId(self.id),
            selector: hosts.show(&self.selector),
            role: auth::role(&self.role)?,
            user_id: self.user_id.map(UserId),
            team_id: self.team_id.map(TeamId),
            holder: self.holder,
            created_at: self.created_at,
        })
    }
}

/// The grants of the organisation, the newest first.
///
/// # Errors
/// 403; when the database does not answer.
pub async fn list_grants(control: &Control, actor: &Actor) -> Result<Page<GrantLine>> {
    actor.require(Permission::UsersRead)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!("{LIST} order by g.id desc limit 1000"))
        .bind::<SqlUuid, _>(actor.org_id.0)
        .load(&mut conn)
        .await?;
    let hosts = Hosts::of(&mut conn, actor.org_id).await?;
    let items = rows
        .into_iter()
        .map(|row| row.view(&hosts))
        .collect::<Result<Vec<_>>>()?;
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

/// Grants a role on the containers of a selector to a member or a team. It counts from their next request on.
///
/// # Errors
/// 403; 404 `member_not_found`, `team_not_found`; 422 for the selector, the role, or for both or neither of member and team.
pub async fn create_grant(control: &Control, actor: &Actor, new: NewGrant) -> Result<GrantLine> {
    actor.require(Permission::UsersManage)?;
    if new.role > Role::Operator {
        return Err(Problem::invalid(
            "role_invalid",
            "role",
            "On some containers only, somebody can be viewer or operator: the other roles are about the whole organisation. \
             Choose one of the two.",
        )
        .into());
    }
    if new.user_id.is_some() == new.team_id.is_some() {
        return Err(Problem::invalid(
            "holder_invalid",
            "user_id",
            "A grant is for one member or for one team. Name one of them.",
        )
        .into());
    }
    let id = GrantId::new();
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let hosts = Hosts::of(conn, actor.org_id).await?;
        let selector = hosts.bind(&new.selector, "selector")?;
        if let Some(user) = new.user_id {
            let member = super::manageable(conn, actor, user).await?;
            // Their own role above an admin's is not to be narrowed by one.
            debug_assert!(member.role <= actor.role);
        }
        let inserted = diesel::sql_query(
            "insert into grants (id, org_id, user_id, team_id, selector, role) select $1, $2, $3, $4, $5, $6 \
             where $4 is null or exists (select 1 from teams where org_id = $2 and id = $4)",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<Nullable<SqlUuid>, _>(new.user_id.map(|user| user.0))
        .bind::<Nullable<SqlUuid>, _>(new.team_id.map(|team| team.0))
        .bind::<Text, _>(&selector)
        .bind::<Text, _>(new.role.as_str())
        .execute(conn)
        .await?;
        if inserted == 0 {
            return Err(Problem::not_found("team").into());
        }
        let row: Row = diesel::sql_query(format!("{LIST} and g.id = $2"))
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await?;
        let grant = row.view(&hosts)?;
        let entry = Entry::new("grant.create", "grant")
            .object(id.0, &grant.holder)
            .after(json!({ "selector": grant.selector, "role": grant.role }));
        audit::record(conn, actor, entry).await?;
        Ok(grant)
    })
    .await
}

/// Takes a grant back.
///
/// # Errors
/// 403; 404 `grant_not_found`.
pub async fn delete_grant(control: &Control, actor: &Actor, id: GrantId) -> Result<()> {
    actor.require(Permission::UsersManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let row: Option<Row> = diesel::sql_query(format!("{LIST} and g.id = $2"))
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await
            .optional()?;
        let hosts = Hosts::of(conn, actor.org_id).await?;
        let grant = row.ok_or_else(|| Problem::not_found("grant"))?.view(&hosts)?;
        diesel::sql_query("delete from grants where org_id = $1 and id = $2")
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .execute(conn)
            .await?;
        let entry = Entry::new("grant.delete", "grant")
            .object(id.0, &grant.holder)
            .before(json!({ "selector": grant.selector, "role": grant.role }));
        audit::record(conn, actor, entry).await
    })
    .await
}
