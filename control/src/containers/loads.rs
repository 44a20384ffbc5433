//! What containers use, measured only while somebody looks: one sampler for everybody, and nothing to do for engines whose
//! containers are on nobody's screen.
//!
//! A page says every few seconds which containers it shows ([`watch`]), and gets what is known of them. That is a lease:
//! where nobody renews it, measuring ends. Each host is measured by one task, a few containers at a time, so that a slow
//! one costs the others nothing.
//!
//! A list in the order of what containers use looks at all that it may list, on every host. Those are measured twice as
//! soon as possible, since a processor's share needs two measurements, and then a few in each round, the longest ago first:
//! an order may be a minute old, and an engine must not notice that somebody looks at one.

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
use tokio::{sync::Semaphore, time::Instant};

/// How long a look lasts.
const LEASE: Duration = Duration::from_secs(15);
/// Between two measurements of one container.
const EVERY: Duration = Duration::from_secs(5);
/// Containers of one host that are measured at once.
const PARALLEL: usize = 4;
/// Containers of all hosts that are measured at once: ten thousand in an order are many, this server is one.
const PARALLEL_ALL: usize = 48;
/// Of those that only an order needs, how many are measured in one round of one host, once each was measured twice.
const SLOWLY: usize = 20;
/// After its last look an order's container is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(120);
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
#[derive(Clone)]
pub struct Loads {
    inner: Arc<Mutex<Inner>>,
    places: Arc<Semaphore>,
}

impl Default for Loads {
    fn default() -> Self {
        Self {
            inner: Arc::default(),
            places: Arc::new(Semaphore::new(PARALLEL_ALL)),
        }
    }
}

/// Why containers are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// They are on somebody's screen: measured in every round, and drawn as lines.
    Seen,
    /// A list is ordered by them, or they are added up.
    Ordered,
}

#[derive(Default)]
struct Inner {
    watched: HashMap<ContainerId, Watched>,
    /// Hosts that a task measures.
    measured: HashSet<HostId>,
}

struct Watched {
    org: OrgId,
    host: HostId,
    /// Until when it is on somebody's screen, and until when an order needs it.
    until: Instant,
    ordered: Instant,
    last: Option<ContainerStats>,
    /// How often it was to be measured, up to 2, and when last.
    times: u8,
    asked: Instant,
    points: VecDeque<Point>,
}

/// A container to be measured, and what the last measurement of it was.
type Wanted = (ContainerId, Option<ContainerStats>);

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
    lease(control, actor.org_id, ids, Look::Seen);
    Ok(control.loads().show(actor.org_id, ids))
}

/// Looks at all that runs on a host for the next 15 s, and adds up what is known of it.
pub(crate) fn of_host(control: &Control, org: OrgId, host: HostId, look: Look) -> HostUse {
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
    match look {
        Look::Seen => lease(control, org, ids.get(..MOST).unwrap_or(&ids), look),
        Look::Ordered => lease(control, org, &ids, look),
    }
    let mut sum = control.loads().sum(org, &ids);
    sum.memory_bytes = sum.memory_bytes.filter(|_| measures_memory);
    sum
}

/// Makes sure that these are measured for a while.
pub(super) fn lease(control: &Control, org: OrgId, ids: &[ContainerId], look: Look) {
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
    let begun = control.loads().lease(org, &places, look);
    for host in begun {
        let this = control.clone();
        control.spawn(async move { measure(&this, host).await });
    }
}

impl Loads {
    /// Renews leases; gives the hosts that nobody measures yet.
    fn lease(&self, org: OrgId, places: &[(ContainerId, HostId)], look: Look) -> Vec<HostId> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        // What nobody has looked at for an hour has no line to draw any more.
        inner.watched.retain(|_, watched| {
            let drawn = !watched.points.is_empty() && watched.until + Duration::from_secs(3600) > now;
            drawn || watched.until.max(watched.ordered) + FORGOTTEN > now
        });
        let mut begun = Vec::new();
        for (id, host) in places {
            let watched = inner.watched.entry(*id).or_insert_with(|| Watched {
                org,
                host: *host,
                until: now,
                ordered: now,
                last: None,
                times: 0,
                asked: now,
                points: VecDeque::new(),
            });
            match look {
                Look::Seen => watched.until = now + LEASE,
                Look::Ordered => watched.ordered = now + LEASE,
            }
            watched.host = *host;
            if inner.measured.insert(*host) {
                begun.push(*host);
            }
        }
        begun
    }

    /// What of a host is measured in the next round: all that is on a screen, then what an order needs. Where nobody looks
    /// at anything the host's task ends, and is forgotten here.
    fn wanted(&self, host: HostId) -> Option<Vec<Wanted>> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        let looked_at = inner
            .watched
            .iter_mut()
            .filter(|(_, watched)| watched.host == host && watched.until.max(watched.ordered) > now);
        let (mut wanted, mut ordered): (Vec<_>, Vec<_>) =
            looked_at.partition(|(_, watched)| watched.until > now);
        if wanted.is_empty() && ordered.is_empty() {
            inner.measured.remove(&host);
            return None;
        }
        // Those of which least is known first, then those whose turn was longest ago.
        ordered.sort_by_key(|(_, watched)| (watched.times, watched.asked));
        let unknown = ordered
            .iter()
            .take_while(|(_, watched)| watched.times < 2)
            .count();
        ordered.truncate(unknown.max(SLOWLY));
        wanted.extend(ordered);
        Some(
            wanted
                .into_iter()
                .map(|(id, watched)| {
                    watched.times = (watched.times + 1).min(2);
                    watched.asked = now;
                    (*id, watched.last.clone())
                })
                .collect(),
        )
    }

    fn keep(&self, id: ContainerId, sample: Option<ContainerStats>) {
        let mut inner = self.inner.lock();
        let Some(watched) = inner.watched.get_mut(&id) else {
            return;
        };
        // Only what is on screen is drawn: the lines of ten thousand would be 50 MB.
        let seen = watched.until > Instant::now();
        if let Some(sample) = sample.as_ref().filter(|_| seen) {
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
        let inner = self.inner.lock();
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
        let inner = self.inner.lock();
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
        let inner = self.inner.lock();
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
        self.inner.lock().measured.len()
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
        let Some(wanted) = control.loads().wanted(host) else {
            return;
        };
        let online = control
            .fleet()
            .with_host(host, |line| line.status == HostStatus::Online)
            .unwrap_or_default();
        if let Some(engine) = control.fleet().engine(host).filter(|_| online) {
            stream::iter(wanted)
                .for_each_concurrent(PARALLEL, |(id, before)| {
                    let engine = engine.clone();
                    async move {
                        let line = control.fleet().with_host(host, |known| {
                            known.lines.values().find(|line| line.id == id).cloned()
                        });
                        let runs = line
                            .flatten()
                            .filter(|line| line.facts.state == ContainerState::Running);
                        let Some(line) = runs else {
                            control.loads().keep(id, None);
                            return;
                        };
                        let Ok(_place) = control.loads().places.acquire().await else {
                            return;
                        };
                        // What could not be measured now stays as it was; the next round tries again.
                        let sample = engine.stats(&line.facts.engine_id, before.as_ref());
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
        assert_eq!(loads.lease(OrgId::HOME, &[(id, host)], Look::Seen), [host]);
        assert!(
            loads.lease(OrgId::HOME, &[(id, host)], Look::Seen).is_empty(),
            "one task for a host"
        );
        assert_eq!(loads.wanted(host).unwrap().len(), 1);
        tokio::time::advance(LEASE + Duration::from_secs(1)).await;
        assert!(loads.wanted(host).is_none());
        assert_eq!(loads.hosts(), 0);
        assert_eq!(
            loads.lease(OrgId::HOME, &[(id, host)], Look::Seen),
            [host],
            "and begins again"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_needs_all_soon_and_then_a_few_at_a_time() {
        let loads = Loads::default();
        let host = HostId::new();
        let places: Vec<_> = (0..300).map(|_| (ContainerId::new(), host)).collect();
        assert_eq!(loads.lease(OrgId::HOME, &places, Look::Ordered), [host]);
        let seen = places[7];
        assert!(loads.lease(OrgId::HOME, &[seen], Look::Seen).is_empty());
        for round in ["a first time", "a second time, for the processor"] {
            assert_eq!(loads.wanted(host).unwrap().len(), 300, "{round}");
        }
        // From now on those on screen each time, and the others in turn.
        let mut turns: HashSet<ContainerId> = HashSet::new();
        for _ in 0..15 {
            tokio::time::advance(Duration::from_millis(10)).await;
            let round = loads.wanted(host).unwrap();
            assert_eq!(round.len(), SLOWLY + 1);
            assert_eq!(round[0].0, seen.0);
            turns.extend(round.iter().map(|(id, _)| *id));
        }
        assert_eq!(turns.len(), 300, "each has its turn");
        loads.keep(places[8].0, Some(sample(0, 5.0, Some(1))));
        assert_eq!(loads.keys(ContainerSort::Memory)[&places[8].0], 1);
        assert_eq!(
            loads.show(OrgId::HOME, &[places[8].0])[0].cpu_line,
            "",
            "nobody sees its line"
        );
        tokio::time::advance(LEASE + Duration::from_secs(1)).await;
        assert!(loads.wanted(host).is_none(), "nobody looks any more");
    }

    #[tokio::test]
    async fn lines_have_one_scale_and_gaps_are_no_zeros() {
        let loads = Loads::default();
        let (small, large, host) = (ContainerId::new(), ContainerId::new(), HostId::new());
        loads.lease(OrgId::HOME, &[(small, host), (large, host)], Look::Seen);
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
        loads.lease(OrgId::HOME, &ids.map(|id| (id, host)), Look::Seen);
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
        loads.lease(OrgId::HOME, &[(id, host)], Look::Seen);
        loads.keep(id, Some(sample(0, 5.0, Some(1))));
        assert_eq!(loads.keys(ContainerSort::Cpu)[&id], 5000);
        loads.keep(id, None);
        assert!(loads.keys(ContainerSort::Cpu).is_empty());
        assert_eq!(loads.show(OrgId::HOME, &[id])[0].cpu_percent, None);
    }
}
