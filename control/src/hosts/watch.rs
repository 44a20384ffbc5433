//! Watching: what an engine says goes into the fleet.

use super::{history, itself::Itself, queries};
use crate::{
    Control,
    containers::{Line, identify},
    error::Result,
    schedules::Happened,
};
use domain::{
    containers::ContainerFacts,
    events::Event,
    hosts::{EngineFacts, HostStatus},
    ids::{ContainerId, HostId, OrgId},
};
use engine::watch::WatchEvent;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// More changes at once than this, and pages are told to read the list again.
const MANY: usize = 64;

pub(super) async fn take(control: &Control, org: OrgId, id: HostId, event: WatchEvent) {
    match event {
        WatchEvent::Online(facts) => online(control, id, *facts).await,
        WatchEvent::Offline {
            error,
            code,
            host_key,
        } => {
            control.links().offline(id, code, host_key);
            let known = control.fleet().change_host(id, |line| {
                let changed = line.status != HostStatus::Offline || line.error.as_ref() != Some(&error);
                line.status = HostStatus::Offline;
                line.error = Some(error.clone());
                changed.then(|| line.host.name.clone())
            });
            if let Some(Some(name)) = known {
                tracing::warn!(host.name = %name, error.code = code, error = %error, "host offline");
                history::record(control, id, false, Some(code), Some(&error)).await;
                tell_host(control, org, id).await;
                control
                    .events()
                    .send_live(org, Event::FleetChanged { host_id: id });
            }
        }
        WatchEvent::Snapshot(list) => retry_database(control, || snapshot(control, org, id, &list)).await,
        WatchEvent::Changed(facts) => retry_database(control, || changed(control, org, id, &facts)).await,
        WatchEvent::Removed { engine_id } => {
            let gone = control
                .fleet()
                .change_host(id, |line| line.lines.remove(&engine_id))
                .flatten();
            if let Some(line) = gone {
                control.snapshots().mark(id);
                control.labels().mark(id);
                control.events().send_live(
                    org,
                    Event::ContainerRemoved {
                        id: line.id,
                        host_id: id,
                    },
                );
            }
        }
        WatchEvent::Alive { latency } => {
            control.links().ping(id, latency);
            control
                .fleet()
                .change_host(id, |line| line.last_seen = Some(chrono::Utc::now()));
        }
        WatchEvent::Happened(event) => {
            control.links().happened(id, &event);
            Happened::tell(control, org, id, event);
        }
        WatchEvent::Stream(fault) => {
            control.links().stream(id, fault.map(|fault| fault.to_string()));
            tell_host(control, org, id).await;
        }
        // It is followed by its change.
        WatchEvent::Renamed { .. } => {}
    }
}

/// What an engine says is not lost because the database is away for a moment.
async fn retry_database<F: Future<Output = Result<()>>>(control: &Control, attempt: impl Fn() -> F) {
    let stop = control.stopping();
    let mut pause = Duration::from_millis(200);
    while let Err(error) = attempt().await {
        if !error.is_transient() {
            tracing::error!(error = %error, "what an engine said could not be stored");
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

async fn online(control: &Control, id: HostId, facts: EngineFacts) {
    control.links().online(id);
    let was = control.fleet().change_host(id, |line| {
        let was = std::mem::replace(&mut line.status, HostStatus::Online);
        line.error = None;
        line.last_seen = Some(chrono::Utc::now());
        let news = was != HostStatus::Online || line.facts.as_ref() != Some(&facts);
        line.facts = Some(facts.clone());
        (was, news, line.org_id, line.host.name.clone())
    });
    let Some((was, true, org, name)) = was else { return };
    if was != HostStatus::Online {
        tracing::info!(host.name = %name, engine.version = %facts.version, "host online");
        history::record(control, id, true, None, None).await;
    }
    let stored = async {
        let mut conn = control.db().conn().await?;
        queries::seen(&mut conn, id, &facts).await
    };
    if let Err(error) = stored.await {
        tracing::debug!(error = %error, "the host's facts are not stored now");
    }
    tell_host(control, org, id).await;
    if was == HostStatus::Offline {
        control
            .events()
            .send_live(org, Event::FleetChanged { host_id: id });
    }
}

pub(super) async fn tell_host(control: &Control, org: OrgId, id: HostId) {
    if let Ok(hosts) = queries::by_ids(control, &[id.0]).await {
        for host in hosts {
            let host = Box::new(host);
            control.events().send_live(org, Event::HostChanged { host });
        }
    }
}

async fn snapshot(control: &Control, org: OrgId, id: HostId, list: &[Arc<ContainerFacts>]) -> Result<()> {
    let known = control.fleet().with_host(id, |line| {
        let same = line.listed
            && line.lines.len() == list.len()
            && list.iter().all(|c| {
                line.lines
                    .get(&c.engine_id)
                    .is_some_and(|line| line.facts.name == c.name)
            });
        same.then(|| {
            line.lines
                .iter()
                .map(|(engine_id, line)| (engine_id.clone(), line.id))
                .collect()
        })
    });
    let ids: HashMap<String, ContainerId> = match known {
        None => return Ok(()),
        // The usual resync: the same containers, so the database has nothing to learn.
        Some(Some(ids)) => ids,
        Some(None) => identify(control, org, id, list, true).await?,
    };
    let own = Itself::new(control, list.iter().map(Arc::as_ref));
    let news = control.fleet().change_host(id, |host| {
        let first = !std::mem::replace(&mut host.listed, true);
        host.last_seen = Some(chrono::Utc::now());
        let mut lines = HashMap::with_capacity(list.len());
        let mut changed = Vec::new();
        for facts in list {
            let Some(container) = ids.get(&facts.engine_id) else {
                continue;
            };
            let old = host.lines.get(&facts.engine_id);
            let facts = old.map_or_else(|| Arc::clone(facts), |old| keep_inspected(&old.facts, facts));
            let protected = own.is(&facts);
            let line = Line {
                id: *container,
                host: host.host.clone(),
                facts,
                protected,
            };
            match old {
                Some(old) if **old == line => {
                    lines.insert(line.facts.engine_id.clone(), Arc::clone(old));
                }
                _ => {
                    let line = Arc::new(line);
                    changed.push(Arc::clone(&line));
                    lines.insert(line.facts.engine_id.clone(), line);
                }
            }
        }
        let still: HashSet<ContainerId> = lines.values().map(|line| line.id).collect();
        let removed: Vec<ContainerId> = host
            .lines
            .values()
            .map(|line| line.id)
            .filter(|id| !still.contains(id))
            .collect();
        host.lines = lines;
        (first, changed, removed)
    });
    let Some((first, changed, removed)) = news else {
        return Ok(());
    };
    if !changed.is_empty() || !removed.is_empty() {
        control.snapshots().mark(id);
    }
    if first || !changed.is_empty() || !removed.is_empty() {
        control.labels().mark(id);
    }
    if first {
        // How many containers it has is part of what a host shows.
        tell_host(control, org, id).await;
    }
    // Who read the list before this host was in it knows the containers, perhaps, but not that they belong there.
    if first || changed.len() + removed.len() > MANY {
        control
            .events()
            .send_live(org, Event::FleetChanged { host_id: id });
        return Ok(());
    }
    for line in changed {
        let container = control.fleet().view(org, &line);
        control
            .events()
            .send_live(org, Event::ContainerChanged { container });
    }
    for container in removed {
        control.events().send_live(
            org,
            Event::ContainerRemoved {
                id: container,
                host_id: id,
            },
        );
    }
    Ok(())
}

/// A list says less than an inspect: what only an inspect tells stays while the container is the same and was not
/// started again.
fn keep_inspected(old: &ContainerFacts, new: &ContainerFacts) -> Arc<ContainerFacts> {
    let mut facts = new.clone();
    if old.state == new.state {
        facts.started_at_raw = facts.started_at_raw.or_else(|| old.started_at_raw.clone());
        facts.started_at = facts.started_at.or(old.started_at);
        facts.finished_at = facts.finished_at.or(old.finished_at);
        facts.exit_code = facts.exit_code.or(old.exit_code);
        if old.health == new.health {
            facts.health_output = facts.health_output.or_else(|| old.health_output.clone());
        }
    }
    Arc::new(facts)
}

async fn changed(control: &Control, org: OrgId, id: HostId, facts: &Arc<ContainerFacts>) -> Result<()> {
    let known = control.fleet().with_host(id, |line| {
        line.lines
            .get(&facts.engine_id)
            .filter(|line| line.facts.name == facts.name)
            .map(|line| line.id)
    });
    let container = match known {
        None => return Ok(()),
        Some(Some(container)) => container,
        Some(None) => {
            let ids = identify(control, org, id, std::slice::from_ref(facts), false).await?;
            let Some(container) = ids.get(&facts.engine_id) else {
                return Ok(());
            };
            *container
        }
    };
    let line = control.fleet().change_host(id, |host| {
        let protected = Itself::new(control, host.lines.values().map(|line| line.facts.as_ref())).is(facts);
        let line = Arc::new(Line {
            id: container,
            host: host.host.clone(),
            facts: Arc::clone(facts),
            protected,
        });
        host.last_seen = Some(chrono::Utc::now());
        // Recreated under the same name: the old one goes as the new one comes, and keeps its line on every page.
        host.lines
            .retain(|engine_id, line| line.id != container || *engine_id == facts.engine_id);
        let old = host.lines.insert(facts.engine_id.clone(), Arc::clone(&line));
        (old.as_ref() != Some(&line)).then_some(line)
    });
    if let Some(Some(line)) = line {
        control.snapshots().mark(id);
        control.labels().mark(id);
        let container = control.fleet().view(org, &line);
        control
            .events()
            .send_live(org, Event::ContainerChanged { container });
    }
    Ok(())
}
