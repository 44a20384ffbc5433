use super::*;

fn raw(json: &str) -> Raw {
    serde_json::from_str(json).expect("stats")
}

fn sample(second: u32, cpu: u64, system: u64) -> ContainerStats {
    raw(&format!(
        r#"{{"read":"2026-11-25T10:00:{second:02}.5Z",
            "cpu_stats":{{"cpu_usage":{{"total_usage":{cpu}}},"system_cpu_usage":{system},"online_cpus":4}}}}"#
    ))
    .measured(None)
}

#[test]
fn processor_time_is_a_share_of_time_passed() {
    let first = sample(10, 1_000_000_000, 100_000_000_000);
    let later = sample(12, 4_000_000_000, 108_000_000_000);
    // Three seconds of processor time in two.
    assert_eq!(
        percent(first.at, first.counters, later.at, later.counters),
        Some(150.0)
    );
    // The clock went back: the machine's own count of eight processor seconds says the same.
    assert_eq!(
        percent(later.at, first.counters, first.at, later.counters),
        Some(150.0)
    );
    // Started anew in between.
    assert_eq!(percent(first.at, later.counters, later.at, first.counters), None);
    // Never more than there is.
    let wild = Counters {
        cpu: u64::MAX / 2,
        ..later.counters
    };
    assert_eq!(percent(first.at, first.counters, later.at, wild), Some(400.0));
    // Twice the same sample is no measurement.
    assert_eq!(percent(first.at, first.counters, first.at, first.counters), None);
}

#[test]
fn cgroups_of_both_versions_and_none_at_all() {
    let v2 = raw(
        r#"{"read":"2026-11-25T10:00:00Z","cpu_stats":{"cpu_usage":{"total_usage":5}},
            "memory_stats":{"usage":1000,"limit":4000,"stats":{"inactive_file":300,"anon":600}},
            "networks":{"eth0":{"rx_bytes":1,"tx_bytes":2},"eth1":{"rx_bytes":10,"tx_bytes":20}},
            "blkio_stats":{"io_service_bytes_recursive":[{"op":"read","value":7},{"op":"Write","value":8},{"op":"read","value":1}]},
            "pids_stats":{"current":3}}"#,
    )
    .measured(None);
    assert_eq!((v2.memory_bytes, v2.memory_limit), (Some(700), Some(4000)));
    assert_eq!((v2.network_rx, v2.network_tx), (Some(11), Some(22)));
    assert_eq!(
        (v2.block_read, v2.block_write, v2.pids),
        (Some(8), Some(8), Some(3))
    );

    let v1 = raw(
        r#"{"read":"2026-11-25T10:00:00Z","cpu_stats":{"cpu_usage":{"total_usage":5}},
            "memory_stats":{"usage":1000,"limit":9223372036854771712,"stats":{"total_inactive_file":100,"inactive_file":1}}}"#,
    )
    .measured(None);
    assert_eq!((v1.memory_bytes, v1.memory_limit), (Some(900), None));
    assert_eq!((v1.network_rx, v1.block_read, v1.pids), (None, None, None));

    // A Pi without memory cgroups, and a stopped container.
    let pi = raw(
        r#"{"read":"2026-11-25T10:00:00Z","cpu_stats":{"cpu_usage":{"total_usage":5}},"memory_stats":{}}"#,
    );
    assert_eq!(pi.measured(None).memory_bytes, None);
    let stopped = raw(
        r#"{"read":"0001-01-01T00:00:00Z","preread":"0001-01-01T00:00:00Z","pids_stats":{},
            "blkio_stats":{"io_service_bytes_recursive":null},"cpu_stats":{"cpu_usage":{"total_usage":0}},
            "memory_stats":{"usage":0}}"#,
    );
    assert_eq!(stopped.before(), None);
    let stopped = stopped.measured(None);
    assert_eq!(
        (stopped.cpu_percent, stopped.memory_bytes, stopped.block_read),
        (None, None, None)
    );
}

#[test]
fn disk_is_added_up_once() {
    let disk: RawDisk = serde_json::from_str(
        r#"{"LayersSize":1500,
            "Images":[{"Size":1000,"SharedSize":500,"Containers":1},{"Size":1000,"SharedSize":500,"Containers":0}],
            "Containers":[{"SizeRw":10,"State":"running"},{"SizeRw":20,"State":"exited"},{"State":"created"}],
            "Volumes":[{"UsageData":{"Size":100,"RefCount":1}},{"UsageData":{"Size":-1,"RefCount":0}},{"UsageData":null}],
            "BuildCache":null}"#,
    )
    .expect("a disk's account");
    let disk = disk.added_up();
    let kept = |count, active, bytes, reclaimable| Kept {
        count,
        active,
        bytes,
        reclaimable,
    };
    assert_eq!(disk.images, kept(2, 1, 1500, 500));
    assert_eq!(disk.containers, kept(3, 1, 30, 20));
    assert_eq!(disk.volumes, kept(3, 1, 100, 0));
    assert_eq!(disk.build_cache, Kept::default());
}
