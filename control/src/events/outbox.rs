//! The outbox table: what changed, in an order that survives late commits.

use crate::error::Result;
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::OrgId;
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A place in the outbox: the transaction first, then the row. Ids alone would not do, since a transaction that took a
/// smaller id may commit later; readers only go as far as the oldest transaction that is still open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub(super) xid: u64,
    pub(super) id: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.xid, self.id)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (xid, id) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self {
            xid: xid.parse()?,
            id: id.parse()?,
        })
    }
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Run,
    RunProgress,
    Schedule,
    ScheduleDeleted,
    Host,
    HostRemoved,
    /// Tags, a note or a favourite of a container: the fleet reads them again, and tells of the containers itself.
    Marks,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::RunProgress => "run_progress",
            Self::Schedule => "schedule",
            Self::ScheduleDeleted => "schedule_deleted",
            Self::Host => "host",
            Self::HostRemoved => "host_removed",
            Self::Marks => "marks",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [
            Self::Run,
            Self::RunProgress,
            Self::Schedule,
            Self::ScheduleDeleted,
            Self::Host,
            Self::HostRemoved,
            Self::Marks,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// Writes one row in the caller's transaction. Call [`crate::Control::wake`] after the commit.
pub async fn publish(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    kind: Kind,
    object: impl Into<Uuid>,
) -> Result<()> {
    publish_many(conn, kind, &[(org, object.into())]).await
}

/// Writes many rows at once.
pub async fn publish_many(conn: &mut AsyncPgConnection, kind: Kind, objects: &[(OrgId, Uuid)]) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let (orgs, ids): (Vec<Uuid>, Vec<Uuid>) = objects.iter().map(|(org, id)| (org.0, *id)).unzip();
    diesel::sql_query(
        "insert into events (org_id, kind, object_id) select o, $1, i from unnest($2, $3) as t (o, i)",
    )
    .bind::<Text, _>(kind.as_str())
    .bind::<Array<SqlUuid>, _>(orgs)
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(conn)
    .await?;
    Ok(())
}

/// One row, as the hub reads it.
#[derive(Debug, QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// As text: diesel knows no xid8.
    #[diesel(sql_type = Text)]
    pub xid: String,
    #[diesel(sql_type = SqlUuid)]
    pub org_id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub object_id: Option<Uuid>,
}

impl Row {
    pub fn position(&self) -> Position {
        Position {
            xid: self.xid.parse().unwrap_or_default(),
            id: self.id,
        }
    }
}

/// The rows after a position, up to the oldest open transaction, oldest first.
pub(super) async fn read_after(
    conn: &mut AsyncPgConnection,
    after: Position,
    limit: i64,
) -> Result<Vec<Row>> {
    Ok(diesel::sql_query(
        "select id, xid::text as xid, org_id, kind, object_id from events \
         where (xid, id) > ($1::text::xid8, $2) and xid < pg_snapshot_xmin(pg_current_snapshot()) \
         order by xid, id limit $3",
    )
    .bind::<Text, _>(after.xid.to_string())
    .bind::<BigInt, _>(after.id)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?)
}

#[derive(QueryableByName)]
struct Bounds {
    #[diesel(sql_type = Text)]
    xmin: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    held: bool,
}

/// The position from which nothing that is visible now will be read again.
pub(super) async fn tip(conn: &mut AsyncPgConnection) -> Result<Position> {
    let bounds: Bounds =
        diesel::sql_query("select pg_snapshot_xmin(pg_current_snapshot())::text as xmin, false as held")
            .get_result(conn)
            .await?;
    let xid: u64 = bounds.xmin.parse().unwrap_or_default();
    Ok(Position {
        xid: xid.saturating_sub(1),
        id: i64::MAX,
    })
}

/// Whether committed rows wait behind a transaction that is still open.
pub(super) async fn held_back(conn: &mut AsyncPgConnection) -> Result<bool> {
    let bounds: Bounds = diesel::sql_query(
        "select '' as xmin, exists (select 1 from events where xid >= pg_snapshot_xmin(pg_current_snapshot())) as held",
    )
    .get_result(conn)
    .await?;
    Ok(bounds.held)
}

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = Nullable<Text>)]
    xid: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    id: Option<i64>,
}

/// The oldest position that is still kept; a client further back is told to start over.
pub(super) async fn oldest(conn: &mut AsyncPgConnection) -> Result<Option<Position>> {
    let row: Option<Oldest> = {
        use diesel::OptionalExtension;
        diesel::sql_query("select xid::text as xid, id from events order by xid, id limit 1")
            .get_result(conn)
            .await
            .optional()?
    };
    Ok(row.and_then(|row| {
        Some(Position {
            xid: row.xid?.parse().ok()?,
            id: row.id?,
        })
    }))
}

/// Deletes what is older than an hour; clients that were away for longer read everything anew.
pub(super) async fn prune(conn: &mut AsyncPgConnection) -> Result<usize> {
    Ok(
        diesel::sql_query("delete from events where at < now() - interval '1 hour'")
            .execute(conn)
            .await?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_and_sorts_by_transaction_first() {
        let position = Position { xid: 812, id: 3 };
        assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        assert!(Position { xid: 1, id: 9 } < Position { xid: 2, id: 1 });
        assert!("".parse::<Position>().is_err());
        assert!("7".parse::<Position>().is_err());
    }
}
