//! Reading schedules.

use super::{definition::Definition, spread::Spread};
use crate::{
    Control,
    error::Result,
    pages::{self, ListQuery},
    schema::{hosts, schedules},
};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    errors::Problem,
    guards::{Condition, Guards},
    ids::{ContainerId, HostId, OrgId, RunId, ScheduleId},
    labels::{Origin, PREFIX},
    pages::Page,
    runs::RunState,
    schedules::{LastRun, Schedule, Step, Trigger},
    selectors,
    triggers::sentence,
};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// Which schedules a list holds.
#[derive(Clone, Debug, Default)]
pub struct ScheduleQuery {
    /// Words that the name contains, in any case.
    pub query: String,
    /// Those that are done, instead of the others.
    pub archived: bool,
    pub page: ListQuery,
}

/// A schedule as it is stored, with what lists show beside it.
#[derive(Clone, QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Integer)]
    pub version: i32,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Bool)]
    pub enabled: bool,
    #[diesel(sql_type = Text)]
    pub timezone: String,
    #[diesel(sql_type = Jsonb)]
    pub triggers: Value,
    #[diesel(sql_type = Jsonb)]
    pub steps: Value,
    #[diesel(sql_type = Jsonb)]
    pub guards: Value,
    #[diesel(sql_type = SqlUuid)]
    pub acts_for: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    origin_container: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    origin_label: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub origin_place: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub anchor_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paused_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub expected_by: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub overdue_since: Option<Timestamp>,
    #[diesel(sql_type = Bool)]
    pub done: bool,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Bool)]
    pub skipped: bool,
    /// Coming fire times that are decided already, and where some of them were moved to.
    #[diesel(sql_type = Array<Timestamptz>)]
    pub decided: Vec<Timestamp>,
    #[diesel(sql_type = Array<Timestamptz>)]
    pub moved: Vec<Timestamp>,
    /// The names of the schedules whose outcomes it waits for, by their ids.
    #[diesel(sql_type = Nullable<Jsonb>)]
    followed: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: Timestamp,
    #[diesel(sql_type = Nullable<Text>)]
    pub edited_by: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    run_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    run_state: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    run_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<BigInt>)]
    run_ms: Option<i64>,
    /// The database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: Timestamp,
}

/// Everything that [`Row`] wants; conditions follow.
pub(super) const SELECT: &str = "select s.id, s.version, s.name, s.enabled, s.timezone, s.triggers, s.steps, s.guards, s.acts_for, \
       s.origin_container, s.origin_label, s.origin_place, s.anchor_at, s.next_at, \
       s.paused_until, s.expected_by, s.overdue_since, s.done_at is not null as done, o.open, o.waiting, s.created_at, s.updated_at, u.name as edited_by, clock_timestamp() as now, \
       exists (select 1 from schedule_fires f where f.schedule_id = s.id and f.fire_at = s.next_at and f.state = 'skipped') \
         as skipped, \
       array(select f.fire_at from schedule_fires f where f.schedule_id = s.id and f.fire_at >= s.next_at \
         and f.run_id is null order by f.fire_at) as decided, \
       array(select f.moved_to from schedule_fires f where f.schedule_id = s.id \
         and f.moved_to >= coalesce(s.next_at, now())) as moved, \
       case when s.triggers @> '[{\"type\":\"outcome\"}]' then (select jsonb_object_agg(l.id, l.name) \
         from jsonb_array_elements(s.triggers) t join schedules l \
         on l.id = case t->>'type' when 'outcome' then (t->>'schedule')::uuid end) end as followed, \
       r.id as run_id, r.state as run_state, coalesce(r.started_at, r.scheduled_for, r.queued_at) as run_at, \
       (extract(epoch from r.finished_at - r.started_at) * 1000)::bigint as run_ms \
     from schedules s \
     left join users u on u.id = s.acts_for \
     left join lateral (select id, state, started_at, scheduled_for, queued_at, finished_at from runs \
       where schedule_id = s.id order by id desc limit 1) r on true \
     left join lateral (select count(*) as open, count(*) filter (where state = 'waiting') as waiting from runs \
       where schedule_id = s.id and state in ('waiting', 'queued', 'running', 'cancelling')) o on true \
     where s.org_id = $1 and s.deleted_at is null";

impl Row {
    /// As lists and the API show it.
    pub fn view(self, hosts: &HashMap<HostId, String>) -> Schedule {
        let triggers: Option<Vec<Trigger>> = serde_json::from_value(self.triggers.clone()).ok();
        let steps: Option<Vec<Step>> = serde_json::from_value(self.steps).ok();
        let guards: Option<Guards> = serde_json::from_value(self.guards).ok();
        let spread = guards
            .as_ref()
            .map(|guards| Spread::new(ScheduleId(self.id), guards));
        let due = |at: Timestamp| spread.map_or(at, |spread| spread.due(at));
        let triggers = triggers.map(|triggers| triggers_shown(triggers, hosts));
        let name = |id: &str| self.followed.as_ref()?.get(id)?.as_str().map(str::to_owned);
        let sentence = match (&triggers, &steps, &guards) {
            (Some(triggers), Some(_), Some(_)) => sentence(triggers, name),
            _ => "Written by a newer release of Chrontainer; this server cannot read it.".to_owned(),
        };
        let skipping = self.next_at.filter(|_| self.skipped);
        let next_at = self.next_at.and_then(|next| {
            undecided(
                &self.triggers,
                &self.timezone,
                self.anchor_at,
                next,
                &self.decided,
                &self.moved,
            )
        });
        let last_run = match (self.run_id, self.run_at) {
            (Some(id), Some(at)) => Some(LastRun {
                id: RunId(id),
                status: self
                    .run_state
                    .as_deref()
                    .and_then(RunState::from_word)
                    .unwrap_or(RunState::Unknown),
                at,
                duration_ms: self.run_ms,
            }),
            _ => None,
        };
        let origin = match (self.origin_container, self.origin_label, self.origin_place) {
            (Some(container), Some(label), Some(place)) => Some(Origin {
                container_id: ContainerId(container),
                place,
                label: format!("{PREFIX}{label}"),
            }),
            _ => None,
        };
        let target = |target: String| match &origin {
            // What is stored names it by its id, which tells a person nothing.
            Some(origin) => format!("container:{}", selectors::quote(&origin.place)),
            None => crate::runs::shown(&target, hosts),
        };
        Schedule {
            id: ScheduleId(self.id),
            version: self.version,
            name: self.name,
            enabled: self.enabled,
            timezone: self.timezone,
            sentence,
            triggers: triggers.unwrap_or_default(),
            steps: steps
                .unwrap_or_default()
                .into_iter()
                .map(|step| Step {
                    target: target(step.target),
                    ..step
                })
                .collect(),
            guards: with_names(guards.unwrap_or_default(), hosts),
            next_at: next_at.map(due),
            paused_until: self.paused_until.filter(|until| *until > self.now),
            overdue_since: self.overdue_since,
            archived: self.done && self.open == 0,
            waiting: self.waiting.try_into().unwrap_or_default(),
            skipping: skipping.map(due),
            last_run,
            webhook: None,
            warnings: Vec::new(),
            edited_by: self.edited_by,
            origin: origin.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Triggers with the hosts' names in place of their ids.
pub(super) fn triggers_shown(mut triggers: Vec<Trigger>, hosts: &HashMap<HostId, String>) -> Vec<Trigger> {
    for trigger in &mut triggers {
        if let Trigger::Event { target, .. } = trigger {
            *target = crate::runs::shown(target, hosts);
        }
    }
    triggers
}

/// Guards with the hosts' names in place of their ids.
pub(super) fn with_names(mut guards: Guards, hosts: &HashMap<HostId, String>) -> Guards {
    for condition in &mut guards.conditions {
        if let Condition::Selector(selector) = condition {
            *selector = crate::runs::shown(selector, hosts);
        }
    }
    guards
}

/// The first fire time from `next` on that is not decided already.
pub(super) fn undecided(
    triggers: &Value,
    timezone: &str,
    anchor: Timestamp,
    next: Timestamp,
    decided: &[Timestamp],
    moved: &[Timestamp],
) -> Option<Timestamp> {
    if !decided.contains(&next) {
        return Some(next);
    }
    let definition = Definition::read(triggers, timezone, anchor)
        .ok()?
        .with_moved(moved);
    definition.upcoming(next).find(|at| !decided.contains(at))
}

/// Lists schedules by name.
///
/// # Errors
/// 403; 400 `cursor_invalid`.
pub async fn list(control: &Control, actor: &Actor, query: ScheduleQuery) -> Result<Page<Schedule>> {
    actor.require(Permission::SchedulesRead)?;
    let after = pages::after(&query.page)?;
    let limit = query.page.limit();
    let words = pattern(&query.query);
    let mut conn = control.db().conn().await?;
    let total: Total = diesel::sql_query(
        "select count(*) as total from schedules s where s.org_id = $1 and s.deleted_at is null and s.name ilike $2 \
         and $3 = (s.done_at is not null and not exists (select 1 from runs r where r.schedule_id = s.id \
           and r.state in ('waiting', 'queued', 'running', 'cancelling')))",
    )
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Text, _>(&words)
    .bind::<Bool, _>(query.archived)
    .get_result(&mut conn)
    .await?;
    // One query with everything on the page, last runs included.
    let mut rows: Vec<Row> = diesel::sql_query(format!(
        "{SELECT} and s.name ilike $2 and $5 = (s.done_at is not null and o.open = 0) \
         and ($3::uuid is null or (lower(s.name), s.id) > (select lower(a.name), a.id from schedules a where a.id = $3)) \
         order by lower(s.name), s.id limit $4",
    ))
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Text, _>(&words)
    .bind::<Nullable<SqlUuid>, _>(after)
    .bind::<BigInt, _>(limit + 1)
    .bind::<Bool, _>(query.archived)
    .load(&mut conn)
    .await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    let hosts = host_names(&mut conn, actor.org_id).await?;
    Ok(Page {
        total: total.total.try_into().unwrap_or_default(),
        next: rows.last().filter(|_| more).map(|row| row.id.to_string()),
        items: rows.into_iter().map(|row| row.view(&hosts)).collect(),
    })
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// `%a%b%` for the words `a b`, with what `like` would read as its own signs taken literally.
pub(super) fn pattern(words: &str) -> String {
    let mut pattern = "%".to_owned();
    for word in words.split_whitespace() {
        for letter in word.chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
    }
    pattern
}

/// One schedule.
///
/// # Errors
/// 403; 404 `schedule_not_found`.
pub async fn get(control: &Control, actor: &Actor, id: ScheduleId) -> Result<Schedule> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    view(&mut conn, actor.org_id, id).await
}

/// One schedule as it is shown; 404 when it is not there.
pub(super) async fn view(conn: &mut AsyncPgConnection, org: OrgId, id: ScheduleId) -> Result<Schedule> {
    let row = row(conn, org, id).await?;
    let hosts = host_names(conn, org).await?;
    Ok(row.view(&hosts))
}

pub(super) async fn row(conn: &mut AsyncPgConnection, org: OrgId, id: ScheduleId) -> Result<Row> {
    let row: Option<Row> = diesel::sql_query(format!("{SELECT} and s.id = $2"))
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(id.0)
        .get_result(conn)
        .await
        .optional()?;
    row.ok_or_else(|| Problem::not_found("schedule").into())
}

/// As [`row`] and [`view`], with the schedule locked until the transaction's end: the ticker passes over it meanwhile.
pub(super) async fn locked(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: ScheduleId,
) -> Result<(Row, Schedule)> {
    let _locked: Option<Uuid> = schedules::table
        .filter(schedules::org_id.eq(org.0))
        .filter(schedules::id.eq(id.0))
        .select(schedules::id)
        .for_update()
        .first(conn)
        .await
        .optional()?;
    let row = row(conn, org, id).await?;
    let hosts = host_names(conn, org).await?;
    let before = row.clone().view(&hosts);
    Ok((row, before))
}

/// The names of an organisation's hosts.
pub(crate) async fn host_names(conn: &mut AsyncPgConnection, org: OrgId) -> Result<HashMap<HostId, String>> {
    let rows: Vec<(Uuid, String)> = hosts::table
        .filter(hosts::org_id.eq(org.0))
        .select((hosts::id, hosts::name))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(id, name)| (HostId(id), name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_literally() {
        assert_eq!(pattern(" 50% a_b "), "%50\\%%a\\_b%");
        assert_eq!(pattern(""), "%");
    }
}
