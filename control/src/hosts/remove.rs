//! Removing a host.

use super::{change, queries};
use crate::{
    Control,
    audit::{self, Entry},
    error::Result,
    events::{Kind, publish},
    schema::{hosts, schedules},
};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{HostId, OrgId, ScheduleId},
    schedules::Step,
    selectors::Selector,
};
use serde::Serialize;

/// A schedule that names a host.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Named {
    id: ScheduleId,
    name: String,
}

/// Removes a host from Chrontainer, with its keys, its history and what was known of its containers; on the host itself
/// nothing changes. Schedules that name it stay, and must be accepted by `force`.
///
/// # Errors
/// 403; 404; 409 `host_has_schedules` with the list.
pub async fn delete(control: &Control, actor: &Actor, id: HostId, force: bool) -> Result<()> {
    actor.require(Permission::HostsManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let row = queries::find(conn, actor.org_id, id)
            .await?
            .ok_or_else(|| Problem::not_found("host"))?;
        let named = schedules_of(conn, actor.org_id, id).await?;
        if !named.is_empty() && !force {
            return Err(has_schedules(&row.name, &named).into());
        }
        diesel::delete(hosts::table.filter(hosts::id.eq(id.0)))
            .execute(conn)
            .await?;
        let entry = Entry::new("host.delete", "host")
            .object(id, &row.name)
            .before(change::written(&row));
        audit::record(conn, actor, entry).await?;
        publish(conn, actor.org_id, Kind::HostRemoved, id.0).await?;
        crate::Result::<()>::Ok(())
    })
    .await?;
    change::ring(control);
    Ok(())
}

/// The schedules with a step that names the host, by name.
async fn schedules_of(conn: &mut AsyncPgConnection, org: OrgId, host: HostId) -> Result<Vec<Named>> {
    let rows: Vec<(uuid::Uuid, String, serde_json::Value)> = schedules::table
        .filter(schedules::org_id.eq(org.0))
        .filter(schedules::deleted_at.is_null())
        .order(schedules::name)
        .select((schedules::id, schedules::name, schedules::steps))
        .load(conn)
        .await?;
    let names = |steps: &serde_json::Value| {
        let steps: Vec<Step> = serde_json::from_value(steps.clone()).unwrap_or_default();
        steps.iter().any(|step| {
            Selector::parse_target(&step.target)
                .is_ok_and(|selector| selector.host_ids().any(|named| named == host))
        })
    };
    Ok(rows
        .into_iter()
        .filter(|(_, _, steps)| names(steps))
        .map(|(id, name, _)| Named {
            id: ScheduleId(id),
            name,
        })
        .collect())
}

fn has_schedules(host: &str, named: &[Named]) -> Problem {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = named
        .iter()
        .take(SHOWN)
        .map(|schedule| format!("\"{}\"", schedule.name))
        .collect();
    if named.len() > SHOWN {
        names.push(format!("{} more", named.len() - SHOWN));
    }
    let (count, verb) = match named.len() {
        1 => ("1 schedule".to_owned(), "names"),
        many => (format!("{many} schedules"), "name"),
    };
    Problem::new(
        ErrorClass::Conflict,
        "host_has_schedules",
        format!(
            "{count} {verb} {host}: {}. Without it their steps find nothing there. Change them first, or delete the host all \
             the same with force.",
            names.join(", ")
        ),
    )
    .with("schedules", named)
}
