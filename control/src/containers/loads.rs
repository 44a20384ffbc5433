//! What containers use, measured only while somebody looks: one sampler for everybody, and nothing to do for engines whose
//! containers are on nobody's screen.
//!
//! A page says every few seconds which containers it shows ([`watch`]), and gets what is known of them. That is a lease:
//! where nobody renews it, measuring ends. Each host is measured by one task, a few containers at a time, so that a slow
//! one costs the others nothing.

use crate::{Control, error::Result};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    containers::{ContainerSort, ContainerState},
    errors::Problem,
    hosts::{HostStatus, HostUse},
    ids::{ContainerId, HostId, OrgId},
    loads::{ContainerLoad, path},
};
use engine::stats::ContainerStats;
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// How long a look lasts.
const LEASE: Duration = Duration::from_secs(15);
/// Between two measurements of one container.
const EVERY: Duration = Duration::from_secs(5);
/// Containers of one host that are measured at once.
const PARALLEL: usize = 4;
/// How long one measurement may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// Each point of a line is the mean of so many seconds; a line is an hour long.
const BUCKET: i64 = 30;
const POINTS: usize = 120;
const HOUR: f64 = 3600.0;
/// How many containers one page can look at.
const MOST: usize = 500;
/// A scale that is not drawn for less: 5 % of a processor, 16 MB.
const LEAST_CPU: f64 = 5.0;
const LEAST_MEMORY: f64 = 16e6;

const NO_MEMORY: &str = "This engine does not measure memory: memory cgroups are off in its kernel. On a Raspberry Pi \
                         add cgroup_enable=memory cgroup_memory=1 to the line in /boot/firmware/cmdline.txt and restart it.";

/// The sampler; cheap to clone.
#[derive(Clone, Default)]
pub struct Loads(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    watched: HashMap<ContainerId, Watched>,
    /// Hosts that a task measures.
    measured: HashSet<HostId>,
}

struct Watched {
    org: OrgId,
    host: HostId,
    until: Instant,
    last: Option<ContainerStats>,
    points: VecDeque<Point>,
}

#[derive(Clone, Copy)]
struct Point {
    /// Which bucket since 1970.
    bucket: i64,
    count: u32,
    cpu: Option<f64>,
    memory: Option<f64>,
}

/// Looks at containers for the next 15 s, and gets what is known of them. The first answer after a while knows nothing of
/// the processor: that needs two measurements.
///
/// # Errors
/// 403; 422 `too_many_targets`.
pub async fn watch(control: &Control, actor: &Actor, ids: &[ContainerId]) -> Result<Vec<ContainerLoad>> {
    actor.require(Permission::ContainersRead)?;
    if ids.len() > MOST {
        return Err(Problem::invalid(
            "too_many_targets",
            "ids",
            "At most 500 containers can be looked at at once. Ask for those that are on screen.",
        )
        .into());
    }
    lease(control, actor.org_id, ids);
    Ok(control.loads().show(actor.org_id, ids))
}

/// Looks at all that runs on a host for the next 15 s, and adds up what is known of it.
pub(crate) fn of_host(control: &Control, org: OrgId, host: HostId) -> HostUse {
    let known = control.fleet().with_host(host, |host| {
        let running = host
            .lines
            .values()
            .filter(|line| line.facts.state == ContainerState::Running);
        let ids: Vec<ContainerId> = running.map(|line| line.id).collect();
        let measures = host.facts.as_ref().is_none_or(|facts| facts.memory_measured);
        (ids, measures)
    });
    let Some((ids, measures_memory)) = known else {
        return HostUse::default();
    };
    lease(control, org, ids.get(..MOST).unwrap_or(&ids));
    let mut sum = control.loads().sum(org, &ids);
    sum.memory_bytes = sum.memory_bytes.filter(|_| measures_memory);
    sum
}

/// Makes sure that these are measured for a while.
pub(super) fn lease(control: &Control, org: OrgId, ids: &[ContainerId]) {
    let places: Vec<(ContainerId, HostId)> = control.fleet().read(|state| {
        let wanted: HashSet<&ContainerId> = ids.iter().collect();
        state
            .hosts
            .values()
            .filter(|host| host.org_id == org)
            .flat_map(|host| host.lines.values())
            .filter(|line| wanted.contains(&line.id))
            .map(|line| (line.id, line.host.id))
            .collect()
    });
    let begun = control.loads().lease(org, &places);
    for host in begun {
        let this = control.clone();
        control.spawn(async move { measure(&this, host).await });
    }
}

impl Loads {
    /// Renews leases; gives the hosts that nobody measures yet.
    fn lease(&self, org: OrgId, places: &[(ContainerId, HostId)]) -> Vec<HostId> {
        let now = Instant::now();
        let mut inner = self.0.lock();
        // What nobody has looked at for an hour has no line to draw any more.
        inner
            .watched
            .retain(|_, watched| watched.until + Duration::from_secs(3600) > now);
        let mut begun = Vec::new();
        for (id, host) in places {
            let watched = inner.watched.entry(*id).or_insert_with(|| Watched {
                org,
                host: *host,
                until: now,
                last: None,
                points: VecDeque::new(),
            });
            watched.until = now + LEASE;
            watched.host = *host;
            if inner.measured.insert(*host) {
                begun.push(*host);
            }
        }
        begun
    }

    /// The containers of a host that somebody looks at. None ends its task, which is then forgotten.
    fn wanted(&self, host: HostId) -> Vec<(ContainerId, OrgId, Option<ContainerStats>)> {
        let now = Instant::now();
        let mut inner = self.0.lock();
        let wanted: Vec<_> = inner
            .watched
            .iter()
            .filter(|(_, watched)| watched.host == host && watched.until > now)
            .map(|(id, watched)| (*id, watched.org, watched.last.clone()))
            .collect();
        if wanted.is_empty() {
            inner.measured.remove(&host);
        }
        wanted
    }

    fn keep(&self, id: ContainerId, sample: Option<ContainerStats>) {
        let mut inner = self.0.lock();
        let Some(watched) = inner.watched.get_mut(&id) else {
            return;
        };
        if let Some(sample) = &sample {
            let bucket = sample.at.timestamp() / BUCKET;
            let (cpu, memory) = (sample.cpu_percent, sample.memory_bytes.map(|bytes| bytes as f64));
            match watched.points.back_mut().filter(|point| point.bucket == bucket) {
                Some(point) => point.add(cpu, memory),
                None => watched.points.push_back(Point {
                    bucket,
                    count: 1,
                    cpu,
                    memory,
                }),
            }
            while watched.points.len() > POINTS {
                watched.points.pop_front();
            }
        }
        watched.last = sample;
    }

    fn show(&self, org: OrgId, ids: &[ContainerId]) -> Vec<ContainerLoad> {
        let inner = self.0.lock();
        let known: Vec<(ContainerId, &Watched)> = ids
            .iter()
            .filter_map(|id| Some((*id, inner.watched.get(id)?)))
            .filter(|(_, watched)| watched.org == org)
            .collect();
        let most = |of: fn(&Point) -> Option<f64>, least: f64| {
            known
                .iter()
                .flat_map(|(_, watched)| &watched.points)
                .filter_map(of)
                .fold(least, f64::max)
        };
        let (most_cpu, most_memory) = (
            most(|point| point.cpu, LEAST_CPU),
            most(|point| point.memory, LEAST_MEMORY),
        );
        let now = chrono::Utc::now();
        known
            .into_iter()
            .map(|(id, watched)| {
                let last = watched.last.as_ref();
                let runs = last.is_some_and(|sample| sample.counters.cpu > 0);
                let unmeasured = runs && last.is_some_and(|sample| sample.memory_bytes.is_none());
                ContainerLoad {
                    id,
                    cpu_percent: last.and_then(|sample| sample.cpu_percent).map(|cpu| cpu as f32),
                    memory_bytes: last.and_then(|sample| sample.memory_bytes),
                    memory_limit: last.and_then(|sample| sample.memory_limit),
                    cpu_line: watched.line(now, |point| point.cpu, most_cpu),
                    memory_line: watched.line(now, |point| point.memory, most_memory),
                    note: unmeasured.then(|| NO_MEMORY.to_owned()),
                }
            })
            .collect()
    }

    /// What these, all of them running, use together.
    fn sum(&self, org: OrgId, ids: &[ContainerId]) -> HostUse {
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        let inner = self.0.lock();
        let samples: Vec<&ContainerStats> = ids
            .iter()
            .filter_map(|id| {
                inner
                    .watched
                    .get(id)
                    .filter(|watched| watched.org == org)?
                    .last
                    .as_ref()
            })
            .collect();
        let cpu: Vec<f64> = samples.iter().filter_map(|sample| sample.cpu_percent).collect();
        let memory: Vec<u64> = samples.iter().filter_map(|sample| sample.memory_bytes).collect();
        HostUse {
            running: count(ids.len()),
            measured: count(cpu.len()),
            // Where nothing runs, nothing is used.
            cpu_percent: (!cpu.is_empty() || ids.is_empty()).then(|| cpu.iter().sum::<f64>() as f32),
            memory_bytes: (!memory.is_empty() || ids.is_empty()).then(|| memory.iter().sum()),
        }
    }

    /// What a list is sorted by: thousandths of a processor's hundredth, or bytes.
    pub(super) fn keys(&self, sort: ContainerSort) -> HashMap<ContainerId, i64> {
        let inner = self.0.lock();
        inner
            .watched
            .iter()
            .filter_map(|(id, watched)| {
                let last = watched.last.as_ref()?;
                let key = match sort {
                    ContainerSort::Cpu => (last.cpu_percent? * 1000.0) as i64,
                    ContainerSort::Memory => last.memory_bytes? as i64,
                    _ => return None,
                };
                Some((*id, key))
            })
            .collect()
    }

    /// How many hosts are measured now.
    pub fn hosts(&self) -> usize {
        self.0.lock().measured.len()
    }
}

impl Watched {
    fn line(&self, now: Timestamp, of: impl Fn(&Point) -> Option<f64>, most: f64) -> String {
        let now = now.timestamp() as f64;
        let values: Vec<(f64, f64)> = self
            .points
            .iter()
            .filter_map(|point| {
                let age = now - ((point.bucket + 1) * BUCKET) as f64;
                Some((1.0 - age.max(0.0) / HOUR, of(point)?))
            })
            .filter(|(place, _)| *place >= 0.0)
            .collect();
        path(&values, most)
    }
}

impl Point {
    fn add(&mut self, cpu: Option<f64>, memory: Option<f64>) {
        let count = f64::from(self.count);
        let mean = |old: Option<f64>, new: Option<f64>| match (old, new) {
            (Some(old), Some(new)) => Some((old * count + new) / (count + 1.0)),
            (old, new) => new.or(old),
        };
        self.cpu = mean(self.cpu, cpu);
        self.memory = mean(self.memory, memory);
        self.count += 1;
    }
}

/// Measures a host's containers until nobody looks at any of them.
async fn measure(control: &Control, host: HostId) {
    let stop = control.stopping();
    loop {
        let begun = Instant::now();
        let wanted = control.loads().wanted(host);
        if wanted.is_empty() {
            return;
        }
        let online = control
            .fleet()
            .with_host(host, |line| line.status == HostStatus::Online)
            .unwrap_or_default();
        if let Some(engine) = control.fleet().engine(host).filter(|_| online) {
            stream::iter(wanted)
                .for_each_concurrent(PARALLEL, |(id, org, before)| {
                    let engine = engine.clone();
                    async move {
                        let line = control.fleet().line(org, id);
                        let runs = line.filter(|line| line.facts.state == ContainerState::Running);
                        let Some(line) = runs else {
                            control.loads().keep(id, None);
                            return;
                        };
                        let sample = engine.stats(&line.facts.engine_id, before.as_ref());
                        // What could not be measured now stays as it was; the next round tries again.
                        if let Ok(Ok(sample)) = tokio::time::timeout(PATIENCE, sample).await {
                            control.loads().keep(id, Some(sample));
                        }
                    }
                })
                .await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(begun + EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, cpu: f64, memory: Option<u64>) -> ContainerStats {
        ContainerStats {
            cpu_percent: Some(cpu),
            memory_bytes: memory,
            at: Timestamp::from_timestamp(second, 0).unwrap(),
            counters: engine::stats::Counters {
                cpu: 1,
                ..Default::default()
            },
            ..ContainerStats::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_looks_at_is_not_measured() {
        let loads = Loads::default();
        let (id, host) = (ContainerId::new(), HostId::new());
        assert_eq!(loads.lease(OrgId::HOME, &[(id, host)]), [host]);
        assert!(
            loads.lease(OrgId::HOME, &[(id, host)]).is_empty(),
            "one task for a host"
        );
        assert_eq!(loads.wanted(host).len(), 1);
        tokio::time::advance(LEASE + Duration::from_secs(1)).await;
        assert!(loads.wanted(host).is_empty());
        assert_eq!(loads.hosts(), 0);
        assert_eq!(
            loads.lease(OrgId::HOME, &[(id, host)]),
            [host],
            "and begins again"
        );
    }

    #[tokio::test]
    async fn lines_have_one_scale_and_gaps_are_no_zeros() {
        let loads = Loads::default();
        let (small, large, host) = (ContainerId::new(), ContainerId::new(), HostId::new());
        loads.lease(OrgId::HOME, &[(small, host), (large, host)]);
        let now = chrono::Utc::now().timestamp();
        for (second, cpu) in [(now - 90, 1.0), (now - 60, 1.0), (now, 1.0)] {
            loads.keep(small, Some(sample(second, cpu, None)));
        }
        loads.keep(large, Some(sample(now, 100.0, Some(512_000_000))));
        let shown = loads.show(OrgId::HOME, &[small, large]);
        assert_eq!(shown.len(), 2);
        assert!(shown[0].cpu_line.starts_with('M') && shown[0].cpu_line.matches('L').count() >= 1);
        assert_eq!(shown[0].memory_line, "");
        assert!(
            shown[0].note.is_some(),
            "memory is not measured, and that is said"
        );
        assert_eq!(shown[1].memory_bytes, Some(512_000_000));
        assert!(
            shown[1].cpu_line.ends_with(" 1.0"),
            "the largest fills the box: {}",
            shown[1].cpu_line
        );
        assert!(
            loads.show(OrgId::new(), &[small]).is_empty(),
            "another organisation sees nothing"
        );
    }

    #[tokio::test]
    async fn a_host_is_the_sum_of_what_is_measured_there() {
        let loads = Loads::default();
        let [one, two, new, host] = [(); 4].map(|()| uuid::Uuid::now_v7());
        let (ids, host) = ([one, two, new].map(ContainerId), HostId(host));
        loads.lease(OrgId::HOME, &ids.map(|id| (id, host)));
        let nothing = loads.sum(OrgId::HOME, &ids);
        assert_eq!((nothing.running, nothing.measured), (3, 0));
        assert_eq!(
            (nothing.cpu_percent, nothing.memory_bytes),
            (None, None),
            "unknown is not 0"
        );
        loads.keep(ids[0], Some(sample(0, 5.0, Some(1))));
        loads.keep(ids[1], Some(sample(0, 120.0, None)));
        let sum = loads.sum(OrgId::HOME, &ids);
        assert_eq!(
            (sum.measured, sum.cpu_percent, sum.memory_bytes),
            (2, Some(125.0), Some(1))
        );
        assert_eq!(loads.sum(OrgId::HOME, &[]).memory_bytes, Some(0));
        assert_eq!(loads.sum(OrgId::new(), &ids).measured, 0);
    }

    #[tokio::test]
    async fn a_container_that_stops_is_not_shown_as_it_was() {
        let loads = Loads::default();
        let (id, host) = (ContainerId::new(), HostId::new());
        loads.lease(OrgId::HOME, &[(id, host)]);
        loads.keep(id, Some(sample(0, 5.0, Some(1))));
        assert_eq!(loads.keys(ContainerSort::Cpu)[&id], 5000);
        loads.keep(id, None);
        assert!(loads.keys(ContainerSort::Cpu).is_empty());
        assert_eq!(loads.show(OrgId::HOME, &[id])[0].cpu_percent, None);
    }
}
