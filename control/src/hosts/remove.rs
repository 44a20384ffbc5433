//! Removing a host.

use super::{change, queries};
use crate::{
    Control,
    audit::{self, Entry},
    error::Result,
    events::{Kind, publish},
    schema::{blackouts, hosts, schedules},
};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    blackouts::BlackoutOn,
    errors::{ErrorClass, Problem},
    guards::{Condition, Guards},
    ids::{HostId, OrgId},
    schedules::Step,
    selectors::Selector,
    triggers::Trigger,
};
use serde::Serialize;

/// A schedule or blackout that names a host.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Named {
    id: uuid::Uuid,
    name: String,
}

/// Removes a host from Chrontainer, with its keys, its history and what was known of its containers; on the host itself
/// nothing changes. Schedules and blackouts that name it stay, and must be accepted by `force`.
///
/// # Errors
/// 403; 404; 409 `host_has_schedules` with the lists.
pub async fn delete(control: &Control, actor: &Actor, id: HostId, force: bool) -> Result<()> {
    actor.require(Permission::HostsManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let row = queries::find(conn, actor.org_id, id)
            .await?
            .ok_or_else(|| Problem::not_found("host"))?;
        let named = schedules_of(conn, actor.org_id, id).await?;
        let closed = blackouts_of(conn, actor.org_id, id).await?;
        let is_named = !named.is_empty() || !closed.is_empty();
        if is_named && !force {
            return Err(has_schedules(&row.name, &named, &closed).into());
        }
        crate::schedules::archive_host(conn, actor, id).await?;
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

/// The schedules that name the host anywhere: in a step, in what they wait for, in a condition. By name.
async fn schedules_of(conn: &mut AsyncPgConnection, org: OrgId, host: HostId) -> Result<Vec<Named>> {
    type Row = (
        uuid::Uuid,
        String,
        serde_json::Value,
        serde_json::Value,
        serde_json::Value,
    );
    let rows: Vec<Row> = schedules::table
        .filter(schedules::org_id.eq(org.0))
        .filter(schedules::deleted_at.is_null())
        .order(schedules::name)
        .select((
            schedules::id,
            schedules::name,
            schedules::steps,
            schedules::triggers,
            schedules::guards,
        ))
        .load(conn)
        .await?;
    let named = rows
        .into_iter()
        .filter(|(_, _, steps, triggers, guards)| {
            let steps: Vec<Step> = read(steps).unwrap_or_default();
            let triggers: Vec<Trigger> = read(triggers).unwrap_or_default();
            let guards: Guards = read(guards).unwrap_or_default();
            selectors(&steps, &triggers, &guards).any(|text| names(text, host))
        })
        .map(|(id, name, ..)| Named { id, name });
    Ok(named.collect())
}

fn read<T: serde::de::DeserializeOwned>(stored: &serde_json::Value) -> Option<T> {
    serde_json::from_value(stored.clone()).ok()
}

/// Every selector of a schedule.
fn selectors<'a>(
    steps: &'a [Step],
    triggers: &'a [Trigger],
    guards: &'a Guards,
) -> impl Iterator<Item = &'a str> {
    let waited = triggers.iter().filter_map(|trigger| match trigger {
        Trigger::Event { target, .. } => Some(target.as_str()),
        _ => None,
    });
    let conditions = guards.conditions.iter().filter_map(|condition| match condition {
        Condition::Selector(selector) => Some(selector.as_str()),
        _ => None,
    });
    let steps = steps.iter().map(|step| step.target.as_str());
    steps.chain(waited).chain(conditions)
}

fn names(selector: &str, host: HostId) -> bool {
    Selector::parse_target(selector).is_ok_and(|selector| selector.host_ids().any(|named| named == host))
}

/// The blackouts of the host, by name.
async fn blackouts_of(conn: &mut AsyncPgConnection, org: OrgId, host: HostId) -> Result<Vec<Named>> {
    let rows: Vec<(uuid::Uuid, String, serde_json::Value)> = blackouts::table
        .filter(blackouts::org_id.eq(org.0))
        .order(blackouts::name)
        .select((blackouts::id, blackouts::name, blackouts::scope))
        .load(conn)
        .await?;
    let named = rows
        .into_iter()
        .filter(|(_, _, scope)| read(scope) == Some(BlackoutOn::Host { id: host }))
        .map(|(id, name, _)| Named { id, name });
    Ok(named.collect())
}

fn has_schedules(host: &str, schedules: &[Named], blackouts: &[Named]) -> Problem {
    const SHOWN: usize = 5;
    let all = schedules.len() + blackouts.len();
    let mut names: Vec<String> = schedules
        .iter()
        .chain(blackouts)
        .take(SHOWN)
        .map(|named| format!("\"{}\"", named.name))
        .collect();
    if all > SHOWN {
        names.push(format!("{} more", all - SHOWN));
    }
    let count = |many: usize, word: &str| match many {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let counts = [
        count(schedules.len(), "schedule"),
        count(blackouts.len(), "blackout"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let (verb, they) = if all == 1 {
        ("names", "it finds")
    } else {
        ("name", "they find")
    };
    Problem::new(
        ErrorClass::Conflict,
        "host_has_schedules",
        format!(
            "{} {verb} {host}: {}. Without it {they} nothing there. Change them first, or delete the host all the same with \
             force.",
            counts.join(" and "),
            names.join(", ")
        ),
    )
    .with("schedules", schedules)
    .with("blackouts", blackouts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_can_name_a_host_is_looked_at() {
        let [host, other] = [HostId::new(), HostId::new()];
        let json = serde_json::json!({
            "steps": [{ "action": { "type": "restart" }, "target": "name:web" }],
            "triggers": [{ "type": "event", "on": ["die"], "target": format!("host:@{host}") }],
            "guards": { "conditions": [{ "selector": format!("host:@{other}") }] },
        });
        let steps: Vec<Step> = read(&json["steps"]).expect("steps");
        let triggers: Vec<Trigger> = read(&json["triggers"]).expect("triggers");
        let guards: Guards = read(&json["guards"]).expect("guards");
        let all: Vec<&str> = selectors(&steps, &triggers, &guards).collect();
        assert_eq!(all.len(), 3);
        for id in [host, other] {
            assert_eq!(all.iter().filter(|text| names(text, id)).count(), 1);
        }
    }

    #[test]
    fn what_names_the_host_is_counted_in_words() {
        let named = |name: &str| Named {
            id: uuid::Uuid::nil(),
            name: name.to_owned(),
        };
        let one = has_schedules("nas", &[], &[named("Quiet")]);
        assert!(
            one.message.starts_with("1 blackout names nas: \"Quiet\"."),
            "{one}"
        );
        let both = has_schedules("nas", &[named("A"), named("B")], &[named("Quiet")]);
        let words = "2 schedules and 1 blackout name nas: \"A\", \"B\", \"Quiet\".";
        assert!(both.message.starts_with(words), "{both}");
    }
}
