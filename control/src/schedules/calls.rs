//! Calls: what asks schedules to run beside their clocks, engine events and ends of other schedules' runs.
//!
//! A call is written where it arises, for the end of a run in that very transaction. The ticker decides each once, under
//! the lock of its schedule, as it does fire times: all guards hold. What was decided is kept for a day, so that a server
//! that hears of an event late does not take it for a new one.

use super::{
    batch::{Asked, Batch, Written},
    due::{Due, closed, hold, select_due, standing},
};
use crate::{Control, db::statement, error::Result, events::Topic, runs, runs::faults};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{Timestamp, ids::RunId, runs::RunTrigger};
use serde_json::{Value, json};
use uuid::Uuid;

/// Schedules whose calls are decided in one transaction, and calls of all of them.
const BATCH: i64 = 100;
const MOST: i64 = 1000;

/// A part of statements that end runs: calls the schedules that wait for their outcomes. Reads `ended` with `id`, `org_id`,
/// `schedule_id`, `title`, `state`, `message` and `began`.
macro_rules! called_by_end {
    () => {
        ", called as (\
                insert into schedule_calls (schedule_id, key, org_id, trigger, payload, due_at) \
                select s.id, e.id::text, s.org_id, jsonb_build_object('type', 'outcome', 'by', e.title, 'of', e.id), \
                  jsonb_build_object('schedule', e.title, 'run', e.id, 'status', e.state, 'message', coalesce(e.message, '')), \
                  clock_timestamp() \
                from ended e join schedules s on s.org_id = e.org_id and s.enabled and s.deleted_at is null \
                  and s.triggers @> '[{\"type\":\"outcome\"}]' \
                  and s.triggers @> jsonb_build_array(jsonb_build_object('type', 'outcome', 'schedule', e.schedule_id)) \
                  and (s.paused_until is null or s.paused_until <= clock_timestamp()) \
                where e.schedule_id is not null and e.began and exists (select 1 from jsonb_array_elements(s.triggers) t \
                  where t->>'type' = 'outcome' and t->>'schedule' = e.schedule_id::text and case t->>'of' when 'any' then true \
                    when 'success' then e.state = 'succeeded' else e.state in ('failed', 'partial', 'unknown') end) \
                on conflict do nothing)"
    };
}
pub(crate) use called_by_end;

/// A call as it is stored.
#[derive(QueryableByName)]
struct Call {
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Jsonb)]
    trigger: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    payload: Option<Value>,
    #[diesel(sql_type = Bool)]
    gathers: bool,
    #[diesel(sql_type = Timestamptz)]
    due_at: Timestamp,
}

/// Decides the calls that are due. Gives how many were decided.
///
/// # Errors
/// When the database does not answer; what was not committed is undecided, and taken again.
pub(super) async fn take(control: &Control) -> Result<usize> {
    let mut conn = control.db().conn().await?;
    let (decided, mut written) = conn
        .transaction(async |conn| {
            let mut decided = leave_alone(conn).await?;
            let due: Vec<Due> = statement(select_due!(
                "where s.id in (select c.schedule_id from schedule_calls c where c.decided_at is null \
                   and c.due_at <= clock_timestamp() order by c.due_at limit $2) order by s.id for update of s skip locked"
            ))
            .bind::<SqlUuid, _>(control.server_id().0)
            .bind::<BigInt, _>(BATCH)
            .load(conn)
            .await?;
            if due.is_empty() {
                return Ok::<_, crate::Error>((decided, Written::default()));
            }
            let calls = undecided(conn, &due).await?;
            let standing = standing(conn, &due).await?;
            let closed = closed(conn, &due).await?;
            let mut batch = Batch::here(control);
            let mut runs: Vec<(Uuid, String, Uuid)> = Vec::new();
            for schedule in &due {
                let own: Vec<&Call> = calls.iter().filter(|call| call.schedule_id == schedule.id).collect();
                let asked = asked(&own, &mut runs);
                let hold = hold(control, &closed, schedule);
                let standing = standing.get(&schedule.id).copied().unwrap_or_default();
                batch.add_asked(schedule, standing, hold.as_ref(), &asked);
            }
            decided += runs.len();
            let written = batch.write(conn).await?;
            decide(conn, runs).await?;
            faults::point("calls_decided");
            Ok((decided, written))
        })
        .await?;
    drop(conn);
    if written.runs > 0 {
        written.begin(control);
        control.wake(Topic::Events);
        written.count("chrontainer_calls_total");
    }
    if !written.waiting.is_empty() {
        runs::release(control, Some(&written.waiting)).await?;
    }
    Ok(decided)
}

/// Calls of schedules that were switched off, paused or deleted meanwhile run nothing.
async fn leave_alone(conn: &mut AsyncPgConnection) -> Result<usize> {
    Ok(statement(
        "update schedule_calls c set decided_at = clock_timestamp() where c.decided_at is null \
         and c.due_at <= clock_timestamp() and not exists (select 1 from schedules s where s.id = c.schedule_id and s.enabled \
           and s.deleted_at is null and (s.paused_until is null or s.paused_until <= clock_timestamp()))",
    )
    .execute(conn)
    .await?)
}

/// What is due of these schedules, with all that gathers beside it. The caller has their locks.
async fn undecided(conn: &mut AsyncPgConnection, due: &[Due]) -> Result<Vec<Call>> {
    Ok(statement(
        "select schedule_id, key, trigger, payload, gathers, due_at from schedule_calls c \
         where schedule_id = any($1) and decided_at is null and (due_at <= clock_timestamp() or gathers and exists (\
           select 1 from schedule_calls o where o.schedule_id = c.schedule_id and o.decided_at is null and o.gathers \
             and o.due_at <= clock_timestamp())) \
         order by at, key limit $2",
    )
    .bind::<Array<SqlUuid>, _>(due.iter().map(|due| due.id).collect::<Vec<_>>())
    .bind::<BigInt, _>(MOST)
    .load(conn)
    .await?)
}

/// The runs that one schedule's calls ask for: those that gather become one, which is told of the last of them and of how
/// many there were.
fn asked(calls: &[&Call], runs: &mut Vec<(Uuid, String, Uuid)>) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    let gathered = calls.iter().filter(|call| call.gathers).count();
    let together = RunId::new();
    let mut seen = 0;
    for call in calls {
        let run = if call.gathers { together } else { RunId::new() };
        runs.push((call.schedule_id, call.key.clone(), run.0));
        if call.gathers {
            seen += 1;
            if seen < gathered {
                continue;
            }
        }
        let mut payload = call.payload.clone();
        if let Some(Value::Object(payload)) = payload.as_mut().filter(|_| call.gathers) {
            payload.insert("count".to_owned(), json!(gathered));
        }
        // A newer release's word for why it runs is no reason not to.
        let trigger = serde_json::from_value(call.trigger.clone()).unwrap_or(RunTrigger::Schedule);
        asked.push(Asked {
            run,
            trigger,
            payload,
            due_at: call.due_at,
        });
    }
    asked
}

async fn decide(conn: &mut AsyncPgConnection, runs: Vec<(Uuid, String, Uuid)>) -> Result<()> {
    let (mut schedules, mut keys, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for (schedule, key, run) in runs {
        schedules.push(schedule);
        keys.push(key);
        made.push(run);
    }
    statement(
        "update schedule_calls c set decided_at = clock_timestamp(), run_id = t.run \
         from unnest($1, $2, $3) as t (schedule, key, run) where c.schedule_id = t.schedule and c.key = t.key",
    )
    .bind::<Array<SqlUuid>, _>(schedules)
    .bind::<Array<Text>, _>(keys)
    .bind::<Array<SqlUuid>, _>(made)
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes what was decided a day ago.
pub(crate) async fn forget(conn: &mut AsyncPgConnection) -> Result<usize> {
    Ok(
        diesel::sql_query("delete from schedule_calls where decided_at < now() - interval '1 day'")
            .execute(conn)
            .await?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn call(number: usize, gathers: bool) -> Call {
        Call {
            schedule_id: Uuid::from_u128(1),
            key: number.to_string(),
            trigger: json!({ "type": "event", "by": number.to_string() }),
            payload: Some(json!({ "event": "die" })),
            gathers,
            due_at: Timestamp::UNIX_EPOCH,
        }
    }

    proptest! {
        /// Every call has a run, those that gather share one, and that one is told of the last of them.
        #[test]
        fn every_call_becomes_a_part_of_one_run(gathers in prop::collection::vec(any::<bool>(), 0..12)) {
            let calls: Vec<Call> = gathers.iter().enumerate().map(|(at, gathers)| call(at, *gathers)).collect();
            let mut runs = Vec::new();
            let asked = asked(&calls.iter().collect::<Vec<_>>(), &mut runs);
            let together = gathers.iter().filter(|gathers| **gathers).count();
            prop_assert_eq!(runs.len(), calls.len());
            prop_assert_eq!(asked.len(), calls.len() - together + usize::from(together > 0));
            for (_, key, run) in &runs {
                let made = asked.iter().find(|asked| asked.run.0 == *run).unwrap();
                let count = made.payload.as_ref().unwrap().get("count").cloned();
                if gathers[key.parse::<usize>().unwrap()] {
                    prop_assert_eq!(count, Some(json!(together)));
                    let last = gathers.iter().rposition(|gathers| *gathers).unwrap();
                    prop_assert_eq!(&made.trigger, &RunTrigger::Event { by: last.to_string() });
                } else {
                    prop_assert_eq!(count, None);
                    prop_assert_eq!(&made.trigger, &RunTrigger::Event { by: key.clone() });
                }
            }
        }
    }
}
