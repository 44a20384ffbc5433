//! Identity: the same (host, name) keeps its id across recreation, and a rename takes the id along.

use crate::{Control, error::Result, schema::containers};
use diesel::{
    ExpressionMethods, QueryDsl,
    dsl::now,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    containers::ContainerFacts,
    ids::{ContainerId, HostId, OrgId},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;

/// One known container.
#[derive(Clone, Debug, diesel::Queryable)]
struct Known {
    id: Uuid,
    name: String,
    engine_id: String,
    gone: bool,
}

/// What has to change in the table, for a whole snapshot of a host.
#[derive(Debug, Default, PartialEq)]
struct Changes {
    /// (id, new name): the engine's id is known under another name.
    renamed: Vec<(Uuid, String)>,
    /// (id, engine's id): recreated under the same name, or back again.
    returned: Vec<(Uuid, String)>,
    /// (id, name, engine's id).
    added: Vec<(Uuid, String, String)>,
    /// Names that no container has now.
    gone: Vec<Uuid>,
}

/// Gives every container of a snapshot its lasting id, by the engine's id. With `complete`, names that are not in the
/// snapshot are marked as gone.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn identify(
    control: &Control,
    org: OrgId,
    host: HostId,
    snapshot: &[Arc<ContainerFacts>],
    complete: bool,
) -> Result<HashMap<String, ContainerId>> {
    let mut conn = control.db().conn().await?;
    // Two servers watch the same host: the second one must see what the first one has written.
    conn.transaction(async |conn| {
        lock(conn, host).await?;
        let known: Vec<Known> = containers::table
            .filter(containers::host_id.eq(host.0))
            .select((
                containers::id,
                containers::name,
                containers::engine_id,
                containers::gone_at.is_not_null(),
            ))
            .load(conn)
            .await?;
        let (changes, ids) = compare(known, snapshot, complete);
        apply(conn, org, host, changes).await?;
        Result::<_>::Ok(ids)
    })
    .await
}

/// Whoever writes the containers of a host waits for whoever does already, until the end of its transaction.
pub(super) async fn lock(conn: &mut AsyncPgConnection, host: HostId) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 1))")
        .bind::<Text, _>(host.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

fn compare(
    known: Vec<Known>,
    snapshot: &[Arc<ContainerFacts>],
    complete: bool,
) -> (Changes, HashMap<String, ContainerId>) {
    let mut changes = Changes::default();
    let mut ids = HashMap::new();
    let mut by_name: HashMap<String, Known> = known.into_iter().map(|row| (row.name.clone(), row)).collect();
    let names: HashSet<&str> = snapshot.iter().map(|c| c.name.as_str()).collect();
    let mut by_engine: HashMap<String, Known> = by_name
        .values()
        .map(|row| (row.engine_id.clone(), row.clone()))
        .collect();

    for facts in snapshot {
        let renamed = by_engine.get(&facts.engine_id).filter(|row| {
            // A name that is known keeps its own identity (Compose makes the new container beside the old one and
            // renames it at the end), and so does an old name that something else in this snapshot holds now.
            row.name != facts.name && !by_name.contains_key(&facts.name) && !names.contains(row.name.as_str())
        });
        let id = if let Some(row) = renamed.cloned() {
            by_name.remove(&row.name);
            by_engine.remove(&facts.engine_id);
            changes.renamed.push((row.id, facts.name.clone()));
            row.id
        } else if let Some(row) = by_name.remove(&facts.name) {
            if row.engine_id != facts.engine_id || row.gone {
                changes.returned.push((row.id, facts.engine_id.clone()));
            }
            row.id
        } else {
            let id = Uuid::now_v7();
            changes
                .added
                .push((id, facts.name.clone(), facts.engine_id.clone()));
            id
        };
        ids.insert(facts.engine_id.clone(), ContainerId(id));
    }
    if complete {
        changes.gone = by_name
            .into_values()
            .filter(|row| !row.gone)
            .map(|row| row.id)
            .collect();
        changes.gone.sort_unstable();
    }
    (changes, ids)
}

async fn apply(conn: &mut AsyncPgConnection, org: OrgId, host: HostId, changes: Changes) -> Result<()> {
    for (id, name) in changes.renamed {
        diesel::update(containers::table.filter(containers::id.eq(id)))
            .set((
                containers::name.eq(name),
                containers::gone_at.eq(None::<domain::Timestamp>),
            ))
            .execute(conn)
            .await?;
    }
    if !changes.returned.is_empty() {
        let (ids, engine_ids): (Vec<Uuid>, Vec<String>) = changes.returned.into_iter().unzip();
        diesel::sql_query(
            "update containers c set engine_id = t.e, gone_at = null from unnest($1, $2) as t (i, e) where c.id = t.i",
        )
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Text>, _>(engine_ids)
        .execute(conn)
        .await?;
    }
    if !changes.added.is_empty() {
        let (mut ids, mut names, mut engine_ids) = (Vec::new(), Vec::new(), Vec::new());
        for (id, name, engine_id) in changes.added {
            ids.push(id);
            names.push(name);
            engine_ids.push(engine_id);
        }
        diesel::sql_query(
            "insert into containers (id, org_id, host_id, name, engine_id) \
             select t.i, $1, $2, t.n, t.e from unnest($3, $4, $5) as t (i, n, e)",
        )
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(host.0)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Text>, _>(engine_ids)
        .execute(conn)
        .await?;
    }
    if !changes.gone.is_empty() {
        diesel::update(containers::table.filter(containers::id.eq_any(&changes.gone)))
            .set(containers::gone_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(n: u128, name: &str, engine_id: &str) -> Known {
        Known {
            id: Uuid::from_u128(n),
            name: name.into(),
            engine_id: engine_id.into(),
            gone: false,
        }
    }

    fn facts(name: &str, engine_id: &str) -> Arc<ContainerFacts> {
        Arc::new(ContainerFacts {
            name: name.into(),
            engine_id: engine_id.into(),
            ..ContainerFacts::default()
        })
    }

    #[test]
    fn recreation_under_the_same_name_keeps_the_id() {
        let (changes, ids) = compare(vec![known(1, "web", "aaa")], &[facts("web", "bbb")], true);
        assert_eq!(ids["bbb"], ContainerId(Uuid::from_u128(1)));
        assert_eq!(changes.returned, [(Uuid::from_u128(1), "bbb".to_owned())]);
        assert!(changes.added.is_empty() && changes.gone.is_empty());
    }

    #[test]
    fn a_rename_takes_the_id_along() {
        let (changes, ids) = compare(vec![known(1, "web", "aaa")], &[facts("web2", "aaa")], true);
        assert_eq!(ids["aaa"], ContainerId(Uuid::from_u128(1)));
        assert_eq!(changes.renamed, [(Uuid::from_u128(1), "web2".to_owned())]);
        assert!(changes.gone.is_empty());
    }

    #[test]
    fn compose_style_replacement_keeps_the_name_s_identity() {
        // The new one is made beside, the old one is removed, the new one takes the name.
        let before = vec![known(1, "web", "aaa"), known(2, "tmp_web", "bbb")];
        let (changes, ids) = compare(before, &[facts("web", "bbb")], true);
        assert_eq!(ids["bbb"], ContainerId(Uuid::from_u128(1)));
        assert_eq!(changes.returned, [(Uuid::from_u128(1), "bbb".to_owned())]);
        assert_eq!(changes.gone, [Uuid::from_u128(2)]);
    }

    #[test]
    fn swapped_names_keep_to_the_names() {
        let before = vec![known(1, "blue", "aaa"), known(2, "green", "bbb")];
        let (changes, ids) = compare(before, &[facts("blue", "bbb"), facts("green", "aaa")], true);
        assert_eq!(ids["bbb"], ContainerId(Uuid::from_u128(1)));
        assert_eq!(ids["aaa"], ContainerId(Uuid::from_u128(2)));
        assert_eq!(changes.returned.len(), 2);
    }

    #[test]
    fn a_part_of_a_snapshot_says_nothing_of_the_rest() {
        let (changes, _) = compare(vec![known(1, "web", "aaa")], &[facts("db", "bbb")], false);
        assert!(changes.gone.is_empty());
        let (changes, _) = compare(vec![known(1, "web", "aaa")], &[facts("db", "bbb")], true);
        assert_eq!(changes.gone, [Uuid::from_u128(1)]);
    }
}
