//! Watchers: one task per enabled host, made anew when its connection's settings change.

use super::{
    history,
    itself::Itself,
    queries::{self, Row},
    settings::Settings,
    watch::{take, tell_host},
};
use crate::{
    Control,
    containers::{HostLine, Line, snapshots},
    error::Result,
    events::Topic,
};
use domain::{
    containers::HostRef,
    events::Event,
    hosts::HostStatus,
    ids::{HostId, OrgId, UserId},
};
use engine::{
    Engine, EngineUrl, Transport as Way,
    bridge::Bridge,
    watch::{WatchOptions, Watcher},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often the table is read although nobody rang.
const POLL: Duration = Duration::from_secs(30);

/// A host that is watched, and what that was begun with.
struct Watched {
    link: i32,
    version: i32,
    stop: CancellationToken,
    /// Held: ended with the watcher.
    _bridge: Option<Bridge>,
}

/// Starts a watcher for every enabled host, anew when its connection's settings changed, and ends those of hosts that
/// are gone; runs until cancelled.
pub(crate) async fn watch_all(control: &Control) {
    let stop = control.stopping();
    let mut running: HashMap<HostId, Watched> = HashMap::new();
    loop {
        let pause = match enabled(control).await {
            Ok(rows) => {
                reconcile(control, &mut running, rows).await;
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

async fn reconcile(control: &Control, running: &mut HashMap<HostId, Watched>, rows: Vec<Row>) {
    let present: HashSet<HostId> = rows.iter().map(|row| HostId(row.id)).collect();
    running.retain(|id, watched| {
        let stays = present.contains(id);
        if !stays {
            watched.stop.cancel();
            control.links().drop(*id);
            control.snapshots().forget(*id);
            forget(control, *id);
        }
        stays
    });
    for row in rows {
        let id = HostId(row.id);
        if let Some(watched) = running.get_mut(&id) {
            if watched.link == row.link {
                if watched.version != row.version {
                    watched.version = row.version;
                    refresh(control, &row);
                }
                continue;
            }
            watched.stop.cancel();
            running.remove(&id);
        }
        if let Some(watched) = start(control, row).await {
            running.insert(id, watched);
        }
    }
}

/// Takes a host out of the fleet.
fn forget(control: &Control, id: HostId) {
    if let Some(org) = control.fleet().with_host(id, |line| line.org_id) {
        control.fleet().drop_host(id);
        control
            .events()
            .send_live(org, Event::FleetChanged { host_id: id });
    }
}

/// What a person changed beside the connection. The host's name is part of every line.
fn refresh(control: &Control, row: &Row) {
    let id = HostId(row.id);
    let renamed = control.fleet().change_host(id, |line| {
        line.maintenance = row.maintenance;
        line.labels_allowed_by = row.labels_allowed_by.map(UserId);
        if line.host.name == row.name {
            return false;
        }
        line.host.name.clone_from(&row.name);
        let host = line.host.clone();
        for old in line.lines.values_mut() {
            *old = Arc::new(Line {
                host: host.clone(),
                ..(**old).clone()
            });
        }
        true
    });
    control.labels().forget(id);
    if renamed == Some(true) {
        control
            .events()
            .send_live(OrgId(row.org_id), Event::FleetChanged { host_id: id });
    }
}

/// Begins to watch a host. Nothing when that cannot be done now: it is tried again later.
async fn start(control: &Control, row: Row) -> Option<Watched> {
    let (id, org) = (HostId(row.id), OrgId(row.org_id));
    let host = HostRef {
        id,
        name: row.name.clone(),
    };
    let new = control.fleet().with_host(id, |_| ()).is_none();
    let settings = async {
        let mut conn = control.db().conn().await?;
        let settings = Settings::read(&mut conn, control, &row).await?;
        let way = settings.way()?;
        let kept = match new {
            true => snapshots::load(&mut conn, control, &host).await?,
            false => Vec::new(),
        };
        Result::<(Way, _)>::Ok((way, kept))
    };
    let (engine, kept) = match settings.await {
        Ok((way, kept)) => (Engine::over(way, engine::Options::default()), kept),
        Err(error) if error.is_transient() => return None,
        Err(error) => {
            let problem = error.into_problem();
            if control.links().unusable(id, problem.clone()) {
                tracing::error!(host.name = %row.name, error.code = %problem.code, "host not connected: {problem}");
                forget(control, id);
                history::record(control, id, false, Some(&problem.code), Some(&problem.message)).await;
                tell_host(control, org, id).await;
            }
            return None;
        }
    };
    let stop = control.stopping().child_token();
    control.links().begin(id);
    let ended = stop.clone();
    let watched = Watched {
        link: row.link,
        version: row.version,
        stop: stop.clone(),
        _bridge: bridge(control, id, &engine),
    };
    let (watcher, mut events) = Watcher::start(engine.clone(), WatchOptions::default(), stop);
    // What was last seen stays while it is reached in another way.
    let before = control.fleet().change_host(id, |line| {
        (std::mem::take(&mut line.lines), line.facts.take(), line.last_seen)
    });
    let (lines, facts, last_seen) = before.unwrap_or_else(|| {
        let own = Itself::new(control, kept.iter().map(|(_, facts)| facts.as_ref()));
        (snapshots::lines(&host, kept, |facts| own.is(facts)), None, None)
    });
    let shown = new && !lines.is_empty();
    control.fleet().put_host(
        id,
        HostLine {
            org_id: org,
            host,
            maintenance: row.maintenance,
            labels_allowed_by: row.labels_allowed_by.map(UserId),
            status: HostStatus::Connecting,
            error: None,
            facts,
            last_seen: last_seen.or(row.last_seen_at),
            engine,
            lines,
            listed: false,
            watcher,
        },
    );
    if shown {
        control
            .events()
            .send_live(org, Event::FleetChanged { host_id: id });
    }
    let this = control.clone();
    control.spawn(async move {
        while let Some(event) = events.recv().await {
            // What an earlier connection still had to say is not about this one.
            if ended.is_cancelled() {
                return;
            }
            take(&this, org, id, event).await;
        }
    });
    Some(watched)
}

/// A host by SSH has a private socket here, so that other programs speak to its engine through the same session.
fn bridge(control: &Control, id: HostId, engine: &Engine) -> Option<Bridge> {
    if !matches!(engine.url(), EngineUrl::Ssh { .. }) {
        return None;
    }
    let directory = control.options().runtime_dir.as_ref()?.join("hosts");
    // Sockets' paths are short; the end of an id is its random part.
    let name = id.0.simple().to_string().split_off(20);
    match Bridge::start(engine.transport().clone(), &directory, &name) {
        Ok(bridge) => {
            control.links().bridged(id, bridge.docker_host());
            Some(bridge)
        }
        Err(error) => {
            tracing::warn!(host.id = %id, error = %error, "this host has no socket for other programs");
            None
        }
    }
}
