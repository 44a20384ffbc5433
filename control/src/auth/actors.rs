//! From a person to an actor: the role is read anew each time, so that a demotion counts at once.

use crate::{
    Control,
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Bool, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Grant, Role, Via, Viewer},
    errors::{ErrorClass, Problem},
    ids::{OrgId, ScheduleId, UserId},
};
use serde_json::Value;
use uuid::Uuid;

/// The grants of a member `m`, their own and their teams', and the hosts and schedules that are shared with those teams, as
/// two columns of a query. Whoever reaches a shared host is operator there.
pub(super) const GRANTS: &str = "(select coalesce(jsonb_agg(jsonb_build_object('selector', g.selector, 'role', g.role)), '[]') \
     from (select g.selector, g.role from grants g where g.org_id = m.org_id and (g.user_id = m.user_id or g.team_id in (\
     select t.team_id from team_members t where t.org_id = m.org_id and t.user_id = m.user_id)) \
     union all select 'host:@' || x.host_id, 'operator' from shares x join team_members t on t.team_id = x.team_id \
     where x.org_id = m.org_id and t.user_id = m.user_id and x.host_id is not null) as g) as grants, \
     array(select distinct x.schedule_id from shares x join team_members t on t.team_id = x.team_id \
     where x.org_id = m.org_id and t.user_id = m.user_id and x.schedule_id is not null) as shared";

/// Whether the organisation of a member `m` asks for a second factor that the member has not, as a column of a query.
pub(super) const MISSING: &str = "((select o.second_factor_required from orgs o where o.id = m.org_id) and not exists (\
     select 1 from second_factors f where f.user_id = m.user_id and f.confirmed_at is not null) and not exists (\
     select 1 from passkeys k where k.user_id = m.user_id)) as missing";

#[derive(QueryableByName)]
struct Member {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    server_admin: bool,
    #[diesel(sql_type = Jsonb)]
    grants: Value,
    #[diesel(sql_type = Array<SqlUuid>)]
    shared: Vec<Uuid>,
}

/// The actor of a person in an organisation, or nobody when the account is gone, disabled or no member any more.
/// `via` is the system: it is for what runs on somebody's behalf without them.
///
/// # Errors
/// When the database does not answer.
pub async fn actor_for_user(conn: &mut AsyncPgConnection, org: OrgId, user: UserId) -> Result<Option<Actor>> {
    let member: Option<Member> = diesel::sql_query(format!(
        "select u.name, u.is_server_admin as server_admin, m.role, {GRANTS} \
         from users u join memberships m on m.user_id = u.id \
         where u.id = $1 and m.org_id = $2 and u.disabled_at is null",
    ))
    .bind::<SqlUuid, _>(user.0)
    .bind::<SqlUuid, _>(org.0)
    .get_result(conn)
    .await
    .optional()?;
    member
        .map(|member| {
            Ok(Actor {
                org_id: org,
                user_id: Some(user),
                name: member.name,
                role: role(&member.role)?,
                server_admin: member.server_admin,
                // What runs on their behalf was planned while they could sign in.
                second_factor_missing: false,
                grants: grants(member.grants)?,
                schedules: schedules(member.shared),
                via: Via::System,
                address: None,
            })
        })
        .transpose()
}

#[derive(QueryableByName)]
struct Org {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Who looks at a page.
///
/// # Errors
/// 401 for the system, which looks at nothing; when the database does not answer.
pub async fn viewer(control: &Control, actor: &Actor) -> Result<Viewer> {
    let user_id = actor.user_id.ok_or_else(|| {
        Problem::new(
            ErrorClass::Unauthenticated,
            "sign_in_needed",
            "Nobody is signed in. Sign in first.",
        )
    })?;
    let mut conn = control.db().conn().await?;
    let org: Org = diesel::sql_query("select id, name from orgs where id = $1")
        .bind::<SqlUuid, _>(actor.org_id.0)
        .get_result(&mut conn)
        .await?;
    Ok(Viewer {
        user_id,
        name: actor.name.clone(),
        role: actor.role,
        org_id: OrgId(org.id),
        org_name: org.name,
        server_admin: actor.server_admin,
    })
}

/// The organisation a person lands in: the one joined first.
pub(super) async fn home(conn: &mut AsyncPgConnection, user: UserId) -> Result<Option<OrgId>> {
    let org: Option<Org> = diesel::sql_query(
        "select o.id, o.name from memberships m join orgs o on o.id = m.org_id where m.user_id = $1 \
         order by m.created_at, o.id limit 1",
    )
    .bind::<SqlUuid, _>(user.0)
    .get_result(conn)
    .await
    .optional()?;
    Ok(org.map(|org| OrgId(org.id)))
}

pub(super) fn schedules(shared: Vec<Uuid>) -> Vec<ScheduleId> {
    shared.into_iter().map(ScheduleId).collect()
}

pub(super) fn grants(stored: Value) -> Result<Vec<Grant>> {
    serde_json::from_value(stored).map_err(|source| Error::Stored {
        what: "a grant",
        source,
    })
}

pub(crate) fn role(word: &str) -> Result<Role> {
    word.parse().map_err(Error::Internal)
}
