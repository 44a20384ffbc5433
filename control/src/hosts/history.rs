//! How connections have been: a line when a host comes, and when it is lost for a new reason.

use crate::{Control, error::Result};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    hosts::{Connection, HostStatus},
    ids::HostId,
};

/// How many lines are kept of each host.
const KEPT: i64 = 200;

/// Notes a change. What the last line says already is not said again: every server watches every host, and a server
/// that was started anew finds them as they were.
pub(super) async fn record(
    control: &Control,
    id: HostId,
    online: bool,
    code: Option<&str>,
    message: Option<&str>,
) {
    let noted = async {
        let mut conn = control.db().conn().await?;
        let new = diesel::sql_query(
            "insert into host_connections (host_id, online, code, message) \
             select h.id, $2, $3, $4 from hosts h where h.id = $1 and not exists ( \
               select 1 from (select online, code from host_connections where host_id = $1 order by at desc limit 1) last \
               where last.online = $2 and last.code is not distinct from $3) \
             on conflict do nothing",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<Bool, _>(online)
        .bind::<Nullable<Text>, _>(code)
        .bind::<Nullable<Text>, _>(message)
        .execute(&mut conn)
        .await?;
        if new > 0 {
            diesel::sql_query(
                "delete from host_connections where host_id = $1 and at < ( \
                   select at from host_connections where host_id = $1 order by at desc offset $2 limit 1)",
            )
            .bind::<SqlUuid, _>(id.0)
            .bind::<BigInt, _>(KEPT - 1)
            .execute(&mut conn)
            .await?;
        }
        Result::<()>::Ok(())
    };
    if let Err(error) = noted.await {
        tracing::debug!(error = %error, "a change of a connection could not be noted");
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
    #[diesel(sql_type = Bool)]
    online: bool,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
}

/// The changes of a host, newest first.
pub(super) async fn read(conn: &mut AsyncPgConnection, id: HostId) -> Result<Vec<Connection>> {
    let rows: Vec<Row> = diesel::sql_query(
        "select at, online, code, message from host_connections where host_id = $1 order by at desc limit $2",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<BigInt, _>(KEPT)
    .load(conn)
    .await?;
    let lines = rows.into_iter().map(|row| Connection {
        at: row.at,
        status: if row.online {
            HostStatus::Online
        } else {
            HostStatus::Offline
        },
        code: row.code,
        message: row.message,
    });
    Ok(lines.collect())
}
