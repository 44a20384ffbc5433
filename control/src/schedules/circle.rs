//! Schedules that would start each other without end: over steps that run a schedule, and over triggers that wait for
//! another one's outcome.

use super::steps::run_by;
use crate::error::Result;
use diesel::{
    QueryableByName,
    sql_types::{Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    errors::Problem,
    ids::{OrgId, ScheduleId},
    schedules::{Step, Trigger},
};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// A schedule that is to be saved.
pub(super) struct Wanted<'a> {
    pub id: ScheduleId,
    pub name: &'a str,
    pub steps: &'a [Step],
    pub triggers: &'a [Trigger],
}

#[derive(QueryableByName)]
struct Linked {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    steps: Value,
    #[diesel(sql_type = Jsonb)]
    triggers: Value,
}

/// Who starts whom.
type Starts = HashMap<Uuid, Vec<Uuid>>;

/// Refuses what would make a circle. Nobody else makes one meanwhile: whoever saves a schedule that names others waits for
/// the caller's transaction.
///
/// # Errors
/// 422 `schedules_in_a_circle` with the field, the way in words and as `path`.
pub(super) async fn refuse(conn: &mut AsyncPgConnection, org: OrgId, wanted: &Wanted<'_>) -> Result<()> {
    let mut starts = Starts::new();
    add(&mut starts, wanted.id.0, wanted.steps, wanted.triggers);
    if starts.is_empty() {
        return Ok(());
    }
    diesel::sql_query("select pg_advisory_xact_lock(hashtext('chrontainer schedules'), hashtext($1::text))")
        .bind::<SqlUuid, _>(org.0)
        .execute(conn)
        .await?;
    let linked: Vec<Linked> = diesel::sql_query(
        "select id, name, steps, triggers from schedules where org_id = $1 and deleted_at is null and id <> $2 \
         and (steps @> '[{\"action\":{\"type\":\"run_schedule\"}}]' or triggers @> '[{\"type\":\"outcome\"}]')",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(wanted.id.0)
    .load(conn)
    .await?;
    let mut names: HashMap<Uuid, String> = HashMap::from([(wanted.id.0, wanted.name.to_owned())]);
    for schedule in linked {
        let steps: Vec<Step> = serde_json::from_value(schedule.steps).unwrap_or_default();
        let triggers: Vec<Trigger> = serde_json::from_value(schedule.triggers).unwrap_or_default();
        add(&mut starts, schedule.id, &steps, &triggers);
        names.insert(schedule.id, schedule.name);
    }
    let Some(path) = circle(&starts, wanted.id.0) else {
        return Ok(());
    };
    let field = at_fault(wanted, &path);
    let path: Vec<String> = path
        .iter()
        .map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_string()))
        .collect();
    let message = match path.as_slice() {
        [_, _] => "This schedule would start itself, without end. Choose another one.".to_owned(),
        path => format!(
            "These schedules would start each other without end: {}. Choose another one.",
            path.join(", then ")
        ),
    };
    Err(Problem::invalid("schedules_in_a_circle", &field, message)
        .with("path", path)
        .into())
}

fn add(starts: &mut Starts, id: Uuid, steps: &[Step], triggers: &[Trigger]) {
    for other in steps.iter().filter_map(run_by) {
        starts.entry(id).or_default().push(other);
    }
    for other in triggers.iter().filter_map(waits_for) {
        starts.entry(other).or_default().push(id);
    }
}

/// The schedule whose outcome a trigger waits for.
fn waits_for(trigger: &Trigger) -> Option<Uuid> {
    match trigger {
        Trigger::Outcome { schedule, .. } => schedule.parse::<ScheduleId>().ok().map(|id| id.0),
        _ => None,
    }
}

/// The shortest way from `own` back to itself, both ends included.
fn circle(starts: &Starts, own: Uuid) -> Option<Vec<Uuid>> {
    let mut before: HashMap<Uuid, Uuid> = HashMap::new();
    let mut ahead = VecDeque::from([own]);
    while let Some(at) = ahead.pop_front() {
        for next in starts.get(&at).into_iter().flatten() {
            if *next == own {
                let mut path = vec![own, at];
                let mut last = at;
                while let Some(previous) = before.get(&last) {
                    path.push(*previous);
                    last = *previous;
                }
                path.reverse();
                return Some(path);
            }
            if !before.contains_key(next) {
                before.insert(*next, at);
                ahead.push_back(*next);
            }
        }
    }
    None
}

/// Which of the schedule's own links is a part of the circle.
fn at_fault(wanted: &Wanted<'_>, path: &[Uuid]) -> String {
    let (first, last) = (path.get(1), path.len().checked_sub(2).and_then(|at| path.get(at)));
    if let Some(index) = wanted
        .steps
        .iter()
        .position(|step| run_by(step).as_ref() == first)
    {
        return format!("steps[{index}].action.schedule");
    }
    let index = wanted
        .triggers
        .iter()
        .position(|trigger| waits_for(trigger).as_ref() == last);
    format!("triggers[{}].schedule", index.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u8) -> Uuid {
        Uuid::from_u128(u128::from(n) + 1)
    }

    fn graph(edges: &[(u8, u8)]) -> Starts {
        let mut starts = Starts::new();
        for (from, to) in edges {
            starts.entry(id(*from)).or_default().push(id(*to));
        }
        starts
    }

    #[test]
    fn the_shortest_way_back_is_told() {
        assert_eq!(circle(&graph(&[(0, 0)]), id(0)), Some(vec![id(0), id(0)]));
        assert_eq!(
            circle(&graph(&[(0, 1), (1, 2), (2, 0), (1, 3), (3, 2)]), id(0)),
            Some(vec![id(0), id(1), id(2), id(0)])
        );
        assert_eq!(circle(&graph(&[(0, 1), (1, 2), (2, 1)]), id(0)), None);
    }

    proptest! {
        /// There is a way exactly when stepping on and on from the schedule comes back to it, and each step of it is one.
        #[test]
        fn a_circle_is_found_exactly_when_there_is_one(edges in prop::collection::vec((0_u8..8, 0_u8..8), 0..24)) {
            let starts = graph(&edges);
            let mut reached = [false; 8];
            for _ in 0..8 {
                for (from, to) in &edges {
                    if *from == 0 || reached[usize::from(*from)] {
                        reached[usize::from(*to)] = true;
                    }
                }
            }
            let found = circle(&starts, id(0));
            prop_assert_eq!(found.is_some(), reached[0]);
            if let Some(path) = found {
                prop_assert!(path.len() >= 2);
                prop_assert_eq!((path[0], path[path.len() - 1]), (id(0), id(0)));
                for pair in path.windows(2) {
                    prop_assert!(starts[&pair[0]].iter().any(|next| *next == pair[1]));
                }
            }
        }
    }
}
