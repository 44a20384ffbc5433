//! Members: who belongs to the organisation, and as what.
//!
//! Nobody gives rights that they do not have, or takes them from somebody who has more. An account may belong to several
//! organisations, so what concerns the whole account (its password, whether it may sign in) is for those who could not gain
//! anything elsewhere by it.

use crate::{
    Control,
    audit::{self, Entry},
    auth,
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Role},
    errors::{ErrorClass, Problem},
    ids::{OrgId, SessionId, UserId},
    pages::Page,
    people::{AddedMember, Member, MemberChange, NewMember},
};
use serde_json::json;
use uuid::Uuid;

const LIST: &str = "select u.id, u.name, m.role, u.disabled_at is not null as disabled, u.is_server_admin as server_admin, u.email, \
     (select min(p.name) from identities i join identity_providers p on p.id = i.provider_id \
       where i.user_id = u.id and lower(i.email) = lower(u.email)) as email_confirmed_by, \
     m.created_at as joined_at, (exists (select 1 from second_factors f where f.user_id = u.id \
       and f.confirmed_at is not null) or exists (select 1 from passkeys k where k.user_id = u.id)) as second_factor, \
     (select max(s.last_seen_at) from sessions s \
       where s.user_id = u.id and s.org_id = m.org_id) as seen_at, \
     (select count(*) from memberships o where o.user_id = u.id) as orgs \
     from memberships m join users u on u.id = m.user_id where m.org_id = $1";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    disabled: bool,
    #[diesel(sql_type = Bool)]
    server_admin: bool,
    #[diesel(sql_type = Timestamptz)]
    joined_at: Timestamp,
    #[diesel(sql_type = Bool)]
    second_factor: bool,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_confirmed_by: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    seen_at: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    orgs: i64,
}

impl Row {
    fn view(self) -> Result<Member> {
        Ok(Member {
            id: UserId(self.id),
            role: auth::role(&self.role)?,
            name: self.name,
            disabled: self.disabled,
            server_admin: self.server_admin,
            second_factor: self.second_factor,
            email: self.email,
            email_confirmed_by: self.email_confirmed_by,
            joined_at: self.joined_at,
            seen_at: self.seen_at,
        })
    }
}

/// The members of the organisation by name.
///
/// # Errors
/// 403; when the database does not answer.
pub async fn list_members(control: &Control, actor: &Actor) -> Result<Page<Member>> {
    actor.require(Permission::UsersRead)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!("{LIST} order by lower(u.name), u.id limit 2000"))
        .bind::<SqlUuid, _>(actor.org_id.0)
        .load(&mut conn)
        .await?;
    let mut items = rows.into_iter().map(Row::view).collect::<Result<Vec<_>>>()?;
    if !actor.may(Permission::UsersManage) {
        items.iter_mut().for_each(|member| member.email = None);
    }
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

/// A member whom the actor may manage, locked until the transaction's end.
pub(crate) struct Managed {
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    server_admin: bool,
    /// How many organisations the account belongs to.
    orgs: i64,
}

impl Managed {
    /// Refuses to touch the account as such where that would reach further than this organisation.
    ///
    /// # Errors
    /// 403 `member_elsewhere` or `forbidden`.
    pub fn require_account_rights(&self, actor: &Actor) -> Result<(), Problem> {
        if actor.server_admin {
            return Ok(());
        }
        if self.server_admin {
            return Err(forbidden(format!(
                "{} looks after the whole server, so only a server administrator may do this.",
                self.name
            )));
        }
        if self.orgs > 1 {
            return Err(Problem::new(
                ErrorClass::Forbidden,
                "member_elsewhere",
                format!(
                    "{} belongs to another organisation as well, so only a server administrator may do this. You may \
                     remove them from this organisation.",
                    self.name
                ),
            ));
        }
        Ok(())
    }
}

/// Finds and locks a member whose role is not above the actor's own.
///
/// # Errors
/// 404 `member_not_found`; 403 for somebody with a higher role.
pub(crate) async fn manageable(conn: &mut AsyncPgConnection, actor: &Actor, user: UserId) -> Result<Managed> {
    // All owners are locked first and in one order, so that two cannot take each other's role away at once.
    diesel::sql_query(
        "select 1 from memberships where org_id = $1 and (role = 'owner' or user_id = $2) order by user_id for update",
    )
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<SqlUuid, _>(user.0)
    .execute(conn)
    .await?;
    let row: Option<Row> = diesel::sql_query(format!("{LIST} and m.user_id = $2"))
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(user.0)
        .get_result(conn)
        .await
        .optional()?;
    let row = row.ok_or_else(|| Problem::not_found("member"))?;
    let role = auth::role(&row.role)?;
    if role > actor.role {
        return Err(forbidden(format!(
            "{} is {}, and you are {}: somebody with that role must do this.",
            row.name,
            role.with_article(),
            actor.role.with_article()
        ))
        .into());
    }
    Ok(Managed {
        name: row.name,
        role,
        disabled: row.disabled,
        server_admin: row.server_admin,
        orgs: row.orgs,
    })
}

/// Changes a member's role, or whether they may sign in. Their sessions here end, so that no token outlives a change of rights.
///
/// # Errors
/// 403; 404 `member_not_found`; 409 `last_owner`, `own_account`, `email_taken`; 422 `email_invalid`.
pub async fn change_member(
    control: &Control,
    actor: &Actor,
    user: UserId,
    change: MemberChange,
) -> Result<Member> {
    actor.require(Permission::UsersManage)?;
    let email = change.email.as_deref().map(checked_email).transpose()?;
    let mut conn = control.db().conn().await?;
    let (member, ended) = conn
        .transaction::<_, Error, _>(async |conn| {
            let before = manageable(conn, actor, user).await?;
            let mut ended = Vec::new();
            if let Some(role) = change.role.filter(|role| *role != before.role) {
                may_give(actor, role)?;
                if before.role == Role::Owner {
                    keep_an_owner(conn, actor.org_id, user).await?;
                }
                diesel::sql_query("update memberships set role = $3 where org_id = $1 and user_id = $2")
                    .bind::<SqlUuid, _>(actor.org_id.0)
                    .bind::<SqlUuid, _>(user.0)
                    .bind::<Text, _>(role.as_str())
                    .execute(conn)
                    .await?;
                ended = auth::end_all(conn, user, Some(actor.org_id), None).await?;
                let entry = Entry::new("member.role", "user").object(user.0, &before.name);
                let entry = entry.before(json!({ "role": before.role })).after(json!({ "role": role }));
                audit::record(conn, actor, entry).await?;
            }
            if let Some(disabled) = change.disabled.filter(|disabled| *disabled != before.disabled) {
                if actor.user_id == Some(user) {
                    return Err(own_account("disable").into());
                }
                before.require_account_rights(actor)?;
                if disabled && before.role == Role::Owner {
                    keep_an_owner(conn, actor.org_id, user).await?;
                }
                diesel::sql_query(
                    "update users set disabled_at = case when $2 then now() end, updated_at = now() where id = $1",
                )
                .bind::<SqlUuid, _>(user.0)
                .bind::<Bool, _>(disabled)
                .execute(conn)
                .await?;
                if disabled {
                    ended.extend(auth::end_all(conn, user, None, None).await?);
                }
                let action = if disabled { "user.disable" } else { "user.enable" };
                audit::record(conn, actor, Entry::new(action, "user").object(user.0, &before.name)).await?;
            }
            if let Some(email) = &email {
                // Whoever sets it decides who may sign in as them.
                before.require_account_rights(actor)?;
                diesel::sql_query("update users set email = $2, updated_at = now() where id = $1")
                    .bind::<SqlUuid, _>(user.0)
                    .bind::<Nullable<Text>, _>(email.as_deref())
                    .execute(conn)
                    .await?;
                let entry = Entry::new("user.email", "user").object(user.0, &before.name);
                audit::record(conn, actor, entry.after(json!({ "email": email }))).await?;
            }
            let row: Row = diesel::sql_query(format!("{LIST} and m.user_id = $2"))
                .bind::<SqlUuid, _>(actor.org_id.0)
                .bind::<SqlUuid, _>(user.0)
                .get_result(conn)
                .await?;
            Ok((row.view()?, ended))
        })
        .await?;
    auth::tell_ended(control, &ended);
    Ok(member)
}

/// Takes somebody out of the organisation: their sessions and keys here end. The account stays, and what it did keeps its
/// name.
///
/// # Errors
/// 403; 404 `member_not_found`; 409 `last_owner`.
pub async fn remove_member(control: &Control, actor: &Actor, user: UserId) -> Result<()> {
    actor.require(Permission::UsersManage)?;
    let mut conn = control.db().conn().await?;
    let ended = conn
        .transaction::<_, Error, _>(async |conn| {
            let before = manageable(conn, actor, user).await?;
            if before.role == Role::Owner {
                keep_an_owner(conn, actor.org_id, user).await?;
            }
            let ended = leave(conn, actor.org_id, user).await?;
            let entry = Entry::new("member.remove", "user").object(user.0, &before.name);
            audit::record(conn, actor, entry.before(json!({ "role": before.role }))).await?;
            Ok(ended)
        })
        .await?;
    auth::tell_ended(control, &ended);
    Ok(())
}

/// Ends a membership with its sessions and keys, and gives back the sessions that ended.
pub(crate) async fn leave(conn: &mut AsyncPgConnection, org: OrgId, user: UserId) -> Result<Vec<SessionId>> {
    diesel::sql_query(
        "update api_keys set revoked_at = now() where org_id = $1 and user_id = $2 and revoked_at is null",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(user.0)
    .execute(conn)
    .await?;
    let ended = auth::end_all(conn, user, Some(org), None).await?;
    diesel::sql_query("delete from memberships where org_id = $1 and user_id = $2")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(user.0)
        .execute(conn)
        .await?;
    Ok(ended)
}

/// Makes an account that has no password yet, and the link by which its owner sets one.
///
/// # Errors
/// 403, also for a role above one's own; 409 `name_taken`; 422 for the name.
pub async fn add_member(control: &Control, actor: &Actor, new: NewMember) -> Result<AddedMember> {
    actor.require(Permission::UsersManage)?;
    may_give(actor, new.role)?;
    let name = auth::names::check(&new.name)?;
    let user = UserId::new();
    let mut conn = control.db().conn().await?;
    let member = conn
        .transaction::<_, Error, _>(async |conn| {
            diesel::sql_query("insert into users (id, name) values ($1, $2)")
                .bind::<SqlUuid, _>(user.0)
                .bind::<Text, _>(&name)
                .execute(conn)
                .await?;
            diesel::sql_query("insert into memberships (org_id, user_id, role) values ($1, $2, $3)")
                .bind::<SqlUuid, _>(actor.org_id.0)
                .bind::<SqlUuid, _>(user.0)
                .bind::<Text, _>(new.role.as_str())
                .execute(conn)
                .await?;
            let entry = Entry::new("member.add", "user").object(user.0, &name);
            audit::record(conn, actor, entry.after(json!({ "role": new.role }))).await?;
            let row: Row = diesel::sql_query(format!("{LIST} and m.user_id = $2"))
                .bind::<SqlUuid, _>(actor.org_id.0)
                .bind::<SqlUuid, _>(user.0)
                .get_result(conn)
                .await?;
            row.view()
        })
        .await?;
    let link = auth::reset_link(control, actor, user).await?;
    Ok(AddedMember { member, link })
}

/// Nobody makes others more than they are.
pub(super) fn may_give(actor: &Actor, role: Role) -> Result<(), Problem> {
    if role <= actor.role {
        return Ok(());
    }
    Err(forbidden(format!(
        "You are {}, so you cannot make somebody {}. Ask one with that role.",
        actor.role.with_article(),
        role.with_article()
    ))
    .with("needs", role))
}

#[derive(QueryableByName)]
struct Others {
    #[diesel(sql_type = BigInt)]
    others: i64,
}

/// Refuses when no other owner would be left who can sign in; the owners are locked by [`manageable`].
pub(crate) async fn keep_an_owner(conn: &mut AsyncPgConnection, org: OrgId, leaving: UserId) -> Result<()> {
    let Others { others } = diesel::sql_query(
        "select count(*) as others from memberships m join users u on u.id = m.user_id \
         where m.org_id = $1 and m.role = 'owner' and m.user_id <> $2 and u.disabled_at is null",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(leaving.0)
    .get_result(conn)
    .await?;
    if others > 0 {
        return Ok(());
    }
    Err(Problem::new(
        ErrorClass::Conflict,
        "last_owner",
        "This is the last owner of the organisation, and without one nobody could manage it. Make somebody else an \
         owner first.",
    )
    .into())
}

/// An address, or nothing for an empty text.
fn checked_email(text: &str) -> Result<Option<String>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parts = text.rsplit_once('@');
    let fits = parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    if !fits || text.len() > 254 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Problem::invalid(
            "email_invalid",
            "email",
            "This is no e-mail address. Write one such as ada@example.org, or nothing.",
        ));
    }
    Ok(Some(text.to_owned()))
}

fn own_account(what: &str) -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "own_account",
        format!("You cannot {what} your own account. Ask somebody else to do it."),
    )
}

fn forbidden(message: String) -> Problem {
    Problem::new(ErrorClass::Forbidden, "forbidden", message)
        .with("permission", Permission::UsersManage.as_str())
}
