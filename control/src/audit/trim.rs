//! How long the log is kept: what is older goes, and leaves a checkpoint. That is the number and the hash of the last link
//! that went, and the chain is proved on from there.

use super::{
    Entry,
    chain::{LOCK, Locked},
    record,
};
use crate::{
    Control,
    error::{Error, Result},
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bytea, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{Timestamp, auth::Actor, ids::OrgId};
use serde_json::json;
use uuid::Uuid;

/// Lines of one transaction.
const BATCH: i64 = 5000;

#[derive(QueryableByName)]
struct Org {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    audit_days: i32,
}

/// The last link of what goes, and how many lines that are.
#[derive(QueryableByName)]
struct Old {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Bytea)]
    hash: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    until: Timestamp,
    #[diesel(sql_type = BigInt)]
    lines: i64,
}

/// Deletes the lines that are older than their organisation keeps them, and says how many. Only what is chained goes, and
/// never the newest link. Nothing while another server is at it.
///
/// # Errors
/// When the database does not answer.
pub async fn trim(control: &Control) -> Result<u64> {
    let mut conn = control.db().conn().await?;
    let orgs: Vec<Org> =
        diesel::sql_query("select id, name, audit_days from orgs where audit_days is not null order by id")
            .load(&mut conn)
            .await?;
    let mut gone = 0;
    for org in orgs {
        loop {
            let lines = conn
                .transaction::<_, Error, _>(async |conn| batch(conn, &org).await)
                .await?;
            gone += lines.unsigned_abs();
            if lines < BATCH {
                break;
            }
        }
    }
    Ok(gone)
}

async fn batch(conn: &mut AsyncPgConnection, org: &Org) -> Result<i64> {
    let Locked { locked } = diesel::sql_query("select pg_try_advisory_xact_lock($1) as locked")
        .bind::<BigInt, _>(LOCK)
        .get_result(conn)
        .await?;
    if !locked {
        return Ok(0);
    }
    // The first lines of the chain, as far as all of them are old: times of neighbours may be a little out of order.
    let old: Vec<Old> = diesel::sql_query(
        "with first as (\
           select c.seq, c.hash, a.at from audit_chain c join audit a on a.id = c.audit_id \
           where c.org_id = $1 and c.seq < (select max(seq) from audit_chain where org_id = $1) order by c.seq limit $3), \
         kept as (select coalesce(min(seq), 9223372036854775807) as seq from first where at >= now() - $2 * interval '1 day'), \
         old as (select f.* from first f, kept k where f.seq < k.seq) \
         select seq, hash, at as until, (select count(*) from old) as lines from old order by seq desc limit 1",
    )
    .bind::<SqlUuid, _>(org.id)
    .bind::<Integer, _>(org.audit_days)
    .bind::<BigInt, _>(BATCH)
    .load(conn)
    .await?;
    let Some(old) = old.into_iter().next() else {
        return Ok(0);
    };
    diesel::sql_query(
        "insert into audit_checkpoints (org_id, seq, hash, until, lines) values ($1, $2, $3, $4, $5)",
    )
    .bind::<SqlUuid, _>(org.id)
    .bind::<BigInt, _>(old.seq)
    .bind::<Bytea, _>(&old.hash)
    .bind::<Timestamptz, _>(old.until)
    .bind::<BigInt, _>(old.lines)
    .execute(conn)
    .await?;
    diesel::sql_query(
        "delete from audit a using audit_chain c where c.audit_id = a.id and c.org_id = $1 and c.seq <= $2",
    )
    .bind::<SqlUuid, _>(org.id)
    .bind::<BigInt, _>(old.seq)
    .execute(conn)
    .await?;
    diesel::sql_query("delete from audit_chain where org_id = $1 and seq <= $2")
        .bind::<SqlUuid, _>(org.id)
        .bind::<BigInt, _>(old.seq)
        .execute(conn)
        .await?;
    // The log itself tells of it, so that a checkpoint of which it does not tell is seen.
    let entry = Entry::new("audit.trim", "org")
        .object(org.id, &org.name)
        .after(json!({
            "until": old.until, "lines": old.lines, "link": old.seq, "hash": super::chain::hex(&old.hash),
        }));
    record(conn, &Actor::system(OrgId(org.id)), entry).await?;
    Ok(old.lines)
}
