//! Sessions: a random token in the browser's cookie, its hash here. Idle and absolute expiry by the database's clock.

use super::{Client, NewSession, actors, tokens};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Bytea, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Role, Via},
    ids::{OrgId, SessionId, UserId},
};
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::sync::broadcast;
use uuid::Uuid;

/// Tells the open streams of this process which sessions have just ended.
#[derive(Clone)]
pub struct SessionEnds(broadcast::Sender<SessionId>);

impl Default for SessionEnds {
    fn default() -> Self {
        Self(broadcast::channel(64).0)
    }
}

impl SessionEnds {
    pub fn subscribe(&self) -> broadcast::Receiver<SessionId> {
        self.0.subscribe()
    }

    pub(crate) fn tell(&self, session: SessionId) {
        // Nobody listening is no error.
        let _ = self.0.send(session);
    }
}

/// Makes a session in the caller's transaction, always with a new token: one that somebody planted before the sign-in
/// is worth nothing after it.
pub(crate) async fn create(
    control: &Control,
    conn: &mut AsyncPgConnection,
    who: (UserId, &str, Role),
    org: OrgId,
    client: &Client,
) -> Result<NewSession> {
    let (user, name, role) = who;
    let token = tokens::random("");
    let id = SessionId::new();
    let max_age = control.options().session_max;
    diesel::sql_query(
        "insert into sessions (id, user_id, org_id, token_hash, expires_at, address, user_agent) \
         values ($1, $2, $3, $4, now() + $5 * interval '1 second', $6, $7)",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<SqlUuid, _>(user.0)
    .bind::<SqlUuid, _>(org.0)
    .bind::<Bytea, _>(tokens::hash(token.expose_secret()))
    .bind::<BigInt, _>(seconds(max_age))
    .bind::<Nullable<Text>, _>(client.address.as_deref())
    .bind::<Nullable<Text>, _>(client.user_agent.as_deref().map(shortened))
    .execute(conn)
    .await?;
    let actor = Actor {
        org_id: org,
        user_id: Some(user),
        name: name.to_owned(),
        role,
        server_admin: false,
        second_factor_missing: false,
        grants: Vec::new(),
        schedules: Vec::new(),
        via: Via::Session { id },
        address: client.address.clone(),
    };
    Ok(NewSession {
        token,
        actor,
        max_age,
    })
}

#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    server_admin: bool,
    #[diesel(sql_type = Jsonb)]
    grants: serde_json::Value,
    #[diesel(sql_type = Array<SqlUuid>)]
    shared: Vec<Uuid>,
    #[diesel(sql_type = Bool)]
    missing: bool,
    #[diesel(sql_type = Bool)]
    seen_long_ago: bool,
}

/// Who a cookie belongs to, or nobody: unknown, ended, expired, disabled, no member any more. Notes at most once a
/// minute that the session is in use.
///
/// # Errors
/// When the database does not answer.
pub async fn authenticate_session(control: &Control, token: &str, client: &Client) -> Result<Option<Actor>> {
    let mut conn = control.db().conn().await?;
    let open: Option<Open> = diesel::sql_query(format!(
        "select s.id, s.user_id, s.org_id, u.name, u.is_server_admin as server_admin, m.role, \
         s.last_seen_at < now() - interval '1 minute' as seen_long_ago, {}, {} \
         from sessions s join users u on u.id = s.user_id \
         join memberships m on m.user_id = s.user_id and m.org_id = s.org_id \
         where s.token_hash = $1 and s.expires_at > now() \
         and s.last_seen_at > now() - $2 * interval '1 second' and u.disabled_at is null",
        actors::GRANTS,
        actors::MISSING,
    ))
    .bind::<Bytea, _>(tokens::hash(token))
    .bind::<BigInt, _>(seconds(control.options().session_idle))
    .get_result(&mut conn)
    .await
    .optional()?;
    let Some(open) = open else { return Ok(None) };
    if open.seen_long_ago {
        diesel::sql_query(
            "update sessions set last_seen_at = now(), address = coalesce($2, address) \
             where id = $1 and last_seen_at < now() - interval '1 minute'",
        )
        .bind::<SqlUuid, _>(open.id)
        .bind::<Nullable<Text>, _>(client.address.as_deref())
        .execute(&mut conn)
        .await?;
    }
    Ok(Some(Actor {
        org_id: OrgId(open.org_id),
        user_id: Some(UserId(open.user_id)),
        name: open.name,
        role: actors::role(&open.role)?,
        server_admin: open.server_admin,
        second_factor_missing: open.missing,
        grants: actors::grants(open.grants)?,
        schedules: actors::schedules(open.shared),
        via: Via::Session {
            id: SessionId(open.id),
        },
        address: client.address.clone(),
    }))
}

/// Ends the session that the actor came with; does nothing for other actors.
///
/// # Errors
/// When the database does not answer.
pub async fn sign_out(control: &Control, actor: &Actor) -> Result<()> {
    let Via::Session { id } = &actor.via else {
        return Ok(());
    };
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let ended = diesel::sql_query("delete from sessions where id = $1")
            .bind::<SqlUuid, _>(id.0)
            .execute(conn)
            .await?;
        if ended > 0 {
            audit::record(conn, actor, Entry::new("session.end", "session").id(id.0)).await?;
        }
        Ok(())
    })
    .await?;
    control.session_ends().tell(*id);
    Ok(())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// The first 300 characters: enough to recognise a browser by.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
