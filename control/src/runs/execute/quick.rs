//! Runs that touch nothing: begun by their claim and ended by one statement, many at once.

use super::super::{JobTexts, held, lease::Claimed, log::Chunk, metrics, start::to_json};
use crate::{Control, db::statement, error::Result, events::Topic, schedules::called_by_end};
use chrono::Utc;
use diesel::{
    QueryableByName,
    sql_types::{Array, Binary, Integer, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    actions::Action,
    ids::RunId,
    runs::{LogLine, RunState},
    schedules::When,
};
use serde_json::Value;
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

/// The end of a run of no-op steps, as it is written.
#[derive(Debug)]
pub(crate) struct QuickEnd {
    run: RunId,
    epoch: i32,
    steps: Vec<(String, Value)>,
    log: Option<Chunk>,
}

/// Whether a run can end this way: untouched so far, wanted, allowed, and nothing but no-ops.
pub(super) fn fits(claimed: &Claimed) -> bool {
    let Some(plan) = &claimed.plan else { return false };
    !claimed.is_continued()
        && !claimed.cancelling
        && (claimed.acts_for.is_none() || claimed.role.is_some_and(super::rights::suffices))
        && plan.done.is_empty()
        && plan
            .steps
            .iter()
            .all(|step| step.action == Action::Noop && step.when != When::Failure)
}

/// Ends it, together with others. False when it is no longer this executor's.
pub(super) async fn end(control: &Control, claimed: &Claimed) -> Result<bool> {
    let steps = claimed.plan.iter().flat_map(|plan| &plan.steps);
    let steps: Vec<(String, Value)> = steps
        .map(|step| Ok((step.title(), to_json("a step's action", &step.action)?)))
        .collect::<Result<_>>()?;
    let at = Utc::now();
    let lines: Vec<LogLine> = (0..)
        .zip(&steps)
        .map(|(index, (name, _))| LogLine {
            at,
            step: Some(index),
            target: None,
            level: "info".to_owned(),
            text: format!("{name}: nothing to do, as the step says."),
        })
        .collect();
    let end = Arc::new(QuickEnd {
        run: claimed.run,
        epoch: claimed.epoch,
        steps,
        log: Chunk::pack(&lines)?,
    });
    let this = control.clone();
    let ended = control
        .runs()
        .quick_ends
        .call(end, move |ends| {
            let control = this.clone();
            async move { end_all(&control, ends).await }
        })
        .await?;
    if ended {
        metrics::ended(RunState::Succeeded);
    }
    control.wake(Topic::Events);
    Ok(ended)
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The commit does not wait for the disk: what a crash of Postgres undoes is done again, and doing nothing twice is no
/// more than doing it once.
async fn end_all(control: &Control, ends: Vec<Arc<QuickEnd>>) -> Result<Vec<bool>> {
    let (mut step_runs, mut step_numbers, mut names, mut actions) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut log_runs, mut chunks, mut sizes, mut lines) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for end in &ends {
        for (number, (name, action)) in (0..).zip(&end.steps) {
            step_runs.push(end.run.0);
            step_numbers.push(number);
            names.push(name.clone());
            actions.push(action.clone());
        }
        if let Some(chunk) = &end.log {
            log_runs.push(end.run.0);
            chunks.push(chunk.bytes.clone());
            sizes.push(chunk.size);
            lines.push(chunk.lines);
        }
    }
    let jobs = JobTexts::of(ends.iter().map(|end| end.run));
    let mut conn = control.db().conn().await?;
    let ended: Vec<Ended> = statement(concat!(
        "with wanted as (\
           select r.id from runs r join unnest($1, $2) as t (id, epoch) on t.id = r.id and t.epoch = r.epoch \
           where r.owner = $3 and r.state = 'running' order by r.id for update of r), \
         ended as (\
           update runs r set state = 'succeeded', finished_at = clock_timestamp(), lease_until = null \
           from wanted w where r.id = w.id returning r.id, r.org_id, r.epoch, r.started_at, r.finished_at, \
             r.schedule_id, r.title, r.state, r.message, true as began)",
        called_by_end!(),
        ", \
         step as (\
           insert into run_steps (run_id, step, name, action, target, state, started_at, finished_at) \
           select e.id, s.step, s.name, s.action, '', 'succeeded', e.started_at, e.finished_at \
           from unnest($4, $5, $6, $7) as s (run_id, step, name, action) join ended e on e.id = s.run_id), \
         line as (\
           insert into run_logs (run_id, step, ordinal, attempt, seq, chunk, size, lines) \
           select e.id, -1, -1, e.epoch, 0, l.chunk, l.size, l.lines \
           from unnest($8, $9, $10, $11) as l (run_id, chunk, size, lines) join ended e on e.id = l.run_id), \
         job as (delete from apalis.jobs where id = any($12)), \
         event as (insert into events (org_id, kind, object_id) select org_id, 'run', id from ended) \
         select id, set_config('synchronous_commit', 'off', true) as durable from ended",
    ))
    .bind::<Array<SqlUuid>, _>(ends.iter().map(|end| end.run.0).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(ends.iter().map(|end| end.epoch).collect::<Vec<_>>())
    .bind::<SqlUuid, _>(control.server_id().0)
    .bind::<Array<SqlUuid>, _>(step_runs)
    .bind::<Array<Integer>, _>(step_numbers)
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Jsonb>, _>(actions)
    .bind::<Array<SqlUuid>, _>(log_runs)
    .bind::<Array<Binary>, _>(chunks)
    .bind::<Array<Integer>, _>(sizes)
    .bind::<Array<Integer>, _>(lines)
    .bind::<Array<Text>, _>(jobs.ids)
    .load(&mut conn)
    .await?;
    drop(conn);
    let ended: HashSet<Uuid> = ended.into_iter().map(|row| row.id).collect();
    held::after_end(control, &ended.iter().map(|id| RunId(*id)).collect::<Vec<_>>()).await;
    Ok(ends.iter().map(|end| ended.contains(&end.run.0)).collect())
}
