//! The hosts' table.

use super::settings::{self, Shown};
use crate::{Control, error::Result, schema::hosts};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    containers::{ContainerState, HostRef},
    hosts::{EngineFacts, Host, HostStatus},
    ids::{HostId, OrgId},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A host as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = hosts, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub id: Uuid,
    pub org_id: Uuid,
    pub name: String,
    pub url: String,
    pub enabled: bool,
    pub engine_id: Option<String>,
    pub engine: Option<serde_json::Value>,
    pub last_seen_at: Option<Timestamp>,
    pub version: i32,
    pub created_at: Timestamp,
    pub tags: Vec<String>,
    pub note: String,
    pub maintenance: bool,
    pub address: Option<String>,
    pub transport: serde_json::Value,
    pub link: i32,
    pub labels_allowed_by: Option<Uuid>,
}

/// Hosts by the engine that answers there.
type Engines = HashMap<(Uuid, String), Vec<HostRef>>;

impl Row {
    /// With what the watcher knows now.
    fn view(self, control: &Control, engines: &Engines) -> Host {
        let id = HostId(self.id);
        let stored: Option<EngineFacts> = self.engine.and_then(|engine| serde_json::from_value(engine).ok());
        let live = control.fleet().with_host(id, |line| {
            let running = line
                .lines
                .values()
                .filter(|line| line.facts.state == ContainerState::Running)
                .count() as u32;
            (
                line.status,
                line.error.clone(),
                line.last_seen,
                line.facts.clone(),
                line.lines.len() as u32,
                running,
            )
        });
        let (status, error, last_seen, facts, containers, running) = live.unwrap_or_default();
        let link = control.links().get(id);
        let (status, error, error_code) = match (self.enabled, link.unusable) {
            (false, _) => (HostStatus::Disabled, None, None),
            (true, Some(why)) => (HostStatus::Offline, Some(why.message), Some(why.code)),
            (true, None) => (status, error, link.code),
        };
        let same_engine = self
            .engine_id
            .and_then(|engine| engines.get(&(self.org_id, engine)))
            .map(|all| all.iter().filter(|host| host.id != id).cloned().collect());
        let shown: Shown = serde_json::from_value(self.transport).unwrap_or_default();
        let (transport, warning) = settings::about(&self.url, &shown);
        Host {
            id,
            name: self.name,
            url: self.url,
            transport,
            warning: warning.map(str::to_owned),
            tls: shown.tls,
            ssh: shown.ssh,
            tags: self.tags,
            note: self.note,
            enabled: self.enabled,
            maintenance: self.maintenance,
            label_schedules: self.labels_allowed_by.is_some(),
            address: self.address,
            status,
            error,
            error_code,
            events_fault: link.stream.filter(|_| status == HostStatus::Online),
            offered_fingerprint: link.offered,
            last_seen: last_seen.or(self.last_seen_at),
            latency_ms: link
                .latencies
                .back()
                .copied()
                .filter(|_| status == HostStatus::Online),
            engine: facts.or(stored),
            same_engine: same_engine.unwrap_or_default(),
            containers,
            running,
            created_at: self.created_at,
            version: self.version,
        }
    }
}

/// Rows as lists and the API show them.
pub(super) async fn views(
    conn: &mut AsyncPgConnection,
    control: &Control,
    rows: Vec<Row>,
) -> Result<Vec<Host>> {
    let wanted: Vec<&str> = rows.iter().filter_map(|row| row.engine_id.as_deref()).collect();
    let mut engines = Engines::new();
    if !wanted.is_empty() {
        let all: Vec<(Uuid, Uuid, String, Option<String>)> = hosts::table
            .filter(hosts::engine_id.eq_any(wanted))
            .order(hosts::id)
            .select((hosts::org_id, hosts::id, hosts::name, hosts::engine_id))
            .load(conn)
            .await?;
        for (org, id, name, engine) in all {
            let (Some(engine), id) = (engine.filter(|engine| !engine.is_empty()), HostId(id)) else {
                continue;
            };
            engines
                .entry((org, engine))
                .or_default()
                .push(HostRef { id, name });
        }
    }
    Ok(rows.into_iter().map(|row| row.view(control, &engines)).collect())
}

/// One row as it is shown.
pub(super) async fn view(conn: &mut AsyncPgConnection, control: &Control, row: Row) -> Result<Host> {
    let mut views = views(conn, control, vec![row]).await?;
    views
        .pop()
        .ok_or_else(|| crate::Error::Internal("a host has no view".to_owned()))
}

/// Every enabled host of every organisation: each server watches them all.
pub(super) async fn enabled(conn: &mut AsyncPgConnection) -> Result<Vec<Row>> {
    Ok(hosts::table
        .filter(hosts::enabled)
        .order(hosts::id)
        .select(Row::as_select())
        .load(conn)
        .await?)
}

/// The names of the hosts that are this engine, but one.
pub(super) async fn same_engine(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    engine: &str,
    except: Option<HostId>,
) -> Result<Vec<String>> {
    Ok(hosts::table
        .filter(hosts::org_id.eq(org.0))
        .filter(hosts::engine_id.eq(engine))
        .filter(hosts::id.ne(except.map_or(Uuid::nil(), |id| id.0)))
        .order(hosts::id)
        .select(hosts::name)
        .load(conn)
        .await?)
}

pub(super) async fn find(conn: &mut AsyncPgConnection, org: OrgId, id: HostId) -> Result<Option<Row>> {
    use diesel::OptionalExtension;
    Ok(hosts::table
        .filter(hosts::org_id.eq(org.0).and(hosts::id.eq(id.0)))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Hosts by id, for events.
pub(crate) async fn by_ids(control: &Control, ids: &[Uuid]) -> Result<Vec<Host>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = hosts::table
        .filter(hosts::id.eq_any(ids))
        .select(Row::as_select())
        .load(&mut conn)
        .await?;
    views(&mut conn, control, rows).await
}

/// Keeps what the engine said of itself, so that an offline host still has a face after a restart of the server.
pub(super) async fn seen(conn: &mut AsyncPgConnection, id: HostId, facts: &EngineFacts) -> Result<()> {
    let engine = serde_json::to_value(facts).ok();
    diesel::update(hosts::table.filter(hosts::id.eq(id.0)))
        .set((
            hosts::engine.eq(engine),
            hosts::engine_id.eq(&facts.engine_id),
            hosts::last_seen_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
