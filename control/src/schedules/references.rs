//! Other schedules that a schedule names: in its steps and in its triggers. What is stored is their ids.

use crate::error::Result;
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    errors::Problem,
    ids::{OrgId, ScheduleId},
    schedules::Trigger,
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// What a file that is being applied makes of the names: looked at before the table is asked.
#[derive(Debug, Default)]
pub(super) struct InFile {
    /// By ids, and by names in lower case. Those that the file creates have the ids that they will get.
    pub known: HashMap<String, ScheduleId>,
    /// Those that it deletes.
    pub gone: HashSet<ScheduleId>,
}

/// A schedule by its id or name.
///
/// # Errors
/// 422 `unknown_schedule` with the field.
pub(super) async fn id_of(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    file: &InFile,
    wanted: &str,
    field: &str,
) -> Result<ScheduleId> {
    if let Some(id) = file.known.get(&wanted.trim().to_lowercase()) {
        return Ok(*id);
    }
    let found: Option<Known> = diesel::sql_query(
        "select id, name from schedules where org_id = $1 and deleted_at is null \
         and (id::text = lower($2) or lower(name) = lower($2))",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(wanted.trim())
    .get_result(conn)
    .await
    .optional()?;
    match found {
        Some(found) if file.gone.contains(&ScheduleId(found.id)) => Err(Problem::invalid(
            "unknown_schedule",
            field,
            format!(
                "The schedule {} is not in the file and would be deleted with this. Add it to the file, or keep it.",
                found.name
            ),
        )
        .into()),
        Some(found) => Ok(ScheduleId(found.id)),
        None => Err(Problem::invalid(
            "unknown_schedule",
            field,
            format!("There is no schedule with the name or id {wanted}. It may have been deleted."),
        )
        .into()),
    }
}

/// The names of the schedules whose outcomes are waited for, by what the triggers call them. Unknown ones are left out.
pub(super) async fn names(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    triggers: &[Trigger],
) -> Result<HashMap<String, String>> {
    let called: Vec<String> = triggers
        .iter()
        .filter_map(|trigger| match trigger {
            Trigger::Outcome { schedule, .. } => Some(schedule.clone()),
            _ => None,
        })
        .collect();
    if called.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: Vec<String> = called.iter().map(|text| text.trim().to_lowercase()).collect();
    let known: Vec<Known> = diesel::sql_query(
        "select id, name from schedules where org_id = $1 and deleted_at is null \
         and (id::text = any($2) or lower(name) = any($2))",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Array<Text>, _>(&wanted)
    .load(conn)
    .await?;
    Ok(called
        .into_iter()
        .zip(wanted)
        .filter_map(|(called, wanted)| {
            let found = known
                .iter()
                .find(|known| known.id.to_string() == wanted || known.name.to_lowercase() == wanted)?;
            Some((called, found.name.clone()))
        })
        .collect())
}
