//! What executors before this one have written.

use super::{
    super::{queries::target_state, recover::Sight},
    StepEnd,
    target::{Intent, Target},
};
use crate::{Control, error::Result, schema::run_steps};
use diesel::{
    ExpressionMethods, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    sql_types::{BigInt, Binary, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    containers::ContainerState,
    ids::{ContainerId, HostId, RunId},
    runs::TargetState,
};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// The steps and targets that are stored already.
#[derive(Default)]
pub(super) struct Earlier {
    steps: HashMap<i32, (TargetState, Option<String>)>,
    targets: HashMap<i32, Vec<Target>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = run_steps)]
struct StepRow {
    step: i32,
    state: String,
    message: Option<String>,
}

#[derive(QueryableByName)]
struct TargetRow {
    #[diesel(sql_type = Integer)]
    step: i32,
    #[diesel(sql_type = Integer)]
    ordinal: i32,
    #[diesel(sql_type = SqlUuid)]
    host_id: Uuid,
    #[diesel(sql_type = Text)]
    host_name: String,
    #[diesel(sql_type = SqlUuid)]
    container_id: Uuid,
    #[diesel(sql_type = Text)]
    container_name: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    intent_engine_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    intent_started_at: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    intent_state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    intent_ref: Option<String>,
    /// Milliseconds since the intent was stored, on the database's clock.
    #[diesel(sql_type = Nullable<BigInt>)]
    since: Option<i64>,
    #[diesel(sql_type = Integer)]
    attempt: i32,
    /// Milliseconds until the next attempt.
    #[diesel(sql_type = Nullable<BigInt>)]
    pause: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    output: Option<Vec<u8>>,
}

impl Earlier {
    pub async fn load(control: &Control, run: RunId) -> Result<Self> {
        let mut conn = control.db().conn().await?;
        let steps: Vec<StepRow> = run_steps::table
            .filter(run_steps::run_id.eq(run.0))
            .select(StepRow::as_select())
            .load(&mut conn)
            .await?;
        let rows: Vec<TargetRow> = diesel::sql_query(
            "select step, ordinal, host_id, host_name, container_id, container_name, state, intent_engine_id, \
               intent_started_at, intent_state, intent_ref, attempt, message, output, \
               (extract(epoch from clock_timestamp() - coalesce(intent_at, started_at)) * 1000)::bigint as since, \
               (extract(epoch from next_attempt_at - clock_timestamp()) * 1000)::bigint as pause \
             from run_targets where run_id = $1 order by step, ordinal",
        )
        .bind::<SqlUuid, _>(run.0)
        .load(&mut conn)
        .await?;
        let mut earlier = Self::default();
        for step in steps {
            earlier
                .steps
                .insert(step.step, (target_state(&step.state)?, step.message));
        }
        for row in rows {
            let millis = |time: Option<i64>| {
                Duration::from_millis(time.unwrap_or_default().try_into().unwrap_or_default())
            };
            let (engine_id, started_at) = (row.intent_engine_id.clone(), row.intent_started_at);
            let intent = row.intent_state.map(|state| Intent {
                // Other actions than those on a container itself store only that they have begun.
                sight: engine_id.filter(|_| state != "begun").map(|engine_id| Sight {
                    engine_id,
                    started_at,
                    state: ContainerState::from_engine(&state),
                }),
                reference: row.intent_ref,
                since: millis(row.since),
            });
            let target = Target {
                ordinal: row.ordinal,
                host_id: (!row.host_id.is_nil()).then_some(HostId(row.host_id)),
                host_name: row.host_name,
                container_id: (!row.container_id.is_nil()).then_some(ContainerId(row.container_id)),
                name: row.container_name,
                state: target_state(&row.state)?,
                message: row.message,
                refused: None,
                intent,
                engine_id: row.intent_engine_id,
                attempt: row.attempt.try_into().unwrap_or(1),
                pause: row.pause.map(|pause| millis(Some(pause))),
                output: row
                    .output
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            };
            earlier.targets.entry(row.step).or_default().push(target);
        }
        Ok(earlier)
    }

    /// How the step ended, if it did.
    pub fn end(&self, step: i32) -> Option<StepEnd> {
        let (state, message) = self.steps.get(&step).filter(|(state, _)| state.is_final())?;
        let targets = self.targets.get(&step).into_iter().flatten();
        Some(StepEnd {
            state: *state,
            targets: targets.clone().map(|target| target.state).collect(),
            message: message.clone(),
            outputs: targets
                .map(|target| (target.container_id, target.output.clone().unwrap_or_default()))
                .collect(),
        })
    }

    /// Whether the step had begun.
    pub fn has(&self, step: i32) -> bool {
        self.steps.contains_key(&step)
    }

    /// The targets that were stored; nothing when the step had not begun.
    pub fn targets(&self, step: i32) -> Option<Vec<Target>> {
        self.has(step)
            .then(|| self.targets.get(&step).cloned().unwrap_or_default())
    }

    /// What the conditions said of the containers of the steps that had begun.
    pub fn judged(&self) -> HashMap<ContainerId, Option<String>> {
        let all = self.targets.values().flatten();
        all.filter_map(|target| {
            let left_alone = target.state == TargetState::Skipped;
            let why = target
                .message
                .clone()
                .filter(|why| left_alone && why.starts_with("Skipped:"));
            Some((target.container_id?, why))
        })
        .collect()
    }
}
