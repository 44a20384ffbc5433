//! Which blackouts are on, and what they hold.

use crate::{Control, db::statement, error::Result, schedules::local};
use diesel::{
    QueryableByName,
    sql_types::{Array, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    actions::WorksOn,
    blackouts::{BlackoutOn, BlackoutPolicy, Closing},
    containers::HostRef,
    ids::{ContainerId, HostId, OrgId},
    next_times::Zone,
    schedules::Step,
    selectors::{Selector, quote},
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The enabled blackouts of some organisations.
#[derive(Default)]
pub(crate) struct Blackouts(pub(super) Vec<Ready>);

pub(super) struct Ready {
    pub id: Uuid,
    pub org: Uuid,
    pub name: String,
    pub on: BlackoutOn,
    /// The containers it is on, for those of a host or a tag.
    pub containers: Option<Selector>,
    pub policy: BlackoutPolicy,
    pub zone: Zone,
    pub closing: Closing,
}

/// A run, or a container of it, that may not be touched now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub policy: BlackoutPolicy,
    pub until: Timestamp,
    name: String,
    /// `until`, as the clock in the blackout's zone shows it.
    shown: String,
}

impl Hold {
    /// One that skips goes before those that postpone; of these, the one that ends last.
    pub fn goes_before(&self, other: &Self) -> bool {
        other.policy == BlackoutPolicy::Postpone
            && (self.policy == BlackoutPolicy::Skip || self.until > other.until)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is said of a run that does not start.
    pub fn describe(&self) -> String {
        let Self { name, shown, .. } = self;
        match self.policy {
            BlackoutPolicy::Skip => format!("Skipped: the blackout {name} is on until {shown}."),
            BlackoutPolicy::Postpone => format!("Waits for the end of the blackout {name}, {shown}."),
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    scope: Value,
    #[diesel(sql_type = Text)]
    timezone: String,
    #[diesel(sql_type = Jsonb)]
    recurrence: Value,
    #[diesel(sql_type = Text)]
    policy: String,
}

impl Blackouts {
    /// # Errors
    /// When the database does not answer.
    pub async fn load(conn: &mut AsyncPgConnection, orgs: Vec<Uuid>) -> Result<Self> {
        if orgs.is_empty() {
            return Ok(Self::default());
        }
        let rows: Vec<Row> = statement(
            "select id, org_id, name, scope, timezone, recurrence, policy from blackouts \
             where enabled and org_id = any($1) order by id",
        )
        .bind::<Array<SqlUuid>, _>(orgs)
        .load(conn)
        .await?;
        Ok(Self(rows.into_iter().filter_map(Row::ready).collect()))
    }

    fn on(&self, org: Uuid, now: Timestamp) -> impl Iterator<Item = (&Ready, Timestamp)> {
        self.0
            .iter()
            .filter(move |blackout| blackout.org == org)
            .filter_map(move |blackout| Some((blackout, blackout.closing.until(now)?)))
    }

    /// Whether a whole run is held now. One that skips goes before those that postpone; of these, the one that ends last.
    /// With `steps`, those on containers count that let a run wait.
    pub fn hold(
        &self,
        control: &Control,
        org: Uuid,
        schedule: Uuid,
        now: Timestamp,
        steps: &[Step],
    ) -> Option<Hold> {
        let mut held: Option<Hold> = None;
        for (blackout, until) in self.on(org, now) {
            let holds = match &blackout.on {
                BlackoutOn::Organisation => true,
                BlackoutOn::Schedule { id } => id.0 == schedule,
                BlackoutOn::Host { .. } | BlackoutOn::Tag { .. } => {
                    blackout.policy == BlackoutPolicy::Postpone
                        && blackout.is_touched(control, OrgId(org), steps)
                }
            };
            if !holds {
                continue;
            }
            let hold = blackout.hold(until);
            if held.as_ref().is_none_or(|before| hold.goes_before(before)) {
                held = Some(hold);
            }
        }
        held
    }

    /// Whether some are on containers: only then the steps are of interest.
    pub fn are_on_containers(&self) -> bool {
        self.0.iter().any(|blackout| blackout.containers.is_some())
    }
}

impl Row {
    fn ready(self) -> Option<Ready> {
        let read = || -> Option<Ready> {
            let zone = Zone::new(&self.timezone).ok()?;
            let window = serde_json::from_value(self.recurrence.clone()).ok()?;
            let on: BlackoutOn = serde_json::from_value(self.scope.clone()).ok()?;
            let containers = match &on {
                BlackoutOn::Host { id } => Some(format!("host:@{id}")),
                BlackoutOn::Tag { tag } => Some(format!("tag:{}", quote(tag))),
                BlackoutOn::Organisation | BlackoutOn::Schedule { .. } => None,
            };
            Some(Ready {
                id: self.id,
                org: self.org_id,
                name: self.name.clone(),
                containers: match containers {
                    Some(selector) => Some(Selector::parse_target(&selector).ok()?),
                    None => None,
                },
                on,
                policy: serde_json::from_value(Value::String(self.policy.clone())).ok()?,
                closing: Closing::new(&window, zone.clone()).ok()?,
                zone,
            })
        };
        let ready = read();
        if ready.is_none() {
            tracing::warn!(blackout.name = %self.name, "a blackout was written by a newer release, or its zone is not known here; it holds nothing");
        }
        ready
    }
}

impl Ready {
    pub fn hold(&self, until: Timestamp) -> Hold {
        Hold {
            policy: self.policy,
            until,
            name: self.name.clone(),
            shown: local(&self.zone, until),
        }
    }

    /// The containers that it is on now.
    pub fn covered(&self, control: &Control, org: OrgId) -> HashSet<ContainerId> {
        let found = self
            .containers
            .as_ref()
            .map(|all| control.fleet().resolve(org, all));
        found
            .unwrap_or_default()
            .into_iter()
            .map(|target| target.container_id)
            .collect()
    }

    fn is_touched(&self, control: &Control, org: OrgId, steps: &[Step]) -> bool {
        let covered = self.covered(control, org);
        let on_host = |found: &HostRef| matches!(self.on, BlackoutOn::Host { id } if id == found.id);
        steps.iter().any(|step| {
            let Ok(selector) = Selector::parse_target(&step.target) else {
                return false;
            };
            match step.action.works_on() {
                WorksOn::Containers => {
                    let mut found = control.fleet().resolve(org, &selector).into_iter();
                    !covered.is_empty() && found.any(|target| covered.contains(&target.container_id))
                }
                WorksOn::Hosts => control.fleet().resolve_hosts(org, &selector).iter().any(on_host),
                WorksOn::Nothing => false,
            }
        })
    }
}

/// What is closed to a run that nobody asks for: hosts in maintenance, and what blackouts of hosts and tags are on. Each with
/// the reason as a sentence.
#[derive(Default)]
pub(crate) struct Closed {
    containers: HashMap<ContainerId, String>,
    hosts: HashMap<HostId, String>,
    maintained: HashMap<HostId, String>,
}

impl Closed {
    /// # Errors
    /// When the database does not answer.
    pub async fn now(control: &Control, org: OrgId) -> Result<Self> {
        let mut closed = Self::default();
        for host in control.fleet().in_maintenance_of(org) {
            let why = format!(
                "Left alone: {} is in maintenance, and only what somebody asks for is done there.",
                host.name
            );
            closed.maintained.insert(host.id, why);
        }
        let mut conn = control.db().conn().await?;
        let blackouts = Blackouts::load(&mut conn, vec![org.0]).await?;
        if !blackouts.are_on_containers() {
            return Ok(closed);
        }
        let now = crate::schedules::clock(&mut conn).await?;
        drop(conn);
        for (blackout, until) in blackouts.on(org.0, now) {
            let Hold { name, shown, .. } = blackout.hold(until);
            let why = format!("Left alone: the blackout {name} is on until {shown}.");
            if let BlackoutOn::Host { id } = blackout.on {
                closed.hosts.entry(id).or_insert_with(|| why.clone());
            }
            for container in blackout.covered(control, org) {
                closed.containers.entry(container).or_insert_with(|| why.clone());
            }
        }
        Ok(closed)
    }

    /// Why a container is left alone.
    pub fn container(&self, id: ContainerId, host: HostId) -> Option<String> {
        self.containers
            .get(&id)
            .or_else(|| self.maintained.get(&host))
            .cloned()
    }

    /// Why a host as a whole is.
    pub fn host(&self, id: HostId) -> Option<String> {
        self.hosts.get(&id).or_else(|| self.maintained.get(&id)).cloned()
    }
}
