//! One's own sessions: which browsers are signed in, and ending them.

use super::{Client, NewSession, devices, sessions};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Via},
    errors::Problem,
    ids::{OrgId, SessionId, UserId},
    people::Session,
};
use serde_json::json;
use uuid::Uuid;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    user_agent: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    address: Option<String>,
    #[diesel(sql_type = Text)]
    org_name: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    last_seen_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    expires_at: Timestamp,
}

/// Every browser that one is signed in with, the one used last first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_sessions(control: &Control, actor: &Actor) -> Result<Vec<Session>> {
    actor.require(Permission::Own)?;
    let idle = i64::try_from(control.options().session_idle.as_secs()).unwrap_or(i64::MAX);
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(
        "select s.id, s.user_agent, s.address, o.name as org_name, s.created_at, s.last_seen_at, \
         least(s.expires_at, s.last_seen_at + $2 * interval '1 second') as expires_at \
         from sessions s join orgs o on o.id = s.org_id where s.user_id = $1 and s.expires_at > now() \
         and s.last_seen_at > now() - $2 * interval '1 second' order by s.last_seen_at desc, s.id limit 200",
    )
    .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
    .bind::<BigInt, _>(idle)
    .load(&mut conn)
    .await?;
    let own = own(actor);
    Ok(rows
        .into_iter()
        .map(|row| Session {
            id: SessionId(row.id),
            device: devices::describe(row.user_agent.as_deref()),
            address: row.address,
            org_name: row.org_name,
            created_at: row.created_at,
            seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            current: own == Some(SessionId(row.id)),
        })
        .collect())
}

/// Ends one of one's own sessions.
///
/// # Errors
/// 403 for a key without the scope; 404 `session_not_found`.
pub async fn end_session(control: &Control, actor: &Actor, id: SessionId) -> Result<()> {
    actor.require(Permission::OwnManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let ended: Option<Ended> =
            diesel::sql_query("delete from sessions where id = $1 and user_id = $2 returning id")
                .bind::<SqlUuid, _>(id.0)
                .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
                .get_result(conn)
                .await
                .optional()?;
        ended.ok_or_else(|| Problem::not_found("session"))?;
        audit::record(conn, actor, Entry::new("session.end", "session").id(id.0)).await
    })
    .await?;
    control.session_ends().tell(id);
    Ok(())
}

/// Ends all of one's own sessions but the one that asks, and says how many there were.
///
/// # Errors
/// 403 for a key without the scope.
pub async fn end_other_sessions(control: &Control, actor: &Actor) -> Result<u64> {
    actor.require(Permission::OwnManage)?;
    let Some(user) = actor.user_id else { return Ok(0) };
    let mut conn = control.db().conn().await?;
    let ended = conn
        .transaction::<_, Error, _>(async |conn| {
            let ended = end_all(conn, user, None, own(actor)).await?;
            if !ended.is_empty() {
                let entry = Entry::new("session.end_others", "user").object(user.0, &actor.name);
                audit::record(conn, actor, entry.after(json!({ "ended": ended.len() }))).await?;
            }
            Ok(ended)
        })
        .await?;
    tell(control, &ended);
    Ok(ended.len() as u64)
}

/// Replaces the session that somebody came with by a new one, perhaps in another organisation: whatever a token was worth
/// before a change of rights, it is worth nothing after it.
pub(crate) async fn replace(
    control: &Control,
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    org: OrgId,
    client: &Client,
) -> Result<Option<NewSession>> {
    let (Some(id), Some(user)) = (own(actor), actor.user_id) else {
        return Ok(None);
    };
    let new = sessions::create(control, conn, (user, &actor.name, actor.role), org, client).await?;
    // When its holder last showed that it is theirs goes on to the new one: a change of rights shows nothing.
    diesel::sql_query(
        "with old as (delete from sessions where id = $1 returning proven_at) \
         update sessions s set proven_at = old.proven_at from old where s.id = $2",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Nullable<SqlUuid>, _>(own(&new.actor).map(|id| id.0))
    .execute(conn)
    .await?;
    Ok(Some(new))
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Ends the sessions of an account, in one organisation or in all, but `kept`. [`tell`] after the commit.
pub(crate) async fn end_all(
    conn: &mut AsyncPgConnection,
    user: UserId,
    org: Option<OrgId>,
    kept: Option<SessionId>,
) -> Result<Vec<SessionId>> {
    let ended: Vec<Ended> = diesel::sql_query(
        "delete from sessions where user_id = $1 and ($2 is null or org_id = $2) and id is distinct from $3 returning id",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<Nullable<SqlUuid>, _>(org.map(|org| org.0))
    .bind::<Nullable<SqlUuid>, _>(kept.map(|id| id.0))
    .load(conn)
    .await?;
    Ok(ended.into_iter().map(|ended| SessionId(ended.id)).collect())
}

/// Ends the streams of these sessions on this server; others notice at their next look.
pub(crate) fn tell(control: &Control, ended: &[SessionId]) {
    for id in ended {
        control.session_ends().tell(*id);
    }
}

/// The session that somebody came with.
pub(crate) fn own(actor: &Actor) -> Option<SessionId> {
    match actor.via {
        Via::Session { id } => Some(id),
        _ => None,
    }
}
