//! Schedules out of a file and into one. Hosts go by their names there, and secrets by theirs: no value of one is in a
//! schedule.
//!
//! Applying a file is idempotent: schedules are found by their names, and what is the same already is not touched. All of
//! a file is checked before any of it is done ([`plan`]), and all of it is done in one transaction.

mod document;
mod plan;

pub use document::FileFormat;

use super::{circle, itself, queries, rights, service};
use crate::{Control, error::Result, schema::schedules};
use diesel::{ExpressionMethods, QueryDsl, sql_types::Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use document::Entry;
use domain::{
    actions::Action,
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{OrgId, ScheduleId},
    schedules::{Schedule, Step, Trigger},
    transfer::{ApplyReport, ChangeKind},
};
use plan::Plan;
use std::collections::HashMap;
use uuid::Uuid;

/// How often applying begins anew, when somebody changed the same schedules meanwhile.
const ATTEMPTS: usize = 4;

/// How a file is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Only says what would be done.
    pub dry_run: bool,
    /// Deletes the schedules that the file does not name.
    pub prune: bool,
}

/// Writes schedules into a file: all of the organisation, or those that are named.
///
/// # Errors
/// 403; 404 `schedule_not_found` for an id that is none.
pub async fn export(
    control: &Control,
    actor: &Actor,
    ids: Option<&[ScheduleId]>,
    format: FileFormat,
) -> Result<String> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let mut all = all(&mut conn, actor.org_id).await?;
    by_name(&mut all);
    if let Some(ids) = ids {
        if let Some(unknown) = ids
            .iter()
            .find(|id| all.iter().all(|schedule| schedule.id != **id))
        {
            return Err(Problem::not_found("schedule").with("id", unknown).into());
        }
        all.retain(|schedule| ids.contains(&schedule.id));
    } else {
        // What comes from labels is made by them wherever the containers are.
        all.retain(|schedule| schedule.origin.is_none());
    }
    let written: Vec<_> = all
        .iter()
        .map(|schedule| document::written(&document::draft_of(schedule)?))
        .collect::<Result<_>>()?;
    document::write(written, format)
}

/// Makes the schedules what a file says, all of them or none, or says what that would change.
///
/// # Errors
/// 403; 422 `document_unreadable`, `unknown_format`; 422 `document_invalid` with the report in the details when any of
/// its schedules cannot be taken, and then nothing is done.
pub async fn apply(
    control: &Control,
    actor: &Actor,
    text: &str,
    options: ApplyOptions,
) -> Result<ApplyReport> {
    actor.require(Permission::SchedulesManage)?;
    let acts_for = service::person(actor);
    let entries = document::read(text)?;
    let mut conn = control.db().conn().await?;
    // Without a lock: what would be refused, or changes nothing, keeps nobody waiting.
    let planned = plan::plan(&mut conn, actor.org_id, &entries, options.prune).await?;
    let report = ApplyReport {
        dry_run: options.dry_run,
        ..planned.report()
    };
    if options.dry_run {
        return Ok(report);
    }
    refuse(&report)?;
    if planned.changed().is_empty() {
        return Ok(report);
    }
    let acts_for = acts_for?;
    let mut touched = planned.changed();
    let mut attempt = 1;
    loop {
        let done = conn
            .transaction(async |conn| {
                lock(conn, actor.org_id, &touched).await?;
                let plan = plan::plan(conn, actor.org_id, &entries, options.prune).await?;
                refuse(&plan.report())?;
                carry_out(conn, control, actor, acts_for, plan).await
            })
            .await;
        match done {
            Err(error) if attempt < ATTEMPTS && is_outrun(&error) => {
                // What was created meanwhile is changed now, and is locked in its turn.
                attempt += 1;
                let planned = plan::plan(&mut conn, actor.org_id, &entries, options.prune).await?;
                touched = planned.changed();
            }
            Err(error) => return Err(error),
            Ok(report) => {
                service::ring(control);
                return Ok(report);
            }
        }
    }
}

/// Nothing is done while one of the schedules cannot be taken.
fn refuse(report: &ApplyReport) -> Result<(), Problem> {
    let Some(first) = report
        .changes
        .iter()
        .find(|change| change.kind == ChangeKind::Invalid)
    else {
        return Ok(());
    };
    let message = format!(
        "Nothing was changed, because {} of the file's schedules cannot be taken. {}: {}",
        report.invalid,
        if first.name.is_empty() {
            "One without a name"
        } else {
            &first.name
        },
        first.problem.as_deref().unwrap_or_default()
    );
    let problem = Problem::new(ErrorClass::Invalid, "document_invalid", message);
    Err(problem.with("field", &first.field).with("report", report))
}

/// Locks what is going to be changed, in one order, and then whoever else saves schedules that name others: the same order
/// as that of saving one.
async fn lock(conn: &mut AsyncPgConnection, org: OrgId, touched: &[ScheduleId]) -> Result<()> {
    let ids: Vec<Uuid> = touched.iter().map(|id| id.0).collect();
    let _locked: Vec<Uuid> = schedules::table
        .filter(schedules::org_id.eq(org.0))
        .filter(schedules::id.eq_any(&ids))
        .order(schedules::id)
        .select(schedules::id)
        .for_update()
        .load(conn)
        .await?;
    circle::lock(conn, org).await
}

/// Somebody else was faster: a schedule of the same name, or locks that crossed.
fn is_outrun(error: &crate::Error) -> bool {
    match error {
        crate::Error::Problem(problem) => matches!(
            problem.code.as_str(),
            "name_taken" | "stale_version" | "schedule_not_found"
        ),
        error => error.is_transient(),
    }
}

/// Does all that is planned. Schedules that name each other may come in any order: their ids are known before.
async fn carry_out(
    conn: &mut AsyncPgConnection,
    control: &Control,
    actor: &Actor,
    acts_for: domain::ids::UserId,
    plan: Plan,
) -> Result<ApplyReport> {
    let mut report = plan.report();
    for (told, (change, saved)) in report.changes.iter_mut().zip(plan.planned) {
        match (change.kind, saved) {
            (ChangeKind::Create, Some(saved)) => {
                rights::require(control, actor, &saved.checked.steps)?;
                itself::warnings(control, actor.org_id, &saved.checked.steps)?;
                let new = saved.accepted(acts_for, plan.anchor);
                let made = service::insert(conn, control, actor, saved.id, &new, plan.now).await?;
                (told.id, told.webhook) = (Some(saved.id), made.webhook);
            }
            (ChangeKind::Update, Some(saved)) => {
                let (row, before) = queries::locked(conn, actor.org_id, saved.id).await?;
                if Some(row.version) != saved.version {
                    return Err(service::stale(&before).into());
                }
                rights::require(control, actor, &before.steps)?;
                rights::require(control, actor, &saved.checked.steps)?;
                itself::warnings(control, actor.org_id, &saved.checked.steps)?;
                let new = saved.accepted(acts_for, plan.anchor);
                let made = service::replace(conn, control, actor, (&row, &before), &new).await?;
                told.webhook = made.webhook;
            }
            (ChangeKind::Delete, _) => {
                if let Some(id) = change.id {
                    let (_, before) = queries::locked(conn, actor.org_id, id).await?;
                    service::remove(conn, control, actor, &before).await?;
                }
            }
            _ => {}
        }
    }
    Ok(report)
}

/// Names in place of the ids of schedules that others run or wait for: ids are others elsewhere.
fn by_name(schedules: &mut [Schedule]) {
    let names: HashMap<String, String> = schedules
        .iter()
        .map(|schedule| (schedule.id.to_string(), schedule.name.clone()))
        .collect();
    for schedule in schedules {
        named(&mut schedule.triggers, &mut schedule.steps, &names);
    }
}

fn named(triggers: &mut [Trigger], steps: &mut [Step], names: &HashMap<String, String>) {
    let waited_for = triggers.iter_mut().filter_map(|trigger| match trigger {
        Trigger::Outcome { schedule, .. } => Some(schedule),
        _ => None,
    });
    let run = steps.iter_mut().filter_map(|step| match &mut step.action {
        Action::RunSchedule(run) => Some(&mut run.schedule),
        _ => None,
    });
    for schedule in waited_for.chain(run) {
        if let Some(name) = names.get(schedule.as_str()) {
            schedule.clone_from(name);
        }
    }
}

/// Every schedule that this release can read, by name.
async fn all(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Vec<Schedule>> {
    let rows: Vec<queries::Row> =
        diesel::sql_query(format!("{} order by lower(s.name), s.id", queries::SELECT))
            .bind::<SqlUuid, _>(org.0)
            .load(conn)
            .await?;
    let hosts = queries::host_names(conn, org).await?;
    Ok(rows
        .into_iter()
        .map(|row| row.view(&hosts))
        .filter(|schedule| !schedule.steps.is_empty())
        .collect())
}
