//! What the ticker decides in one transaction, and how that is written at once.

use super::{
    decide::{Missed, decide},
    definition::Definition,
};
use crate::{
    db::statement,
    error::Result,
    runs::{JobTexts, QUEUE},
};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{Timestamp, ids::RunId};
use serde_json::Value;
use uuid::Uuid;

/// A schedule whose time has come.
#[derive(QueryableByName)]
pub(super) struct Due {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub timezone: String,
    #[diesel(sql_type = Jsonb)]
    pub triggers: Value,
    #[diesel(sql_type = Timestamptz)]
    pub anchor_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    pub next_at: Timestamp,
    /// Where fires were moved to.
    #[diesel(sql_type = Array<Timestamptz>)]
    pub moved: Vec<Timestamp>,
    /// Nothing but no-ops.
    #[diesel(sql_type = Bool)]
    pub is_quick: bool,
    #[diesel(sql_type = Timestamptz)]
    pub now: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub up_since: Option<Timestamp>,
}

/// What one transaction writes, as the arrays that its statement unnests.
#[derive(Default)]
pub(super) struct Batch {
    fire_schedules: Vec<Uuid>,
    fire_times: Vec<Timestamp>,
    fire_states: Vec<&'static str>,
    fire_runs: Vec<Uuid>,
    runs: Vec<Uuid>,
    run_schedules: Vec<Uuid>,
    run_states: Vec<&'static str>,
    run_times: Vec<Timestamp>,
    run_messages: Vec<Option<String>>,
    job_runs: Vec<Uuid>,
    jobs: JobTexts,
    moved: Vec<Uuid>,
    moved_to: Vec<Option<Timestamp>>,
}

impl Batch {
    pub fn add(&mut self, due: &Due) {
        let next = match Definition::read(&due.triggers, &due.timezone, due.anchor_at) {
            Ok(definition) => {
                let definition = definition.with_moved(&due.moved);
                let decision = decide(&definition, due.next_at, due.now, due.up_since);
                if let Some(missed) = &decision.missed {
                    self.missed(due, missed);
                }
                for fire_at in decision.run {
                    let run = RunId::new();
                    self.fire(due.id, fire_at, "claimed", run.0);
                    self.run(run.0, due.id, "queued", fire_at, None);
                    self.job_runs.push(run.0);
                    self.jobs.push(run, due.is_quick);
                }
                decision.next
            }
            Err(why) => {
                // Taken out of the way, so that it cannot stop the others. Editing or enabling it brings it back.
                tracing::error!(schedule.id = %due.id, schedule.name = %due.name, %why, "a schedule cannot be read and is set aside");
                None
            }
        };
        self.moved.push(due.id);
        self.moved_to.push(next);
    }

    /// Any number of missed times become one run, so that history shows the gap and not a thousand lines.
    fn missed(&mut self, due: &Due, missed: &Missed) {
        tracing::warn!(schedule.id = %due.id, schedule.name = %due.name, count = missed.count, "fire times were missed");
        let run = RunId::new().0;
        for fire_at in &missed.recorded {
            self.fire(due.id, *fire_at, "missed", run);
        }
        self.run(run, due.id, "missed", missed.last, Some(missed.describe()));
    }

    fn fire(&mut self, schedule: Uuid, at: Timestamp, state: &'static str, run: Uuid) {
        self.fire_schedules.push(schedule);
        self.fire_times.push(at);
        self.fire_states.push(state);
        self.fire_runs.push(run);
    }

    fn run(
        &mut self,
        run: Uuid,
        schedule: Uuid,
        state: &'static str,
        at: Timestamp,
        message: Option<String>,
    ) {
        self.runs.push(run);
        self.run_schedules.push(schedule);
        self.run_states.push(state);
        self.run_times.push(at);
        self.run_messages.push(message);
    }

    /// Gives how many runs were made.
    pub async fn write(self, conn: &mut AsyncPgConnection) -> Result<i64> {
        let wanted = self.fire_times.len() as i64;
        let written: Written = statement(
            "with fires as (\
               insert into schedule_fires (schedule_id, fire_at, org_id, state, run_id) \
               select t.schedule, t.fire_at, s.org_id, t.state, t.run \
               from unnest($1, $2, $3, $4) as t (schedule, fire_at, state, run) join schedules s on s.id = t.schedule \
               on conflict do nothing returning run_id), \
             made as (\
               insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, scheduled_for, queued_at, \
                 finished_at, message) \
               select t.run, s.org_id, s.id, s.name, '{\"type\":\"schedule\"}', jsonb_build_object('steps', s.steps, 'guards', s.guards), \
                 s.acts_for, t.state, t.fire_at, clock_timestamp(), case t.state when 'missed' then clock_timestamp() end, \
                 t.message \
               from unnest($5, $6, $7, $8, $9) as t (run, schedule, state, fire_at, message) \
               join schedules s on s.id = t.schedule where t.run in (select run_id from fires) \
               returning id, org_id, state), \
             job as (\
               insert into apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
               select t.id, $10, t.job, 'Pending', 0, 1, now(), 0, ''::hstore \
               from unnest($11, $12, $13) as t (run, id, job) where t.run in (select id from made)), \
             moved as (\
               update schedules s set next_at = t.next_at from unnest($14, $15) as t (id, next_at) where s.id = t.id \
               returning s.id, s.org_id), \
             event as (\
               insert into events (org_id, kind, object_id) \
               select org_id, 'run', id from made union all select org_id, 'schedule', id from moved) \
             select (select count(*) from fires) as fires, (select count(*) from made) as runs, \
               set_config('synchronous_commit', 'off', true) as durable",
        )
        .bind::<Array<SqlUuid>, _>(self.fire_schedules.clone())
        .bind::<Array<Timestamptz>, _>(self.fire_times.clone())
        .bind::<Array<Text>, _>(self.fire_states.clone())
        .bind::<Array<SqlUuid>, _>(self.fire_runs.clone())
        .bind::<Array<SqlUuid>, _>(self.runs.clone())
        .bind::<Array<SqlUuid>, _>(self.run_schedules.clone())
        .bind::<Array<Text>, _>(self.run_states.clone())
        .bind::<Array<Timestamptz>, _>(self.run_times.clone())
        .bind::<Array<Nullable<Text>>, _>(self.run_messages.clone())
        .bind::<Text, _>(QUEUE)
        .bind::<Array<SqlUuid>, _>(self.job_runs.clone())
        .bind::<Array<Text>, _>(self.jobs.ids.clone())
        .bind::<Array<Binary>, _>(self.jobs.bodies.clone())
        .bind::<Array<SqlUuid>, _>(self.moved.clone())
        .bind::<Array<Nullable<Timestamptz>>, _>(self.moved_to.clone())
        .get_result(conn)
        .await?;
        if written.fires < wanted {
            self.show_skips(conn).await?;
        }
        Ok(written.runs)
    }

    /// Fire times that were skipped in advance: history shows them too.
    async fn show_skips(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        diesel::sql_query(
            "with skipped as (\
               select f.schedule_id, f.fire_at, f.reason, t.run \
               from unnest($1, $2, $3) as t (schedule, fire_at, run) \
               join schedule_fires f on f.schedule_id = t.schedule and f.fire_at = t.fire_at \
               where f.state = 'skipped' and f.run_id is null), \
             made as (\
               insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, scheduled_for, finished_at, message) \
               select k.run, s.org_id, s.id, s.name, '{\"type\":\"schedule\"}', jsonb_build_object('steps', s.steps, 'guards', s.guards), s.acts_for, \
                 'skipped', k.fire_at, clock_timestamp(), coalesce(k.reason, 'Skipped.') \
               from skipped k join schedules s on s.id = k.schedule_id \
               on conflict (id) do nothing returning id, org_id), \
             event as (insert into events (org_id, kind, object_id) select org_id, 'run', id from made) \
             update schedule_fires f set run_id = k.run from skipped k join made m on m.id = k.run \
             where f.schedule_id = k.schedule_id and f.fire_at = k.fire_at",
        )
        .bind::<Array<SqlUuid>, _>(&self.fire_schedules)
        .bind::<Array<Timestamptz>, _>(&self.fire_times)
        .bind::<Array<SqlUuid>, _>(&self.fire_runs)
        .execute(conn)
        .await?;
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = BigInt)]
    fires: i64,
    #[diesel(sql_type = BigInt)]
    runs: i64,
}
