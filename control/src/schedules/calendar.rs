//! The calendar that a person subscribes to: a secret link to what will run, as they may see it.

use super::forecast::{ForecastQuery, forecast};
use crate::{
    Control, audit,
    auth::{self, tokens},
    error::Result,
    schema::calendar_feeds,
};
use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Binary, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    calendar::{self, CalendarFeed},
    errors::{ErrorClass, Problem},
    ids::{OrgId, UserId},
};
use secrecy::SecretString;
use uuid::Uuid;

/// How far ahead a calendar goes, and how many runs it holds.
const AHEAD: TimeDelta = TimeDelta::days(31);
const MOST: u32 = 3000;

/// Whether the person has a feed.
///
/// # Errors
/// 403; 404 `calendar_not_found`.
pub async fn calendar_feed(control: &Control, actor: &Actor) -> Result<CalendarFeed> {
    actor.require(Permission::SchedulesRead)?;
    let user = person(actor)?;
    let mut conn = control.db().conn().await?;
    let found: Option<(domain::Timestamp, Option<domain::Timestamp>)> = calendar_feeds::table
        .filter(calendar_feeds::org_id.eq(actor.org_id.0))
        .filter(calendar_feeds::user_id.eq(user.0))
        .select((calendar_feeds::created_at, calendar_feeds::last_read_at))
        .first(&mut conn)
        .await
        .optional()?;
    let (created_at, last_read_at) = found.ok_or_else(|| Problem::not_found("calendar"))?;
    Ok(CalendarFeed {
        created_at,
        last_read_at,
    })
}

/// Makes the person's feed and gives its secret; a link that was made before no longer works.
///
/// # Errors
/// 403.
pub async fn subscribe(control: &Control, actor: &Actor) -> Result<SecretString> {
    actor.require(Permission::SchedulesRead)?;
    let user = person(actor)?;
    let token = tokens::random("cal_");
    let hash = tokens::hash(secrecy::ExposeSecret::expose_secret(&token));
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        diesel::sql_query(
            "insert into calendar_feeds (id, org_id, user_id, token_hash) values ($1, $2, $3, $4) \
             on conflict (org_id, user_id) do update set id = excluded.id, token_hash = excluded.token_hash, \
               created_at = now(), last_read_at = null",
        )
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(user.0)
        .bind::<Binary, _>(hash)
        .execute(conn)
        .await?;
        audit::record(
            conn,
            actor,
            audit::Entry::new("calendar.create", "calendar").object(user, &actor.name),
        )
        .await
    })
    .await?;
    Ok(token)
}

/// Ends the person's feed; its link no longer works.
///
/// # Errors
/// 403; 404 `calendar_not_found`.
pub async fn unsubscribe(control: &Control, actor: &Actor) -> Result<()> {
    actor.require(Permission::SchedulesRead)?;
    let user = person(actor)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let ended = diesel::delete(
            calendar_feeds::table
                .filter(calendar_feeds::org_id.eq(actor.org_id.0))
                .filter(calendar_feeds::user_id.eq(user.0)),
        )
        .execute(conn)
        .await?;
        if ended == 0 {
            return Err(Problem::not_found("calendar").into());
        }
        audit::record(
            conn,
            actor,
            audit::Entry::new("calendar.delete", "calendar").object(user, &actor.name),
        )
        .await
    })
    .await
}

#[derive(QueryableByName)]
struct Feed {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

/// The calendar behind a secret, as its person may see it now. `public_url` leads from an event to its schedule.
///
/// # Errors
/// 404 `calendar_not_found` for a secret that is none, or no longer.
pub async fn read_calendar(control: &Control, token: &str, public_url: Option<&str>) -> Result<String> {
    let unknown = || crate::Error::from(Problem::not_found("calendar"));
    let mut conn = control.db().conn().await?;
    let feed: Option<Feed> = diesel::sql_query(
        "update calendar_feeds set last_read_at = now() where token_hash = $1 returning org_id, user_id",
    )
    .bind::<Binary, _>(tokens::hash(token))
    .get_result(&mut conn)
    .await
    .optional()?;
    let feed = feed.ok_or_else(unknown)?;
    let actor = auth::actor_for_user(&mut conn, OrgId(feed.org_id), UserId(feed.user_id)).await?;
    drop(conn);
    let actor = actor
        .filter(|actor| actor.may(Permission::SchedulesRead))
        .ok_or_else(unknown)?;
    let query = ForecastQuery {
        to: Some(chrono::Utc::now() + AHEAD),
        limit: Some(MOST),
        ..ForecastQuery::default()
    };
    let forecast = forecast(control, &actor, query).await?;
    Ok(calendar::write(&forecast, "Chrontainer", |mark| {
        public_url.map(|url| format!("{}/schedules/{}", url.trim_end_matches('/'), mark.schedule.id))
    }))
}

fn person(actor: &Actor) -> Result<UserId> {
    actor.user_id.ok_or_else(|| {
        Problem::new(
            ErrorClass::Forbidden,
            "no_person",
            "A calendar belongs to a person. Sign in, or use an API key.",
        )
        .into()
    })
}
