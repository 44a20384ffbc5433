//! The organisations of the whole server, for those who look after it. They see who owns one and how many belong to it, and
//! nothing inside unless they are members: whoever adds themselves is recorded there.

use super::orgs;
use crate::{
    Control,
    audit::{self, Entry},
    auth::{self, names},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Role, Via},
    errors::{ErrorClass, Problem},
    ids::OrgId,
    pages::Page,
    people::{Org, OrgLine},
};
use serde_json::json;
use uuid::Uuid;

const LIST: &str = "select o.id, o.name, o.created_at, \
     (select count(*) from memberships m where m.org_id = o.id) as members, \
     array(select u.name from memberships m join users u on u.id = m.user_id where m.org_id = o.id and m.role = 'owner' \
       order by lower(u.name) limit 20) as owners, \
     (select m.role from memberships m where m.org_id = o.id and m.user_id = $1) as role from orgs o";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = BigInt)]
    members: i64,
    #[diesel(sql_type = Array<Text>)]
    owners: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<String>,
}

impl Row {
    fn view(self) -> Result<OrgLine> {
        Ok(OrgLine {
            id: OrgId(self.id),
            name: self.name,
            members: self.members.unsigned_abs(),
            owners: self.owners,
            role: self.role.as_deref().map(auth::role).transpose()?,
            created_at: self.created_at,
        })
    }
}

/// Every organisation of the server by name.
///
/// # Errors
/// 403 for all but server administrators.
pub async fn list_all_orgs(control: &Control, actor: &Actor) -> Result<Page<OrgLine>> {
    actor.require(Permission::OrgsManage)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!("{LIST} order by lower(o.name), o.id limit 1000"))
        .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
        .load(&mut conn)
        .await?;
    let items = rows.into_iter().map(Row::view).collect::<Result<Vec<_>>>()?;
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

async fn one(conn: &mut AsyncPgConnection, actor: &Actor, id: OrgId) -> Result<OrgLine> {
    let row: Option<Row> = diesel::sql_query(format!("{LIST} where o.id = $2 for update of o"))
        .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
        .bind::<SqlUuid, _>(id.0)
        .get_result(conn)
        .await
        .optional()?;
    row.ok_or_else(|| Problem::not_found("org"))?.view()
}

/// Gives an organisation another name.
///
/// # Errors
/// 403 for all but server administrators; 404 `org_not_found`; 422 for the name.
pub async fn rename_org(control: &Control, actor: &Actor, id: OrgId, name: &str) -> Result<OrgLine> {
    actor.require(Permission::OrgsManage)?;
    let name = names::check(name)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let before = one(conn, actor, id).await?;
        diesel::sql_query("update orgs set name = $2 where id = $1")
            .bind::<SqlUuid, _>(id.0)
            .bind::<Text, _>(&name)
            .execute(conn)
            .await?;
        let entry = || {
            Entry::new("org.change", "org")
                .object(id.0, &name)
                .before(json!({ "name": before.name }))
                .after(json!({ "name": name, "by": "a server administrator" }))
        };
        record_in_both(conn, actor, id, entry).await?;
        one(conn, actor, id).await
    })
    .await
}

/// Makes the server administrator a member of an organisation, as which they see inside. Its log says so.
///
/// # Errors
/// 403 for all but server administrators, and `session_needed` for a key; 404 `org_not_found`; 409 `member_already`.
pub async fn join_org(control: &Control, actor: &Actor, id: OrgId, role: Role) -> Result<Org> {
    actor.require(Permission::OrgsManage)?;
    let (Some(user), Via::Session { .. }) = (actor.user_id, &actor.via) else {
        return Err(orgs::session_needed().into());
    };
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let org = one(conn, actor, id).await?;
        if org.role.is_some() {
            return Err(Problem::new(
                ErrorClass::Conflict,
                "member_already",
                "You belong to this organisation already. Open it in the header.",
            )
            .into());
        }
        diesel::sql_query("insert into memberships (org_id, user_id, role) values ($1, $2, $3)")
            .bind::<SqlUuid, _>(id.0)
            .bind::<SqlUuid, _>(user.0)
            .bind::<Text, _>(role.as_str())
            .execute(conn)
            .await?;
        let entry = || {
            Entry::new("org.join", "org")
                .object(id.0, &org.name)
                .after(json!({ "role": role, "as": "a server administrator" }))
        };
        record_in_both(conn, actor, id, entry).await?;
        orgs::of_member(conn, user, id).await
    })
    .await
}

/// Where it was done, and in the organisation that it is about.
async fn record_in_both(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    id: OrgId,
    entry: impl Fn() -> Entry,
) -> Result<()> {
    if id != actor.org_id {
        audit::record(conn, actor, entry()).await?;
    }
    let there = Actor {
        org_id: id,
        ..actor.clone()
    };
    audit::record(conn, &there, entry()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        people::{create_org, list_members},
        testing::Fixture,
    };

    fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().into_problem().code
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_looks_after_the_server_sees_inside_only_as_a_member() {
        let fixture = Fixture::new().await;
        let control = &fixture.control;
        let ada = Actor {
            server_admin: true,
            ..fixture.person("ada", Role::Viewer).await
        };
        let root = Actor {
            server_admin: true,
            ..fixture.person("root", Role::Viewer).await
        };
        let elsewhere = create_org(control, &ada, "Elsewhere").await.unwrap();
        assert_eq!(code(list_all_orgs(control, &fixture.owner).await), "forbidden");
        let all = list_all_orgs(control, &root).await.unwrap().items;
        let line = all.iter().find(|org| org.id == elsewhere.id).unwrap();
        assert_eq!(
            (line.members, line.owners.as_slice(), line.role),
            (1, &["ada".to_owned()][..], None)
        );
        let renamed = rename_org(control, &root, elsewhere.id, "Beyond").await.unwrap();
        assert_eq!((renamed.name.as_str(), renamed.role), ("Beyond", None));

        let by_key = Actor {
            via: Via::System,
            ..root.clone()
        };
        assert_eq!(
            code(join_org(control, &by_key, elsewhere.id, Role::Admin).await),
            "session_needed"
        );
        assert_eq!(
            code(join_org(control, &fixture.owner, elsewhere.id, Role::Owner).await),
            "forbidden"
        );
        assert_eq!(
            code(join_org(control, &root, OrgId::new(), Role::Owner).await),
            "org_not_found"
        );
        let joined = join_org(control, &root, elsewhere.id, Role::Admin).await.unwrap();
        assert_eq!((joined.id, joined.role), (elsewhere.id, Role::Admin));
        assert_eq!(
            code(join_org(control, &root, elsewhere.id, Role::Owner).await),
            "member_already"
        );
        let inside = Actor {
            org_id: elsewhere.id,
            role: Role::Admin,
            ..root.clone()
        };
        assert_eq!(list_members(control, &inside).await.unwrap().total, 2);
        // Both are in the log of the organisation that it is about.
        let told = format!(
            "select string_agg(action || ' by ' || actor, ', ' order by id) from audit where org_id = '{}' and action <> 'org.create'",
            elsewhere.id
        );
        assert_eq!(fixture.text(&told).await, "org.change by root, org.join by root");
    }
}
