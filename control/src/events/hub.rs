//! The hub: reads the outbox once for the whole process and hands every event to the open streams.

use super::outbox::{self, Kind, Position, Row};
use crate::{Control, error::Result};
use domain::{
    events::Event,
    ids::{HostId, OrgId, RunId, ScheduleId},
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, broadcast};

/// Rows read at once.
const BATCH: i64 = 500;
/// Events a slow stream may fall behind before it is told to start over.
const BACKLOG: usize = 4096;
/// How often the outbox is read although nobody rang.
const POLL: Duration = Duration::from_secs(2);
/// How soon to look again while an open transaction holds rows back.
const HELD: Duration = Duration::from_millis(10);
/// Between two looks at the containers that open runs work on, at what is planned, and at tags and notes.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
const PLANNED_PAUSE: Duration = Duration::from_millis(500);
const MARKS_PAUSE: Duration = Duration::from_millis(200);

/// An event and whose it is.
#[derive(Clone, Debug)]
pub struct HubEvent {
    pub org_id: OrgId,
    /// Its place in the outbox; none for what comes from the watchers.
    pub position: Option<Position>,
    pub event: Event,
    /// As JSON, once it was asked for: a hundred streams send the same text.
    text: OnceLock<Option<String>>,
}

impl HubEvent {
    fn new(org_id: OrgId, position: Option<Position>, event: Event) -> Self {
        Self {
            org_id,
            position,
            event,
            text: OnceLock::new(),
        }
    }

    /// The event as JSON; nothing for one that cannot be written, which is a defect and is logged.
    pub fn text(&self) -> Option<&str> {
        let write = || {
            serde_json::to_string(&self.event)
                .inspect_err(|error| tracing::error!(%error, "an event could not be written"))
                .ok()
        };
        self.text.get_or_init(write).as_deref()
    }
}

/// Where events are handed out.
#[derive(Clone)]
pub struct EventHub {
    sender: broadcast::Sender<Arc<HubEvent>>,
    /// How far the outbox was read.
    read: Arc<Mutex<Position>>,
    runs_moved: Arc<Notify>,
    schedules_moved: Arc<Notify>,
    marks_moved: Arc<Notify>,
}

impl Default for EventHub {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(BACKLOG).0,
            read: Arc::default(),
            runs_moved: Arc::default(),
            schedules_moved: Arc::default(),
            marks_moved: Arc::default(),
        }
    }
}

impl EventHub {
    /// A stream of what happens from now on, for every organisation: the reader filters.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<HubEvent>> {
        self.sender.subscribe()
    }

    /// Hands out an event that is not in the database: a container's or a host's health.
    pub fn send_live(&self, org_id: OrgId, event: Event) {
        // Nobody listening is no error.
        let _ = self.sender.send(Arc::new(HubEvent::new(org_id, None, event)));
    }

    /// How far the outbox was read.
    pub fn position(&self) -> Position {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, position: Position) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        *read = (*read).max(position);
    }

    /// Events of one organisation after a position, up to where the hub is now.
    /// Nothing when the position is too old to resume from.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn resume(
        &self,
        control: &Control,
        org_id: OrgId,
        after: Position,
    ) -> Result<Option<Vec<HubEvent>>> {
        let upto = self.position();
        let mut conn = control.db().conn().await?;
        match outbox::oldest(&mut conn).await? {
            // The oldest row that is kept must not lie beyond the first one that the client missed.
            Some(oldest) if oldest > after && after.xid + 1 < oldest.xid => return Ok(None),
            _ => {}
        }
        let rows = outbox::read_after(&mut conn, after, BATCH).await?;
        if rows.len() as i64 == BATCH {
            return Ok(None);
        }
        let rows = rows
            .into_iter()
            .filter(|row| row.org_id == org_id.0 && row.position() <= upto)
            .collect();
        Ok(Some(build(control, rows).await?))
    }

    /// Reads the outbox and hands its events out; runs until cancelled.
    pub(crate) async fn pump(&self, control: &Control) {
        let stop = control.stopping();
        // From now on: what happened before is history for everybody who connects later.
        while !stop.is_cancelled() {
            let tip = async { outbox::tip(&mut *control.db().conn().await?).await };
            match tip.await {
                Ok(position) => {
                    self.advance(position);
                    break;
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        let mut prune_at = tokio::time::Instant::now() + Duration::from_secs(60);
        let mut wait = POLL;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = control.bells().wait(super::Topic::Events) => {}
                () = tokio::time::sleep(wait) => {}
            }
            wait = match self.read_on(control).await {
                Ok(true) => HELD,
                Ok(false) => POLL,
                Err(error) => {
                    tracing::debug!(error = %error, "the outbox cannot be read now");
                    Duration::from_millis(500)
                }
            };
            if tokio::time::Instant::now() >= prune_at {
                prune_at = tokio::time::Instant::now() + Duration::from_secs(600);
                if let Ok(mut conn) = control.db().conn().await
                    && let Err(error) = outbox::prune(&mut conn).await
                {
                    tracing::debug!(error = %error, "old events could not be deleted");
                }
            }
        }
    }

    /// Keeps what the fleet shows of runs and schedules near to the database: at once after a change, and then at most
    /// once per pause, so that a thousand runs a second do not ask a thousand times. Runs until cancelled.
    pub(crate) async fn refresh_fleet(&self, control: &Control) {
        let busy = async {
            loop {
                control.fleet().refresh_busy(control).await;
                tokio::time::sleep(BUSY_PAUSE).await;
                self.runs_moved.notified().await;
            }
        };
        let planned = async {
            loop {
                control.fleet().refresh_planned(control).await;
                tokio::time::sleep(PLANNED_PAUSE).await;
                self.schedules_moved.notified().await;
            }
        };
        let marks = async {
            loop {
                control.fleet().refresh_marks(control).await;
                tokio::time::sleep(MARKS_PAUSE).await;
                self.marks_moved.notified().await;
            }
        };
        let stop = control.stopping();
        tokio::select! {
            () = stop.cancelled() => {}
            () = async { tokio::join!(busy, planned, marks); } => {}
        }
    }

    /// Reads all there is. Says whether rows wait behind an open transaction.
    async fn read_on(&self, control: &Control) -> Result<bool> {
        loop {
            let mut conn = control.db().conn().await?;
            let rows = outbox::read_after(&mut conn, self.position(), BATCH).await?;
            let Some(last) = rows.last().map(Row::position) else {
                return outbox::held_back(&mut conn).await;
            };
            drop(conn);
            let full = rows.len() as i64 == BATCH;
            if rows.iter().any(|row| row.kind == Kind::Marks.as_str()) {
                self.marks_moved.notify_one();
            }
            let events = build(control, rows).await?;
            let runs_moved = events
                .iter()
                .any(|e| matches!(e.event, Event::RunChanged { .. } | Event::RunProgress { .. }));
            let schedules_moved = events.iter().any(|e| {
                matches!(
                    e.event,
                    Event::ScheduleChanged { .. } | Event::ScheduleDeleted { .. }
                )
            });
            if runs_moved {
                self.runs_moved.notify_one();
            }
            if schedules_moved {
                self.schedules_moved.notify_one();
            }
            for event in events {
                let _ = self.sender.send(Arc::new(event));
            }
            self.advance(last);
            if !full {
                let mut conn = control.db().conn().await?;
                return outbox::held_back(&mut conn).await;
            }
        }
    }
}

/// Turns rows into events: one per object and kind, at the last position it was seen at, read with one query per kind.
async fn build(control: &Control, rows: Vec<Row>) -> Result<Vec<HubEvent>> {
    let mut latest: Vec<(Position, OrgId, Kind, uuid::Uuid)> = Vec::new();
    let mut seen = HashSet::new();
    for row in rows.iter().rev() {
        let (Some(kind), Some(object)) = (Kind::from_word(&row.kind), row.object_id) else {
            continue;
        };
        if seen.insert((kind, object)) {
            latest.push((row.position(), OrgId(row.org_id), kind, object));
        }
    }
    latest.reverse();

    let of = |wanted: &[Kind]| -> Vec<uuid::Uuid> {
        latest
            .iter()
            .filter(|(_, _, kind, _)| wanted.contains(kind))
            .map(|(_, _, _, object)| *object)
            .collect()
    };
    let runs = crate::runs::summaries(control, &of(&[Kind::Run, Kind::RunProgress])).await?;
    let hosts = crate::hosts::by_ids(control, &of(&[Kind::Host])).await?;

    let mut events = Vec::with_capacity(latest.len());
    for (position, org_id, kind, object) in latest {
        let event = match kind {
            Kind::Run => match runs.get(&RunId(object)) {
                Some(run) => Event::RunChanged { run: run.clone() },
                None => continue,
            },
            Kind::RunProgress => match runs.get(&RunId(object)) {
                Some(run) => Event::RunProgress {
                    id: run.id,
                    status: run.status,
                },
                None => continue,
            },
            Kind::Schedule => Event::ScheduleChanged {
                id: ScheduleId(object),
            },
            Kind::ScheduleDeleted => Event::ScheduleDeleted {
                id: ScheduleId(object),
            },
            Kind::Host => match hosts.iter().find(|host| host.id.0 == object) {
                Some(host) => Event::HostChanged {
                    host: Box::new(host.clone()),
                },
                None => continue,
            },
            Kind::HostRemoved => Event::HostRemoved { id: HostId(object) },
            Kind::Marks => continue,
        };
        events.push(HubEvent::new(org_id, Some(position), event));
    }
    Ok(events)
}
