//! What an executor writes of its steps and targets.

use super::{
    super::lease::{Note, RENEW},
    Executor, StepEnd, Stop,
    actions::Done,
    faults, line,
    step::At,
    target::{Ended, Target},
};
use crate::runs::{recover::Sight, start::to_json};
use diesel::sql_types::{Array, BigInt, Binary, Double, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use domain::{
    runs::{LogLine, TargetState},
    selectors::Selector,
};
use std::time::Duration;
use uuid::Uuid;

impl Executor {
    /// Stores a step that begins, with its targets.
    pub(super) async fn begin_step(
        &self,
        at: &At<'_>,
        shown: String,
        targets: &[Target],
        lines: &[LogLine],
    ) -> Result<(), Stop> {
        let (name, action) = (at.step.title(), to_json("a step's action", &at.step.action)?);
        let column = |of: fn(&Target) -> String| targets.iter().map(of).collect::<Vec<String>>();
        let ordinals: Vec<i32> = targets.iter().map(|target| target.ordinal).collect();
        let hosts: Vec<Uuid> = targets
            .iter()
            .map(|t| t.host_id.map_or(Uuid::nil(), |id| id.0))
            .collect();
        let containers: Vec<Uuid> = targets
            .iter()
            .map(|target| target.container_id.map_or(Uuid::nil(), |id| id.0))
            .collect();
        let (host_names, names) = (column(|t| t.host_name.clone()), column(|t| t.name.clone()));
        let states = column(|t| t.state.as_str().to_owned());
        let engine_ids: Vec<Option<String>> = targets.iter().map(|target| target.engine_id.clone()).collect();
        let messages: Vec<Option<String>> = targets.iter().map(|target| target.message.clone()).collect();
        let index = at.index;
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
                   container_name, state, intent_engine_id, message, finished_at) \
                   select f.id, $14, t.ordinal, t.host_id, t.host_name, t.container_id, t.name, t.state, t.engine_id, \
                     t.message, case t.state when 'pending' then null else clock_timestamp() end \
                   from fence f, unnest($18, $19, $20, $21, $22, $23, $24, $25) \
                     as t (ordinal, host_id, host_name, container_id, name, engine_id, state, message))",
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
                        .bind::<Array<Text>, _>(states.clone())
                        .bind::<Array<Nullable<Text>>, _>(messages.clone())
                },
            )
            .await?;
        Ok(())
    }

    /// A step that ends before anything is done.
    pub(super) async fn not_begun(
        &self,
        at: &At<'_>,
        state: TargetState,
        why: String,
    ) -> Result<StepEnd, Stop> {
        let level = if state == TargetState::Skipped {
            "info"
        } else {
            "error"
        };
        let lines = [line(at.index, None, level, why.clone())];
        let (name, action) = (at.step.title(), to_json("a step's action", &at.step.action)?);
        let shown = Selector::parse_target(&at.step.target)
            .map_or_else(|_| at.step.target.clone(), |selector| self.shown(&selector));
        self.lease
            .fenced(
                note(at.index, &lines, true),
                RENEW,
                ", step as (insert into run_steps (run_id, step, name, action, target, state, started_at, finished_at, message) \
                 select id, $14, $15, $16, $17, $18, clock_timestamp(), clock_timestamp(), $19 from fence)",
                |query| {
                    query
                        .bind::<Integer, _>(at.index)
                        .bind::<Text, _>(name.clone())
                        .bind::<Jsonb, _>(action.clone())
                        .bind::<Text, _>(shown.clone())
                        .bind::<Text, _>(state.as_str())
                        .bind::<Text, _>(why.clone())
                },
            )
            .await?;
        Ok(StepEnd {
            state,
            targets: Vec::new(),
            message: Some(why),
            outputs: Vec::new(),
        })
    }

    /// A step that works on nothing.
    pub(super) async fn noop(&self, at: &At<'_>) -> Result<StepEnd, Stop> {
        let index = at.index;
        let lines = [line(index, None, "info", "Nothing to do, as the step says.")];
        let (name, action) = (at.step.title(), to_json("a step's action", &at.step.action)?);
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
            outputs: Vec::new(),
        })
    }

    /// Stores how a step ended.
    pub(super) async fn end_step(
        &self,
        index: i32,
        state: TargetState,
        message: Option<String>,
        text: String,
    ) -> Result<(), Stop> {
        let level = match state {
            TargetState::Succeeded | TargetState::Skipped => "info",
            _ => "error",
        };
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
        Ok(())
    }

    /// Stores what is about to be done, and on what exactly.
    pub(super) async fn intend(
        &self,
        step: i32,
        target: &Target,
        sight: Option<&Sight>,
        reference: Option<&str>,
        text: String,
    ) -> Result<(), Stop> {
        let lines = [line(step, Some(&target.name), "info", text)];
        let (ordinal, sight) = (target.ordinal, sight.cloned());
        let reference = reference.map(str::to_owned);
        self.lease
            .fenced(
                of_target(step, target, &lines),
                RENEW,
                ", target as (update run_targets t set state = 'running', next_attempt_at = null, message = null, \
                   started_at = case when t.attempt > 1 then coalesce(t.started_at, clock_timestamp()) \
                     else clock_timestamp() end, \
                   intent_at = clock_timestamp(), intent_engine_id = coalesce($16, intent_engine_id), \
                   intent_started_at = $17, intent_state = $18, intent_ref = $19 \
                 from fence f where t.run_id = f.id and t.step = $14 and t.ordinal = $15)",
                |query| {
                    query
                        .bind::<Integer, _>(step)
                        .bind::<Integer, _>(ordinal)
                        .bind::<Nullable<Text>, _>(sight.as_ref().map(|sight| sight.engine_id.clone()))
                        .bind::<Nullable<Text>, _>(sight.as_ref().and_then(|sight| sight.started_at.clone()))
                        .bind::<Text, _>(sight.as_ref().map_or("begun", |sight| sight.state.as_str()))
                        .bind::<Nullable<Text>, _>(reference.clone())
                },
            )
            .await?;
        Ok(())
    }

    /// Adds what the engine calls it that was begun.
    pub(super) async fn refer(&self, step: i32, target: &Target, reference: &str) -> Result<(), Stop> {
        let (ordinal, reference) = (target.ordinal, reference.to_owned());
        self.lease
            .fenced(
                of_target(step, target, &[]),
                RENEW,
                ", target as (update run_targets t set intent_ref = $16 from fence f \
                 where t.run_id = f.id and t.step = $14 and t.ordinal = $15)",
                |query| {
                    query
                        .bind::<Integer, _>(step)
                        .bind::<Integer, _>(ordinal)
                        .bind::<Text, _>(reference.clone())
                },
            )
            .await?;
        Ok(())
    }

    /// Adds lines to a target's log.
    pub(super) async fn log(&self, step: i32, target: &Target, lines: &[LogLine]) -> Result<(), Stop> {
        self.lease
            .fenced(of_target(step, target, lines), RENEW, "", |query| query)
            .await?;
        Ok(())
    }

    /// Stores that an attempt failed and when the next one begins.
    pub(super) async fn again(
        &self,
        step: i32,
        target: &Target,
        done: &Done,
        pause: Duration,
        attempts: u32,
    ) -> Result<(), Stop> {
        let message = done
            .message
            .clone()
            .unwrap_or_else(|| done.state.as_str().to_owned());
        let next = target.attempt + 1;
        let lines = [
            line(step, Some(&target.name), "error", message.clone()),
            line(
                step,
                Some(&target.name),
                "info",
                format!(
                    "Attempt {next} of {attempts} begins in {:.1} s.",
                    pause.as_secs_f64()
                ),
            ),
        ];
        let (ordinal, exit_code) = (target.ordinal, done.exit_code);
        self.lease
            .fenced(
                of_target(step, target, &lines),
                RENEW,
                ", target as (update run_targets t set state = 'pending', attempt = $16, message = $18, exit_code = $19, \
                   next_attempt_at = clock_timestamp() + $17 * interval '1 second', intent_started_at = null, \
                   intent_state = null, intent_ref = null \
                 from fence f where t.run_id = f.id and t.step = $14 and t.ordinal = $15)",
                |query| {
                    query
                        .bind::<Integer, _>(step)
                        .bind::<Integer, _>(ordinal)
                        .bind::<Integer, _>(i32::try_from(next).unwrap_or(i32::MAX))
                        .bind::<Double, _>(pause.as_secs_f64())
                        .bind::<Text, _>(message.clone())
                        .bind::<Nullable<BigInt>, _>(exit_code)
                },
            )
            .await?;
        Ok(())
    }

    /// Stores how a target ended, with a line of the log.
    pub(super) async fn end(&self, step: i32, target: &Target, done: Done) -> Result<Ended, Stop> {
        let level = match done.state {
            TargetState::Succeeded | TargetState::Skipped => "info",
            _ => "error",
        };
        let text = done
            .line
            .clone()
            .or_else(|| done.message.clone())
            .unwrap_or_else(|| done.state.as_str().to_owned());
        let lines = [line(step, Some(&target.name), level, text)];
        let note = Note {
            succeeded: i32::from(done.state == TargetState::Succeeded),
            ..of_target(step, target, &lines)
        };
        let ordinal = target.ordinal;
        let output = done.output.clone();
        self.lease
            .fenced(
                note,
                RENEW,
                ", target as (update run_targets t set state = $16, message = $17, exit_code = $18, output = $19, \
                   next_attempt_at = null, finished_at = clock_timestamp() \
                 from fence f where t.run_id = f.id and t.step = $14 and t.ordinal = $15)",
                |query| {
                    query
                        .bind::<Integer, _>(step)
                        .bind::<Integer, _>(ordinal)
                        .bind::<Text, _>(done.state.as_str())
                        .bind::<Nullable<Text>, _>(done.message.clone())
                        .bind::<Nullable<BigInt>, _>(done.exit_code)
                        .bind::<Nullable<Binary>, _>(output.as_ref().map(|text| text.clone().into_bytes()))
                },
            )
            .await?;
        faults::point("recorded");
        Ok(target.ended(done.state, done.message, done.output.unwrap_or_default()))
    }
}

fn of_target<'a>(step: i32, target: &Target, lines: &'a [LogLine]) -> Note<'a> {
    Note {
        place: (step, target.ordinal),
        lines,
        ..Note::default()
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
