//! Creating, changing and deleting schedules.

use super::{
    circle,
    definition::Definition,
    itself, labels,
    queries::{self, Row},
    rights,
    timing::Timing,
    validate, webhook,
};
use crate::{
    Control, audit,
    error::Result,
    events::{self, Kind, Topic},
    runs,
    schema::schedules,
};
use chrono::SubsecRound;
use diesel::{
    ExpressionMethods, IntoSql, QueryDsl, QueryableByName,
    sql_types::{Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    guards::Guards,
    ids::{ContainerId, HostId, ScheduleId, UserId},
    schedules::{Schedule, ScheduleDraft, Trigger},
};
use serde_json::{Value, json};

/// Creates a schedule. It acts for the person who creates it.
///
/// # Errors
/// 403; 409 `name_taken`; 422 with the field, and for texts the position.
pub async fn create(control: &Control, actor: &Actor, draft: ScheduleDraft) -> Result<Schedule> {
    actor.require(Permission::SchedulesManage)?;
    rights::require_no_limit(actor)?;
    let acts_for = person(actor)?;
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            let now = clock(conn).await?;
            let anchor = anchor(now);
            let checked = validate::check(conn, actor.org_id, &draft, &[], anchor, now).await?;
            rights::require(control, actor, &checked.steps)?;
            let warnings = itself::warnings(control, actor.org_id, &checked.steps)?;
            let id = ScheduleId::new();
            circle::refuse(conn, actor.org_id, &wanted(id, &checked)).await?;
            let new = Accepted {
                checked: &checked,
                enabled: draft.enabled,
                acts_for,
                anchor,
            };
            let made = insert(conn, control, actor, id, &new, now).await?;
            Ok::<_, crate::Error>(itself::warned(made, warnings))
        })
        .await?;
    ring(control);
    Ok(schedule)
}

/// Replaces a schedule. It acts for the person who does so from now on; open runs keep what they were made with.
/// Triggers that stay the same keep their rhythm.
///
/// # Errors
/// 403; 404; 409 `stale_version` with the current object, `name_taken`; 422 as [`create`].
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    draft: ScheduleDraft,
) -> Result<Schedule> {
    actor.require(Permission::SchedulesManage)?;
    rights::require_no_limit(actor)?;
    let acts_for = person(actor)?;
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            let (row, before) = queries::locked(conn, actor.org_id, id).await?;
            labels::refuse(&before)?;
            rights::require(control, actor, &before.steps)?;
            if draft.version.is_some_and(|version| version != row.version) {
                return Err(stale(&before).into());
            }
            let now = row.now;
            let kept: Vec<Trigger> = serde_json::from_value(row.triggers.clone()).unwrap_or_default();
            let new_anchor = anchor(now);
            let checked = validate::check(conn, actor.org_id, &draft, &kept, new_anchor, now).await?;
            rights::require(control, actor, &checked.steps)?;
            let warnings = itself::warnings(control, actor.org_id, &checked.steps)?;
            circle::refuse(conn, actor.org_id, &wanted(id, &checked)).await?;
            let new = Accepted {
                checked: &checked,
                enabled: draft.enabled,
                acts_for,
                anchor: new_anchor,
            };
            let saved = replace(conn, control, actor, (&row, &before), &new).await?;
            Ok::<_, crate::Error>(itself::warned(saved, warnings))
        })
        .await?;
    ring(control);
    Ok(schedule)
}

/// Deletes a schedule. Its runs stay, and those that are open go on.
///
/// # Errors
/// 403; 404.
pub async fn delete(control: &Control, actor: &Actor, id: ScheduleId) -> Result<()> {
    actor.require(Permission::SchedulesManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let (row, before) = queries::locked(conn, actor.org_id, id).await?;
        if !row.done {
            labels::refuse(&before)?;
        }
        remove(conn, control, actor, &before).await
    })
    .await?;
    ring(control);
    Ok(())
}

/// What is going to be stored of a schedule, accepted.
pub(super) struct Accepted<'a> {
    pub checked: &'a validate::Checked,
    pub enabled: bool,
    pub acts_for: UserId,
    /// What its intervals count from, where its times are new.
    pub anchor: Timestamp,
}

/// Stores a new schedule, in the caller's transaction.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    new: &Accepted<'_>,
    now: Timestamp,
) -> Result<Schedule> {
    insert_from(conn, control, actor, id, new, now, None).await
}

/// As [`insert`], of one that comes from labels: on which host, of which container, the name there, and the place in words.
pub(super) async fn insert_from(
    conn: &mut AsyncPgConnection,
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    new: &Accepted<'_>,
    now: Timestamp,
    origin: Option<(HostId, (ContainerId, &str, &str))>,
) -> Result<Schedule> {
    let checked = new.checked;
    let timing = Timing::new(id, &checked.definition, &checked.guards, new.enabled, now);
    diesel::insert_into(schedules::table)
        .values((
            schedules::id.eq(id.0),
            schedules::org_id.eq(actor.org_id.0),
            schedules::name.eq(&checked.name),
            schedules::enabled.eq(new.enabled),
            schedules::timezone.eq(&checked.timezone),
            schedules::triggers.eq(runs::to_json("a schedule's triggers", &checked.triggers)?),
            schedules::steps.eq(runs::to_json("a schedule's steps", &checked.steps)?),
            schedules::guards.eq(runs::to_json("a schedule's guards", &checked.guards)?),
            schedules::acts_for.eq(new.acts_for.0),
            schedules::anchor_at.eq(new.anchor),
            schedules::origin_host.eq(origin.map(|(host, _)| host.0)),
            schedules::origin_container.eq(origin.map(|(_, (container, ..))| container.0)),
            schedules::origin_label.eq(origin.map(|(_, (_, label, _))| label)),
            schedules::origin_place.eq(origin.map(|(_, (_, _, place))| place)),
            timing.set(),
        ))
        .execute(conn)
        .await?;
    let webhook = webhook::keep(conn, control, actor.org_id, id, &checked.triggers).await?;
    let schedule = changed(conn, actor, "schedule.create", id, None).await?;
    Ok(Schedule { webhook, ..schedule })
}

/// Stores what a schedule that the caller has locked is from now on.
pub(super) async fn replace(
    conn: &mut AsyncPgConnection,
    control: &Control,
    actor: &Actor,
    (row, before): (&Row, &Schedule),
    new: &Accepted<'_>,
) -> Result<Schedule> {
    let (id, now, checked) = (before.id, row.now, new.checked);
    let kept: Vec<Trigger> = serde_json::from_value(row.triggers.clone()).unwrap_or_default();
    let same_times =
        kept == checked.triggers && row.timezone == checked.timezone && row.enabled == new.enabled;
    let anchor = if same_times { row.anchor_at } else { new.anchor };
    let after = row.paused_until.map_or(now, |until| until.max(now));
    let mut timing = Timing::new(id, &checked.definition, &checked.guards, new.enabled, after);
    if same_times {
        timing.keep(id, &checked.guards, row.next_at);
    }
    if row.enabled == new.enabled && before.guards.expect == checked.guards.expect {
        (timing.expected_by, timing.overdue_since) = (row.expected_by, row.overdue_since);
    }
    let next_at = timing.next_at;
    diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
        .set((
            schedules::name.eq(&checked.name),
            schedules::enabled.eq(new.enabled),
            schedules::timezone.eq(&checked.timezone),
            schedules::triggers.eq(runs::to_json("a schedule's triggers", &checked.triggers)?),
            schedules::steps.eq(runs::to_json("a schedule's steps", &checked.steps)?),
            schedules::guards.eq(runs::to_json("a schedule's guards", &checked.guards)?),
            schedules::acts_for.eq(new.acts_for.0),
            schedules::anchor_at.eq(anchor),
            timing.set(),
            schedules::version.eq(row.version + 1),
            schedules::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    if !same_times {
        forget_skips(conn, id, next_at).await?;
    }
    let webhook = webhook::keep(conn, control, actor.org_id, id, &checked.triggers).await?;
    let schedule = changed(conn, actor, "schedule.update", id, Some(before)).await?;
    Ok(Schedule { webhook, ..schedule })
}

/// Deletes a schedule that the caller has locked.
pub(super) async fn remove(
    conn: &mut AsyncPgConnection,
    control: &Control,
    actor: &Actor,
    before: &Schedule,
) -> Result<()> {
    rights::require(control, actor, &before.steps)?;
    let id = before.id;
    diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
        .set((
            schedules::deleted_at.eq(diesel::dsl::now.into_sql::<Nullable<Timestamptz>>()),
            Timing::default().set(),
        ))
        .execute(conn)
        .await?;
    forget_skips(conn, id, None).await?;
    webhook::keep(conn, control, actor.org_id, id, &[]).await?;
    told(conn, actor, "schedule.delete", Some(before), None).await
}

pub(super) fn wanted(id: ScheduleId, checked: &validate::Checked) -> circle::Wanted<'_> {
    circle::Wanted {
        id,
        name: &checked.name,
        steps: &checked.steps,
        triggers: &checked.triggers,
    }
}

/// After the commit: the ticker looks anew, and pages hear of it.
pub(super) fn ring(control: &Control) {
    control.wake(Topic::Schedules);
    control.wake(Topic::Events);
}

/// What a schedule is after a change or its creation, with the audit line and the event of it.
pub(super) async fn changed(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    action: &str,
    id: ScheduleId,
    before: Option<&Schedule>,
) -> Result<Schedule> {
    let schedule = queries::view(conn, actor.org_id, id).await?;
    told(conn, actor, action, before, Some(&schedule)).await?;
    Ok(schedule)
}

/// Writes the audit line and the event of a change.
async fn told(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    action: &str,
    before: Option<&Schedule>,
    after: Option<&Schedule>,
) -> Result<()> {
    let Some(schedule) = after.or(before) else {
        return Ok(());
    };
    let mut entry = audit::Entry::new(action, "schedule").object(schedule.id, &schedule.name);
    if let Some(before) = before {
        entry = entry.before(written(before));
    }
    if let Some(after) = after {
        entry = entry.after(written(after));
    }
    audit::record(conn, actor, entry).await?;
    let kind = if after.is_some() {
        Kind::Schedule
    } else {
        Kind::ScheduleDeleted
    };
    events::publish(conn, actor.org_id, kind, schedule.id.0).await
}

/// What a person wrote, without what changes by itself.
fn written(schedule: &Schedule) -> Value {
    json!({
        "name": schedule.name,
        "enabled": schedule.enabled,
        "timezone": schedule.timezone,
        "triggers": schedule.triggers,
        "steps": schedule.steps,
        "guards": schedule.guards,
        "skipping": schedule.skipping,
        "paused_until": schedule.paused_until,
    })
}

/// Forgets what was decided ahead of its time for fire times that will not come, skips and moves: all but a skip of `kept`.
pub(super) async fn forget_skips(
    conn: &mut AsyncPgConnection,
    id: ScheduleId,
    kept: Option<Timestamp>,
) -> Result<()> {
    diesel::sql_query(
        "delete from schedule_fires where schedule_id = $1 and run_id is null \
         and (state = 'skipped' and fire_at is distinct from $2 \
           or state = 'postponed' and greatest(fire_at, moved_to) >= clock_timestamp())",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Nullable<Timestamptz>, _>(kept)
    .execute(conn)
    .await?;
    Ok(())
}

/// Intervals count from whole seconds, which reads better and changes nothing.
pub(super) fn anchor(now: Timestamp) -> Timestamp {
    now.trunc_subsecs(0)
}

#[derive(QueryableByName)]
struct Clock {
    #[diesel(sql_type = Timestamptz)]
    now: Timestamp,
}

/// The database's clock.
pub(crate) async fn clock(conn: &mut AsyncPgConnection) -> Result<Timestamp> {
    let clock: Clock = diesel::sql_query("select clock_timestamp() as now")
        .get_result(conn)
        .await?;
    Ok(clock.now)
}

pub(super) fn person(actor: &Actor) -> Result<UserId> {
    actor.user_id.ok_or_else(|| {
        Problem::new(
            ErrorClass::Forbidden,
            "no_person",
            "A schedule acts for a person, so a person must save it. Sign in, or use an API key.",
        )
        .into()
    })
}

pub(super) fn stale(current: &Schedule) -> Problem {
    let by = current.edited_by.as_deref().unwrap_or("somebody");
    Problem::new(
        ErrorClass::Conflict,
        "stale_version",
        format!(
            "This schedule was changed by {by} in the meantime, so nothing was saved. Look at what it is now, and make \
             your change again."
        ),
    )
    .with("current", current)
}

/// The stored guards; 409 when this release cannot read them.
pub(super) fn guards(row: &Row) -> Result<Guards> {
    serde::Deserialize::deserialize(&row.guards)
        .map_err(|why| unreadable(&format!("its guards cannot be read: {why}")).into())
}

fn unreadable(why: &str) -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "schedule_unreadable",
        format!(
            "This schedule cannot be used by this release, because {why}. Edit it, or update the server."
        ),
    )
}

/// What the stored row computes with; 409 when this release cannot read it.
pub(super) fn definition(row: &Row, anchor: Timestamp) -> Result<Definition> {
    Definition::read(&row.triggers, &row.timezone, anchor)
        .map(|definition| definition.with_moved(&row.moved))
        .map_err(|why| unreadable(&why).into())
}
