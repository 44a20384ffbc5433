//! What people do with hosts.

use super::queries::{self, Row};
use crate::{
    Control,
    audit::{self, Entry},
    error::Result,
    events::{Kind, Topic, publish},
    pages::{ListQuery, after},
    schema::hosts,
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::Problem,
    hosts::{Host, HostStatus, NewHost},
    ids::{HostId, OrgId},
    pages::Page,
};
use engine::EngineUrl;

/// Lists the hosts of the organisation, in the order they were added.
///
/// # Errors
/// 403; 400 for a cursor that is not ours.
pub async fn list(control: &Control, actor: &Actor, query: ListQuery) -> Result<Page<Host>> {
    actor.require(Permission::HostsRead)?;
    let limit = query.limit();
    let mut conn = control.db().conn().await?;
    let mine = hosts::table.filter(hosts::org_id.eq(actor.org_id.0));
    let total: i64 = mine.count().get_result(&mut conn).await?;
    let mut rows = mine
        .select(Row::as_select())
        .order(hosts::id)
        .limit(limit + 1)
        .into_boxed();
    if let Some(cursor) = after(&query)? {
        rows = rows.filter(hosts::id.gt(cursor));
    }
    let mut rows: Vec<Row> = rows.load(&mut conn).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    let next = if more {
        rows.last().map(|row| row.id.to_string())
    } else {
        None
    };
    Ok(Page {
        items: rows.into_iter().map(|row| row.view(control.fleet())).collect(),
        total: total as u64,
        next,
    })
}

/// One host.
///
/// # Errors
/// 403; 404 `host_not_found`.
pub async fn get(control: &Control, actor: &Actor, id: HostId) -> Result<Host> {
    actor.require(Permission::HostsRead)?;
    let mut conn = control.db().conn().await?;
    let row = queries::find(&mut conn, actor.org_id, id)
        .await?
        .ok_or_else(|| Problem::not_found("host"))?;
    Ok(row.view(control.fleet()))
}

/// Adds a host; its watcher starts at once. It need not answer now.
///
/// # Errors
/// 403; 422 for the name or the url; 409 when either is taken.
pub async fn create(control: &Control, actor: &Actor, new: NewHost) -> Result<Host> {
    actor.require(Permission::HostsManage)?;
    let name = valid_name(&new.name)?;
    let url: EngineUrl = new
        .url
        .trim()
        .parse()
        .map_err(|error: engine::UrlError| Problem::invalid(error.code(), "url", error.to_string()))?;
    let id = HostId::new();
    let row = insert(control, actor, id, &name, &url.to_string()).await?;
    control.wake(Topic::Events);
    control.wake(Topic::Hosts);
    Ok(row.view(control.fleet()))
}

async fn insert(control: &Control, actor: &Actor, id: HostId, name: &str, url: &str) -> Result<Row> {
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let row: Row = diesel::insert_into(hosts::table)
            .values((
                hosts::id.eq(id.0),
                hosts::org_id.eq(actor.org_id.0),
                hosts::name.eq(name),
                hosts::url.eq(url),
            ))
            .returning(Row::as_select())
            .get_result(conn)
            .await?;
        let entry = Entry::new("host.create", "host")
            .object(id, name)
            .after(serde_json::json!({ "name": name, "url": url }));
        audit::record(conn, actor, entry).await?;
        publish(conn, actor.org_id, Kind::Host, id.0).await?;
        Result::<_>::Ok(row)
    })
    .await
}

/// Tries to reach a host again now instead of at the end of the pause between attempts.
///
/// # Errors
/// 403; 404.
pub async fn retry(control: &Control, actor: &Actor, id: HostId) -> Result<Host> {
    actor.require(Permission::HostsRead)?;
    let host = get(control, actor, id).await?;
    if host.status != HostStatus::Online {
        control.fleet().with_host(id, |line| line.watcher.retry_now());
    }
    Ok(host)
}

/// Registers this machine's engine at the first start, if one answers and there is no host yet.
///
/// # Errors
/// When the database does not answer.
pub async fn register_local(control: &Control, org: OrgId) -> Result<Option<Host>> {
    let mut conn = control.db().conn().await?;
    let any: Option<uuid::Uuid> = hosts::table
        .filter(hosts::org_id.eq(org.0))
        .select(hosts::id)
        .first(&mut conn)
        .await
        .optional()?;
    drop(conn);
    if any.is_some() {
        return Ok(None);
    }
    let url = match engine::local::find_local().await {
        Ok(url) => url,
        Err(error) => {
            tracing::warn!("no engine of this machine was added; add one on the page Hosts. {error}");
            return Ok(None);
        }
    };
    tracing::info!(host.url = %url, "found the engine of this machine");
    let row = insert(
        control,
        &Actor::system(org),
        HostId::new(),
        "local",
        &url.to_string(),
    )
    .await?;
    control.wake(Topic::Hosts);
    Ok(Some(row.view(control.fleet())))
}

/// The longest name of a host, in characters.
const MAX_NAME: usize = 63;

fn valid_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fault = if name.is_empty() {
        "A host needs a name. Give it a short one, such as nas."
    } else if name.chars().count() > MAX_NAME {
        "The name is longer than 63 characters. Choose a shorter one."
    } else if name
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "*,:@\"-".contains(c) && name.starts_with(c))
    {
        "The name has a blank or a sign that it cannot start with. Use letters, digits, dots, dashes and underscores."
    } else {
        return Ok(name.to_owned());
    };
    Err(Problem::invalid("name_invalid", "name", fault))
}
