//! What a step works on: its targets, found when it starts.

use super::{
    Executor, Stop, engines,
    rights::{self, Rights},
    step::At,
    target::Target,
};
use crate::{blackouts::Closed, containers::FleetTarget, schedules, schema::hosts};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::{
    actions::WorksOn,
    guards::Condition,
    ids::{ContainerId, HostId},
    runs::{Only, RunTrigger},
    selectors::Selector,
};
use futures::{StreamExt, stream};
use std::{collections::HashSet, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// How long a server that has just started waits for its hosts before it resolves targets.
const SETTLE: Duration = Duration::from_secs(15);
/// Containers whose conditions are looked at together.
const TOGETHER: usize = 8;

/// Why a step does nothing.
#[derive(Debug)]
pub(super) enum Unbegun {
    /// It cannot be done.
    Failed(String),
    /// Nothing fits its target.
    NoTargets(String),
}

/// The targets of a step, and how its selector reads.
pub(super) struct Found {
    pub targets: Vec<Target>,
    pub shown: String,
    /// How many more it fits, on which the person that the run acts for may not act.
    pub left_out: usize,
}

impl Executor {
    /// Finds the targets, or says why nothing is done.
    pub(super) async fn find(&self, at: &At<'_>) -> Result<Result<Found, Unbegun>, Stop> {
        let rights = rights::now(&self.control, self.claimed.org, self.claimed.acts_for).await?;
        if let Rights::None(why) = rights {
            return Ok(Err(Unbegun::Failed(why)));
        }
        if let Rights::Narrowed(actor) = &rights
            && let Some(why) = schedules::rights::beyond_its_target(at.step)
        {
            return Ok(Err(Unbegun::Failed(format!(
                "This step {why}, and this acts for {}, whose role holds on some containers only.",
                actor.name
            ))));
        }
        let works_on = at.step.action.works_on();
        if works_on == WorksOn::Nothing {
            return Ok(Ok(Found {
                targets: vec![Target::nothing(&at.step.action)],
                shown: String::new(),
                left_out: 0,
            }));
        }
        let selector = match Selector::parse_target(&at.step.target) {
            Ok(selector) => selector,
            Err(error) => {
                return Ok(Err(Unbegun::Failed(format!(
                    "The target cannot be read: {error}"
                ))));
            }
        };
        self.settled(selector.only_on()).await?;
        let shown = self.shown(&selector);
        let found = match works_on {
            WorksOn::Hosts => {
                let kept = self.kept_away().await?;
                self.hosts(at, &selector, &rights, &shown, kept.as_ref())
            }
            _ => self.containers(at, &selector, &rights, &shown).await?,
        };
        Ok(found.map(|(targets, left_out)| Found {
            targets,
            shown,
            left_out,
        }))
    }

    async fn containers(
        &self,
        at: &At<'_>,
        selector: &Selector,
        rights: &Rights,
        shown: &str,
    ) -> Result<Result<(Vec<Target>, usize), Unbegun>, Stop> {
        let org = self.claimed.org;
        let found = self.control.fleet().resolve(org, selector);
        let all = found.len();
        let mut found = rights::narrow(&self.control, org, rights, found);
        if let Some(within) = &at.plan.within {
            let within: HashSet<ContainerId> = Selector::parse_target(within)
                .map(|within| self.control.fleet().resolve(org, &within))
                .unwrap_or_default()
                .into_iter()
                .map(|target| target.container_id)
                .collect();
            found.retain(|target| within.contains(&target.container_id));
        }
        if found.is_empty() && all > 0 {
            return Ok(Err(Unbegun::Failed(format!(
                "Whoever this acts for may act on none of the {all} containers that {shown} matches."
            ))));
        }
        let left_out = all - found.len();
        if let Some(only) = only(at) {
            found.retain(|found| only.iter().any(|only| only.container == Some(found.container_id)));
        }
        if found.is_empty() {
            return Ok(Err(Unbegun::NoTargets(format!(
                "No container matches {shown}. It may have been removed or renamed, or its host was never seen: check \
                 the target."
            ))));
        }
        let kept = self.kept_away().await?;
        let objections = self.judge(&at.plan.guards.conditions, &found).await;
        let targets = (0..)
            .zip(found.into_iter().zip(objections))
            .map(|(ordinal, (found, objection))| {
                let closed = kept
                    .as_ref()
                    .and_then(|closed| closed.container(found.container_id, found.host_id));
                Target::found(ordinal, found, &at.step.action).unless(closed.or(objection))
            })
            .collect();
        Ok(Ok((targets, left_out)))
    }

    fn hosts(
        &self,
        at: &At<'_>,
        selector: &Selector,
        rights: &Rights,
        shown: &str,
        kept: Option<&Closed>,
    ) -> Result<(Vec<Target>, usize), Unbegun> {
        let org = self.claimed.org;
        let mut found = self.control.fleet().resolve_hosts(org, selector);
        let (fleet, all) = (self.control.fleet(), found.len());
        if let Rights::Narrowed(actor) = rights {
            let grants = rights::on_hosts(fleet, actor);
            found.retain(|host| grants.cover(host.id));
        }
        if let Some(within) = &at.plan.within {
            let within = Selector::parse_target(within)
                .map(|within| fleet.whole_hosts(org, &within))
                .unwrap_or_default();
            found.retain(|host| within.iter().any(|within| within.id == host.id));
        }
        let left_out = all - found.len();
        if let Some(only) = only(at) {
            found.retain(|host| only.iter().any(|only| only.host == Some(host.id)));
        }
        if found.is_empty() {
            return Err(Unbegun::NoTargets(format!(
                "No host matches {shown}: check the target. It names hosts (host:nas), or containers whose hosts are \
                 meant."
            )));
        }
        let targets = (0..)
            .zip(found)
            .map(|(ordinal, host)| {
                let closed = kept.and_then(|closed| closed.host(host.id));
                Target::host(ordinal, host, &at.step.action).unless(closed)
            })
            .collect();
        Ok((targets, left_out))
    }

    /// What is closed to a run that nobody asked for now: blackouts on hosts and tags, and the hosts in maintenance.
    async fn kept_away(&self) -> Result<Option<Closed>, Stop> {
        let asked_for = serde_json::from_value(self.claimed.trigger.clone())
            .is_ok_and(|trigger: RunTrigger| trigger.is_asked_for());
        if asked_for {
            return Ok(None);
        }
        Ok(Some(Closed::now(&self.control, self.claimed.org).await?))
    }

    /// What the schedule's conditions say of each container, asked once in a run.
    async fn judge(&self, conditions: &[Condition], found: &[FleetTarget]) -> Vec<Option<String>> {
        if conditions.is_empty() {
            return vec![None; found.len()];
        }
        // Owned, since futures of borrowed items cannot be sent between threads.
        let each: Vec<_> = found
            .iter()
            .map(|target| self.judge_one(conditions, target.clone()))
            .collect();
        let judgements: Vec<Option<String>> = stream::iter(each).buffered(TOGETHER).collect().await;
        let mut judged = self.judged.lock();
        for (target, judgement) in found.iter().zip(&judgements) {
            judged.insert(target.container_id, judgement.clone());
        }
        judgements
    }

    async fn judge_one(&self, conditions: &[Condition], target: FleetTarget) -> Option<String> {
        let before = self.judged.lock().get(&target.container_id).cloned();
        match before {
            Some(before) => before,
            None => self.object(conditions, &target).await,
        }
    }

    async fn object(&self, conditions: &[Condition], target: &FleetTarget) -> Option<String> {
        let engine = self.control.fleet().engine(target.host_id)?;
        // A host that does not answer is the step's own failure, and no reason to skip.
        if self.unreachable(target.host_id, &engine).await.is_some() {
            return None;
        }
        let facts = engines::look(&engine, Some(&target.engine_id), &target.name)
            .await
            .ok()?;
        let line = self.control.fleet().line(self.claimed.org, target.container_id);
        let now = chrono::Utc::now();
        let why = conditions.iter().find_map(|condition| {
            condition.objection(&facts, now, |selector| {
                line.as_ref().is_none_or(|line| {
                    let mut line = line.as_ref().clone();
                    line.facts = facts.clone().into();
                    self.control.fleet().picks(selector, &line)
                })
            })
        })?;
        Some(format!("Skipped: {why}."))
    }

    /// Waits until the hosts were read once, or have been found not to answer: a selector would miss some before. Without
    /// `only`, every host matters.
    pub(super) async fn settled(&self, only: Option<Vec<HostId>>) -> Result<(), Stop> {
        let end = Instant::now() + SETTLE;
        let fleet = self.control.fleet();
        let unsettled = |hosts: &[HostId]| hosts.iter().any(|id| !fleet.is_settled(*id));
        if only.as_deref().is_some_and(|only| !unsettled(only)) {
            return Ok(());
        }
        // A server that has just started knows no host at all yet. One that is gone or turned off never settles.
        let mut conn = self.control.db().conn().await?;
        let hosts: Vec<Uuid> = hosts::table
            .filter(hosts::org_id.eq(self.claimed.org.0))
            .filter(hosts::enabled.eq(true))
            .select(hosts::id)
            .load(&mut conn)
            .await
            .map_err(crate::Error::from)?;
        drop(conn);
        let wanted: Vec<HostId> = hosts
            .into_iter()
            .map(HostId)
            .filter(|id| only.as_ref().is_none_or(|only| only.contains(id)))
            .collect();
        while unsettled(&wanted) && Instant::now() < end && self.lease.halt().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    pub(super) fn shown(&self, selector: &Selector) -> String {
        let hosts = self.control.fleet().host_names(self.claimed.org);
        selector
            .clone()
            .unbind_hosts(|id| {
                hosts
                    .iter()
                    .find(|host| host.id == id)
                    .map(|host| host.name.clone())
            })
            .to_string()
    }

    pub(super) fn is_itself(&self, target: &Target) -> bool {
        target
            .container_id
            .and_then(|id| self.control.fleet().line(self.claimed.org, id))
            .is_some_and(|line| line.protected)
    }
}

/// The targets that a run which tries again is narrowed to, in this step.
fn only<'a>(at: &At<'a>) -> Option<Vec<&'a Only>> {
    let index = u32::try_from(at.index).ok()?;
    let only: Vec<&Only> = at.plan.only.iter().filter(|only| only.step == index).collect();
    (!only.is_empty()).then_some(only)
}
