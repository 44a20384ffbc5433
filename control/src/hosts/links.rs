//! What is known of connections beside the fleet: why one is not made, how quick it is.

use domain::{errors::Problem, hosts::HostEvent, ids::HostId};
use engine::{EngineEvent, EventAction};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

/// How many pings are remembered: ten minutes.
const PINGS: usize = 60;
/// How many of the latest events are remembered.
const EVENTS: usize = 30;
/// How long what was measured of a disk is good for; an engine works hard for it.
const DISK_FRESH: Duration = Duration::from_secs(60);

/// The connections of this server.
#[derive(Clone, Default)]
pub struct Links(Arc<RwLock<HashMap<HostId, Link>>>);

#[derive(Clone, Default)]
pub(super) struct Link {
    /// Why it cannot even be tried: its keys do not open.
    pub unusable: Option<Problem>,
    /// The code of the reason for which it was lost.
    pub code: Option<String>,
    /// The SSH host key that waits for a person.
    pub offered: Option<String>,
    /// What is wrong with its stream of events.
    pub stream: Option<String>,
    pub latencies: VecDeque<f32>,
    /// The latest last.
    events: Arc<Mutex<VecDeque<HostEvent>>>,
    /// Where other programs reach the engine of a host by SSH.
    docker_host: Option<String>,
    disk: Option<(Instant, domain::hosts::DiskUse)>,
}

impl Links {
    pub(super) fn get(&self, id: HostId) -> Link {
        self.0.read().get(&id).cloned().unwrap_or_default()
    }

    pub(super) fn drop(&self, id: HostId) {
        self.0.write().remove(&id);
    }

    /// Says whether that is news.
    pub(super) fn unusable(&self, id: HostId, why: Problem) -> bool {
        let mut links = self.0.write();
        let link = links.entry(id).or_default();
        let news = link.unusable.as_ref() != Some(&why);
        *link = Link {
            unusable: Some(why),
            ..Link::default()
        };
        news
    }

    /// A new connection is tried, with other settings perhaps.
    pub(super) fn begin(&self, id: HostId) {
        self.0.write().insert(id, Link::default());
    }

    pub(super) fn online(&self, id: HostId) {
        let mut links = self.0.write();
        let link = links.entry(id).or_default();
        (link.unusable, link.code, link.offered, link.stream) = (None, None, None, None);
    }

    pub(super) fn offline(&self, id: HostId, code: &str, offered: Option<String>) {
        let mut links = self.0.write();
        let link = links.entry(id).or_default();
        (link.code, link.offered, link.stream) = (Some(code.to_owned()), offered, None);
    }

    pub(super) fn stream(&self, id: HostId, fault: Option<String>) {
        self.0.write().entry(id).or_default().stream = fault;
    }

    /// Remembers an event; there may be hundreds in a second.
    pub(super) fn happened(&self, id: HostId, event: &EngineEvent) {
        if let Some(link) = self.0.read().get(&id) {
            let mut events = link.events.lock();
            if events.len() == EVENTS {
                events.pop_front();
            }
            events.push_back(told(event));
        }
    }

    /// What happened lately, newest first.
    pub(super) fn events(&self, id: HostId) -> Vec<HostEvent> {
        let links = self.0.read();
        let events = links.get(&id).map(|link| link.events.lock());
        events
            .map(|events| events.iter().rev().cloned().collect())
            .unwrap_or_default()
    }

    pub(super) fn ping(&self, id: HostId, latency: Duration) {
        let mut links = self.0.write();
        let pings = &mut links.entry(id).or_default().latencies;
        if pings.len() == PINGS {
            pings.pop_front();
        }
        // Hundredths of a millisecond: what is below is noise.
        pings.push_back((latency.as_secs_f32() * 100_000.0).round() / 100.0);
    }

    pub(super) fn bridged(&self, id: HostId, docker_host: String) {
        self.0.write().entry(id).or_default().docker_host = Some(docker_host);
    }

    /// Where other programs, such as Compose, reach the engine of a host by SSH: a private socket.
    pub fn docker_host(&self, id: HostId) -> Option<String> {
        self.0.read().get(&id)?.docker_host.clone()
    }

    /// What was measured lately.
    pub(super) fn disk(&self, id: HostId) -> Option<domain::hosts::DiskUse> {
        let (at, disk) = self.0.read().get(&id)?.disk?;
        (at.elapsed() < DISK_FRESH).then_some(disk)
    }

    pub(super) fn measured(&self, id: HostId, disk: domain::hosts::DiskUse) {
        if let Some(link) = self.0.write().get_mut(&id) {
            link.disk = Some((Instant::now(), disk));
        }
    }
}

fn told(event: &EngineEvent) -> HostEvent {
    let detail = match event.action {
        EventAction::Die => event.exit_code().map(|code| format!("exit code {code}")),
        EventAction::Health(health) => health.map(|health| health.as_str().to_owned()),
        EventAction::Rename => event.old_name().map(|old| format!("was {old}")),
        _ => None,
    };
    let short = || event.engine_id.chars().take(12).collect();
    HostEvent {
        at: chrono::DateTime::from_timestamp_nanos(event.time_nano),
        container: event.name().map_or_else(short, str::to_owned),
        action: event.action.as_str().to_owned(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_events_are_remembered_and_no_more() {
        let (links, id) = (Links::default(), HostId::new());
        links.begin(id);
        for time_nano in 0..100 {
            links.happened(
                id,
                &EngineEvent {
                    time_nano,
                    engine_id: "0123456789abcdef".into(),
                    action: EventAction::Die,
                    attributes: [("exitCode".to_owned(), "137".to_owned())].into(),
                },
            );
        }
        let events = links.events(id);
        assert_eq!(events.len(), EVENTS);
        assert_eq!(events[0].at.timestamp_subsec_nanos(), 99);
        assert_eq!(
            (events[0].container.as_str(), events[0].detail.as_deref()),
            ("0123456789ab", Some("exit code 137"))
        );
        links.stream(id, Some("It stalls.".into()));
        assert!(links.get(id).stream.is_some());
        links.online(id);
        assert!(links.get(id).stream.is_none(), "a new stream is a good one");
    }
}
