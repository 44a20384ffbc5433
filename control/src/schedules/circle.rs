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
    if Links::links_of(wanted.steps, wanted.triggers).is_none() {
        return Ok(());
    }
    lock(conn, org).await?;
    let mut links = Links::load(conn, org).await?;
    links.put(wanted);
    match circle(&links.starts(), wanted.id.0) {
        Some(path) => {
            let field = at_fault(wanted, &path).unwrap_or_else(|| "steps".to_owned());
            Err(links.problem(&field, &path).into())
        }
        None => Ok(()),
    }
}

/// Whoever saves schedules that name others does so one after the other. Taken after the locks of rows, never before.
pub(super) async fn lock(conn: &mut AsyncPgConnection, org: OrgId) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtext('chrontainer schedules'), hashtext($1::text))")
        .bind::<SqlUuid, _>(org.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// The schedules of an organisation that name others.
#[derive(Default)]
pub(super) struct Links {
    links: HashMap<Uuid, LinksOf>,
    names: HashMap<Uuid, String>,
}

/// Whom one schedule runs, and whose outcomes it waits for.
struct LinksOf {
    runs: Vec<Uuid>,
    follows: Vec<Uuid>,
}

impl Links {
    pub async fn load(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Self> {
        let linked: Vec<Linked> = diesel::sql_query(
            "select id, name, steps, triggers from schedules where org_id = $1 and deleted_at is null \
             and (steps @> '[{\"action\":{\"type\":\"run_schedule\"}}]' or triggers @> '[{\"type\":\"outcome\"}]')",
        )
        .bind::<SqlUuid, _>(org.0)
        .load(conn)
        .await?;
        let mut all = Self::default();
        for schedule in linked {
            let steps: Vec<Step> = serde_json::from_value(schedule.steps).unwrap_or_default();
            let triggers: Vec<Trigger> = serde_json::from_value(schedule.triggers).unwrap_or_default();
            all.put(&Wanted {
                id: ScheduleId(schedule.id),
                name: &schedule.name,
                steps: &steps,
                triggers: &triggers,
            });
        }
        Ok(all)
    }

    fn links_of(steps: &[Step], triggers: &[Trigger]) -> Option<LinksOf> {
        let links = LinksOf {
            runs: steps.iter().filter_map(run_by).collect(),
            follows: triggers.iter().filter_map(waits_for).collect(),
        };
        (!links.runs.is_empty() || !links.follows.is_empty()).then_some(links)
    }

    /// What this schedule is going to be, in place of what it was.
    pub fn put(&mut self, wanted: &Wanted<'_>) {
        self.names.insert(wanted.id.0, wanted.name.to_owned());
        match Self::links_of(wanted.steps, wanted.triggers) {
            Some(links) => self.links.insert(wanted.id.0, links),
            None => self.links.remove(&wanted.id.0),
        };
    }

    pub fn remove(&mut self, id: ScheduleId) {
        self.links.remove(&id.0);
    }

    fn starts(&self) -> Starts {
        let mut starts = Starts::new();
        for (id, links) in &self.links {
            starts.entry(*id).or_default().extend(&links.runs);
            for other in &links.follows {
                starts.entry(*other).or_default().push(*id);
            }
        }
        starts
    }

    /// Which of `all` are in a circle, by their place, and what there is to say of it.
    pub fn circles(&self, all: &[Option<Wanted<'_>>]) -> Vec<(usize, Problem)> {
        let starts = within(self.starts());
        let places: HashMap<Uuid, usize> = all
            .iter()
            .enumerate()
            .filter_map(|(place, wanted)| Some((wanted.as_ref()?.id.0, place)))
            .collect();
        let mut told: HashMap<usize, Problem> = HashMap::new();
        for (place, wanted) in all.iter().enumerate() {
            let Some(wanted) = wanted else { continue };
            if told.contains_key(&place) {
                continue;
            }
            let Some(path) = circle(&starts, wanted.id.0) else {
                continue;
            };
            // Everybody on the way is told of it from where it stands.
            let around = &path[..path.len() - 1];
            for turn in 0..around.len() {
                let Some(place) = places.get(&around[turn]) else {
                    continue;
                };
                if let Some(Some(wanted)) = all.get(*place)
                    && !told.contains_key(place)
                {
                    let mut path: Vec<Uuid> = around[turn..].iter().chain(&around[..turn]).copied().collect();
                    path.push(around[turn]);
                    // Who only stands on the way has nothing to change.
                    if let Some(field) = at_fault(wanted, &path) {
                        told.insert(*place, self.problem(&field, &path));
                    }
                }
            }
        }
        let mut told: Vec<_> = told.into_iter().collect();
        told.sort_by_key(|(place, _)| *place);
        told
    }

    fn problem(&self, field: &str, path: &[Uuid]) -> Problem {
        let path: Vec<String> = path
            .iter()
            .map(|id| self.names.get(id).cloned().unwrap_or_else(|| id.to_string()))
            .collect();
        let message = match path.as_slice() {
            [_, _] => "This schedule would start itself, without end. Choose another one.".to_owned(),
            path => format!(
                "These schedules would start each other without end: {}. Choose another one.",
                path.join(", then ")
            ),
        };
        Problem::invalid("schedules_in_a_circle", field, message).with("path", path)
    }
}

/// Only what can be on a circle: who starts nobody is left out, again and again, so that looking for circles in a file of
/// thousands costs what its circles cost.
fn within(mut starts: Starts) -> Starts {
    let mut before: Starts = Starts::new();
    for (id, others) in &starts {
        for other in others {
            before.entry(*other).or_default().push(*id);
        }
    }
    let mut left: HashMap<Uuid, usize> = starts.iter().map(|(id, others)| (*id, others.len())).collect();
    let mut ends: Vec<Uuid> = before
        .keys()
        .filter(|id| left.get(*id).is_none_or(|left| *left == 0))
        .copied()
        .collect();
    while let Some(end) = ends.pop() {
        starts.remove(&end);
        for id in before.get(&end).into_iter().flatten() {
            if let Some(left) = left.get_mut(id).filter(|left| **left > 0) {
                *left -= 1;
                if *left == 0 {
                    ends.push(*id);
                }
            }
        }
    }
    starts
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
fn at_fault(wanted: &Wanted<'_>, path: &[Uuid]) -> Option<String> {
    let (first, last) = (path.get(1), path.len().checked_sub(2).and_then(|at| path.get(at)));
    if let Some(index) = wanted
        .steps
        .iter()
        .position(|step| first.is_some() && run_by(step).as_ref() == first)
    {
        return Some(format!("steps[{index}].action.schedule"));
    }
    let index = wanted
        .triggers
        .iter()
        .position(|trigger| last.is_some() && waits_for(trigger).as_ref() == last)?;
    Some(format!("triggers[{index}].schedule"))
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
            prop_assert_eq!(circle(&within(starts.clone()), id(0)), found.clone());
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
