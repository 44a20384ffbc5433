//! Invitations: a link that makes whoever opens it a member, once and for a time.

use super::members::may_give;
use crate::{
    Control,
    audit::{self, Entry},
    auth::{self, Client, NewSession, names, tokens},
    error::{Error, Result},
    providers::passwords_taken,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Role, Via},
    errors::{ErrorClass, Problem},
    ids::{InvitationId, OrgId, UserId},
    pages::Page,
    people::{Invitation, Invited, NewInvitation, OneTimeLink, Welcome},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

const DAYS: u16 = 7;
const DAYS_MOST: u16 = 30;
const NOTE_LONGEST: usize = 120;

const LIST: &str = "select i.id, i.role, i.note, u.name as invited_by, i.created_at, i.expires_at, \
     i.expires_at <= now() as expired from invitations i left join users u on u.id = i.invited_by \
     where i.org_id = $1 and i.accepted_at is null";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    note: String,
    #[diesel(sql_type = Nullable<Text>)]
    invited_by: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    expires_at: Timestamp,
    #[diesel(sql_type = Bool)]
    expired: bool,
}

impl Row {
    fn view(self) -> Result<Invitation> {
        Ok(Invitation {
            id: InvitationId(self.id),
            role: auth::role(&self.role)?,
            note: self.note,
            invited_by: self.invited_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            expired: self.expired,
        })
    }
}

/// The invitations that nobody took up yet, the newest first.
///
/// # Errors
/// 403; when the database does not answer.
pub async fn list_invitations(control: &Control, actor: &Actor) -> Result<Page<Invitation>> {
    actor.require(Permission::UsersManage)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!("{LIST} order by i.id desc limit 500"))
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

/// Makes an invitation. Its link is in this answer alone.
///
/// # Errors
/// 403, also for a role above one's own; 422 for the note or the days.
pub async fn invite(control: &Control, actor: &Actor, new: NewInvitation) -> Result<Invited> {
    actor.require(Permission::UsersManage)?;
    may_give(actor, new.role)?;
    let note = new.note.trim();
    if note.chars().count() > NOTE_LONGEST || note.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "note_invalid",
            "note",
            format!("The note is one line of at most {NOTE_LONGEST} characters. Shorten it."),
        )
        .into());
    }
    let days = new.days.unwrap_or(DAYS);
    if !(1..=DAYS_MOST).contains(&days) {
        return Err(Problem::invalid(
            "days_invalid",
            "days",
            format!("An invitation lasts 1 to {DAYS_MOST} days. Choose one of them."),
        )
        .into());
    }
    let (id, token) = (InvitationId::new(), tokens::random(""));
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        diesel::sql_query(
            "insert into invitations (id, org_id, role, note, token_hash, invited_by, expires_at) \
             values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 day')",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<Text, _>(new.role.as_str())
        .bind::<Text, _>(note)
        .bind::<Bytea, _>(tokens::hash(token.expose_secret()))
        .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
        .bind::<Integer, _>(i32::from(days))
        .execute(conn)
        .await?;
        let entry = Entry::new("invitation.create", "invitation").object(id.0, note);
        audit::record(
            conn,
            actor,
            entry.after(json!({ "role": new.role, "days": days })),
        )
        .await?;
        let row: Row = diesel::sql_query(format!("{LIST} and i.id = $2"))
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await?;
        let invitation = row.view()?;
        let link = OneTimeLink {
            path: format!("/invite?token={}", token.expose_secret()),
            expires_at: invitation.expires_at,
        };
        Ok(Invited { invitation, link })
    })
    .await
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = Text)]
    note: String,
}

/// Takes an invitation back: its link is worth nothing from now on.
///
/// # Errors
/// 403; 404 `invitation_not_found`.
pub async fn withdraw(control: &Control, actor: &Actor, id: InvitationId) -> Result<()> {
    actor.require(Permission::UsersManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let gone: Option<Gone> = diesel::sql_query(
            "delete from invitations where org_id = $1 and id = $2 and accepted_at is null returning note",
        )
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(id.0)
        .get_result(conn)
        .await
        .optional()?;
        let gone = gone.ok_or_else(|| Problem::not_found("invitation"))?;
        audit::record(
            conn,
            actor,
            Entry::new("invitation.withdraw", "invitation").object(id.0, &gone.note),
        )
        .await
    })
    .await
}

#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    org_name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Nullable<Text>)]
    invited_by: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: Timestamp,
}

/// What the holder of a link is invited to.
///
/// # Errors
/// 403 `invitation_invalid`.
pub async fn welcome(control: &Control, token: &str) -> Result<Welcome> {
    let mut conn = control.db().conn().await?;
    let open = open(&mut conn, &tokens::hash(token.trim()), false).await?;
    Ok(Welcome {
        role: auth::role(&open.role)?,
        org_name: open.org_name,
        invited_by: open.invited_by,
        expires_at: open.expires_at,
    })
}

/// An invitation counts only while whoever made it may still give that role: one who was demoted or left invites nobody.
async fn open(conn: &mut AsyncPgConnection, token_hash: &[u8], lock: bool) -> Result<Open> {
    let lock = if lock { "for update of i" } else { "" };
    let open: Option<Open> = diesel::sql_query(format!(
        "select i.id, i.org_id, o.name as org_name, i.role, u.name as invited_by, i.expires_at \
         from invitations i join orgs o on o.id = i.org_id left join users u on u.id = i.invited_by \
         where i.token_hash = $1 and i.accepted_at is null and i.expires_at > now() \
         and exists (select 1 from memberships m where m.org_id = i.org_id and m.user_id = i.invited_by \
           and u.disabled_at is null and (m.role = 'owner' or m.role = 'admin' and i.role <> 'owner')) {lock}"
    ))
    .bind::<Bytea, _>(token_hash)
    .get_result(conn)
    .await
    .optional()?;
    Ok(open.ok_or_else(invalid)?)
}

/// Makes an account by an invitation, and signs it in. The link is used up by success only.
///
/// # Errors
/// 403 `invitation_invalid`, `passwords_off`; 409 `name_taken`; 422 for the name or the password.
pub async fn accept_new(
    control: &Control,
    token: &str,
    name: &str,
    password: SecretString,
    client: &Client,
) -> Result<NewSession> {
    // Before the costly hash, so that guessing costs us nothing.
    welcome(control, token).await?;
    let name = names::check(name)?;
    auth::check_password(&password, &name)?;
    let hashed = auth::hash_password(password).await?;
    let mut conn = control.db().conn().await?;
    if !passwords_taken(&mut conn).await? {
        return Err(auth::passwords_off().into());
    }
    conn.transaction::<_, Error, _>(async |conn| {
        let open = open(conn, &tokens::hash(token.trim()), true).await?;
        let user = UserId::new();
        diesel::sql_query("insert into users (id, name, password_hash) values ($1, $2, $3)")
            .bind::<SqlUuid, _>(user.0)
            .bind::<Text, _>(&name)
            .bind::<Text, _>(&hashed)
            .execute(conn)
            .await?;
        let role = join(conn, &open, user).await?;
        let org = OrgId(open.org_id);
        let session = auth::create_session(control, conn, (user, &name, role), org, client).await?;
        let entry = Entry::new("invitation.accept", "invitation").object(open.id, &name);
        audit::record(
            conn,
            &session.actor,
            entry.after(json!({ "role": role, "user": user })),
        )
        .await?;
        Ok(session)
    })
    .await
}

/// Joins another organisation with the account that is signed in, and opens it.
///
/// # Errors
/// 403 `invitation_invalid`, `session_needed`; 409 `already_member`.
pub async fn accept_as(
    control: &Control,
    actor: &Actor,
    token: &str,
    client: &Client,
) -> Result<Option<NewSession>> {
    actor.require(Permission::OwnManage)?;
    let (Some(user), Via::Session { id: current }) = (actor.user_id, &actor.via) else {
        return Err(Problem::new(
            ErrorClass::Forbidden,
            "session_needed",
            "An API key cannot do this. Sign in with a browser.",
        )
        .into());
    };
    let mut conn = control.db().conn().await?;
    let session = conn
        .transaction::<_, Error, _>(async |conn| {
            let open = open(conn, &tokens::hash(token.trim()), true).await?;
            let role = join(conn, &open, user).await?;
            let there = Actor {
                org_id: OrgId(open.org_id),
                role,
                ..actor.clone()
            };
            let entry = Entry::new("invitation.accept", "invitation").object(open.id, &actor.name);
            audit::record(conn, &there, entry.after(json!({ "role": role, "user": user }))).await?;
            auth::replace_session(control, conn, &there, there.org_id, client).await
        })
        .await?;
    auth::tell_ended(control, &[*current]);
    Ok(session)
}

/// Takes an invitation up for somebody who came in through a provider. Whoever belongs to the organisation already uses
/// nothing up.
///
/// # Errors
/// 403 `invitation_invalid`.
pub(crate) async fn join_by_invitation(
    conn: &mut AsyncPgConnection,
    token_hash: &[u8],
    user: UserId,
    name: &str,
    address: Option<&str>,
) -> Result<()> {
    let open = open(conn, token_hash, true).await?;
    let role = match join(conn, &open, user).await {
        Ok(role) => role,
        Err(Error::Problem(problem)) if problem.code == "already_member" => return Ok(()),
        Err(error) => return Err(error),
    };
    let actor = Actor {
        user_id: Some(user),
        name: name.to_owned(),
        role,
        address: address.map(str::to_owned),
        ..Actor::system(OrgId(open.org_id))
    };
    let entry = Entry::new("invitation.accept", "invitation").object(open.id, name);
    audit::record(conn, &actor, entry.after(json!({ "role": role, "user": user }))).await
}

async fn join(conn: &mut AsyncPgConnection, open: &Open, user: UserId) -> Result<Role> {
    let joined = diesel::sql_query(
        "insert into memberships (org_id, user_id, role) values ($1, $2, $3) on conflict do nothing",
    )
    .bind::<SqlUuid, _>(open.org_id)
    .bind::<SqlUuid, _>(user.0)
    .bind::<Text, _>(&open.role)
    .execute(conn)
    .await?;
    if joined == 0 {
        return Err(Problem::new(
            ErrorClass::Conflict,
            "already_member",
            format!(
                "You belong to {} already. The invitation stays good for somebody else.",
                open.org_name
            ),
        )
        .into());
    }
    diesel::sql_query("update invitations set accepted_at = now(), accepted_by = $2 where id = $1")
        .bind::<SqlUuid, _>(open.id)
        .bind::<SqlUuid, _>(user.0)
        .execute(conn)
        .await?;
    auth::role(&open.role)
}

fn invalid() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "invitation_invalid",
        "This invitation is not valid: it was used or taken back, or its time is over. Ask for a new one.",
    )
}
