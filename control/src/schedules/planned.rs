//! What is planned next for whom: the fleet shows it beside every container.

use super::{queries::undecided, spread::Spread};
use crate::{Control, error::Result};
use diesel::{
    QueryableByName,
    sql_types::{Array, Jsonb, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    Timestamp,
    actions::WorksOn,
    ids::{OrgId, ScheduleId},
    schedules::Step,
    selectors::Selector,
};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// A coming fire, for the containers of one of its steps.
#[derive(Clone, Debug)]
pub struct Planned {
    pub schedule_id: ScheduleId,
    pub name: String,
    pub next_at: Timestamp,
    /// The step's verb.
    pub action: String,
    pub selector: Selector,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    timezone: String,
    #[diesel(sql_type = Jsonb)]
    triggers: Value,
    #[diesel(sql_type = Jsonb)]
    steps: Value,
    #[diesel(sql_type = Timestamptz)]
    anchor_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    next_at: Timestamp,
    #[diesel(sql_type = Array<Timestamptz>)]
    decided: Vec<Timestamp>,
    #[diesel(sql_type = Array<Timestamptz>)]
    moved: Vec<Timestamp>,
    #[diesel(sql_type = Jsonb)]
    guards: Value,
}

/// The next fire that is not skipped of every enabled schedule, a line per step that works on containers; soonest first
/// per organisation, and the steps of one schedule in their order.
pub(crate) async fn planned(control: &Control) -> Result<HashMap<OrgId, Vec<Planned>>> {
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(
        "select s.id, s.org_id, s.name, s.timezone, s.triggers, s.steps, s.anchor_at, s.next_at, s.guards, \
           array(select f.fire_at from schedule_fires f where f.schedule_id = s.id and f.fire_at >= s.next_at \
             and f.run_id is null) as decided, \
           array(select f.moved_to from schedule_fires f where f.schedule_id = s.id and f.moved_to >= s.next_at) as moved \
         from schedules s \
         where s.next_at is not null and s.enabled and s.deleted_at is null order by s.next_at",
    )
    .load(&mut conn)
    .await?;
    drop(conn);
    let mut planned: HashMap<OrgId, Vec<Planned>> = HashMap::new();
    for row in rows {
        let next_at = undecided(
            &row.triggers,
            &row.timezone,
            row.anchor_at,
            row.next_at,
            &row.decided,
            &row.moved,
        );
        let guards = serde_json::from_value(row.guards).unwrap_or_default();
        let spread = Spread::new(ScheduleId(row.id), &guards);
        let next_at = next_at.map(|at| spread.due(at));
        let (Some(next_at), Ok(steps)) = (next_at, serde_json::from_value::<Vec<Step>>(row.steps)) else {
            continue;
        };
        let on_containers = |step: &&Step| step.action.works_on() == WorksOn::Containers;
        for step in steps.iter().filter(on_containers) {
            if let Ok(selector) = Selector::parse_target(&step.target) {
                planned.entry(OrgId(row.org_id)).or_default().push(Planned {
                    schedule_id: ScheduleId(row.id),
                    name: row.name.clone(),
                    next_at,
                    action: step.action.verb().to_owned(),
                    selector,
                });
            }
        }
    }
    for list in planned.values_mut() {
        // A skip or jitter moved some back; the sort keeps the order of steps.
        list.sort_by_key(|planned| planned.next_at);
    }
    Ok(planned)
}
