//! What happens to containers, and the schedules that wait for it.
//!
//! Every server watches every host, so each event arrives at each of them: the first to write the call wins, and the others
//! find it there, named by host, time, container and action. What a schedule's own run causes on a container that it works
//! on is left alone, or a watchdog would wake itself: while that run is open, and for 10 s after it was done with the
//! container. That counts for the runs which its steps start, too.

use crate::{Control, containers::Line, db::statement, error::Result, events::Topic};
use chrono::SecondsFormat;
use diesel::{
    QueryableByName,
    sql_types::{Array, Double, Jsonb, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    Timestamp,
    containers::{ContainerFacts, Health, HostRef},
    ids::{ContainerId, HostId, OrgId},
    runs::RunTrigger,
    schedules::Trigger,
    selectors::Selector,
    triggers::Happening,
};
use engine::events::{EngineEvent, EventAction};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Events that wait to be looked at. More come only while the database is away, and are lost then, which is told.
const WAITING: usize = 10_000;
/// Events looked at together.
const BATCH: usize = 256;
/// How often and after which pauses a container is looked for that something happened to before it was known.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
/// The label of containers that runs make for themselves: what happens to these is a part of those runs.
const OF_A_RUN: &str = "chrontainer.run";

/// Something that happened to a container.
pub(crate) struct Happened {
    org: OrgId,
    host: HostId,
    what: Happening,
    health: Option<Health>,
    event: EngineEvent,
    /// As the fleet knew it then; nothing for one that it did not know yet.
    line: Option<Arc<Line>>,
    looks: u32,
}

/// The way from the watchers to the schedules.
pub(crate) struct Happenings {
    sender: mpsc::Sender<Happened>,
    /// Taken by who listens.
    receiver: Mutex<Option<mpsc::Receiver<Happened>>>,
}

impl Default for Happenings {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl Happened {
    /// Hands on what a watcher told, if it is of a kind that schedules can wait for.
    pub fn tell(control: &Control, org: OrgId, host: HostId, event: EngineEvent) {
        let (what, health) = match event.action {
            EventAction::Die => (Happening::Die, None),
            EventAction::Oom => (Happening::Oom, None),
            EventAction::Health(health) => (Happening::HealthStatus, health),
            EventAction::Start => (Happening::Start, None),
            EventAction::Stop => (Happening::Stop, None),
            _ => return,
        };
        if event.attributes.contains_key(OF_A_RUN) || control.fleet().in_maintenance(host) {
            return;
        }
        let happened = Self {
            line: known(control, host, &event),
            org,
            host,
            what,
            health,
            event,
            looks: 0,
        };
        happened.send(control);
    }

    fn send(self, control: &Control) {
        if let Err(error) = control.happenings().sender.try_send(self) {
            let (mpsc::error::TrySendError::Full(lost) | mpsc::error::TrySendError::Closed(lost)) = error;
            tracing::warn!(
                host.id = %lost.host, event = lost.what.as_str(), container.name = lost.event.name(),
                "too many events wait, so schedules do not hear of this one"
            );
        }
    }

    /// Tells it once more in a moment, when the fleet may know the container.
    fn later(mut self, control: &Control) {
        self.looks += 1;
        let this = control.clone();
        control.spawn(async move {
            tokio::time::sleep(PAUSE).await;
            self.line = known(&this, self.host, &self.event);
            self.send(&this);
        });
    }

    /// What tells it from every other event, on every server.
    fn key(&self) -> String {
        let health = self.health.map_or("", Health::as_str);
        format!(
            "{}:{:019}:{}:{}:{health}",
            self.host,
            self.event.time_nano,
            self.event.engine_id,
            self.what.as_str()
        )
    }

    /// The container as far as the event itself tells it.
    fn stranger(&self, control: &Control) -> Arc<Line> {
        let name = control
            .fleet()
            .with_host(self.host, |line| line.host.name.clone());
        Arc::new(Line {
            id: ContainerId(Uuid::nil()),
            host: HostRef {
                id: self.host,
                name: name.unwrap_or_default(),
            },
            facts: Arc::new(ContainerFacts {
                engine_id: self.event.engine_id.clone(),
                name: self.event.name().unwrap_or_default().to_owned(),
                image: self.event.image().unwrap_or_default().to_owned(),
                labels: self.event.attributes.clone(),
                ..ContainerFacts::default()
            }),
            protected: false,
        })
    }

    /// When it happened, by the engine's clock.
    fn at(&self) -> Timestamp {
        Timestamp::from_timestamp_nanos(self.event.time_nano)
    }

    /// "web on nas exited with 137"
    fn words(&self, line: &Line) -> String {
        let did = match (self.what, self.event.exit_code(), self.health) {
            (Happening::Die, Some(code), _) => format!("exited with {code}"),
            (Happening::Die, None, _) => "exited".to_owned(),
            (Happening::Oom, ..) => "ran out of memory".to_owned(),
            (Happening::HealthStatus, _, Some(health)) => format!("became {}", health.as_str()),
            (Happening::HealthStatus, _, None) => "changed its health".to_owned(),
            (Happening::Start, ..) => "started".to_owned(),
            (Happening::Stop, ..) => "was stopped".to_owned(),
        };
        format!("{} on {} {did}", line.facts.name, line.host.name)
    }

    /// `trigger.payload` of the run.
    fn payload(&self, line: &Line) -> Value {
        json!({
            "event": self.what.as_str(),
            "container": line.facts.name,
            "host": line.host.name,
            "image": line.facts.image,
            "exit_code": self.event.exit_code(),
            "health": self.health.map(Health::as_str),
            "at": self.at().to_rfc3339_opts(SecondsFormat::Millis, true),
        })
    }

    /// Whether a trigger waits for this.
    fn fits(&self, control: &Control, waits: &Waits, line: &Line) -> bool {
        waits.on.contains(&self.what)
            && match self.what {
                Happening::Die => waits
                    .exit_codes
                    .as_ref()
                    .is_none_or(|codes| codes.hold(self.event.exit_code())),
                Happening::HealthStatus => waits.health.is_none_or(|health| self.health == Some(health)),
                _ => true,
            }
            && control.fleet().picks(&waits.selector, line)
    }
}

fn known(control: &Control, host: HostId, event: &EngineEvent) -> Option<Arc<Line>> {
    control
        .fleet()
        .with_host(host, |host| host.lines.get(&event.engine_id).cloned())
        .flatten()
}

/// Listens until the control plane stops.
pub(crate) async fn listen(control: &Control) {
    let stop = control.stopping();
    let Some(mut receiver) = control.happenings().receiver.lock().take() else {
        return;
    };
    let mut events: Vec<Happened> = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = receiver.recv_many(&mut events, BATCH) => {}
        }
        let mut pause = Duration::from_millis(200);
        while let Err(error) = look(control, &mut events).await {
            if !error.is_transient() {
                tracing::error!(error = %error, "schedules that wait for events could not be called");
                events.clear();
                break;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    triggers: Value,
}

/// One trigger that waits for events.
struct Waits {
    on: Vec<Happening>,
    exit_codes: Option<domain::triggers::ExitCodes>,
    health: Option<Health>,
    selector: Selector,
    debounce: Duration,
}

impl Waits {
    /// Those of a schedule that this release can read.
    fn of(triggers: &Value) -> Vec<Self> {
        let triggers: Vec<Trigger> = serde::Deserialize::deserialize(triggers).unwrap_or_default();
        triggers
            .into_iter()
            .filter_map(|trigger| match trigger {
                Trigger::Event {
                    on,
                    exit_codes,
                    health,
                    target,
                    debounce,
                } => Some(Self {
                    on,
                    exit_codes,
                    health,
                    selector: Selector::parse_target(&target).ok()?,
                    debounce: debounce.get(),
                }),
                _ => None,
            })
            .collect()
    }
}

/// Calls the schedules that wait for any of these. What is done with is taken out of `events`.
async fn look(control: &Control, events: &mut Vec<Happened>) -> Result<()> {
    let mut orgs: Vec<Uuid> = events.iter().map(|event| event.org.0).collect();
    orgs.sort_unstable();
    orgs.dedup();
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = statement(
        "select id, org_id, triggers from schedules where org_id = any($1) and triggers @> '[{\"type\":\"event\"}]' \
         and enabled and deleted_at is null and (paused_until is null or paused_until <= clock_timestamp())",
    )
    .bind::<Array<SqlUuid>, _>(orgs)
    .load(&mut conn)
    .await?;
    if rows.is_empty() {
        events.clear();
        return Ok(());
    }
    let mut waiting: HashMap<Uuid, Vec<(Uuid, Vec<Waits>)>> = HashMap::new();
    for row in rows {
        let waits = Waits::of(&row.triggers);
        waiting.entry(row.org_id).or_default().push((row.id, waits));
    }
    for event in events.extract_if(.., |event| event.line.is_none() && event.looks < LOOKS) {
        event.later(control);
    }
    let mut calls = Calls::default();
    for event in events.iter() {
        let line = event.line.clone().unwrap_or_else(|| event.stranger(control));
        for (schedule, waits) in waiting.get(&event.org.0).into_iter().flatten() {
            if let Some(waits) = waits.iter().find(|waits| event.fits(control, waits, &line)) {
                calls.add(*schedule, event, &line, waits);
            }
        }
    }
    if calls.keys.is_empty() || calls.write(&mut conn).await? == 0 {
        events.clear();
        return Ok(());
    }
    events.clear();
    control.wake(Topic::Schedules);
    Ok(())
}

/// Calls that are written at once.
#[derive(Default)]
struct Calls {
    schedules: Vec<Uuid>,
    orgs: Vec<Uuid>,
    keys: Vec<String>,
    triggers: Vec<Value>,
    payloads: Vec<Value>,
    debounces: Vec<f64>,
    containers: Vec<Uuid>,
    times: Vec<Timestamp>,
}

impl Calls {
    fn add(&mut self, schedule: Uuid, event: &Happened, line: &Line, waits: &Waits) {
        let trigger = RunTrigger::Event {
            by: event.words(line),
        };
        self.schedules.push(schedule);
        self.orgs.push(event.org.0);
        self.keys.push(event.key());
        self.triggers
            .push(serde_json::to_value(trigger).unwrap_or_default());
        self.payloads.push(event.payload(line));
        self.debounces.push(waits.debounce.as_secs_f64());
        self.containers.push(line.id.0);
        self.times.push(event.at());
    }

    /// Gives how many were new. Those that gather are due with the first of them; an echo of the schedule's own run is
    /// written as decided, so that no other server takes it for something else.
    async fn write(self, conn: &mut diesel_async::AsyncPgConnection) -> Result<usize> {
        Ok(statement(
            "insert into schedule_calls (schedule_id, key, org_id, trigger, payload, gathers, at, due_at, decided_at) \
             select t.schedule, t.key, t.org, t.trigger, t.payload, t.debounce > 0, t.at, \
               case when t.debounce > 0 then coalesce((select min(p.due_at) from schedule_calls p \
                 where p.schedule_id = t.schedule and p.gathers and p.decided_at is null), \
                 clock_timestamp() + t.debounce * interval '1 second') else clock_timestamp() end, \
               case when exists (\
                 with own as (select r.id, r.state from runs r where r.schedule_id = t.schedule order by r.id desc limit 20), \
                 within as (select id, state, id as run_id from own union all \
                   select o.id, o.state, case when c.intent_ref ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' \
                     then c.intent_ref::uuid end from own o join run_targets c on c.run_id = o.id) \
                 select 1 from within w join run_targets g on g.run_id = w.run_id \
                 where g.container_id = t.container and g.intent_at is not null \
                   and (w.state in ('running', 'cancelling') or g.finished_at > clock_timestamp() - interval '10 seconds')\
               ) then clock_timestamp() end \
             from unnest($1, $2, $3, $4, $5, $6, $7, $8) \
               as t (schedule, key, org, trigger, payload, debounce, container, at) \
             on conflict do nothing",
        )
        .bind::<Array<SqlUuid>, _>(self.schedules)
        .bind::<Array<Text>, _>(self.keys)
        .bind::<Array<SqlUuid>, _>(self.orgs)
        .bind::<Array<Jsonb>, _>(self.triggers)
        .bind::<Array<Jsonb>, _>(self.payloads)
        .bind::<Array<Double>, _>(self.debounces)
        .bind::<Array<SqlUuid>, _>(self.containers)
        .bind::<Array<Timestamptz>, _>(self.times)
        .execute(conn)
        .await?)
    }
}
