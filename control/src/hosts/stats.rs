//! Everything that is known of a host's engine and connection.

use super::{history, queries};
use crate::{
    Control,
    containers::loads::{self, Look},
    error::Result,
};
use domain::{
    auth::{Actor, Permission},
    containers::{ContainerState, Health},
    errors::Problem,
    hosts::{Connection, ContainerCounts, DiskUse, HostStats, HostStatus, HostUse},
    ids::HostId,
};
use std::time::Duration;

/// How long a page waits for an engine that measures its disk.
const DISK_PATIENCE: Duration = Duration::from_secs(3);
/// How many of the latest reasons are repeated apart.
const ERRORS: usize = 10;
/// How many hosts one page can look at.
const MOST: usize = 50;

/// What is known of a host.
///
/// # Errors
/// 403; 404.
pub async fn stats(control: &Control, actor: &Actor, id: HostId) -> Result<HostStats> {
    actor.require(Permission::HostsRead)?;
    let mut conn = control.db().conn().await?;
    let row = queries::find(&mut conn, actor.org_id, id)
        .await?
        .ok_or_else(|| Problem::not_found("host"))?;
    let host = queries::view(&mut conn, control, row).await?;
    let history = history::read(&mut conn, id).await?;
    drop(conn);
    let last_errors: Vec<Connection> = history
        .iter()
        .filter(|line| line.status == HostStatus::Offline)
        .take(ERRORS)
        .cloned()
        .collect();
    let online = host.status == HostStatus::Online;
    // Before the disk, so that containers are measured while that is.
    let in_use = online.then(|| loads::of_host(control, actor.org_id, id, Look::Seen));
    let disk = match online {
        true => disk(control, id).await,
        false => None,
    };
    Ok(HostStats {
        status: host.status,
        lacks: host.engine.as_ref().map(engine::lacks).unwrap_or_default(),
        engine: host.engine,
        in_use,
        events: control.links().events(id),
        containers: counts(control, id),
        disk,
        latency_ms: control.links().get(id).latencies.into(),
        history,
        last_errors,
        same_engine: host.same_engine,
    })
}

/// What the containers of these hosts use together, of those that answer. Measured a few at a time while somebody asks.
///
/// # Errors
/// 403; 422 `too_many_hosts`.
pub async fn in_use(control: &Control, actor: &Actor, ids: &[HostId]) -> Result<Vec<(HostId, HostUse)>> {
    actor.require(Permission::HostsRead)?;
    if ids.len() > MOST {
        return Err(Problem::invalid(
            "too_many_hosts",
            "ids",
            "At most 50 hosts can be looked at at once. Ask for those that are on screen.",
        )
        .into());
    }
    let is_here = |id: &HostId| {
        let here = |host: &crate::containers::HostLine| {
            host.org_id == actor.org_id && host.status == HostStatus::Online
        };
        control.fleet().with_host(*id, here).unwrap_or_default()
    };
    let here = ids.iter().copied().filter(is_here);
    Ok(here
        .map(|id| (id, loads::of_host(control, actor.org_id, id, Look::Ordered)))
        .collect())
}

fn counts(control: &Control, id: HostId) -> ContainerCounts {
    let counted = control.fleet().with_host(id, |line| {
        let mut counts = ContainerCounts::default();
        for line in line.lines.values() {
            counts.total += 1;
            match line.facts.state {
                ContainerState::Running => counts.running += 1,
                ContainerState::Paused => counts.paused += 1,
                ContainerState::Restarting => counts.restarting += 1,
                ContainerState::Created => counts.created += 1,
                ContainerState::Exited | ContainerState::Dead => counts.stopped += 1,
                ContainerState::Removing | ContainerState::Unknown => {}
            }
            if line.facts.health == Some(Health::Unhealthy) {
                counts.unhealthy += 1;
            }
        }
        counts
    });
    counted.unwrap_or_default()
}

/// What was measured lately, or is measured now; nothing when that takes long. The engine goes on measuring, and the
/// next look finds it.
async fn disk(control: &Control, id: HostId) -> Option<DiskUse> {
    if let Some(disk) = control.links().disk(id) {
        return Some(disk);
    }
    let engine = control.fleet().engine(id)?;
    let links = control.links().clone();
    let measuring = tokio::spawn(async move {
        let disk = engine.disk_use().await.ok().map(|disk| told(&disk));
        if let Some(disk) = disk {
            links.measured(id, disk);
        }
        disk
    });
    tokio::time::timeout(DISK_PATIENCE, measuring)
        .await
        .ok()?
        .ok()
        .flatten()
}

fn told(disk: &engine::DiskUse) -> DiskUse {
    let bytes = |kept: engine::stats::Kept| i64::try_from(kept.bytes).unwrap_or(i64::MAX);
    let count = |kept: engine::stats::Kept| u32::try_from(kept.count).unwrap_or(u32::MAX);
    DiskUse {
        images: count(disk.images),
        images_bytes: bytes(disk.images),
        containers_bytes: bytes(disk.containers),
        volumes: count(disk.volumes),
        volumes_bytes: bytes(disk.volumes),
        build_cache_bytes: bytes(disk.build_cache),
    }
}
