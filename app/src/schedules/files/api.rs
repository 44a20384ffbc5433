//! Server functions about files and the calendar.

use crate::error::AppError;
use domain::{calendar::CalendarFeed, transfer::ApplyReport};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

/// Schedules as YAML, or as JSON if that is wanted: those whose ids are given with commas between them, or all.
#[server(endpoint = "schedules/export", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn export(ids: String, json: bool) -> Result<String, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let ids: Vec<_> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
    let ids = (!ids.is_empty()).then_some(ids.as_slice());
    let format = match json {
        true => control::schedules::FileFormat::Json,
        false => control::schedules::FileFormat::Yaml,
    };
    Ok(control::schedules::export(&control, &actor, ids, format).await?)
}

/// Applies a file, or says what that would change.
#[server(endpoint = "schedules/apply", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn apply(text: String, prune: bool, dry_run: bool) -> Result<ApplyReport, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let options = control::schedules::ApplyOptions { dry_run, prune };
    Ok(control::schedules::apply(&control, &actor, &text, options).await?)
}

/// One's calendar, if there is one.
#[server(endpoint = "schedules/calendar", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn calendar() -> Result<Option<CalendarFeed>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    match control::schedules::calendar_feed(&control, &actor).await {
        Ok(feed) => Ok(Some(feed)),
        Err(error) => match error.into_problem() {
            problem if problem.code == "calendar_not_found" => Ok(None),
            problem => Err(control::Error::from(problem).into()),
        },
    }
}

/// Makes one's calendar. Gives the path of its link, which is shown this once.
#[server(endpoint = "schedules/subscribe", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn subscribe() -> Result<String, AppError> {
    use secrecy::ExposeSecret;
    let (control, actor) = crate::context::signed_in()?;
    let token = control::schedules::subscribe(&control, &actor).await?;
    Ok(format!("/api/v1/calendar/{}.ics", token.expose_secret()))
}

#[server(endpoint = "schedules/unsubscribe", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn unsubscribe() -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::unsubscribe(&control, &actor).await?)
}
