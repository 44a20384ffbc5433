//! The last snapshot of every host, in the database: a server that is started while a host sleeps shows what ran there.
//!
//! Nothing waits for it. What changed is gathered for a while and written in one statement per host, and only what is not
//! as it was written before: an engine on which containers come and go all the time costs a row each, now and then.

use super::{Line, identity};
use crate::{Control, error::Result, schema::containers};
use diesel::{
    ExpressionMethods, QueryDsl,
    sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    containers::{ContainerFacts, HostRef},
    hosts::HostStatus,
    ids::{ContainerId, HostId},
};
use parking_lot::Mutex;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};
use uuid::Uuid;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_secs(10);
/// How often it is noted that hosts answer.
const SEEN: Duration = Duration::from_secs(60);
/// How long the last writing may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);
/// How many containers one statement writes.
const BATCH: usize = 500;
/// A label that is longer is not kept, nor are those after so many bytes of a container's.
const LABEL: usize = 4 * 1024;
const LABELS: usize = 32 * 1024;

type Facts = HashMap<ContainerId, Arc<ContainerFacts>>;

/// What is still to be written, and what was.
#[derive(Clone, Default)]
pub(crate) struct Snapshots(Arc<Inner>);

#[derive(Default)]
struct Inner {
    dirty: Mutex<HashSet<HostId>>,
    written: Mutex<HashMap<HostId, Facts>>,
    bell: Notify,
}

impl Snapshots {
    /// Something changed on a host.
    pub fn mark(&self, host: HostId) {
        if self.0.dirty.lock().insert(host) {
            self.0.bell.notify_one();
        }
    }

    /// The host is not watched any more.
    pub fn forget(&self, host: HostId) {
        self.0.dirty.lock().remove(&host);
        self.0.written.lock().remove(&host);
    }
}

/// What was last seen of a host's containers.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn load(
    conn: &mut AsyncPgConnection,
    control: &Control,
    host: &HostRef,
) -> Result<Vec<(ContainerId, Arc<ContainerFacts>)>> {
    let rows: Vec<(Uuid, Option<serde_json::Value>)> = containers::table
        .filter(containers::host_id.eq(host.id.0))
        .filter(containers::gone_at.is_null())
        .filter(containers::facts.is_not_null())
        .select((containers::id, containers::facts))
        .load(conn)
        .await?;
    // What an older or newer release wrote and this one cannot read is read from the engine again.
    let known: Vec<_> = rows
        .into_iter()
        .filter_map(|(id, facts)| Some((ContainerId(id), Arc::new(serde_json::from_value(facts?).ok()?))))
        .collect();
    control
        .snapshots()
        .0
        .written
        .lock()
        .insert(host.id, known.iter().cloned().collect());
    Ok(known)
}

/// Writes what changes, until the server stops.
pub(crate) async fn keep(control: &Control) {
    let stop = control.stopping();
    loop {
        let waiting = async {
            tokio::select! {
                () = control.snapshots().0.bell.notified() => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(SEEN) => {}
            }
        };
        if stop.run_until_cancelled(waiting).await.is_none() {
            if timeout(FAREWELL, write(control)).await.is_err() {
                tracing::debug!("the last changes of the fleet were not kept");
            }
            return;
        }
        write(control).await;
    }
}

async fn write(control: &Control) {
    let dirty = std::mem::take(&mut *control.snapshots().0.dirty.lock());
    for host in dirty {
        if let Err(error) = write_host(control, host).await {
            tracing::debug!(host.id = %host, error = %error, "what a host's containers are is not kept now");
            control.snapshots().mark(host);
        }
    }
    if let Err(error) = write_seen(control).await {
        tracing::debug!(error = %error, "when hosts were seen is not kept now");
    }
}

async fn write_host(control: &Control, host: HostId) -> Result<()> {
    // Before the first list of a new connection the fleet holds what was loaded.
    let now: Option<Facts> = control.fleet().with_host(host, |host| {
        let lines = host.lines.values();
        lines.map(|line| (line.id, Arc::clone(&line.facts))).collect()
    });
    let Some(now) = now else { return Ok(()) };
    let before = control.snapshots().0.written.lock().get(&host).cloned();
    let before = before.unwrap_or_default();
    let (changed, gone) = compare(&before, &now);
    if !changed.is_empty() || !gone.is_empty() {
        let mut conn = control.db().conn().await?;
        conn.transaction(async |conn| {
            identity::lock(conn, host).await?;
            for batch in changed.chunks(BATCH) {
                let (ids, facts): (Vec<Uuid>, Vec<String>) = batch.iter().cloned().unzip();
                diesel::sql_query(
                    "update containers c set facts = t.f::jsonb from unnest($1, $2) as t (i, f) \
                     where c.id = t.i and c.facts is distinct from t.f::jsonb",
                )
                .bind::<Array<SqlUuid>, _>(ids)
                .bind::<Array<Text>, _>(facts)
                .execute(conn)
                .await?;
            }
            if !gone.is_empty() {
                diesel::update(containers::table.filter(containers::id.eq_any(&gone)))
                    .set(containers::facts.eq(None::<serde_json::Value>))
                    .execute(conn)
                    .await?;
            }
            Result::<()>::Ok(())
        })
        .await?;
    }
    control.snapshots().0.written.lock().insert(host, now);
    Ok(())
}

/// What has to be written of the containers that are there now, and which are gone.
fn compare(before: &Facts, now: &Facts) -> (Vec<(Uuid, String)>, Vec<Uuid>) {
    let changed = now.iter().filter_map(|(id, facts)| {
        let old = before.get(id);
        if old.is_some_and(|old| Arc::ptr_eq(old, facts)) {
            return None;
        }
        let kept = lean(facts);
        if old.is_some_and(|old| lean(old) == kept) {
            return None;
        }
        // Facts always are JSON.
        Some((id.0, serde_json::to_string(&kept).ok()?))
    });
    let gone = before.keys().filter(|id| !now.contains_key(id));
    (changed.collect(), gone.map(|id| id.0).collect())
}

/// What is kept: not the output of health checks, which may hold anything, and nothing that the database cannot hold.
fn lean(facts: &ContainerFacts) -> ContainerFacts {
    let plain = |text: &str| text.replace('\0', "");
    let mut room = LABELS;
    let mut fits = |key: &str, value: &str| {
        let size = key.len() + value.len();
        let fits = size <= LABEL.min(room) && !key.contains('\0') && !value.contains('\0');
        room -= if fits { size } else { 0 };
        fits
    };
    ContainerFacts {
        health_output: None,
        image: plain(&facts.image),
        image_id: plain(&facts.image_id),
        labels: facts
            .labels
            .iter()
            .filter(|(key, value)| fits(key, value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        ..facts.clone()
    }
}

/// Notes when hosts that answer answered last.
async fn write_seen(control: &Control) -> Result<()> {
    let (ids, times): (Vec<Uuid>, Vec<Timestamp>) = control.fleet().read(|state| {
        let online = state
            .hosts
            .iter()
            .filter(|(_, line)| line.status == HostStatus::Online);
        online
            .filter_map(|(id, line)| Some((id.0, line.last_seen?)))
            .unzip()
    });
    if ids.is_empty() {
        return Ok(());
    }
    let mut conn = control.db().conn().await?;
    // Several servers do this; taking the rows in one order keeps them out of each other's way.
    diesel::sql_query(
        "update hosts h set last_seen_at = s.at from ( \
           select h.id, t.at from unnest($1, $2) as t (id, at) join hosts h on h.id = t.id \
           where h.last_seen_at is null or h.last_seen_at < t.at - interval '5 s' order by h.id for update of h) s \
         where h.id = s.id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Timestamptz>, _>(times)
    .execute(&mut conn)
    .await?;
    Ok(())
}

/// The lines of what was last seen.
pub(crate) fn lines(
    host: &HostRef,
    known: Vec<(ContainerId, Arc<ContainerFacts>)>,
    protected: impl Fn(&ContainerFacts) -> bool,
) -> HashMap<String, Arc<Line>> {
    let line = |(id, facts): (ContainerId, Arc<ContainerFacts>)| {
        let line = Line {
            id,
            host: host.clone(),
            protected: protected(&facts),
            facts,
        };
        (line.facts.engine_id.clone(), Arc::new(line))
    };
    known.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::containers::ContainerState;

    fn facts(name: &str, state: ContainerState) -> Arc<ContainerFacts> {
        Arc::new(ContainerFacts {
            engine_id: name.into(),
            name: name.into(),
            state,
            ..ContainerFacts::default()
        })
    }

    #[test]
    fn only_what_is_not_as_it_was_written_is_written() {
        let [a, b, c] = [ContainerId::new(), ContainerId::new(), ContainerId::new()];
        let same = facts("a", ContainerState::Running);
        let before = Facts::from([
            (a, same.clone()),
            (b, facts("b", ContainerState::Running)),
            (c, facts("c", ContainerState::Running)),
        ]);
        let mut checked = ContainerFacts::clone(&same);
        checked.health_output = Some("token=secret".into());
        let now = Facts::from([(a, Arc::new(checked)), (b, facts("b", ContainerState::Exited))]);
        let (changed, gone) = compare(&before, &now);
        assert_eq!((changed.len(), gone), (1, vec![c.0]));
        assert_eq!(changed[0].0, b.0);
        assert_eq!(compare(&now, &now), (Vec::new(), Vec::new()));
        let (all, _) = compare(&Facts::new(), &now);
        assert!(all.iter().all(|(_, text)| !text.contains("secret")));
    }

    #[test]
    fn labels_that_the_database_cannot_hold_are_left_out() {
        let mut huge = ContainerFacts::default();
        for (key, value) in [
            ("ok", "1".to_owned()),
            ("nul", "\0".to_owned()),
            ("long", "x".repeat(LABEL)),
        ] {
            huge.labels.insert(key.into(), value);
        }
        let kept: Vec<String> = lean(&huge).labels.into_keys().collect();
        assert_eq!(kept, ["ok"]);
        for n in 0..100 {
            huge.labels.insert(format!("l{n}"), "x".repeat(1024));
        }
        let kept = lean(&huge);
        assert!(kept.labels.values().map(String::len).sum::<usize>() <= LABELS);
    }
}
