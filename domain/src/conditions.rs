//! Conditions: which containers a run leaves alone, decided when it comes to them.
//!
//! A container is asked once in a run, before the first step that would touch it, so that a chain that stops and starts
//! it does not stumble over its own doing. One that does not fit is skipped by every step, and says why.

use crate::{
    containers::{ContainerFacts, ContainerState, Health},
    guards::{Condition, ContainerIs},
    selectors::Selector,
};
use chrono::{DateTime, Utc};

impl Condition {
    /// In words, to be said of a container: "is running".
    pub fn describe(&self) -> String {
        match self {
            Self::If(ContainerIs::Running) => "is running".to_owned(),
            Self::If(ContainerIs::Stopped) => "is stopped".to_owned(),
            Self::If(ContainerIs::Healthy) => "is healthy".to_owned(),
            Self::If(ContainerIs::Unhealthy) => "is unhealthy".to_owned(),
            Self::UptimeAbove(least) => format!("runs for more than {least}"),
            Self::Label(label) => format!("has the label {label}"),
            Self::Selector(selector) => format!("is picked by {selector}"),
        }
    }

    /// Why it does not hold, as a sentence; nothing when it does. `matches` says whether a selector picks the container.
    pub fn objection(
        &self,
        facts: &ContainerFacts,
        now: DateTime<Utc>,
        matches: impl FnOnce(&Selector) -> bool,
    ) -> Option<String> {
        let state = facts.state.as_str();
        let uptime = || {
            let runs = matches!(facts.state, ContainerState::Running | ContainerState::Paused);
            let started = facts.started_at.filter(|_| runs)?;
            Some((now - started).to_std().unwrap_or_default())
        };
        let health = || match facts.health {
            Some(health) => format!("its health is {}", health.as_str()),
            None => "it has no health check".to_owned(),
        };
        match self {
            Self::If(ContainerIs::Running) => (facts.state != ContainerState::Running)
                .then(|| format!("it acts only on running containers, and this one is {state}")),
            Self::If(ContainerIs::Stopped) => (!matches!(
                facts.state,
                ContainerState::Exited | ContainerState::Created | ContainerState::Dead
            ))
            .then(|| format!("it acts only on stopped containers, and this one is {state}")),
            Self::If(ContainerIs::Healthy) => (facts.health != Some(Health::Healthy))
                .then(|| format!("it acts only on healthy containers, and {}", health())),
            Self::If(ContainerIs::Unhealthy) => (facts.health != Some(Health::Unhealthy))
                .then(|| format!("it acts only on unhealthy containers, and {}", health())),
            Self::UptimeAbove(least) => match uptime() {
                Some(uptime) if uptime > least.get() => None,
                Some(_) => Some(format!("it has not run for more than {least} yet")),
                None => Some(format!(
                    "it acts only on what runs for more than {least}, and this one is {state}"
                )),
            },
            Self::Label(label) => {
                let (key, value) = match label.split_once('=') {
                    Some((key, value)) => (key.trim(), Some(value.trim())),
                    None => (label.trim(), None),
                };
                let found = facts.labels.get(key).map(String::as_str);
                let fits = found.is_some() && value.is_none_or(|value| found == Some(value));
                (!fits).then(|| format!("it acts only on containers with the label {label}"))
            }
            Self::Selector(selector) => match Selector::parse_target(selector) {
                Ok(parsed) => (!matches(&parsed)).then(|| format!("it acts only on what {selector} picks")),
                Err(error) => Some(format!("the condition {selector} cannot be read: {error}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(state: ContainerState, health: Option<Health>, up_secs: i64) -> ContainerFacts {
        ContainerFacts {
            state,
            health,
            started_at: Some(now() - chrono::TimeDelta::seconds(up_secs)),
            labels: [("backup".to_owned(), "yes".to_owned())].into(),
            ..ContainerFacts::default()
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn each_says_why_it_does_not_hold() {
        let up = facts(ContainerState::Running, Some(Health::Unhealthy), 100);
        let down = facts(ContainerState::Exited, None, 100);
        for (value, holds_up, holds_down) in [
            (json!({"if":"running"}), true, false),
            (json!({"if":"stopped"}), false, true),
            (json!({"if":"healthy"}), false, false),
            (json!({"if":"unhealthy"}), true, false),
            (json!({"uptime_above":"90s"}), true, false),
            (json!({"uptime_above":"2m"}), false, false),
            (json!({"label":"backup"}), true, true),
            (json!({"label":"backup=no"}), false, false),
            (json!({"label":"backup = yes"}), true, true),
            (json!({"selector":"state:running"}), true, true),
        ] {
            let condition: Condition = serde_json::from_value(value.clone()).unwrap();
            for (facts, holds) in [(&up, holds_up), (&down, holds_down)] {
                let objection = condition.objection(facts, now(), |_| true);
                assert_eq!(
                    objection.is_none(),
                    holds,
                    "{value} {:?}: {objection:?}",
                    facts.state
                );
            }
        }
    }
}
