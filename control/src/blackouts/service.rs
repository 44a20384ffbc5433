//! What people do with blackouts.

use crate::{
    Control, audit,
    error::Result,
    events::Topic,
    runs::to_json,
    schedules::{clock, valid_name, valid_zone},
    schema::{blackouts, hosts, schedules},
};
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    blackouts::{Blackout, BlackoutDraft, BlackoutOn, BlackoutPolicy, BlackoutWindow, Closing},
    errors::{ErrorClass, Problem},
    ids::{BlackoutId, OrgId},
    next_times::Zone,
    pages::Page,
};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// The most that an organisation may have: each is looked at when something is due.
const MOST: i64 = 200;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = blackouts)]
struct Row {
    id: Uuid,
    org_id: Uuid,
    name: String,
    enabled: bool,
    scope: Value,
    timezone: String,
    recurrence: Value,
    policy: String,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The names of what blackouts can be on.
#[derive(Default)]
struct Names(HashMap<Uuid, String>);

impl Names {
    async fn load(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Self> {
        let mut names: Vec<(Uuid, String)> = hosts::table
            .filter(hosts::org_id.eq(org.0))
            .select((hosts::id, hosts::name))
            .load(conn)
            .await?;
        let of_schedules: Vec<(Uuid, String)> = schedules::table
            .filter(schedules::org_id.eq(org.0))
            .filter(schedules::deleted_at.is_null())
            .select((schedules::id, schedules::name))
            .load(conn)
            .await?;
        names.extend(of_schedules);
        Ok(Self(names.into_iter().collect()))
    }

    fn describe(&self, on: &BlackoutOn) -> String {
        let named = |kind: &str, id: &Uuid| match self.0.get(id) {
            Some(name) => format!("{kind} {name}"),
            None => format!("A {} that is gone", kind.to_lowercase()),
        };
        match on {
            BlackoutOn::Organisation => "Everything".to_owned(),
            BlackoutOn::Host { id } => named("Host", &id.0),
            BlackoutOn::Tag { tag } => format!("Tag {tag}"),
            BlackoutOn::Schedule { id } => named("Schedule", &id.0),
        }
    }
}

impl Row {
    fn view(self, names: &Names, now: Timestamp) -> Result<Blackout> {
        let unreadable = |_| {
            Problem::new(
                ErrorClass::Conflict,
                "blackout_unreadable",
                "A newer release of Chrontainer wrote this blackout. Update the server.",
            )
        };
        let on: BlackoutOn = serde_json::from_value(self.scope).map_err(unreadable)?;
        let window: BlackoutWindow = serde_json::from_value(self.recurrence).map_err(unreadable)?;
        let policy: BlackoutPolicy =
            serde_json::from_value(Value::String(self.policy)).map_err(unreadable)?;
        let closing = Zone::new(&self.timezone)
            .ok()
            .and_then(|zone| Closing::new(&window, zone).ok());
        Ok(Blackout {
            id: BlackoutId(self.id),
            version: self.version,
            name: self.name,
            enabled: self.enabled,
            on_name: names.describe(&on),
            on,
            timezone: self.timezone,
            policy,
            sentence: closing.as_ref().map(Closing::describe).unwrap_or_default(),
            active_until: closing
                .as_ref()
                .filter(|_| self.enabled)
                .and_then(|closing| closing.until(now)),
            next: closing
                .as_ref()
                .filter(|_| self.enabled)
                .and_then(|closing| closing.next(now)),
            window,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The blackouts of the organisation, by name.
///
/// # Errors
/// 403.
pub async fn list(control: &Control, actor: &Actor) -> Result<Page<Blackout>> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = blackouts::table
        .filter(blackouts::org_id.eq(actor.org_id.0))
        .order((blackouts::name, blackouts::id))
        .select(Row::as_select())
        .load(&mut conn)
        .await?;
    let names = Names::load(&mut conn, actor.org_id).await?;
    let now = clock(&mut conn).await?;
    Ok(Page {
        total: rows.len() as u64,
        next: None,
        items: rows
            .into_iter()
            .map(|row| row.view(&names, now))
            .collect::<Result<_>>()?,
    })
}

/// One blackout.
///
/// # Errors
/// 403; 404 `blackout_not_found`.
pub async fn get(control: &Control, actor: &Actor, id: BlackoutId) -> Result<Blackout> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let row = find(&mut conn, actor.org_id, id).await?;
    shown(&mut conn, actor.org_id, row).await
}

/// Creates a blackout. It holds from now on, also what is due already and not decided.
///
/// # Errors
/// 403; 409 `name_taken`; 422 with the field.
pub async fn create(control: &Control, actor: &Actor, draft: BlackoutDraft) -> Result<Blackout> {
    actor.require_everywhere(Permission::SchedulesManage)?;
    let mut conn = control.db().conn().await?;
    let blackout = conn
        .transaction(async |conn| {
            let count: i64 = blackouts::table
                .filter(blackouts::org_id.eq(actor.org_id.0))
                .count()
                .get_result(conn)
                .await?;
            if count >= MOST {
                let message =
                    format!("There are {count} blackouts already, which is the most. Delete one first.");
                return Err(Problem::new(ErrorClass::Conflict, "too_many_blackouts", message).into());
            }
            let now = clock(conn).await?;
            let row = checked(conn, actor.org_id, BlackoutId::new(), &draft, now).await?;
            diesel::insert_into(blackouts::table)
                .values(&row)
                .execute(conn)
                .await?;
            let blackout = shown(conn, actor.org_id, row).await?;
            told(conn, actor, "blackout.create", None, Some(&blackout)).await?;
            Ok::<_, crate::Error>(blackout)
        })
        .await?;
    ring(control);
    Ok(blackout)
}

/// Replaces a blackout. What waits for its end is judged anew.
///
/// # Errors
/// 403; 404; 409 `stale_version` with the current object, `name_taken`; 422 as [`create`].
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: BlackoutId,
    draft: BlackoutDraft,
) -> Result<Blackout> {
    actor.require_everywhere(Permission::SchedulesManage)?;
    let mut conn = control.db().conn().await?;
    let blackout = conn
        .transaction(async |conn| {
            let old = find(conn, actor.org_id, id).await?;
            let before = shown(conn, actor.org_id, old.clone()).await?;
            if draft.version.is_some_and(|version| version != before.version) {
                let message = "This blackout was changed in the meantime, so nothing was saved. Look at what it is now, and \
                               make your change again.";
                let problem = Problem::new(ErrorClass::Conflict, "stale_version", message);
                return Err(problem.with("current", &before).into());
            }
            let now = clock(conn).await?;
            let row = Row {
                version: old.version + 1,
                created_at: old.created_at,
                ..checked(conn, actor.org_id, id, &draft, now).await?
            };
            diesel::update(blackouts::table.filter(blackouts::id.eq(id.0)))
                .set((
                    blackouts::name.eq(&row.name),
                    blackouts::enabled.eq(row.enabled),
                    blackouts::scope.eq(&row.scope),
                    blackouts::timezone.eq(&row.timezone),
                    blackouts::recurrence.eq(&row.recurrence),
                    blackouts::policy.eq(&row.policy),
                    blackouts::version.eq(row.version),
                    blackouts::updated_at.eq(row.updated_at),
                ))
                .execute(conn)
                .await?;
            judge_anew(conn, actor.org_id).await?;
            let blackout = shown(conn, actor.org_id, row).await?;
            told(conn, actor, "blackout.update", Some(&before), Some(&blackout)).await?;
            Ok::<_, crate::Error>(blackout)
        })
        .await?;
    ring(control);
    Ok(blackout)
}

/// Deletes a blackout. What waited for its end goes on.
///
/// # Errors
/// 403; 404.
pub async fn delete(control: &Control, actor: &Actor, id: BlackoutId) -> Result<()> {
    actor.require_everywhere(Permission::SchedulesManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let row = find(conn, actor.org_id, id).await?;
        let before = shown(conn, actor.org_id, row).await?;
        diesel::delete(blackouts::table.filter(blackouts::id.eq(id.0)))
            .execute(conn)
            .await?;
        judge_anew(conn, actor.org_id).await?;
        told(conn, actor, "blackout.delete", Some(&before), None).await
    })
    .await?;
    ring(control);
    Ok(())
}

async fn find(conn: &mut AsyncPgConnection, org: OrgId, id: BlackoutId) -> Result<Row> {
    let row: Option<Row> = blackouts::table
        .filter(blackouts::org_id.eq(org.0))
        .filter(blackouts::id.eq(id.0))
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()?;
    row.ok_or_else(|| Problem::not_found("blackout").into())
}

async fn shown(conn: &mut AsyncPgConnection, org: OrgId, row: Row) -> Result<Blackout> {
    let names = Names::load(conn, org).await?;
    let now = clock(conn).await?;
    row.view(&names, now)
}

async fn checked(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: BlackoutId,
    draft: &BlackoutDraft,
    now: Timestamp,
) -> Result<Row> {
    let name = valid_name(&draft.name, "name")?;
    let zone = valid_zone(&draft.timezone)?;
    let timezone = zone.name().to_owned();
    Closing::new(&draft.window, zone).map_err(|error| error.problem("window"))?;
    let mut on = draft.on.clone();
    let names = Names::load(conn, org).await?;
    let missing = match &mut on {
        BlackoutOn::Organisation => None,
        BlackoutOn::Host { id } => (!names.0.contains_key(&id.0)).then_some("host"),
        BlackoutOn::Schedule { id } => (!names.0.contains_key(&id.0)).then_some("schedule"),
        BlackoutOn::Tag { tag } => {
            *tag = valid_name(tag, "on.tag")?;
            None
        }
    };
    if let Some(kind) = missing {
        let message = format!("There is no such {kind} here. It may have been deleted, or the id is wrong.");
        return Err(Problem::invalid(&format!("{kind}_not_found"), "on.id", message).into());
    }
    Ok(Row {
        id: id.0,
        org_id: org.0,
        name,
        enabled: draft.enabled,
        scope: to_json("a blackout's scope", &on)?,
        timezone,
        recurrence: to_json("a blackout's window", &draft.window)?,
        policy: match draft.policy {
            BlackoutPolicy::Skip => "skip",
            BlackoutPolicy::Postpone => "postpone",
        }
        .to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Whatever waits for the end of a blackout is looked at by the ticker as if that had come.
async fn judge_anew(conn: &mut AsyncPgConnection, org: OrgId) -> Result<()> {
    diesel::sql_query(
        "update runs set held_until = now() where state = 'waiting' and held_for = 'blackout' and held_until > now() \
         and org_id = $1",
    )
    .bind::<diesel::sql_types::Uuid, _>(org.0)
    .execute(conn)
    .await?;
    Ok(())
}

async fn told(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    action: &str,
    before: Option<&Blackout>,
    after: Option<&Blackout>,
) -> Result<()> {
    let Some(blackout) = after.or(before) else {
        return Ok(());
    };
    let written = |blackout: &Blackout| {
        to_json(
            "a blackout",
            &BlackoutDraft {
                name: blackout.name.clone(),
                enabled: blackout.enabled,
                on: blackout.on.clone(),
                timezone: blackout.timezone.clone(),
                window: blackout.window.clone(),
                policy: blackout.policy,
                version: None,
            },
        )
    };
    let mut entry = audit::Entry::new(action, "blackout").object(blackout.id, &blackout.name);
    if let Some(before) = before {
        entry = entry.before(written(before)?);
    }
    if let Some(after) = after {
        entry = entry.after(written(after)?);
    }
    audit::record(conn, actor, entry).await
}

fn ring(control: &Control) {
    control.wake(Topic::Schedules);
}
