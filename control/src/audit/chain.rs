//! The chain of hashes over the log: written after the fact by whichever server holds the lock, one chain for each
//! organisation. It makes tampering evident, not impossible: who owns the database can write a new chain, but not one that
//! ends in the hash that was noted elsewhere.

use crate::{
    Control,
    db::first_id,
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::Timestamp;
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// "chronaud" in ASCII: whoever holds this advisory lock writes the chain.
pub(super) const LOCK: i64 = 0x6368_726f_6e61_7564;
const PAUSE: Duration = Duration::from_secs(10);
/// How often old lines are looked for.
const TRIM: Duration = Duration::from_secs(3600);
/// Links per transaction.
const BATCH: i64 = 500;
/// How far back a line may appear: a transaction commits its line later than the id it was given.
const LATE: Duration = Duration::from_secs(3600);

/// Chains what is new, until the control plane stops.
pub(crate) async fn keep(control: &Control) {
    let stop = control.stopping();
    let mut trimmed = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        if let Err(error) = extend(control).await {
            tracing::debug!(error = %error, "the audit log could not be chained now");
        }
        if trimmed.elapsed() >= TRIM {
            trimmed = tokio::time::Instant::now();
            match super::trim(control).await {
                Ok(0) => {}
                Ok(lines) => tracing::info!(lines, "deleted lines of the audit log that are kept no longer"),
                Err(error) => {
                    tracing::warn!(error = %error, "old lines of the audit log could not be deleted now")
                }
            }
        }
    }
}

#[derive(QueryableByName)]
pub(super) struct Locked {
    #[diesel(sql_type = Bool)]
    pub locked: bool,
}

#[derive(QueryableByName)]
struct Org {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Chains every line that is not yet, and says how many. Nothing when another server is at it.
///
/// # Errors
/// When the database does not answer.
pub async fn extend(control: &Control) -> Result<u64> {
    let mut conn = control.db().conn().await?;
    let orgs: Vec<Org> = diesel::sql_query("select id from orgs order by id")
        .load(&mut conn)
        .await?;
    let mut chained = 0;
    for org in orgs {
        loop {
            let added = conn
                .transaction::<_, Error, _>(async |conn| batch(conn, org.id).await)
                .await?;
            chained += added;
            if added < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(chained)
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Bytea)]
    hash: Vec<u8>,
    #[diesel(sql_type = SqlUuid)]
    newest: Uuid,
}

/// The newest line that is chained in an organisation: ids come a little out of order.
const NEWEST: &str = "select max(audit_id::text)::uuid from (select audit_id from audit_chain where org_id = $1 \
     order by seq desc limit 1000) as recent";

/// A line with every column as text, in one order for ever.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    columns: Vec<Option<String>>,
}

/// Times as microseconds, JSON as the database writes it; what decides is the content alone.
const COLUMNS: &str = "array[a.id::text, a.org_id::text, (extract(epoch from a.at) * 1000000)::bigint::text, a.user_id::text, \
     a.actor, a.via::text, a.address, a.action, a.object_kind, a.object_id, a.object_name, a.before::text, a.after::text, \
     a.outcome] as columns";

fn link(before: &[u8], columns: &[Option<String>]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(before);
    for column in columns {
        match column {
            // The length first, so that text cannot move from one column to the next.
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
            None => hash.update([0]),
        }
    }
    hash.finalize().to_vec()
}

async fn batch(conn: &mut AsyncPgConnection, org: Uuid) -> Result<u64> {
    let Locked { locked } = diesel::sql_query("select pg_try_advisory_xact_lock($1) as locked")
        .bind::<BigInt, _>(LOCK)
        .get_result(conn)
        .await?;
    if !locked {
        return Ok(0);
    }
    let last: Option<Last> = diesel::sql_query(format!(
        "select seq, hash, ({NEWEST}) as newest from audit_chain where org_id = $1 order by seq desc limit 1"
    ))
    .bind::<SqlUuid, _>(org)
    .get_result(conn)
    .await
    .optional()?;
    let since = last
        .as_ref()
        .map_or(Uuid::nil(), |last| a_while_before(last.newest));
    let lines: Vec<Line> = diesel::sql_query(format!(
        "select a.id, {COLUMNS} from audit a where a.org_id = $1 and a.id > $2 \
         and not exists (select 1 from audit_chain c where c.audit_id = a.id) order by a.id limit $3"
    ))
    .bind::<SqlUuid, _>(org)
    .bind::<SqlUuid, _>(since)
    .bind::<BigInt, _>(BATCH)
    .load(conn)
    .await?;
    if lines.is_empty() {
        return Ok(0);
    }
    let (mut seq, mut hash) = last.map_or((0, Vec::new()), |last| (last.seq, last.hash));
    let (mut seqs, mut ids, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for line in &lines {
        seq += 1;
        hash = link(&hash, &line.columns);
        seqs.push(seq);
        ids.push(line.id);
        hashes.push(hash.clone());
    }
    diesel::sql_query(
        "insert into audit_chain (org_id, seq, audit_id, hash) select $1, s, i, h from unnest($2, $3, $4) as t (s, i, h)",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<Array<BigInt>, _>(seqs)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Bytea>, _>(hashes)
    .execute(conn)
    .await?;
    Ok(lines.len() as u64)
}

async fn newest(conn: &mut AsyncPgConnection, org: Uuid) -> Result<Option<Uuid>> {
    #[derive(QueryableByName)]
    struct Newest {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        newest: Option<Uuid>,
    }
    let found: Newest = diesel::sql_query(format!("select ({NEWEST}) as newest"))
        .bind::<SqlUuid, _>(org)
        .get_result(conn)
        .await?;
    Ok(found.newest)
}

/// An id that sorts before all that were given out within [`LATE`] before this one.
fn a_while_before(id: Uuid) -> Uuid {
    let Some(at) = id.get_timestamp() else {
        return Uuid::nil();
    };
    let (seconds, nanos) = at.to_unix();
    first_id(seconds.saturating_sub(LATE.as_secs()), nanos)
}

/// How the chain of one organisation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub org: String,
    /// What retention has deleted before, if anything: the chain is proved from there.
    pub from: Option<Checkpoint>,
    /// Links that hold.
    pub links: u64,
    /// The last hash, to be noted elsewhere.
    pub head: Option<String>,
    /// Lines that wait to be chained.
    pub waiting: u64,
    /// What does not hold, in one sentence.
    pub broken: Option<String>,
}

/// What retention has left of the lines that it deleted.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Checkpoint {
    /// The number of the last link that is gone.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = Bytea)]
    hash: Vec<u8>,
    /// When the last line that is gone was written.
    #[diesel(sql_type = Timestamptz)]
    pub until: Timestamp,
}

impl Checkpoint {
    /// The hash of the last link that is gone.
    pub fn hash(&self) -> String {
        hex(&self.hash)
    }
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = SqlUuid)]
    audit_id: Uuid,
    #[diesel(sql_type = Bytea)]
    hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    columns: Option<Vec<Option<String>>>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Computes every chain anew from the log.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(control: &Control) -> Result<Vec<Verdict>> {
    let mut conn = control.db().conn().await?;
    let orgs: Vec<Named> = diesel::sql_query("select id, name from orgs order by id")
        .load(&mut conn)
        .await?;
    let mut verdicts = Vec::new();
    for org in orgs {
        verdicts.push(verify_one(&mut conn, org).await?);
    }
    Ok(verdicts)
}

async fn verify_one(conn: &mut AsyncPgConnection, org: Named) -> Result<Verdict> {
    let from: Option<Checkpoint> = diesel::sql_query(
        "select seq, hash, until from audit_checkpoints where org_id = $1 order by seq desc limit 1",
    )
    .bind::<SqlUuid, _>(org.id)
    .get_result(conn)
    .await
    .optional()?;
    let (mut seq, mut hash) = from
        .as_ref()
        .map_or((0_i64, Vec::new()), |from| (from.seq, from.hash.clone()));
    let mut broken = match &from {
        Some(from) => doubt(conn, org.id, from).await?,
        None => None,
    };
    let before = seq;
    'all: while broken.is_none() {
        let links: Vec<Link> = diesel::sql_query(format!(
            "select c.seq, c.audit_id, c.hash, case when a.id is not null then {} end as columns from audit_chain c \
             left join audit a on a.id = c.audit_id where c.org_id = $1 and c.seq > $2 order by c.seq limit 1000",
            COLUMNS.trim_end_matches(" as columns")
        ))
        .bind::<SqlUuid, _>(org.id)
        .bind::<BigInt, _>(seq)
        .load(conn)
        .await?;
        if links.is_empty() {
            break;
        }
        for found in links {
            let place = format!("link {}, line {}", found.seq, found.audit_id);
            let Some(columns) = found.columns else {
                broken = Some(format!("The line of {place} is gone."));
                break 'all;
            };
            if found.seq != seq + 1 {
                broken = Some(format!("Links are missing before {place}."));
                break 'all;
            }
            let right = link(&hash, &columns);
            if right != found.hash {
                broken = Some(format!(
                    "The line of {place} is not what it was, or one before it is not."
                ));
                break 'all;
            }
            (seq, hash) = (found.seq, right);
        }
    }
    if broken.is_none()
        && let Some(newest) = newest(conn, org.id).await?
    {
        let Count { count: slipped_in } = diesel::sql_query(
            "select count(*) as count from audit a where a.org_id = $1 and a.id <= $2 \
             and not exists (select 1 from audit_chain c where c.audit_id = a.id)",
        )
        .bind::<SqlUuid, _>(org.id)
        .bind::<SqlUuid, _>(a_while_before(newest))
        .get_result(conn)
        .await?;
        if slipped_in > 0 {
            broken = Some(format!(
                "{slipped_in} lines stand among older ones and are in no link: they were added afterwards."
            ));
        }
    }
    let Count { count: waiting } = diesel::sql_query(
        "select count(*) as count from audit a where a.org_id = $1 \
         and not exists (select 1 from audit_chain c where c.audit_id = a.id)",
    )
    .bind::<SqlUuid, _>(org.id)
    .get_result(conn)
    .await?;
    Ok(Verdict {
        org: org.name,
        from,
        links: (seq - before).unsigned_abs(),
        head: (!hash.is_empty()).then(|| hex(&hash)),
        waiting: waiting.unsigned_abs(),
        broken,
    })
}

/// Why a checkpoint is not to be believed: lines stand before it, or the log does not tell of it.
async fn doubt(conn: &mut AsyncPgConnection, org: Uuid, from: &Checkpoint) -> Result<Option<String>> {
    let Count { count: before } =
        diesel::sql_query("select count(*) as count from audit_chain where org_id = $1 and seq <= $2")
            .bind::<SqlUuid, _>(org)
            .bind::<BigInt, _>(from.seq)
            .get_result(conn)
            .await?;
    if before > 0 {
        return Ok(Some(format!(
            "{before} links stand before link {}, where retention has deleted everything.",
            from.seq + 1
        )));
    }
    let Count { count: told } = diesel::sql_query(
        "select count(*) as count from audit where org_id = $1 and action = 'audit.trim' \
         and after->>'link' = $2::text and after->>'hash' = $3",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<BigInt, _>(from.seq)
    .bind::<Text, _>(from.hash())
    .get_result(conn)
    .await?;
    Ok((told == 0).then(|| {
        format!(
            "The lines until link {} are gone, and no line of the log says that retention deleted them.",
            from.seq
        )
    }))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;
    use domain::auth::Role;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_chain_finds_what_was_changed_removed_or_slipped_in() {
        let fixture = Fixture::new().await;
        let control = &fixture.control;
        for name in ["a", "b", "c", "d"] {
            let person = fixture.person(name, Role::Viewer).await;
            let user = person.user_id.unwrap();
            let change = domain::people::MemberChange {
                role: Some(Role::Operator),
                ..Default::default()
            };
            crate::people::change_member(control, &fixture.owner, user, change)
                .await
                .unwrap();
        }
        assert_eq!(verify(control).await.unwrap()[0].waiting, 4);
        // Two servers at once write each link once.
        let other = fixture.another();
        let (a, b) = tokio::join!(extend(control), extend(&other));
        assert_eq!(a.unwrap() + b.unwrap(), 4);
        assert_eq!(extend(control).await.unwrap(), 0);
        let whole = verify(control).await.unwrap().remove(0);
        assert_eq!((whole.links, whole.waiting, &whole.broken), (4, 0, &None));

        // Who owns the database can get around the triggers; the chain tells.
        let second = "(select audit_id from audit_chain order by seq offset 1 limit 1)";
        let tampered = async |sql: &str| {
            fixture
                .sql("alter table audit disable trigger audit_append_only")
                .await;
            fixture.sql(sql).await;
            verify(control)
                .await
                .unwrap()
                .remove(0)
                .broken
                .unwrap_or_default()
        };
        let changed = tampered(&format!("update audit set actor = 'nobody' where id = {second}")).await;
        assert!(
            changed.contains("link 2,") && changed.contains("not what it was"),
            "{changed}"
        );
        let back = tampered(&format!("update audit set actor = 'olga' where id = {second}")).await;
        assert_eq!(back, "");
        let old = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_700_000_000, 0));
        let slipped = tampered(&format!(
            "insert into audit (id, org_id, actor, via, action, object_kind, outcome) \
             select '{old}', org_id, actor, via, action, object_kind, outcome from audit where id = {second}"
        ))
        .await;
        assert!(slipped.contains("added afterwards"), "{slipped}");
        assert_eq!(
            tampered(&format!("delete from audit where id = '{old}'")).await,
            ""
        );
        let removed = tampered(&format!("delete from audit where id = {second}")).await;
        assert!(removed.contains("is gone"), "{removed}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn retention_leaves_a_checkpoint_from_which_the_rest_is_proved() {
        let fixture = Fixture::new().await;
        let control = &fixture.control;
        let change = domain::people::OrgChange {
            audit_days: Some(60),
            ..Default::default()
        };
        for name in ["a", "b", "c", "d"] {
            fixture.person(name, Role::Viewer).await;
            let team = domain::people::NewTeam {
                name: name.to_owned(),
            };
            crate::people::create_team(control, &fixture.owner, team)
                .await
                .unwrap();
        }
        // Three of the four lines are old, as lines become by themselves.
        fixture
            .sql("alter table audit disable trigger audit_append_only")
            .await;
        fixture
            .sql("update audit set at = now() - interval '90 days' where id in (select id from audit order by id limit 3)")
            .await;
        fixture
            .sql("alter table audit enable trigger audit_append_only")
            .await;
        extend(control).await.unwrap();
        let whole = verify(control).await.unwrap().remove(0);
        assert_eq!((whole.links, &whole.broken, &whole.from), (4, &None, &None));
        assert_eq!(
            super::super::trim(control).await.unwrap(),
            0,
            "kept for ever unless somebody says so"
        );
        crate::people::change_org(control, &fixture.owner, domain::ids::OrgId::HOME, change)
            .await
            .unwrap();
        extend(control).await.unwrap();
        let (a, b) = {
            let other = fixture.another();
            let (a, b) = tokio::join!(super::super::trim(control), super::super::trim(&other));
            (a.unwrap(), b.unwrap())
        };
        assert_eq!(a + b, 3, "each line goes once");
        let rest = verify(control).await.unwrap().remove(0);
        assert_eq!(
            (rest.links, &rest.broken),
            (2, &None),
            "the fourth, and the change of the organisation"
        );
        assert_eq!(rest.from.as_ref().unwrap().seq, 3);
        // The log goes on from there.
        assert_eq!(extend(control).await.unwrap(), 1, "the line that tells of it");
        let rest = verify(control).await.unwrap().remove(0);
        assert_eq!((rest.links, &rest.broken), (3, &None));
        assert_eq!(fixture.text("select count(*) from audit").await, "3");

        // Whoever deletes past the checkpoint is found out, and so is a checkpoint that nobody told of.
        let mut conn = control.db().conn().await.unwrap();
        let refused = diesel::sql_query("delete from audit").execute(&mut conn).await;
        assert!(refused.unwrap_err().to_string().contains("only grows"));
        let refused = diesel::sql_query("delete from audit_checkpoints")
            .execute(&mut conn)
            .await;
        assert!(refused.unwrap_err().to_string().contains("only grows"));
        drop(conn);
        fixture
            .sql("insert into audit_checkpoints (org_id, seq, hash, until, lines) select org_id, seq, hash, now(), 1 \
                  from audit_chain order by seq limit 1")
            .await;
        let forged = verify(control).await.unwrap().remove(0).broken.unwrap();
        assert!(forged.contains("stand before link 5"), "{forged}");
        fixture
            .sql("alter table audit_chain disable trigger audit_chain_append_only")
            .await;
        fixture.sql("delete from audit_chain where seq = 4").await;
        let forged = verify(control).await.unwrap().remove(0).broken.unwrap();
        assert!(forged.contains("no line of the log says"), "{forged}");
    }
}
