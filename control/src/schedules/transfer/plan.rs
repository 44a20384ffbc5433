//! What applying a file would change: every schedule of it, checked together with the others.

use super::{Entry, all, by_name, document, named};
use crate::{
    error::Result,
    runs::shown,
    schedules::{
        circle::{Links, Wanted},
        queries, references,
        service::{self, Accepted},
        validate::{self, Checked},
    },
};
use diesel_async::AsyncPgConnection;
use document::FileFormat;
use domain::{
    Timestamp,
    errors::Problem,
    ids::{HostId, OrgId, ScheduleId, UserId},
    schedules::{Schedule, ScheduleDraft, Step},
    transfer::{ApplyReport, Change, ChangeKind, diff},
};
use std::collections::{HashMap, HashSet};

/// All changes, in the file's order, then what is deleted.
pub(super) struct Plan {
    pub planned: Vec<(Change, Option<Saved>)>,
    pub now: Timestamp,
    pub anchor: Timestamp,
}

/// What is saved for a change.
pub(super) struct Saved {
    /// Known before it is created, so that others can name it.
    pub id: ScheduleId,
    /// Of the one that is changed.
    pub version: Option<i32>,
    pub enabled: bool,
    pub checked: Checked,
}

impl Saved {
    pub fn accepted(&self, acts_for: UserId, anchor: Timestamp) -> Accepted<'_> {
        Accepted {
            checked: &self.checked,
            enabled: self.enabled,
            acts_for,
            anchor,
        }
    }
}

impl Plan {
    pub fn report(&self) -> ApplyReport {
        let count = |kind| {
            let all = self
                .planned
                .iter()
                .filter(|(change, _)| change.kind == kind)
                .count();
            u32::try_from(all).unwrap_or(u32::MAX)
        };
        ApplyReport {
            dry_run: false,
            created: count(ChangeKind::Create),
            updated: count(ChangeKind::Update),
            deleted: count(ChangeKind::Delete),
            unchanged: count(ChangeKind::Unchanged),
            invalid: count(ChangeKind::Invalid),
            changes: self.planned.iter().map(|(change, _)| change.clone()).collect(),
        }
    }

    /// What is created, changed or deleted, by its id.
    pub fn changed(&self) -> Vec<ScheduleId> {
        let mut ids: Vec<ScheduleId> = self
            .planned
            .iter()
            .filter(|(change, _)| change.kind != ChangeKind::Unchanged)
            .filter_map(|(change, saved)| change.id.or(saved.as_ref().map(|saved| saved.id)))
            .collect();
        ids.sort_unstable();
        ids
    }
}

/// Plans what applying `entries` changes now.
pub(super) async fn plan(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    entries: &[Entry],
    prune: bool,
) -> Result<Plan> {
    let now = service::clock(conn).await?;
    let anchor = service::anchor(now);
    let mut existing = all(conn, org).await?;
    by_name(&mut existing);
    let mut around = validate::Around::load(conn, org).await?;
    around.file = in_file(entries, &existing, prune);
    let gone = &around.file.gone;
    let names: HashMap<String, String> = existing
        .iter()
        .map(|schedule| (schedule.id.to_string(), schedule.name.clone()))
        .chain(entries.iter().filter_map(|entry| {
            let name = entry.name.trim();
            let id = around.file.known.get(&name.to_lowercase())?;
            Some((id.to_string(), name.to_owned()))
        }))
        .collect();
    let by_name: HashMap<String, &Schedule> = existing
        .iter()
        .map(|schedule| (schedule.name.to_lowercase(), schedule))
        .collect();
    let hosts = queries::host_names(conn, org).await?;
    let mut seen: HashSet<String> = HashSet::new();
    let mut planned = Vec::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        let key = entry.name.trim().to_lowercase();
        let old = by_name.get(&key).copied();
        let kept = old.map_or(&[][..], |old| &old.triggers);
        let checked = match &entry.draft {
            Err(problem) => Err(problem.clone()),
            Ok(_) if old.is_some_and(|old| old.origin.is_some()) => Err(Problem::invalid(
                "from_labels",
                "name",
                "There is a schedule of this name that comes from a container's labels, and only they can change it. Choose \
                 another name.",
            )),
            Ok(_) if !seen.insert(key.clone()) => Err(Problem::invalid(
                "name_twice",
                "name",
                "The file names this schedule twice. Names are unique, whatever their case.",
            )),
            Ok(draft) => match validate::check_among(conn, org, &around, draft, kept, anchor, now).await {
                Ok(checked) => Ok((draft, checked)),
                Err(crate::Error::Problem(problem)) => Err(*problem),
                Err(error) => return Err(error),
            },
        };
        planned.push(match checked {
            Err(problem) => (invalid(place, &entry.name, old, &problem), None),
            Ok((draft, checked)) => {
                let canonical = canonical(draft, &checked, &hosts, &names);
                let id = around.file.known.get(&key).copied();
                let saved = Saved {
                    id: id.unwrap_or_default(),
                    version: old.map(|old| old.version),
                    enabled: draft.enabled,
                    checked,
                };
                (changed(&canonical, old)?, Some(saved))
            }
        });
    }
    refuse_circles(conn, org, &mut planned, gone).await?;
    for old in existing.iter().filter(|old| gone.contains(&old.id)) {
        let before = document::written(&document::draft_of(old)?)?;
        let change = Change {
            name: old.name.clone(),
            kind: ChangeKind::Delete,
            id: Some(old.id),
            lines: diff(&document::text(&before, FileFormat::Yaml)?, ""),
            problem: None,
            field: None,
            webhook: None,
        };
        planned.push((change, None));
    }
    Ok(Plan { planned, now, anchor })
}

/// What the file makes of names: those that it creates have ids from now on.
fn in_file(entries: &[Entry], existing: &[Schedule], prune: bool) -> references::InFile {
    let mut file = references::InFile::default();
    let named: HashSet<String> = entries
        .iter()
        .map(|entry| entry.name.trim().to_lowercase())
        .collect();
    for schedule in existing {
        let name = schedule.name.to_lowercase();
        if prune && !named.contains(&name) && schedule.origin.is_none() {
            file.gone.insert(schedule.id);
            continue;
        }
        file.known.insert(schedule.id.to_string(), schedule.id);
        file.known.insert(name, schedule.id);
    }
    for name in named.into_iter().filter(|name| !name.is_empty()) {
        file.known.entry(name).or_default();
    }
    file
}

/// Marks the schedules that would start each other without end, over what the file says and over what is there.
async fn refuse_circles(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    planned: &mut [(Change, Option<Saved>)],
    gone: &HashSet<ScheduleId>,
) -> Result<()> {
    let mut links = Links::load(conn, org).await?;
    for id in gone {
        links.remove(*id);
    }
    let wanted: Vec<Option<Wanted<'_>>> = planned
        .iter()
        .map(|(_, saved)| {
            let saved = saved.as_ref()?;
            Some(service::wanted(saved.id, &saved.checked))
        })
        .collect();
    for wanted in wanted.iter().flatten() {
        links.put(wanted);
    }
    for (place, problem) in links.circles(&wanted) {
        if let Some((change, saved)) = planned.get_mut(place) {
            *change = Change {
                id: change.id,
                ..invalid(place, &change.name, None, &problem)
            };
            *saved = None;
        }
    }
    Ok(())
}

fn invalid(place: usize, name: &str, old: Option<&Schedule>, problem: &Problem) -> Change {
    let field = problem
        .details
        .get("field")
        .and_then(|field| field.as_str())
        .unwrap_or_default();
    let dot = if field.is_empty() { "" } else { "." };
    Change {
        name: name.to_owned(),
        kind: ChangeKind::Invalid,
        id: old.map(|old| old.id),
        lines: Vec::new(),
        problem: Some(problem.message.clone()),
        field: Some(format!("schedules[{place}]{dot}{field}")),
        webhook: None,
    }
}

/// What the draft will be once it is saved, as a file shows it.
fn canonical(
    draft: &ScheduleDraft,
    checked: &Checked,
    hosts: &HashMap<HostId, String>,
    names: &HashMap<String, String>,
) -> ScheduleDraft {
    let mut canonical = draft.clone();
    canonical.name.clone_from(&checked.name);
    canonical.timezone.clone_from(&checked.timezone);
    canonical.triggers = queries::triggers_shown(checked.triggers.clone(), hosts);
    canonical.guards = queries::with_names(checked.guards.clone(), hosts);
    canonical.steps = checked
        .steps
        .iter()
        .map(|step| Step {
            target: shown(&step.target, hosts),
            ..step.clone()
        })
        .collect();
    named(&mut canonical.triggers, &mut canonical.steps, names);
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
        webhook: None,
    })
}
