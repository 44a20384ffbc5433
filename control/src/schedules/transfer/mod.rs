//! Schedules out of a file and into one. Hosts go by their names there, and secrets by theirs: no value of one is in a
//! schedule.
//!
//! Applying a file is idempotent: schedules are found by their names, and what is the same already is not touched. All of
//! a file is checked before any of it is done.

mod document;

pub use document::FileFormat;

use super::{queries, service, validate};
use crate::{Control, error::Result, runs::shown};
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use document::Entry;
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{HostId, OrgId, ScheduleId},
    schedules::{Schedule, ScheduleDraft, Step, Trigger},
    transfer::{ApplyReport, Change, ChangeKind, diff},
};
use std::collections::{HashMap, HashSet};

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
    }
    let written: Vec<_> = all
        .iter()
        .map(|schedule| document::written(&document::draft_of(schedule)?))
        .collect::<Result<_>>()?;
    document::write(written, format)
}

/// Makes the schedules what a file says, or says what that would change.
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
    let entries = document::read(text)?;
    let mut conn = control.db().conn().await?;
    let mut existing = all(&mut conn, actor.org_id).await?;
    by_name(&mut existing);
    let plan = plan(&mut conn, actor.org_id, entries, &existing, options.prune).await?;
    drop(conn);
    let report = ApplyReport {
        dry_run: options.dry_run,
        ..report(&plan)
    };
    if options.dry_run {
        return Ok(report);
    }
    if let Some(first) = report
        .changes
        .iter()
        .find(|change| change.kind == ChangeKind::Invalid)
    {
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
        let problem = problem.with("field", &first.field).with("report", &report);
        return Err(problem.into());
    }
    let mut report = report;
    for (change, (_, draft)) in report.changes.iter_mut().zip(plan) {
        match (change.kind, change.id, draft) {
            (ChangeKind::Create, _, Some(draft)) => {
                change.id = Some(service::create(control, actor, draft).await?.id);
            }
            (ChangeKind::Update, Some(id), Some(draft)) => {
                service::update(control, actor, id, draft).await?;
            }
            (ChangeKind::Delete, Some(id), _) => service::delete(control, actor, id).await?,
            _ => {}
        }
    }
    Ok(report)
}

/// A change, and what is saved for it.
type Planned = (Change, Option<ScheduleDraft>);

async fn plan(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    entries: Vec<Entry>,
    existing: &[Schedule],
    prune: bool,
) -> Result<Vec<Planned>> {
    let now = service::clock(conn).await?;
    let anchor = service::anchor(now);
    let hosts = queries::host_names(conn, org).await?;
    let by_name: HashMap<String, &Schedule> = existing
        .iter()
        .map(|schedule| (schedule.name.to_lowercase(), schedule))
        .collect();
    let names: HashMap<String, String> = existing
        .iter()
        .map(|schedule| (schedule.id.to_string(), schedule.name.clone()))
        .collect();
    let mut known: HashSet<String> = HashSet::new();
    let mut plan: Vec<Planned> = Vec::new();
    for (place, entry) in entries.into_iter().enumerate() {
        let key = entry.name.trim().to_lowercase();
        let old = by_name.get(&key).copied();
        let kept = old.map(|old| old.triggers.clone()).unwrap_or_default();
        let checked = match entry.draft {
            Err(problem) => Err(problem),
            Ok(_) if !known.insert(key) => Err(Problem::invalid(
                "name_twice",
                "name",
                "The file names this schedule twice. Names are unique, whatever their case.",
            )),
            Ok(draft) => match validate::check(conn, org, &draft, &kept, anchor, now).await {
                Ok(checked) => Ok((draft, checked)),
                Err(crate::Error::Problem(problem)) => Err(*problem),
                Err(error) => return Err(error),
            },
        };
        plan.push(match checked {
            Err(problem) => (invalid(place, entry.name, old, &problem), None),
            Ok((draft, checked)) => {
                let mut canonical = canonical(&draft, checked, &hosts);
                named(&mut canonical.triggers, &names);
                (changed(&canonical, old)?, Some(draft))
            }
        });
    }
    if prune {
        for old in existing
            .iter()
            .filter(|old| !known.contains(&old.name.to_lowercase()))
        {
            let before = document::written(&document::draft_of(old)?)?;
            let change = Change {
                name: old.name.clone(),
                kind: ChangeKind::Delete,
                id: Some(old.id),
                lines: diff(&document::text(&before, FileFormat::Yaml)?, ""),
                problem: None,
                field: None,
            };
            plan.push((change, None));
        }
    }
    Ok(plan)
}

fn invalid(place: usize, name: String, old: Option<&Schedule>, problem: &Problem) -> Change {
    let field = problem
        .details
        .get("field")
        .and_then(|field| field.as_str())
        .unwrap_or_default();
    let dot = if field.is_empty() { "" } else { "." };
    Change {
        name,
        kind: ChangeKind::Invalid,
        id: old.map(|old| old.id),
        lines: Vec::new(),
        problem: Some(problem.message.clone()),
        field: Some(format!("schedules[{place}]{dot}{field}")),
    }
}

/// What the draft will be once it is saved.
fn canonical(
    draft: &ScheduleDraft,
    checked: validate::Checked,
    hosts: &HashMap<HostId, String>,
) -> ScheduleDraft {
    let mut canonical = draft.clone();
    canonical.name = checked.name;
    canonical.timezone = checked.timezone;
    canonical.triggers = queries::triggers_shown(checked.triggers, hosts);
    canonical.guards = queries::with_names(checked.guards, hosts);
    canonical.steps = checked
        .steps
        .into_iter()
        .map(|step| Step {
            target: shown(&step.target, hosts),
            ..step
        })
        .collect();
    canonical
}

fn changed(draft: &ScheduleDraft, old: Option<&Schedule>) -> Result<Change> {
    let after = document::written(draft)?;
    let (before, kind) = match old {
        None => (String::new(), ChangeKind::Create),
        Some(old) => {
            let before = document::written(&document::draft_of(old)?)?;
            let kind = if before == after {
                ChangeKind::Unchanged
            } else {
                ChangeKind::Update
            };
            (document::text(&before, FileFormat::Yaml)?, kind)
        }
    };
    Ok(Change {
        name: draft.name.clone(),
        kind,
        id: old.map(|old| old.id),
        lines: match kind {
            ChangeKind::Unchanged => Vec::new(),
            _ => diff(&before, &document::text(&after, FileFormat::Yaml)?),
        },
        problem: None,
        field: None,
    })
}

fn report(plan: &[Planned]) -> ApplyReport {
    let count = |kind| {
        let all = plan.iter().filter(|(change, _)| change.kind == kind).count();
        u32::try_from(all).unwrap_or(u32::MAX)
    };
    ApplyReport {
        dry_run: false,
        created: count(ChangeKind::Create),
        updated: count(ChangeKind::Update),
        deleted: count(ChangeKind::Delete),
        unchanged: count(ChangeKind::Unchanged),
        invalid: count(ChangeKind::Invalid),
        changes: plan.iter().map(|(change, _)| change.clone()).collect(),
    }
}

/// Names in place of the ids of schedules whose outcomes are waited for: ids are others elsewhere.
fn by_name(schedules: &mut [Schedule]) {
    let names: HashMap<String, String> = schedules
        .iter()
        .map(|schedule| (schedule.id.to_string(), schedule.name.clone()))
        .collect();
    for schedule in schedules {
        named(&mut schedule.triggers, &names);
    }
}

fn named(triggers: &mut [Trigger], names: &HashMap<String, String>) {
    for trigger in triggers {
        if let Trigger::Outcome { schedule, .. } = trigger
            && let Some(name) = names.get(schedule)
        {
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
