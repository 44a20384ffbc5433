//! What people do with hosts.

use super::{
    change::{self, Fields},
    queries::{self, Row},
    settings::Settings,
};
use crate::{
    Control,
    error::Result,
    events::Topic,
    pages::{ListQuery, after},
    schema::hosts,
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::{
    auth::{Actor, Permission},
    errors::Problem,
    hosts::{Host, HostStatus},
    ids::{HostId, OrgId},
    pages::Page,
};

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
        items: queries::views(&mut conn, control, rows).await?,
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
    queries::view(&mut conn, control, row).await
}

/// Tries to reach a host again now instead of at the end of the pause between attempts.
///
/// # Errors
/// 403; 404.
pub async fn retry(control: &Control, actor: &Actor, id: HostId) -> Result<Host> {
    actor.require(Permission::HostsRead)?;
    let host = get(control, actor, id).await?;
    if host.status != HostStatus::Online {
        let watched = control.fleet().with_host(id, |line| line.watcher.retry_now());
        if watched.is_none() {
            // Its keys did not open: perhaps they do now.
            control.wake(Topic::Hosts);
        }
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
    let settings = Settings::new(&url.to_string())?;
    let row = change::insert(
        control,
        &Actor::system(org),
        HostId::new(),
        &Fields::named("local"),
        &settings,
    )
    .await?;
    control.wake(Topic::Hosts);
    let mut conn = control.db().conn().await?;
    Ok(Some(queries::view(&mut conn, control, row).await?))
}
