//! One step: find its targets, act on them, end it.

use super::{
    super::lease::{Note, RENEW},
    Executor, StepEnd, Stop, line,
    rights::{self, Rights},
    target::Target,
};
use crate::{runs::start::to_json, schema::hosts};
use diesel::{
    ExpressionMethods, QueryDsl,
    sql_types::{Array, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    actions::Action,
    ids::HostId,
    runs::{LogLine, TargetState},
    schedules::Step,
    selectors::Selector,
};
use futures::{StreamExt, stream};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Targets of one step at once.
const PARALLEL: usize = 8;
/// How long a server that has just started waits for its hosts before it resolves targets.
const SETTLE: Duration = Duration::from_secs(15);

impl Executor {
    /// Does a step, or what is left of it.
    pub(super) async fn step(
        &self,
        index: i32,
        step: &Step,
        stored: Option<Vec<Target>>,
    ) -> Result<StepEnd, Stop> {
        if !step.action.needs_target() {
            return self.noop(index, step).await;
        }
        let targets = match stored {
            Some(targets) => {
                let hosts = targets.iter().map(|target| target.host_id).collect();
                self.settled(Some(hosts)).await?;
                self.mark_refused(&step.action, targets)
            }
            None => match self.resolve(index, step).await? {
                Ok(targets) => targets,
                Err(why) => return self.not_begun(index, step, why).await,
            },
        };
        super::faults::point("resolved");

        // Our own restart takes this process away, so it comes last.
        let (last, first): (Vec<_>, Vec<_>) = targets
            .into_iter()
            .partition(|target| matches!(step.action, Action::Restart { .. }) && self.is_itself(target));
        let mut ended = self.act_on(index, &step.action, first).await?;
        for target in last {
            self.control.runs().leases.will_end_us(self.claimed.run);
            ended.extend(self.act_on(index, &step.action, vec![target]).await?);
        }
        ended.sort_unstable_by_key(|(ordinal, ..)| *ordinal);
        self.end_step(index, ended).await
    }

    async fn act_on(
        &self,
        index: i32,
        action: &Action,
        targets: Vec<Target>,
    ) -> Result<Vec<(i32, String, TargetState, Option<String>)>, Stop> {
        let results: Vec<_> = stream::iter(targets)
            .map(|target| async move {
                let (ordinal, name) = (target.ordinal, target.name.clone());
                self.target(index, action, target)
                    .await
                    .map(|(state, message)| (ordinal, name, state, message))
            })
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        results.into_iter().collect()
    }

    /// A step that works on nothing.
    async fn noop(&self, index: i32, step: &Step) -> Result<StepEnd, Stop> {
        let lines = [line(index, None, "info", "Nothing to do, as the step says.")];
        let (name, action) = (step.title(), to_json("a step's action", &step.action)?);
        self.lease
            .fenced(
                note(index, &lines, index == 0),
                RENEW,
                ", step as (insert into run_steps (run_id, step, name, action, target, state, started_at, finished_at) \
                 select id, $14, $15, $16, '', 'succeeded', clock_timestamp(), clock_timestamp() from fence \
                 on conflict (run_id, step) do update set state = 'succeeded', finished_at = clock_timestamp())",
                |query| {
                    query
                        .bind::<Integer, _>(index)
                        .bind::<Text, _>(name.clone())
                        .bind::<Jsonb, _>(action.clone())
                },
            )
            .await?;
        Ok(StepEnd {
            state: TargetState::Succeeded,
            targets: Vec::new(),
            message: None,
        })
    }

    /// Finds the targets and stores them with the step, or says why nothing is done.
    async fn resolve(&self, index: i32, step: &Step) -> Result<Result<Vec<Target>, String>, Stop> {
        let rights = rights::now(&self.control, self.claimed.org, self.claimed.acts_for).await?;
        if let Rights::None(why) = rights {
            return Ok(Err(why));
        }
        let selector = match Selector::parse_target(&step.target) {
            Ok(selector) => selector,
            Err(error) => return Ok(Err(format!("The target cannot be read: {error}"))),
        };
        self.settled(selector.only_on()).await?;
        let org = self.claimed.org;
        let found = self.control.fleet().resolve(org, &selector);
        let shown = self.shown(&selector);
        let all = found.len();
        let found = rights::narrow(&self.control, org, &rights, found);
        if found.is_empty() {
            return Ok(Err(if all > 0 {
                format!(
                    "The person this acts for may act on none of the {all} containers that {shown} matches."
                )
            } else {
                format!(
                    "No container matches {shown}. It may have been removed or renamed, or its host was never seen: \
                     check the target."
                )
            }));
        }
        let targets: Vec<Target> = (0..)
            .zip(found)
            .map(|(ordinal, found)| Target::found(ordinal, found, &step.action))
            .collect();
        let names: Vec<String> = targets
            .iter()
            .map(|target| format!("{} on {}", target.name, target.host_name))
            .collect();
        let count = names.len();
        let few = names.into_iter().take(20).collect::<Vec<_>>().join(", ");
        let lines = [line(
            index,
            None,
            "info",
            format!(
                "{}: {count} {} found: {few}{}",
                step.title(),
                if count == 1 { "container" } else { "containers" },
                if count > 20 { ", …" } else { "." }
            ),
        )];
        self.begin_step(index, step, shown, &targets, &lines).await?;
        Ok(Ok(targets))
    }

    async fn begin_step(
        &self,
        index: i32,
        step: &Step,
        shown: String,
        targets: &[Target],
        lines: &[LogLine],
    ) -> Result<(), Stop> {
        let (name, action) = (step.title(), to_json("a step's action", &step.action)?);
        let ordinals: Vec<i32> = targets.iter().map(|target| target.ordinal).collect();
        let hosts: Vec<Uuid> = targets.iter().map(|target| target.host_id.0).collect();
        let host_names: Vec<String> = targets.iter().map(|target| target.host_name.clone()).collect();
        let containers: Vec<Uuid> = targets.iter().map(|target| target.container_id.0).collect();
        let names: Vec<String> = targets.iter().map(|target| target.name.clone()).collect();
        let engine_ids: Vec<Option<String>> = targets.iter().map(|target| target.engine_id.clone()).collect();
        self.lease
            .fenced(
                Note {
                    targets: i32::try_from(targets.len()).unwrap_or(i32::MAX),
                    ..note(index, lines, true)
                },
                RENEW,
                ", step as (insert into run_steps (run_id, step, name, action, target, state, started_at) \
                   select id, $14, $15, $16, $17, 'running', clock_timestamp() from fence), \
                 target as (insert into run_targets (run_id, step, ordinal, host_id, host_name, container_id, \
                   container_name, state, intent_engine_id) \
                   select f.id, $14, t.ordinal, t.host_id, t.host_name, t.container_id, t.name, 'pending', t.engine_id \
                   from fence f, unnest($18, $19, $20, $21, $22, $23) \
                     as t (ordinal, host_id, host_name, container_id, name, engine_id))",
                |query| {
                    query
                        .bind::<Integer, _>(index)
                        .bind::<Text, _>(name.clone())
                        .bind::<Jsonb, _>(action.clone())
                        .bind::<Text, _>(shown.clone())
                        .bind::<Array<Integer>, _>(ordinals.clone())
                        .bind::<Array<SqlUuid>, _>(hosts.clone())
                        .bind::<Array<Text>, _>(host_names.clone())
                        .bind::<Array<SqlUuid>, _>(containers.clone())
                        .bind::<Array<Text>, _>(names.clone())
                        .bind::<Array<Nullable<Text>>, _>(engine_ids.clone())
                },
            )
            .await?;
        Ok(())
    }

    /// A step that fails before anything is done.
    async fn not_begun(&self, index: i32, step: &Step, why: String) -> Result<StepEnd, Stop> {
        let lines = [line(index, None, "error", why.clone())];
        let (name, action) = (step.title(), to_json("a step's action", &step.action)?);
        let shown = Selector::parse_target(&step.target)
            .map_or_else(|_| step.target.clone(), |selector| self.shown(&selector));
        self.lease
            .fenced(
                note(index, &lines, true),
                RENEW,
                ", step as (insert into run_steps (run_id, step, name, action, target, state, started_at, finished_at, message) \
                 select id, $14, $15, $16, $17, 'failed', clock_timestamp(), clock_timestamp(), $18 from fence)",
                |query| {
                    query
                        .bind::<Integer, _>(index)
                        .bind::<Text, _>(name.clone())
                        .bind::<Jsonb, _>(action.clone())
                        .bind::<Text, _>(shown.clone())
                        .bind::<Text, _>(why.clone())
                },
            )
            .await?;
        Ok(StepEnd {
            state: TargetState::Failed,
            targets: Vec::new(),
            message: Some(why),
        })
    }

    async fn end_step(
        &self,
        index: i32,
        ended: Vec<(i32, String, TargetState, Option<String>)>,
    ) -> Result<StepEnd, Stop> {
        let targets: Vec<TargetState> = ended.iter().map(|(_, _, state, _)| *state).collect();
        let state = step_state(&targets);
        let message = summary(&ended, state);
        let level = if state == TargetState::Succeeded {
            "info"
        } else {
            "error"
        };
        let text = message.clone().unwrap_or_else(|| match targets.len() {
            1 => "Done.".to_owned(),
            count => format!("Done on all {count} containers."),
        });
        let lines = [line(index, None, level, text)];
        self.lease
            .fenced(
                note(index, &lines, false),
                RENEW,
                ", step as (update run_steps s set state = $15, message = $16, finished_at = clock_timestamp() \
                 from fence f where s.run_id = f.id and s.step = $14)",
                |query| {
                    query
                        .bind::<Integer, _>(index)
                        .bind::<Text, _>(state.as_str())
                        .bind::<Nullable<Text>, _>(message.clone())
                },
            )
            .await?;
        Ok(StepEnd {
            state,
            targets,
            message,
        })
    }

    /// Waits until the hosts were read once, or have been found not to answer: a selector would miss some before. Without
    /// `only`, every host matters.
    async fn settled(&self, only: Option<Vec<HostId>>) -> Result<(), Stop> {
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

    fn shown(&self, selector: &Selector) -> String {
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
        self.control
            .fleet()
            .line(self.claimed.org, target.container_id)
            .is_some_and(|line| line.protected)
    }

    fn mark_refused(&self, action: &Action, mut targets: Vec<Target>) -> Vec<Target> {
        for target in &mut targets {
            if action.refused_on_itself() && self.is_itself(target) {
                target.refused = Some(Target::refusal(action));
            }
        }
        targets
    }
}

pub(super) fn note(step: i32, lines: &[LogLine], is_news: bool) -> Note<'_> {
    Note {
        place: (step, -1),
        lines,
        is_news,
        ..Note::default()
    }
}

/// A step's state from those of its targets; the worst decides.
fn step_state(targets: &[TargetState]) -> TargetState {
    use TargetState::{Cancelled, Failed, Skipped, Succeeded, TimedOut, Unknown};
    for state in [Unknown, Failed, TimedOut, Cancelled] {
        if targets.contains(&state) {
            return state;
        }
    }
    if targets.contains(&Succeeded) {
        Succeeded
    } else {
        Skipped
    }
}

/// What to say of a step: nothing when all went well.
fn summary(ended: &[(i32, String, TargetState, Option<String>)], state: TargetState) -> Option<String> {
    if state == TargetState::Succeeded {
        return None;
    }
    let (mut bad, mut first) = (0, None);
    for (_, name, target, message) in ended {
        if *target != TargetState::Succeeded && *target != TargetState::Skipped {
            bad += 1;
            if first.is_none() && *target == state {
                let message = message.as_deref().unwrap_or(target.as_str());
                first = Some(format!("{name}: {message}"));
            }
        }
    }
    let first = first?;
    Some(if ended.len() == 1 {
        first
    } else {
        format!("{bad} of {} containers did not succeed. {first}", ended.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_target_decides_and_is_named() {
        use TargetState::{Failed, Succeeded, Unknown};
        let ended = |states: &[TargetState]| -> Vec<_> {
            (0..)
                .zip(states)
                .map(|(n, state)| (n, format!("c{n}"), *state, Some(format!("word {n}"))))
                .collect()
        };
        assert_eq!(step_state(&[Succeeded, Succeeded]), Succeeded);
        assert_eq!(step_state(&[Succeeded, Failed, Unknown]), Unknown);
        assert_eq!(summary(&ended(&[Succeeded]), Succeeded), None);
        assert_eq!(summary(&ended(&[Failed]), Failed).unwrap(), "c0: word 0");
        assert_eq!(
            summary(&ended(&[Succeeded, Failed, Unknown]), Unknown).unwrap(),
            "2 of 3 containers did not succeed. c2: word 2"
        );
    }
}
