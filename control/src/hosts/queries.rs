//! The hosts' table.

use crate::{Control, containers::Fleet, error::Result, schema::hosts};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    containers::ContainerState,
    hosts::{EngineFacts, Host, HostStatus},
    ids::{HostId, OrgId},
};

/// A host as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = hosts, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub id: uuid::Uuid,
    pub org_id: uuid::Uuid,
    pub name: String,
    pub url: String,
    pub enabled: bool,
    pub engine: Option<serde_json::Value>,
    pub last_seen_at: Option<Timestamp>,
    pub version: i32,
    pub created_at: Timestamp,
}

impl Row {
    /// With what the watcher knows now.
    pub fn view(self, fleet: &Fleet) -> Host {
        let id = HostId(self.id);
        let stored: Option<EngineFacts> = self.engine.and_then(|engine| serde_json::from_value(engine).ok());
        let live = fleet.with_host(id, |line| {
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
        Host {
            id,
            name: self.name,
            url: self.url,
            enabled: self.enabled,
            status: if self.enabled {
                status
            } else {
                HostStatus::Disabled
            },
            error,
            last_seen: last_seen.or(self.last_seen_at),
            engine: facts.or(stored),
            containers,
            running,
            created_at: self.created_at,
            version: self.version,
        }
    }
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
pub(crate) async fn by_ids(control: &Control, ids: &[uuid::Uuid]) -> Result<Vec<Host>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = hosts::table
        .filter(hosts::id.eq_any(ids))
        .select(Row::as_select())
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.view(control.fleet())).collect())
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
