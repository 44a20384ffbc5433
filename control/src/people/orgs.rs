//! Organisations: making one, and going from one to another.

use crate::{
    Control,
    audit::{self, Entry},
    auth::{self, Client, NewSession, names},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission, Role, Via},
    errors::{ErrorClass, Problem},
    ids::{OrgId, UserId},
    pages::Page,
    people::{Org, OrgChange},
};
use serde_json::json;
use uuid::Uuid;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    second_factor_required: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    audit_days: Option<i32>,
}

/// The fewest and the most days that lines of the audit log are kept.
const AUDIT_DAYS: std::ops::RangeInclusive<u32> = 30..=3650;

/// The organisations that one belongs to, by name. A key knows its own alone.
///
/// # Errors
/// When the database does not answer.
pub async fn list_orgs(control: &Control, actor: &Actor) -> Result<Page<Org>> {
    actor.require(Permission::Own)?;
    let only = match actor.via {
        Via::Session { .. } => None,
        _ => Some(actor.org_id.0),
    };
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(
        "select o.id, o.name, m.role, o.second_factor_required, o.audit_days from memberships m join orgs o on o.id = m.org_id \
         where m.user_id = $1 and ($2 is null or o.id = $2) order by lower(o.name), o.id limit 500",
    )
    .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
    .bind::<Nullable<SqlUuid>, _>(only)
    .load(&mut conn)
    .await?;
    let items = rows
        .into_iter()
        .map(|row| {
            Ok(Org {
                id: OrgId(row.id),
                role: auth::role(&row.role)?,
                name: row.name,
                current: OrgId(row.id) == actor.org_id,
                second_factor_required: row.second_factor_required,
                audit_days: row.audit_days.map(i32::unsigned_abs),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

/// Makes an organisation; whoever makes it is its first owner.
///
/// # Errors
/// 403 for all but server administrators; 422 for the name.
pub async fn create_org(control: &Control, actor: &Actor, name: &str) -> Result<Org> {
    actor.require(Permission::OrgsManage)?;
    let name = names::check(name)?;
    let user = actor.user_id.ok_or_else(|| {
        Problem::new(
            ErrorClass::Forbidden,
            "no_person",
            "An organisation needs an owner, so a person must make it. Sign in first.",
        )
    })?;
    let id = OrgId::new();
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        diesel::sql_query("insert into orgs (id, name) values ($1, $2)")
            .bind::<SqlUuid, _>(id.0)
            .bind::<Text, _>(&name)
            .execute(conn)
            .await?;
        diesel::sql_query("insert into memberships (org_id, user_id, role) values ($1, $2, 'owner')")
            .bind::<SqlUuid, _>(id.0)
            .bind::<SqlUuid, _>(user.0)
            .execute(conn)
            .await?;
        // In both: where it was asked for, and as the first line of its own.
        for org in [actor.org_id, id] {
            let there = Actor {
                org_id: org,
                ..actor.clone()
            };
            audit::record(conn, &there, Entry::new("org.create", "org").object(id.0, &name)).await?;
        }
        Ok(())
    })
    .await?;
    Ok(Org {
        id,
        name,
        role: Role::Owner,
        current: false,
        second_factor_required: false,
        audit_days: None,
    })
}

/// Changes the organisation's name or its rules. Whoever asks for a second factor must have one.
///
/// # Errors
/// 403; 404 `org_not_found` for any but the one that is open; 409 `second_factor_first`; 422 for the name, `audit_days_invalid`.
pub async fn change_org(control: &Control, actor: &Actor, id: OrgId, change: OrgChange) -> Result<Org> {
    actor.require(Permission::OrgManage)?;
    if id != actor.org_id {
        return Err(Problem::not_found("org").into());
    }
    let name = change.name.as_deref().map(names::check).transpose()?;
    if change
        .audit_days
        .is_some_and(|days| days != 0 && !AUDIT_DAYS.contains(&days))
    {
        return Err(Problem::invalid(
            "audit_days_invalid",
            "audit_days",
            "Lines of the audit log are kept for 30 to 3650 days, or for ever with 0. Choose one of these.",
        )
        .into());
    }
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let find = "select id, name, '' as role, second_factor_required, audit_days from orgs where id = $1 for update";
        let before: Row = diesel::sql_query(find)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await?;
        if change.second_factor_required == Some(true) && !auth::has_second_factor(conn, actor).await? {
            return Err(Problem::new(
                ErrorClass::Conflict,
                "second_factor_first",
                "You have no second factor yourself, so this would shut you out. Set one up in Settings, Profile first.",
            )
            .into());
        }
        diesel::sql_query(
            "update orgs set name = coalesce($2, name), second_factor_required = coalesce($3, second_factor_required), \
             audit_days = case when $4 is null then audit_days else nullif($4, 0) end where id = $1",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<Nullable<Text>, _>(name)
        .bind::<Nullable<Bool>, _>(change.second_factor_required)
        .bind::<Nullable<Integer>, _>(change.audit_days.and_then(|days| i32::try_from(days).ok()))
        .execute(conn)
        .await?;
        let after: Row = diesel::sql_query(find)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await?;
        let written = |row: &Row| {
            json!({
                "name": row.name, "second_factor_required": row.second_factor_required, "audit_days": row.audit_days,
            })
        };
        let entry = Entry::new("org.change", "org").object(id.0, &after.name);
        audit::record(conn, actor, entry.before(written(&before)).after(written(&after))).await?;
        Ok(Org {
            id,
            name: after.name,
            role: actor.role,
            current: true,
            second_factor_required: after.second_factor_required,
            audit_days: after.audit_days.map(i32::unsigned_abs),
        })
    })
    .await
}

/// An organisation, as a member of it has it in their list.
pub(super) async fn of_member(conn: &mut AsyncPgConnection, user: UserId, id: OrgId) -> Result<Org> {
    let row: Option<Row> = diesel::sql_query(
        "select o.id, o.name, m.role, o.second_factor_required, o.audit_days from memberships m join orgs o on o.id = m.org_id \
         where m.user_id = $1 and o.id = $2",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<SqlUuid, _>(id.0)
    .get_result(conn)
    .await
    .optional()?;
    let row = row.ok_or_else(|| Problem::not_found("org"))?;
    Ok(Org {
        id,
        role: auth::role(&row.role)?,
        name: row.name,
        current: false,
        second_factor_required: row.second_factor_required,
        audit_days: row.audit_days.map(i32::unsigned_abs),
    })
}

/// Opens another organisation that one belongs to, with a new session.
///
/// # Errors
/// 403 `session_needed`; 404 `org_not_found`.
pub async fn switch_org(control: &Control, actor: &Actor, id: OrgId, client: &Client) -> Result<NewSession> {
    actor.require(Permission::OwnManage)?;
    let (Some(user), Via::Session { id: current }) = (actor.user_id, &actor.via) else {
        return Err(session_needed().into());
    };
    let mut conn = control.db().conn().await?;
    let session = conn
        .transaction::<_, Error, _>(async |conn| {
            let org = of_member(conn, user, id).await?;
            let there = Actor {
                org_id: id,
                role: org.role,
                ..actor.clone()
            };
            let session = auth::replace_session(control, conn, &there, id, client)
                .await?
                .ok_or_else(session_needed)?;
            audit::record(
                conn,
                &session.actor,
                Entry::new("session.switch", "org").object(id.0, &org.name),
            )
            .await?;
            Ok(session)
        })
        .await?;
    auth::tell_ended(control, &[*current]);
    Ok(session)
}

pub(super) fn session_needed() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "session_needed",
        "An API key belongs to one organisation. Sign in with a browser to go to another, or make a key there.",
    )
}
