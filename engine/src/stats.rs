//! What containers use: processor, memory, network, disk; and what an engine keeps on disk.

use crate::{client::Engine, error::EngineError, wire::decode};
use domain::Timestamp;
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

/// The largest answer about one container that is read, in bytes.
const LIMIT: usize = 1024 * 1024;
/// The largest account of an engine's disk that is read, in bytes: it lists every image, container and volume.
const DISK_LIMIT: usize = 64 * 1024 * 1024;
/// Two samples further apart than this say nothing about now.
const FAR: i64 = 3600;

/// What one container uses at one moment. What an engine does not measure is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerStats {
    /// Of one processor: 250 is two and a half of them. Needs an earlier sample.
    pub cpu_percent: Option<f64>,
    /// Without the cache of files that can be dropped at once, as `docker stats` counts.
    pub memory_bytes: Option<u64>,
    /// The container's own limit, or the machine's memory where it has none.
    pub memory_limit: Option<u64>,
    /// Bytes since the container's start; `None` where it uses the host's network.
    pub network_rx: Option<u64>,
    pub network_tx: Option<u64>,
    pub block_read: Option<u64>,
    pub block_write: Option<u64>,
    pub pids: Option<u64>,
    /// The engine's clock.
    pub at: Timestamp,
    /// What the next sample is compared with.
    pub counters: Counters,
}

/// Processor time so far, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The container's.
    pub cpu: u64,
    /// The whole machine's, all processors together; 0 where unknown.
    pub system: u64,
    pub cpus: u32,
}

impl Engine {
    /// One sample at once. Its `cpu_percent` comes from the sample before, if one is given: keep what this returns and
    /// hand it in the next time. A container that does not run answers with nothing measured.
    ///
    /// # Errors
    /// Anything of [`EngineError`].
    pub async fn stats(
        &self,
        id: &str,
        before: Option<&ContainerStats>,
    ) -> Result<ContainerStats, EngineError> {
        let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
        let raw = self.raw_stats(id, &path).await?;
        Ok(raw.measured(before.map(|sample| (sample.at, sample.counters))))
    }

    /// One sample with its `cpu_percent`, for which Docker looks twice: it takes a second or two.
    ///
    /// # Errors
    /// Anything of [`EngineError`].
    pub async fn stats_over_a_second(&self, id: &str) -> Result<ContainerStats, EngineError> {
        let path = format!("/containers/{id}/stats?stream=false");
        let raw = self.raw_stats(id, &path).await?;
        let before = raw.before();
        if before.is_some() {
            return Ok(raw.measured(before));
        }
        // Podman's first sample has nothing before it.
        let first = raw.measured(None);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.stats(id, Some(&first)).await
    }

    async fn raw_stats(&self, id: &str, path: &str) -> Result<Raw, EngineError> {
        const OPERATION: &str = "measure the container";
        crate::containers::check_id(id)?;
        self.ready().await?;
        let body = self
            .wire
            .get_bytes(OPERATION, path, LIMIT, self.options().deadline)
            .await?;
        decode(OPERATION, &body)
    }

    /// What the engine keeps on disk. Slow on engines that keep much: it adds up every layer and volume.
    ///
    /// # Errors
    /// Anything of [`EngineError`].
    pub async fn disk_use(&self) -> Result<DiskUse, EngineError> {
        const OPERATION: &str = "add up its disk use";
        self.ready().await?;
        let body = self
            .wire
            .get_bytes(OPERATION, "/system/df", DISK_LIMIT, self.options().list)
            .await?;
        Ok(decode::<RawDisk>(OPERATION, &body)?.added_up())
    }
}

/// What an engine keeps on disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// Layers, each counted once.
    pub images: Kept,
    /// What containers wrote into their own file systems.
    pub containers: Kept,
    pub volumes: Kept,
    pub build_cache: Kept,
}

/// One kind of thing on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub count: u64,
    /// How many are in use.
    pub active: u64,
    pub bytes: u64,
    /// What a prune would free.
    pub reclaimable: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Raw {
    read: Option<Timestamp>,
    preread: Option<Timestamp>,
    cpu_stats: Cpu,
    precpu_stats: Cpu,
    memory_stats: Memory,
    networks: Option<BTreeMap<String, Network>>,
    blkio_stats: Option<Block>,
    pids_stats: Option<Pids>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Cpu {
    cpu_usage: CpuUsage,
    system_cpu_usage: Option<u64>,
    online_cpus: Option<u32>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct CpuUsage {
    total_usage: u64,
    percpu_usage: Option<Vec<u64>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Memory {
    usage: Option<u64>,
    limit: Option<u64>,
    stats: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Network {
    rx_bytes: u64,
    tx_bytes: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Block {
    io_service_bytes_recursive: Option<Vec<Operation>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Operation {
    op: String,
    value: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pids {
    current: Option<u64>,
}

impl Cpu {
    fn counters(&self) -> Counters {
        let listed = self.cpu_usage.percpu_usage.as_ref().map_or(0, Vec::len);
        Counters {
            cpu: self.cpu_usage.total_usage,
            system: self.system_cpu_usage.unwrap_or_default(),
            cpus: self
                .online_cpus
                .filter(|&count| count > 0)
                .unwrap_or(u32::try_from(listed).unwrap_or_default()),
        }
    }
}

impl Raw {
    /// The sample that the engine itself took before, if it did.
    fn before(&self) -> Option<(Timestamp, Counters)> {
        let at = self.preread.filter(|at| at.timestamp() > 0)?;
        let counters = self.precpu_stats.counters();
        (counters.cpu > 0).then_some((at, counters))
    }

    fn measured(self, before: Option<(Timestamp, Counters)>) -> ContainerStats {
        let at = self.read.filter(|at| at.timestamp() > 0).unwrap_or_default();
        let counters = self.cpu_stats.counters();
        let runs = counters.cpu > 0;
        let blocks = |word: &str| {
            let all = self.blkio_stats.as_ref()?.io_service_bytes_recursive.as_ref()?;
            let of_word = all.iter().filter(|one| one.op.eq_ignore_ascii_case(word));
            Some(of_word.map(|one| one.value).fold(0, u64::saturating_add))
        };
        let networks = self.networks.as_ref().filter(|all| !all.is_empty());
        let network =
            |of: fn(&Network) -> u64| networks.map(|all| all.values().map(of).fold(0, u64::saturating_add));
        ContainerStats {
            cpu_percent: before
                .filter(|_| runs)
                .and_then(|(then, earlier)| percent(then, earlier, at, counters)),
            memory_bytes: self.memory_stats.used().filter(|_| runs),
            memory_limit: self.memory_stats.limit(),
            network_rx: network(|one| one.rx_bytes),
            network_tx: network(|one| one.tx_bytes),
            block_read: blocks("read"),
            block_write: blocks("write"),
            pids: self.pids_stats.and_then(|pids| pids.current),
            at,
            counters,
        }
    }
}

/// Processor time over time passed. The engine's clock is finer than its count of the machine's processor time, which
/// goes in steps of 10 ms; that count serves where the clock was set meanwhile.
fn percent(then: Timestamp, earlier: Counters, now: Timestamp, later: Counters) -> Option<f64> {
    // A restarted container counts from 0 again.
    let used = later.cpu.checked_sub(earlier.cpu)?;
    let passed = now.signed_duration_since(then);
    let limit = |percent: f64| {
        let most = if later.cpus > 0 {
            f64::from(later.cpus) * 100.0
        } else {
            f64::MAX
        };
        percent.clamp(0.0, most)
    };
    if passed.num_milliseconds() >= 50 && passed.num_seconds() < FAR {
        let passed = passed.num_nanoseconds()?;
        return Some(limit(used as f64 / passed as f64 * 100.0));
    }
    let system = later
        .system
        .checked_sub(earlier.system)
        .filter(|&delta| delta > 0)?;
    (later.cpus > 0).then(|| limit(used as f64 / system as f64 * f64::from(later.cpus) * 100.0))
}

impl Memory {
    /// Without the files' cache that is given up first (cgroup version 2, then 1).
    fn used(&self) -> Option<u64> {
        let usage = self.usage?;
        let cache = self.stats.as_ref().and_then(|stats| {
            let of = |key: &str| stats.get(key).and_then(serde_json::Value::as_u64);
            of("total_inactive_file").or_else(|| of("inactive_file"))
        });
        Some(match cache {
            Some(cache) if cache < usage => usage - cache,
            _ => usage,
        })
    }

    /// Version 1 of cgroups writes a number near 2⁶³ for "none".
    fn limit(&self) -> Option<u64> {
        self.limit.filter(|&limit| limit > 0 && limit < 1 << 60)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawDisk {
    layers_size: Option<i64>,
    images: Option<Vec<RawImage>>,
    containers: Option<Vec<RawContainer>>,
    volumes: Option<Vec<RawVolume>>,
    build_cache: Option<Vec<RawCache>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawImage {
    size: i64,
    shared_size: i64,
    containers: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawContainer {
    size_rw: i64,
    state: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawVolume {
    usage_data: Option<RawUsage>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawUsage {
    size: i64,
    ref_count: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawCache {
    size: i64,
    in_use: bool,
    shared: bool,
}

impl RawDisk {
    fn added_up(self) -> DiskUse {
        let mut images = Kept::default();
        for image in self.images.iter().flatten() {
            let own = bytes(image.size).saturating_sub(bytes(image.shared_size));
            images.add(image.containers > 0, bytes(image.size), own);
        }
        // Layers are shared: their sum is the engine's own, not the images'.
        if let Some(layers) = self.layers_size.filter(|&size| size > 0) {
            images.bytes = bytes(layers);
            images.reclaimable = images.reclaimable.min(images.bytes);
        }
        let mut containers = Kept::default();
        for container in self.containers.iter().flatten() {
            let active = matches!(container.state.as_str(), "running" | "paused" | "restarting");
            containers.add(active, bytes(container.size_rw), bytes(container.size_rw));
        }
        let mut volumes = Kept::default();
        for volume in self.volumes.iter().flatten() {
            let usage = volume.usage_data.as_ref();
            let size = usage.map_or(0, |usage| bytes(usage.size));
            volumes.add(usage.is_some_and(|usage| usage.ref_count > 0), size, size);
        }
        let mut build_cache = Kept::default();
        for cache in self.build_cache.iter().flatten().filter(|cache| !cache.shared) {
            build_cache.add(cache.in_use, bytes(cache.size), bytes(cache.size));
        }
        DiskUse {
            images,
            containers,
            volumes,
            build_cache,
        }
    }
}

impl Kept {
    fn add(&mut self, active: bool, bytes: u64, freed: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if active {
            self.active += 1;
        } else {
            self.reclaimable = self.reclaimable.saturating_add(freed);
        }
    }
}

/// Engines write -1 for what they did not add up.
fn bytes(size: i64) -> u64 {
    u64::try_from(size).unwrap_or_default()
}

#[cfg(test)]
mod tests;
