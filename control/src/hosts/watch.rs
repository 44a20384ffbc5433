//! Watching: one task per enabled host puts what its engine says into the fleet.

use super::{
    itself::Itself,
    queries::{self, Row},
};
use crate::{
    Control,
    containers::{HostLine, Line, identify},
    error::Result,
    events::Topic,
};
use domain::{
    containers::{ContainerFacts, HostRef},
    events::Event,
    hosts::{EngineFacts, HostStatus},
    ids::{ContainerId, HostId, OrgId},
};
use engine::{
    Engine, EngineUrl,
    watch::{WatchEvent, WatchOptions, Watcher},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often the table is read although nobody rang.
const POLL: Duration = Duration::from_secs(30);
/// More changes at once than this, and pages are told to read the list again.
const MANY: usize = 64;

/// Starts a watcher for every enabled host, and ends those of hosts that are gone; runs until cancelled.
pub(crate) async fn watch_all(control: &Control) {
    let stop = control.stopping();
    let mut running: HashMap<HostId, (String, i32, CancellationToken)> = HashMap::new();
    loop {
        let pause = match enabled(control).await {
            Ok(rows) => {
                reconcile(control, &mut running, rows);
                POLL
            }
            Err(error) => {
                tracing::debug!(error = %error, "the hosts cannot be read now");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = control.bells().wait(Topic::Hosts) => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn enabled(control: &Control) -> Result<Vec<Row>> {
    let mut conn = control.db().conn().await?;
    queries::enabled(&mut conn).await
}

fn reconcile(
    control: &Control,
    running: &mut HashMap<HostId, (String, i32, CancellationToken)>,
    rows: Vec<Row>,
) {
    let present: HashSet<HostId> = rows.iter().map(|row| HostId(row.id)).collect();
    running.retain(|id, (_, _, stop)| {
        let stays = present.contains(id);
        if !stays {
            stop.cancel();
            if let Some(org) = control.fleet().with_host(*id, |line| line.org_id) {
                control.fleet().drop_host(*id);
                control
                    .events()
                    .send_live(org, Event::FleetChanged { host_id: *id });
            }
        }
        stays
    });
    for row in rows {
        let id = HostId(row.id);
        if let Some((url, version, stop)) = running.get_mut(&id) {
            if *url == row.url {
                if *version != row.version {
                    *version = row.version;
                    rename(control, &row);
                }
                continue;
            }
            stop.cancel();
        }
        let stop = control.stopping().child_token();
        running.insert(id, (row.url.clone(), row.version, stop.clone()));
        start(control, row, stop);
    }
}

/// The host's name is part of every line.
fn rename(control: &Control, row: &Row) {
    let id = HostId(row.id);
    control.fleet().change_host(id, |line| {
        line.host.name.clone_from(&row.name);
        let host = line.host.clone();
        for old in line.lines.values_mut() {
            *old = Arc::new(Line {
                host: host.clone(),
                ..(**old).clone()
            });
        }
    });
    control
        .events()
        .send_live(OrgId(row.org_id), Event::FleetChanged { host_id: id });
}

fn start(control: &Control, row: Row, stop: CancellationToken) {
    let url: EngineUrl = match row.url.parse() {
        Ok(url) => url,
        Err(error) => {
            // Only what was valid when it was saved is stored; a newer release may know more.
            tracing::error!(host.name = %row.name, error = %error, "this host's address cannot be used");
            return;
        }
    };
    let engine = Engine::connect(&url, engine::Options::default());
    let (id, org) = (HostId(row.id), OrgId(row.org_id));
    let host = HostRef {
        id,
        name: row.name.clone(),
    };
    let (watcher, mut events) = Watcher::start(engine.clone(), WatchOptions::default(), stop);
    control.fleet().put_host(
        id,
        HostLine {
            org_id: org,
            host,
            status: HostStatus::Connecting,
            error: None,
            facts: None,
            last_seen: row.last_seen_at,
            engine,
            lines: HashMap::new(),
            listed: false,
            watcher,
        },
    );
    let this = control.clone();
    control.spawn(async move {
        while let Some(event) = events.recv().await {
            take(&this, org, id, event).await;
        }
    });
}

async fn take(control: &Control, org: OrgId, id: HostId, event: WatchEvent) {
    match event {
        WatchEvent::Online(facts) => online(control, id, *facts).await,
        WatchEvent::Offline { error, code } => {
            let known = control.fleet().change_host(id, |line| {
                let changed = line.status != HostStatus::Offline || line.error.as_ref() != Some(&error);
                line.status = HostStatus::Offline;
                line.error = Some(error.clone());
                changed.then(|| line.host.name.clone())
            });
            if let Some(Some(name)) = known {
                tracing::warn!(host.name = %name, error.code = code, error = %error, "host offline");
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
                control.events().send_live(
                    org,
                    Event::ContainerRemoved {
                        id: line.id,
                        host_id: id,
                    },
                );
            }
        }
        WatchEvent::Alive { .. } => {
            control
                .fleet()
                .change_host(id, |line| line.last_seen = Some(chrono::Utc::now()));
        }
        // A rename is followed by its change; triggers on what happened are not part of this release.
        WatchEvent::Renamed { .. } | WatchEvent::Happened(_) => {}
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

async fn tell_host(control: &Control, org: OrgId, id: HostId) {
    if let Ok(hosts) = queries::by_ids(control, &[id.0]).await {
        for host in hosts {
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
        let container = control.fleet().view(org, &line);
        control
            .events()
            .send_live(org, Event::ContainerChanged { container });
    }
    Ok(())
}
