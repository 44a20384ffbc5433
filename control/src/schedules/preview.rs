//! What triggers mean, before they are saved.

use super::{definition::Definition, references, service, validate};
use crate::{Control, error::Result};
use chrono::{TimeDelta, Timelike};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    cron::CronExpression,
    errors::Problem,
    next_times::{Zone, clock_changes},
    schedules::{Preview, PreviewTime, Trigger},
    triggers::sentence,
};
use std::collections::HashMap;

/// The most fire times that a preview gives.
const MOST: usize = 100;
/// How far ahead clock changes are told of.
const YEAR: TimeDelta = TimeDelta::days(365);
const MOST_CHANGES: usize = 8;

/// Says in English when triggers fire, the next `count` times, and what clock changes do to them in the coming year.
///
/// # Errors
/// 403; 422 as for saving: with the field and the position.
pub async fn preview(
    control: &Control,
    actor: &Actor,
    triggers: &[Trigger],
    timezone: &str,
    count: usize,
) -> Result<Preview> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let now = service::clock(&mut conn).await?;
    let names = references::names(&mut conn, actor.org_id, triggers).await?;
    Ok(compute(triggers, timezone, count, now, &names)?)
}

/// `names` are those of other schedules, by what the triggers call them.
fn compute(
    triggers: &[Trigger],
    timezone: &str,
    count: usize,
    now: Timestamp,
    names: &HashMap<String, String>,
) -> Result<Preview, Problem> {
    let zone = validate::zone(timezone)?;
    let triggers = validate::triggers(triggers, &[], now)?;
    let definition = Definition::new(&triggers, zone.clone(), service::anchor(now))
        .map_err(|message| Problem::invalid("invalid_triggers", "triggers", message))?;
    let next = definition
        .upcoming(now)
        .take(count.clamp(1, MOST))
        .map(|at| PreviewTime {
            local: local(&zone, at),
            at,
        })
        .collect();
    let mut changes: Vec<_> = triggers
        .iter()
        .filter_map(|trigger| match trigger {
            Trigger::Cron { expression } => expression.parse::<CronExpression>().ok(),
            _ => None,
        })
        .flat_map(|expression| clock_changes(&expression, &zone, now, YEAR))
        .collect();
    changes.sort_by_key(|change| change.at);
    let mut sentences: Vec<String> = changes.iter().map(|change| change.describe()).collect();
    sentences.dedup();
    sentences.truncate(MOST_CHANGES);
    Ok(Preview {
        sentence: sentence(&triggers, |called| names.get(called).cloned()),
        timezone: zone.name().to_owned(),
        next,
        clock_changes: sentences,
    })
}

/// `Mon 2026-11-23 03:00 CET`; with seconds where there are any.
pub(crate) fn local(zone: &Zone, at: Timestamp) -> String {
    let format = if at.second() == 0 {
        "%a %Y-%m-%d %H:%M %Z"
    } else {
        "%a %Y-%m-%d %H:%M:%S %Z"
    };
    let in_zone = jiff::Timestamp::from_second(at.timestamp())
        .ok()
        .and_then(|instant| instant.in_tz(zone.name()).ok());
    match in_zone {
        Some(local) => local.strftime(format).to_string(),
        None => at.format("%a %Y-%m-%d %H:%M UTC").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_the_sentence_the_times_and_the_clock_changes() {
        let triggers = [Trigger::Cron {
            expression: "30 2 * * *".to_owned(),
        }];
        let now = "2027-03-26T12:00:00Z".parse().unwrap();
        let preview = compute(&triggers, "europe/berlin", 3, now, &HashMap::new()).unwrap();
        assert_eq!(preview.sentence, "Every day at 02:30");
        assert_eq!(preview.timezone, "Europe/Berlin");
        let local: Vec<_> = preview.next.iter().map(|time| time.local.as_str()).collect();
        assert_eq!(
            local,
            [
                "Sat 2027-03-27 02:30 CET",
                "Sun 2027-03-28 03:00 CEST",
                "Mon 2027-03-29 02:30 CEST"
            ]
        );
        assert_eq!(preview.clock_changes.len(), 2, "{:?}", preview.clock_changes);
        assert!(preview.clock_changes[0].contains("28 March 2027"));
    }

    #[test]
    fn what_cannot_be_saved_has_no_preview() {
        let never = [Trigger::Cron {
            expression: "0 0 30 2 *".to_owned(),
        }];
        let now = "2027-01-01T00:00:00Z".parse().unwrap();
        let problem = compute(&never, "UTC", 5, now, &HashMap::new()).unwrap_err();
        assert_eq!(problem.code, "never_fires");
    }
}
