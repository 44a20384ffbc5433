//! What the ticker decides in one transaction, and how that is written at once.

use super::{
    decide::{Missed, decide},
    definition::Definition,
    due::Due,
    overlap::{self, Place, Standing},
    spread::Spread,
};
use crate::{
    Control,
    blackouts::Hold,
    db::statement,
    error::Result,
    runs::{self, HELD_BY_BLACKOUT, HELD_BY_OVERLAP, JobTexts, Place as RunPlace, QUEUE},
};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    blackouts::BlackoutPolicy,
    guards::{Guards, Overlap},
    ids::{RunId, ScheduleId},
    runs::{RunState, RunTrigger},
};
use metrics::counter;
use serde_json::Value;
use uuid::Uuid;

/// A run that something beside the clock asks for.
pub(super) struct Asked {
    /// Chosen before, so that whoever asks knows it.
    pub run: RunId,
    pub trigger: RunTrigger,
    pub payload: Option<Value>,
    pub due_at: Timestamp,
}

/// The run of a fire that is to be placed.
struct Fire<'a> {
    run: RunId,
    /// Its fire time, for what fires by the clock.
    fire_at: Option<Timestamp>,
    due_at: Timestamp,
    is_caught_up: bool,
    trigger: &'a RunTrigger,
    payload: Option<&'a Value>,
}

/// What one transaction writes, as the arrays that its statement unnests.
#[derive(Default)]
pub(super) struct Batch {
    /// The server that decides, where its own places are filled first.
    control: Option<Control>,
    /// Runs that begin here once they are committed, and need no job.
    here: Vec<(RunId, RunPlace)>,
    run_owners: Vec<Option<Uuid>>,
    fire_schedules: Vec<Uuid>,
    fire_times: Vec<Timestamp>,
    fire_states: Vec<&'static str>,
    fire_runs: Vec<Uuid>,
    fire_reasons: Vec<Option<String>>,
    runs: Vec<Uuid>,
    run_schedules: Vec<Uuid>,
    run_states: Vec<&'static str>,
    run_times: Vec<Timestamp>,
    run_messages: Vec<Option<String>>,
    run_triggers: Vec<Value>,
    run_payloads: Vec<Option<Value>>,
    run_priorities: Vec<i32>,
    run_alone: Vec<bool>,
    /// Made without a fire time: nobody else can have decided it.
    run_free: Vec<bool>,
    held_for: Vec<Option<&'static str>>,
    held_until: Vec<Option<Timestamp>>,
    job_runs: Vec<Uuid>,
    job_priorities: Vec<i32>,
    jobs: JobTexts,
    /// Schedules whose open runs give way.
    replaced: Vec<Uuid>,
    /// Schedules of which only the waiting runs give way.
    superseded: Vec<Uuid>,
    moved: Vec<Uuid>,
    moved_to: Vec<Option<Timestamp>>,
    moved_due: Vec<Option<Timestamp>>,
    /// Nothing will ever fire again.
    moved_done: Vec<bool>,
    /// Somebody is told of its runs, so that its commit waits for the disk.
    is_told: bool,
}

impl Batch {
    /// One whose runs begin on this very server, as far as it has places.
    pub fn here(control: &Control) -> Self {
        Self {
            control: Some(control.clone()),
            ..Self::default()
        }
    }

    /// One whose runs somebody is told of.
    pub fn told() -> Self {
        Self {
            is_told: true,
            ..Self::default()
        }
    }

    /// Decides what is due of one schedule, whose open runs are `standing`; `hold` is the blackout that it is in, if any.
    pub fn add(&mut self, due: &Due, standing: Standing, hold: Option<&Hold>) {
        let read = Definition::read(&due.triggers, &due.timezone, due.anchor_at)
            .and_then(|definition| Ok((definition.with_moved(&due.moved), due.guards()?)));
        let (next, due_at, is_done) = match (read, due.next_at) {
            (Ok((definition, guards)), Some(next_at)) => {
                let spread = Spread::new(ScheduleId(due.id), &guards);
                let decision = decide(
                    &definition,
                    &spread,
                    &guards.catch_up,
                    next_at,
                    due.now,
                    due.up_since,
                );
                if let Some(missed) = &decision.missed {
                    self.missed(due, &guards, missed);
                }
                let caught_up = decision.caught_up.iter().map(|at| (*at, true));
                let fires: Vec<_> = caught_up
                    .chain(decision.run.iter().map(|at| (*at, false)))
                    .map(|(at, is_caught_up)| Fire {
                        run: RunId::new(),
                        fire_at: Some(at),
                        due_at: spread.due(at),
                        is_caught_up,
                        trigger: &RunTrigger::Schedule,
                        payload: None,
                    })
                    .collect();
                self.place_all(due, &guards, standing, hold, &fires);
                let is_done = decision.next.is_none() && definition.is_finite();
                (decision.next, spread.due_at(decision.next), is_done)
            }
            (Err(why), _) => {
                // Taken out of the way, so that it cannot stop the others. Editing or enabling it brings it back.
                tracing::error!(schedule.id = %due.id, schedule.name = %due.name, %why, "a schedule cannot be read and is set aside");
                (None, None, false)
            }
            (Ok(_), None) => return,
        };
        self.moved.push(due.id);
        self.moved_to.push(next);
        self.moved_due.push(due_at);
        self.moved_done.push(is_done);
    }

    /// Places runs that something beside the clock asks for, as [`Batch::add`] does those of fire times.
    pub fn add_asked(&mut self, due: &Due, standing: Standing, hold: Option<&Hold>, asked: &[Asked]) {
        let guards = match due.guards() {
            Ok(guards) => guards,
            Err(why) => {
                tracing::error!(schedule.id = %due.id, schedule.name = %due.name, %why, "a schedule cannot be read and does not run");
                return;
            }
        };
        let fires: Vec<Fire<'_>> = asked
            .iter()
            .map(|asked| Fire {
                run: asked.run,
                fire_at: None,
                due_at: asked.due_at,
                is_caught_up: false,
                trigger: &asked.trigger,
                payload: asked.payload.as_ref(),
            })
            .collect();
        self.place_all(due, &guards, standing, hold, &fires);
    }

    fn place_all(
        &mut self,
        due: &Due,
        guards: &Guards,
        mut standing: Standing,
        hold: Option<&Hold>,
        fires: &[Fire<'_>],
    ) {
        let last = fires.len().saturating_sub(1);
        for (index, fire) in fires.iter().enumerate() {
            let mut place = overlap::place(guards, standing, fire.is_caught_up);
            if place == Place::Replace && index < last {
                place = Place::Skip("Skipped: a later run replaces it.".to_owned());
            }
            // A blackout lets nothing begin, and nothing give way to what does not begin.
            match hold.filter(|_| !matches!(place, Place::Skip(_))) {
                Some(hold) if hold.policy == BlackoutPolicy::Skip => {
                    self.place(due, guards, fire, Place::Skip(hold.describe()), &mut standing);
                }
                Some(hold) => self.postpone(due, guards, fire, hold, &mut standing),
                None => self.place(due, guards, fire, place, &mut standing),
            }
        }
    }

    /// It waits for the end of a blackout. Where only the newest may wait, it takes the place of those that do.
    fn postpone(
        &mut self,
        due: &Due,
        guards: &Guards,
        fire: &Fire<'_>,
        hold: &Hold,
        standing: &mut Standing,
    ) {
        let run = fire.run;
        if guards.overlap == Overlap::Replace && standing.waiting > 0 {
            self.superseded.push(due.id);
            standing.waiting = 0;
        }
        standing.waiting += 1;
        if let Some(fire_at) = fire.fire_at {
            self.fire(due.id, fire_at, "postponed", run.0, Some(hold.describe()));
        }
        self.run(due, guards, run.0, "waiting", fire, Some(hold.describe()));
        self.held_for.push(Some(HELD_BY_BLACKOUT));
        self.held_until.push(Some(hold.until));
    }

    fn place(&mut self, due: &Due, guards: &Guards, fire: &Fire<'_>, place: Place, standing: &mut Standing) {
        let run = fire.run;
        let mut owner = None;
        let (state, message, held) = match place {
            Place::Start => {
                standing.running += 1;
                let here = self.control.as_ref().and_then(|control| {
                    let place = control.runs().place(due.is_quick)?;
                    Some((place, control.server_id()))
                });
                match here {
                    Some((place, server)) => {
                        owner = Some(server.0);
                        self.here.push((run, place));
                    }
                    None => {
                        self.job_runs.push(run.0);
                        self.job_priorities.push(guards.priority);
                        self.jobs.push(run, due.is_quick);
                    }
                }
                ("queued", None, None)
            }
            Place::Wait => {
                standing.waiting += 1;
                ("waiting", Some(overlap::WAITS.to_owned()), Some(HELD_BY_OVERLAP))
            }
            Place::Replace => {
                // Those that run end soon; the ones that waited are gone.
                standing.waiting = 1;
                self.replaced.push(due.id);
                ("waiting", Some(overlap::WAITS.to_owned()), Some(HELD_BY_OVERLAP))
            }
            Place::Skip(why) => ("skipped", Some(why), None),
        };
        if let Some(fire_at) = fire.fire_at {
            let fire_state = if state == "skipped" { "skipped" } else { "claimed" };
            let reason = message.clone().filter(|_| state == "skipped");
            self.fire(due.id, fire_at, fire_state, run.0, reason);
        }
        self.run(due, guards, run.0, state, fire, message);
        self.held_for.push(held);
        self.held_until.push(None);
        if let Some(last) = self.run_owners.last_mut() {
            *last = owner;
        }
    }

    /// Any number of missed times become one run, so that history shows the gap and not a thousand lines.
    fn missed(&mut self, due: &Due, guards: &Guards, missed: &Missed) {
        tracing::warn!(schedule.id = %due.id, schedule.name = %due.name, count = missed.count, "fire times were missed");
        let run = RunId::new().0;
        for fire_at in &missed.recorded {
            self.fire(due.id, *fire_at, "missed", run, None);
        }
        let fire = Fire {
            run: RunId(run),
            fire_at: Some(missed.last),
            due_at: missed.last,
            is_caught_up: false,
            trigger: &RunTrigger::Schedule,
            payload: None,
        };
        self.run(due, guards, run, "missed", &fire, Some(missed.describe()));
        self.held_for.push(None);
        self.held_until.push(None);
    }

    fn fire(
        &mut self,
        schedule: Uuid,
        at: Timestamp,
        state: &'static str,
        run: Uuid,
        reason: Option<String>,
    ) {
        self.fire_schedules.push(schedule);
        self.fire_times.push(at);
        self.fire_states.push(state);
        self.fire_runs.push(run);
        self.fire_reasons.push(reason);
    }

    fn run(
        &mut self,
        due: &Due,
        guards: &Guards,
        run: Uuid,
        state: &'static str,
        fire: &Fire<'_>,
        message: Option<String>,
    ) {
        self.runs.push(run);
        self.run_schedules.push(due.id);
        self.run_states.push(state);
        self.run_times.push(fire.due_at);
        self.run_messages.push(message);
        self.run_triggers
            .push(serde_json::to_value(fire.trigger).unwrap_or_default());
        self.run_payloads.push(fire.payload.cloned());
        self.run_priorities.push(guards.priority);
        self.run_alone.push(guards.overlap != Overlap::Allow);
        self.run_free.push(fire.fire_at.is_none());
        self.run_owners.push(None);
    }

    /// Writes it all at once.
    pub async fn write(self, conn: &mut AsyncPgConnection) -> Result<Written> {
        let wanted = self.fire_times.len() as i64;
        let written: Counts = statement(
            "with fires as (\
               insert into schedule_fires (schedule_id, fire_at, org_id, state, run_id, reason) \
               select t.schedule, t.fire_at, s.org_id, t.state, t.run, t.reason \
               from unnest($1, $2, $3, $4, $5) as t (schedule, fire_at, state, run, reason) \
               join schedules s on s.id = t.schedule and (s.fires_until is null or t.fire_at > s.fires_until) \
               on conflict do nothing returning run_id), \
             replaced as (\
               update runs r set state = case when r.state in ('waiting', 'queued') then 'cancelled' else 'cancelling' end, \
                 finished_at = case when r.state in ('waiting', 'queued') then clock_timestamp() end, \
                 message = case when r.state in ('waiting', 'queued') then 'Replaced by a newer run before it started.' \
                   else r.message end, \
                 cancel_requested_at = coalesce(r.cancel_requested_at, clock_timestamp()), \
                 cancel_requested_by = coalesce(r.cancel_requested_by, 'its schedule, as a newer run replaces it') \
               from (select id from runs where schedule_id = any($22) and state in ('waiting', 'queued', 'running') \
                   or schedule_id = any($28) and state = 'waiting' \
                 order by id for update) o where r.id = o.id returning r.id, r.org_id), \
             made as (\
               insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, scheduled_for, queued_at, \
                 finished_at, message, priority, alone, held_for, held_until, owner) \
               select t.run, s.org_id, s.id, s.name, t.trigger, jsonb_build_object('steps', s.steps, 'guards', s.guards) \
                   || case when t.payload is null then '{}' else jsonb_build_object('payload', t.payload) end, \
                 s.acts_for, t.state, t.due_at, clock_timestamp(), \
                 case when t.state in ('missed', 'skipped') then clock_timestamp() end, t.message, t.priority, t.alone, \
                 t.held_for, t.held_until, t.owner \
               from unnest($6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $30) \
                 as t (run, schedule, state, due_at, message, trigger, payload, priority, alone, free, held_for, held_until, \
                   owner) \
               join schedules s on s.id = t.schedule where t.free or t.run in (select run_id from fires) \
               returning id, org_id, state), \
             job as (\
               insert into apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
               select t.id, $18, t.job, 'Pending', 0, 1, now(), t.priority, ''::hstore \
               from unnest($19, $20, $21, $23) as t (run, id, job, priority) where t.run in (select id from made)), \
             moved as (\
               update schedules s set next_at = t.next_at, due_at = t.due_at, \
                 done_at = case when t.done then clock_timestamp() end \
               from unnest($24, $25, $26, $27) as t (id, next_at, due_at, done) where s.id = t.id \
               returning s.id, s.org_id), \
             event as (\
               insert into events (org_id, kind, object_id) \
               select org_id, 'run', id from made union all select org_id, 'run', id from replaced \
               union all select org_id, 'schedule', id from moved) \
             select (select count(*) from fires) as fires, (select count(*) from made) as runs, \
               (select count(*) from made where state = 'missed') as missed, \
               (select count(*) from made where state = 'skipped') as skipped, \
               set_config('synchronous_commit', case when $29 then current_setting('synchronous_commit') else 'off' end, true) \
                 as durable",
        )
        .bind::<Array<SqlUuid>, _>(self.fire_schedules.clone())
        .bind::<Array<Timestamptz>, _>(self.fire_times.clone())
        .bind::<Array<Text>, _>(self.fire_states.clone())
        .bind::<Array<SqlUuid>, _>(self.fire_runs.clone())
        .bind::<Array<Nullable<Text>>, _>(self.fire_reasons.clone())
        .bind::<Array<SqlUuid>, _>(self.runs.clone())
        .bind::<Array<SqlUuid>, _>(self.run_schedules.clone())
        .bind::<Array<Text>, _>(self.run_states.clone())
        .bind::<Array<Timestamptz>, _>(self.run_times.clone())
        .bind::<Array<Nullable<Text>>, _>(self.run_messages.clone())
        .bind::<Array<Jsonb>, _>(self.run_triggers.clone())
        .bind::<Array<Nullable<Jsonb>>, _>(self.run_payloads.clone())
        .bind::<Array<Integer>, _>(self.run_priorities.clone())
        .bind::<Array<Bool>, _>(self.run_alone.clone())
        .bind::<Array<Bool>, _>(self.run_free.clone())
        .bind::<Array<Nullable<Text>>, _>(self.held_for.clone())
        .bind::<Array<Nullable<Timestamptz>>, _>(self.held_until.clone())
        .bind::<Text, _>(QUEUE)
        .bind::<Array<SqlUuid>, _>(self.job_runs.clone())
        .bind::<Array<Text>, _>(self.jobs.ids.clone())
        .bind::<Array<Binary>, _>(self.jobs.bodies.clone())
        .bind::<Array<SqlUuid>, _>(self.replaced.clone())
        .bind::<Array<Integer>, _>(self.job_priorities.clone())
        .bind::<Array<SqlUuid>, _>(self.moved.clone())
        .bind::<Array<Nullable<Timestamptz>>, _>(self.moved_to.clone())
        .bind::<Array<Nullable<Timestamptz>>, _>(self.moved_due.clone())
        .bind::<Array<Bool>, _>(self.moved_done.clone())
        .bind::<Array<SqlUuid>, _>(self.superseded.clone())
        .bind::<Bool, _>(self.is_told)
        .bind::<Array<Nullable<SqlUuid>>, _>(self.run_owners.clone())
        .get_result(conn)
        .await?;
        if written.fires < wanted {
            self.show_skips(conn).await?;
        }
        let waiting = self.held_for.iter().zip(&self.run_schedules);
        let mut waiting: Vec<Uuid> = waiting
            .filter(|(held, _)| held.is_some())
            .map(|(_, schedule)| *schedule)
            .collect();
        waiting.dedup();
        Ok(Written {
            runs: written.runs,
            missed: written.missed,
            skipped: written.skipped,
            jobs: !self.job_runs.is_empty(),
            here: self.here,
            waiting,
        })
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
        .bind::<Array<SqlUuid>, _>(self.fire_schedules.clone())
        .bind::<Array<Timestamptz>, _>(self.fire_times.clone())
        .bind::<Array<SqlUuid>, _>(&self.fire_runs)
        .execute(conn)
        .await?;
        Ok(())
    }
}

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    /// Runs that were made.
    pub runs: i64,
    /// Of them those that ended as they were made.
    missed: i64,
    skipped: i64,
    /// There is something in the queue.
    jobs: bool,
    /// Runs that begin here.
    here: Vec<(RunId, RunPlace)>,
    /// Schedules of which runs wait: what they wait for may have ended while this was written.
    pub waiting: Vec<Uuid>,
}

impl Written {
    /// Begins what begins here, and rings for the rest; once it is committed.
    pub fn begin(&mut self, control: &Control) {
        for (run, place) in self.here.drain(..) {
            place.execute(control, run);
        }
        if self.jobs {
            control.runs().ring();
        }
    }

    /// Counts what was made, once it is committed.
    pub fn count(&self, made: &'static str) {
        counter!(made).increment(self.runs.unsigned_abs());
        runs::ended_at_once(RunState::Missed, self.missed.unsigned_abs());
        runs::ended_at_once(RunState::Skipped, self.skipped.unsigned_abs());
    }
}

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    fires: i64,
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    missed: i64,
    #[diesel(sql_type = BigInt)]
    skipped: i64,
}
