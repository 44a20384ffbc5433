//! How a schedule became what it is: who saved it, when, and what that changed. Read from the audit log, which keeps the
//! definition before and after each change.

use super::queries;
use crate::{
    Control,
    error::Result,
    pages::{self, ListQuery},
};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    history::{ScheduleChange, differences},
    ids::{AuditId, ScheduleId},
    pages::Page,
};
use serde_json::Value;
use uuid::Uuid;

/// What changes the schedule itself. Skips and moves are about single runs.
const ACTIONS: [&str; 7] = [
    "schedule.create",
    "schedule.update",
    "schedule.enable",
    "schedule.disable",
    "schedule.pause",
    "schedule.resume",
    "schedule.renew_webhook",
];
/// Beyond this many, `total` stays.
const COUNTED: i64 = 10_000;

const WHERE: &str = "where org_id = $1 and object_kind = 'schedule' and object_id = $2 and outcome = 'done' \
     and action = any($3)";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    via: Option<String>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    object_name: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    before: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    after: Option<Value>,
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// The changes of a schedule, the latest first.
///
/// # Errors
/// 403; 404 `schedule_not_found`; 400 `cursor_invalid`.
pub async fn history(
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    query: &ListQuery,
) -> Result<Page<ScheduleChange>> {
    actor.require(Permission::SchedulesRead)?;
    let (limit, after) = (query.limit(), pages::after(query)?);
    let mut conn = control.db().conn().await?;
    queries::row(&mut conn, actor.org_id, id).await?;
    let mut rows: Vec<Row> = diesel::sql_query(format!(
        "select id, at, actor, via->>'via' as via, action, object_name, before, after from audit {WHERE} \
         and ($4 is null or id < $4) order by id desc limit $5"
    ))
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Text, _>(id.to_string())
    .bind::<Array<Text>, _>(ACTIONS.as_slice())
    .bind::<Nullable<SqlUuid>, _>(after)
    .bind::<BigInt, _>(limit + 1)
    .load(&mut conn)
    .await?;
    let counted: Total = diesel::sql_query(format!(
        "select count(*) as total from (select 1 from audit {WHERE} limit $4) as t"
    ))
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Text, _>(id.to_string())
    .bind::<Array<Text>, _>(ACTIONS.as_slice())
    .bind::<BigInt, _>(COUNTED)
    .get_result(&mut conn)
    .await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    Ok(Page {
        next: rows.last().filter(|_| more).map(|row| row.id.to_string()),
        total: counted.total.unsigned_abs(),
        items: rows.into_iter().map(Row::view).collect(),
    })
}

impl Row {
    fn view(self) -> ScheduleChange {
        let changes = match (self.before, self.after) {
            (Some(before), Some(after)) => differences(&definition(before), &definition(after)),
            _ => Vec::new(),
        };
        ScheduleChange {
            id: AuditId(self.id),
            at: self.at,
            by: self.actor,
            via: self.via.unwrap_or_default(),
            action: self
                .action
                .strip_prefix("schedule.")
                .map_or_else(|| self.action.clone(), str::to_owned),
            name: self.object_name.unwrap_or_default(),
            changes,
        }
    }
}

/// What was written of the schedule, as the API has it: guards stand beside the rest. A skip is about one run.
fn definition(mut written: Value) -> Value {
    if let Value::Object(fields) = &mut written {
        fields.remove("skipping");
        if let Some(Value::Object(guards)) = fields.remove("guards") {
            fields.extend(guards);
        }
    }
    written
}
