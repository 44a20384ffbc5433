//! A blackout as it is typed, and its way to and from a draft.

use crate::schedules::wall::{instant_in, wall_in};
use chrono::DateTime;
use domain::{
    blackouts::{Blackout, BlackoutDraft, BlackoutOn, BlackoutPolicy, BlackoutWindow, Day},
    durations::HumanDuration,
};

/// What it is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum On {
    #[default]
    Everything,
    Host,
    Tag,
    Schedule,
}

/// When it is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Weekly,
    Dated,
    Cron,
}

/// The dialog's fields.
#[derive(Clone, Debug, PartialEq)]
pub struct BlackoutForm {
    pub name: String,
    pub enabled: bool,
    pub on: On,
    pub host: String,
    pub tag: String,
    pub schedule: String,
    pub zone: String,
    pub kind: Kind,
    /// From Monday on; none of them is all of them.
    pub days: [bool; 7],
    pub start: String,
    pub duration: String,
    pub from: String,
    pub to: String,
    pub cron: String,
    pub policy: BlackoutPolicy,
    /// What it was read from: what cannot be said to the second in a field stays as it was.
    origin: Option<Box<Blackout>>,
}

/// (field, message)
pub type Wrong = (String, String);

impl BlackoutForm {
    /// Every night, in a zone.
    pub fn fresh(zone: String) -> Self {
        Self {
            name: String::new(),
            enabled: true,
            on: On::Everything,
            host: String::new(),
            tag: String::new(),
            schedule: String::new(),
            zone,
            kind: Kind::Weekly,
            days: [false; 7],
            start: "20:00".to_owned(),
            duration: "8h".to_owned(),
            from: String::new(),
            to: String::new(),
            cron: "0 20 * * 1-5".to_owned(),
            policy: BlackoutPolicy::Skip,
            origin: None,
        }
    }

    pub fn of(blackout: &Blackout) -> Self {
        let mut form = Self::fresh(blackout.timezone.clone());
        form.name.clone_from(&blackout.name);
        form.enabled = blackout.enabled;
        form.policy = blackout.policy;
        match &blackout.on {
            BlackoutOn::Organisation => form.on = On::Everything,
            BlackoutOn::Host { id } => (form.on, form.host) = (On::Host, id.to_string()),
            BlackoutOn::Tag { tag } => (form.on, form.tag) = (On::Tag, tag.clone()),
            BlackoutOn::Schedule { id } => (form.on, form.schedule) = (On::Schedule, id.to_string()),
        }
        match &blackout.window {
            BlackoutWindow::Weekly {
                days,
                start,
                duration,
            } => {
                form.kind = Kind::Weekly;
                form.days = Day::ALL.map(|day| days.contains(&day));
                form.start.clone_from(start);
                form.duration = duration.to_string();
            }
            BlackoutWindow::Cron { expression, duration } => {
                form.kind = Kind::Cron;
                form.cron.clone_from(expression);
                form.duration = duration.to_string();
            }
            BlackoutWindow::Dated { from, to } => {
                let wall =
                    |at: &DateTime<chrono::Utc>| wall_in(&blackout.timezone, at.timestamp_millis()).input();
                form.kind = Kind::Dated;
                (form.from, form.to) = (wall(from), wall(to));
            }
        }
        form.origin = Some(Box::new(blackout.clone()));
        form
    }

    /// The draft to send, or what is wrong as far as the page can tell; the server decides.
    pub fn draft(&self) -> Result<BlackoutDraft, Wrong> {
        let wrong = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        let name = self.name.trim().to_owned();
        if name.is_empty() {
            return Err(wrong("name", "Give it a name, such as Evening quiet."));
        }
        Ok(BlackoutDraft {
            name,
            enabled: self.enabled,
            on: self.whom()?,
            timezone: self.zone.trim().to_owned(),
            window: self.window()?,
            policy: self.policy,
            version: self.origin.as_ref().map(|origin| origin.version),
        })
    }

    fn whom(&self) -> Result<BlackoutOn, Wrong> {
        let wrong = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        Ok(match self.on {
            On::Everything => BlackoutOn::Organisation,
            On::Host => BlackoutOn::Host {
                id: self.host.parse().map_err(|_| wrong("on", "Choose a host."))?,
            },
            On::Tag if self.tag.trim().is_empty() => {
                return Err(wrong("on", "Name a tag, such as media."));
            }
            On::Tag => BlackoutOn::Tag {
                tag: self.tag.trim().to_owned(),
            },
            On::Schedule => BlackoutOn::Schedule {
                id: self
                    .schedule
                    .parse()
                    .map_err(|_| wrong("on", "Choose a schedule."))?,
            },
        })
    }

    fn window(&self) -> Result<BlackoutWindow, Wrong> {
        let duration = || {
            self.duration
                .parse::<HumanDuration>()
                .map_err(|error| ("window.duration".to_owned(), error.message))
        };
        Ok(match self.kind {
            Kind::Weekly => {
                let all = self.days.iter().all(|on| *on);
                BlackoutWindow::Weekly {
                    days: Day::ALL
                        .into_iter()
                        .zip(self.days)
                        .filter(|(_, on)| *on && !(all && self.was_daily()))
                        .map(|(day, _)| day)
                        .collect(),
                    start: self.start.trim().to_owned(),
                    duration: duration()?,
                }
            }
            Kind::Cron => BlackoutWindow::Cron {
                expression: self.cron.trim().to_owned(),
                duration: duration()?,
            },
            Kind::Dated => {
                let at =
                    |text: &str, field: &str, same: fn(&BlackoutWindow) -> Option<DateTime<chrono::Utc>>| {
                        // Seconds that the field does not show stay while nobody touches it.
                        let stored = self
                            .origin
                            .as_ref()
                            .and_then(|origin| same(&origin.window).map(|at| (at, origin.timezone.as_str())));
                        if let Some((at, zone)) = stored
                            && zone == self.zone
                            && wall_in(zone, at.timestamp_millis()).input() == text
                        {
                            return Ok(at);
                        }
                        instant_in(self.zone.trim(), text)
                            .and_then(DateTime::from_timestamp_millis)
                            .ok_or_else(|| {
                                (format!("window.{field}"), "Choose a date and a time.".to_owned())
                            })
                    };
                BlackoutWindow::Dated {
                    from: at(&self.from, "from", |window| match window {
                        BlackoutWindow::Dated { from, .. } => Some(*from),
                        _ => None,
                    })?,
                    to: at(&self.to, "to", |window| match window {
                        BlackoutWindow::Dated { to, .. } => Some(*to),
                        _ => None,
                    })?,
                }
            }
        })
    }

    /// Whether it was for every day without naming them.
    fn was_daily(&self) -> bool {
        self.origin.as_ref().is_none_or(
            |origin| matches!(&origin.window, BlackoutWindow::Weekly { days, .. } if days.is_empty()),
        )
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use domain::ids::{BlackoutId, HostId, ScheduleId};
    use serde_json::json;

    fn stored(on: BlackoutOn, window: BlackoutWindow) -> Blackout {
        Blackout {
            id: BlackoutId::new(),
            version: 4,
            name: "Quiet".into(),
            enabled: false,
            on,
            on_name: String::new(),
            timezone: "Europe/Berlin".into(),
            window,
            policy: BlackoutPolicy::Postpone,
            sentence: String::new(),
            active_until: None,
            next: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn whatever_is_stored_is_saved_as_it_was() {
        let windows = [
            json!({ "type": "weekly", "days": ["sat", "sun"], "start": "22:00", "duration": "8h" }),
            json!({ "type": "weekly", "start": "22:00", "duration": "30m" }),
            json!({ "type": "weekly", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "1:00", "duration": "30m" }),
            json!({ "type": "cron", "expression": "0 0 L * *", "duration": "1d" }),
            json!({ "type": "dated", "from": "2026-12-24T12:00:07Z", "to": "2026-12-27T00:00:00Z" }),
        ];
        let ons = [
            BlackoutOn::Organisation,
            BlackoutOn::Host { id: HostId::new() },
            BlackoutOn::Tag { tag: "media".into() },
            BlackoutOn::Schedule {
                id: ScheduleId::new(),
            },
        ];
        for window in windows {
            for on in &ons {
                let window: BlackoutWindow = serde_json::from_value(window.clone()).unwrap();
                let blackout = stored(on.clone(), window);
                let draft = BlackoutForm::of(&blackout).draft().unwrap();
                assert_eq!((&draft.on, &draft.window), (&blackout.on, &blackout.window));
                assert_eq!(
                    (
                        draft.enabled,
                        draft.policy,
                        draft.version,
                        draft.timezone.as_str()
                    ),
                    (false, BlackoutPolicy::Postpone, Some(4), "Europe/Berlin")
                );
            }
        }
    }

    #[test]
    fn what_is_missing_is_said_by_its_field() {
        let mut form = BlackoutForm::fresh("UTC".into());
        assert_eq!(form.draft().unwrap_err().0, "name");
        form.name = "Quiet".into();
        form.on = On::Host;
        assert_eq!(form.draft().unwrap_err().0, "on");
        form.on = On::Everything;
        form.duration = "long".into();
        assert_eq!(form.draft().unwrap_err().0, "window.duration");
        form.kind = Kind::Dated;
        assert_eq!(form.draft().unwrap_err().0, "window.from");
        form.kind = Kind::Cron;
        form.duration = "2h".into();
        assert!(form.draft().is_ok());
    }
}
