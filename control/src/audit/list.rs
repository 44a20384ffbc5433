//! Reading the log: by page, with filters.

use crate::{
    Control,
    error::Result,
    pages::{self, ListQuery},
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    Timestamp,
    audit::AuditLine,
    auth::{Actor, Permission},
    ids::{AuditId, UserId},
    pages::Page,
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Which lines. What is absent or empty excludes nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    /// A part of the actor's name.
    pub actor: Option<String>,
    /// `schedule.update`, or all of `schedule`.
    pub action: Option<String>,
    pub object_kind: Option<String>,
    /// With `object_kind`: the history of one object.
    pub object_id: Option<String>,
    pub outcome: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    via: String,
    #[diesel(sql_type = Nullable<Text>)]
    address: Option<String>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    object_kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    object_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    object_name: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    before: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    after: Option<Value>,
    #[diesel(sql_type = Text)]
    outcome: String,
}

impl From<Row> for AuditLine {
    fn from(row: Row) -> Self {
        Self {
            id: AuditId(row.id),
            at: row.at,
            user_id: row.user_id.map(UserId),
            actor: row.actor,
            via: row.via,
            address: row.address,
            action: row.action,
            object_kind: row.object_kind,
            object_id: row.object_id,
            object_name: row.object_name,
            before: row.before,
            after: row.after,
            outcome: row.outcome,
        }
    }
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Beyond this many, `total` stays.
const COUNTED: i64 = 10_000;

const WHERE: &str = "where org_id = $1 \
     and ($2 is null or strpos(lower(actor), lower($2)) > 0) \
     and ($3 is null or action = $3 or starts_with(action, $3 || '.')) \
     and ($4 is null or object_kind = $4) and ($5 is null or object_id = $5) \
     and ($6 is null or outcome = $6) \
     and ($7 is null or at >= $7) and ($8 is null or at < $8) \
     and ($9 is null or id < $9)";

/// A page of the log, the newest line first.
///
/// # Errors
/// 403; 400 `cursor_invalid`.
pub async fn list(control: &Control, actor: &Actor, query: &AuditQuery) -> Result<Page<AuditLine>> {
    actor.require(Permission::AuditRead)?;
    let part = ListQuery {
        limit: query.limit,
        cursor: query.cursor.clone(),
    };
    let (limit, after) = (part.limit(), pages::after(&part)?);
    let mut conn = control.db().conn().await?;
    let mut rows: Vec<Row> = bound(
        diesel::sql_query(format!(
            "select id, at, user_id, actor, via->>'via' as via, address, action, object_kind, object_id, object_name, \
             before, after, outcome from audit {WHERE} order by id desc limit $10"
        ))
        .into_boxed(),
        actor,
        query,
        after,
    )
    .bind::<BigInt, _>(limit + 1)
    .load(&mut conn)
    .await?;
    let total: Total = bound(
        diesel::sql_query(format!(
            "select count(*) as total from (select 1 from audit {WHERE} limit $10) as t"
        ))
        .into_boxed(),
        actor,
        query,
        None,
    )
    .bind::<BigInt, _>(COUNTED)
    .get_result(&mut conn)
    .await?;
    let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        rows.pop();
    }
    let next = more.then(|| rows.last().map(|row| row.id.to_string())).flatten();
    Ok(Page {
        items: rows.into_iter().map(AuditLine::from).collect(),
        total: total.total.unsigned_abs(),
        next,
    })
}

/// Notes that the log is taken away, before it is.
///
/// # Errors
/// 403.
pub async fn note_export(control: &Control, actor: &Actor, format: &str, query: &AuditQuery) -> Result<()> {
    actor.require(Permission::AuditRead)?;
    let mut conn = control.db().conn().await?;
    let entry = super::Entry::new("audit.export", "org")
        .id(actor.org_id.0)
        .after(serde_json::json!({
            "format": format, "actor": query.actor, "action": query.action, "object_kind": query.object_kind,
            "object_id": query.object_id, "outcome": query.outcome, "from": query.from, "to": query.to,
        }));
    super::record(&mut conn, actor, entry).await
}

type Query<'a> = diesel::query_builder::BoxedSqlQuery<'a, diesel::pg::Pg, diesel::query_builder::SqlQuery>;

fn bound<'a>(sql: Query<'a>, actor: &Actor, query: &AuditQuery, after: Option<Uuid>) -> Query<'a> {
    let text = |value: &Option<String>| value.clone().filter(|text| !text.trim().is_empty());
    sql.bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<Nullable<Text>, _>(text(&query.actor))
        .bind::<Nullable<Text>, _>(text(&query.action))
        .bind::<Nullable<Text>, _>(text(&query.object_kind))
        .bind::<Nullable<Text>, _>(text(&query.object_id))
        .bind::<Nullable<Text>, _>(text(&query.outcome))
        .bind::<Nullable<Timestamptz>, _>(query.from)
        .bind::<Nullable<Timestamptz>, _>(query.to)
        .bind::<Nullable<SqlUuid>, _>(after)
}
