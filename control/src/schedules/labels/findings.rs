//! What labels ask for, as people see it: accepted, not allowed, or wrong and why.

use super::read::read;
use crate::{
    Control,
    error::Result,
    pages::{self, ListQuery},
    schema::schedules,
};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::{
    auth::{Actor, Permission},
    ids::{ContainerId, ScheduleId},
    labels::{self, LabelFinding, LabelState, PREFIX},
    pages::Page,
    triggers::sentence,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Which of them.
#[derive(Clone, Debug, Default)]
pub struct LabelQuery {
    /// Of this container only.
    pub container: Option<ContainerId>,
    /// Those that are no schedules only.
    pub open: bool,
    pub page: ListQuery,
}

/// Lists what the labels of containers ask for, by host and container.
///
/// # Errors
/// 403; 400 `cursor_invalid`.
pub async fn findings(control: &Control, actor: &Actor, query: LabelQuery) -> Result<Page<LabelFinding>> {
    actor.require(Permission::SchedulesRead)?;
    let mut found: Vec<LabelFinding> = control.fleet().labelled(actor.org_id, |host, line| {
        if query.container.is_some_and(|wanted| wanted != line.id) {
            return Vec::new();
        }
        let is_allowed = host.labels_allowed_by.is_some();
        let one = |labelled: labels::Labelled| {
            let (sentence, problem) = match labelled.draft {
                Ok(draft) => {
                    let what: Vec<String> = draft.steps.iter().map(domain::schedules::Step::title).collect();
                    let when = sentence(&draft.triggers, |_| None);
                    (
                        Some(format!("{}: {when}, {}", what.join(", "), draft.timezone)),
                        None,
                    )
                }
                Err(problem) => (None, Some(problem)),
            };
            let state = match (&problem, is_allowed) {
                (Some(_), _) => LabelState::Wrong,
                (None, false) => LabelState::NotAllowed,
                (None, true) => LabelState::Accepted,
            };
            LabelFinding {
                container_id: line.id,
                container: line.facts.name.clone(),
                host: line.host.clone(),
                label: match &problem {
                    Some(problem) => problem.label.clone(),
                    None => format!("{PREFIX}{}", labelled.name),
                },
                state,
                sentence,
                problem: match (problem, is_allowed) {
                    (Some(problem), _) => Some(problem.message),
                    (None, false) => Some(format!(
                        "Labels do not count on {}: an admin can allow them on the host's page.",
                        line.host.name
                    )),
                    (None, true) => None,
                },
                schedule_id: None,
            }
        };
        read(line).into_iter().map(one).collect()
    });
    if query.open {
        found.retain(|one| one.state != LabelState::Accepted);
    }
    found.sort_by(|a, b| (&a.host.name, &a.container, &a.label).cmp(&(&b.host.name, &b.container, &b.label)));
    let mut page = pages::part(found, &query.page, |one| {
        format!("{}/{}", one.container_id, one.label)
    })?;
    refer(control, actor, &mut page.items).await?;
    Ok(page)
}

/// Names the schedules that they are.
async fn refer(control: &Control, actor: &Actor, found: &mut [LabelFinding]) -> Result<()> {
    let containers: Vec<Uuid> = found
        .iter()
        .filter(|one| one.state == LabelState::Accepted)
        .map(|one| one.container_id.0)
        .collect();
    if containers.is_empty() {
        return Ok(());
    }
    let mut conn = control.db().conn().await?;
    let rows: Vec<(Uuid, Option<Uuid>, Option<String>)> = schedules::table
        .filter(schedules::org_id.eq(actor.org_id.0))
        .filter(schedules::origin_container.eq_any(containers))
        .filter(schedules::deleted_at.is_null())
        .filter(schedules::done_at.is_null())
        .select((
            schedules::id,
            schedules::origin_container,
            schedules::origin_label,
        ))
        .load(&mut conn)
        .await?;
    let known: HashMap<(Uuid, String), ScheduleId> = rows
        .into_iter()
        .filter_map(|(id, container, label)| {
            Some(((container?, format!("{PREFIX}{}", label?)), ScheduleId(id)))
        })
        .collect();
    for one in found {
        one.schedule_id = known.get(&(one.container_id.0, one.label.clone())).copied();
    }
    Ok(())
}
