//! Templates: schedules that many people want, to begin with.

use crate::{
    actions::Action,
    schedules::{ScheduleDraft, Trigger},
};
use serde_json::json;

/// A beginning for one schedule, or for two that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// What addresses call it.
    pub key: &'static str,
    pub name: &'static str,
    pub icon: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    pub parts: &'static [Part],
}

/// One schedule of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The verb of its action.
    pub verb: &'static str,
    /// Hour and minute, and the day of the week where it is not every day (0 is Sunday).
    pub at: (u32, u32),
    pub weekday: Option<u32>,
}

/// All of them, the most wanted first.
pub const TEMPLATES: &[Template] = &[
    Template {
        key: "nightly-restart",
        name: "Nightly restart",
        icon: "rotate-cw",
        about: "Restarts what leaks memory or forgets to renew, every night at 03:00.",
        parts: &[Part {
            verb: "restart",
            at: (3, 0),
            weekday: None,
        }],
    },
    Template {
        key: "weekly-restart",
        name: "Weekly restart",
        icon: "rotate-cw",
        about: "Restarts on Sunday at 04:30, when nobody is looking.",
        parts: &[Part {
            verb: "restart",
            at: (4, 30),
            weekday: Some(0),
        }],
    },
    Template {
        key: "weekend-shutdown",
        name: "Weekend shutdown",
        icon: "moon",
        about: "Stops on Friday evening and starts again on Monday morning: two schedules from one form.",
        parts: &[
            Part {
                verb: "stop",
                at: (20, 0),
                weekday: Some(5),
            },
            Part {
                verb: "start",
                at: (6, 0),
                weekday: Some(1),
            },
        ],
    },
    Template {
        key: "night-rest",
        name: "Night rest",
        icon: "moon-star",
        about: "Stops every evening and starts again every morning: two schedules from one form.",
        parts: &[
            Part {
                verb: "stop",
                at: (23, 0),
                weekday: None,
            },
            Part {
                verb: "start",
                at: (7, 0),
                weekday: None,
            },
        ],
    },
    Template {
        key: "quiet-hours",
        name: "Quiet hours",
        icon: "pause",
        about: "Pauses every evening and goes on later, keeping what is in memory: two schedules from one form.",
        parts: &[
            Part {
                verb: "pause",
                at: (18, 0),
                weekday: None,
            },
            Part {
                verb: "unpause",
                at: (23, 0),
                weekday: None,
            },
        ],
    },
];

impl Template {
    pub fn find(key: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.key == key)
    }

    /// The schedules it makes, as they are proposed. Two that belong together are told apart by what they do.
    pub fn drafts(&self, name: &str, target: &str, timezone: &str) -> Vec<ScheduleDraft> {
        let many = self.parts.len() > 1;
        self.parts
            .iter()
            .filter_map(|part| {
                let action = Action::from_verb(part.verb)?;
                let name = if many {
                    format!("{name}: {}", action.label().to_lowercase())
                } else {
                    name.to_owned()
                };
                part.draft(&action, &name, target, timezone)
            })
            .collect()
    }
}

impl Part {
    /// As the schedule's cron expression says it.
    pub fn expression(&self) -> String {
        let (hour, minute) = self.at;
        match self.weekday {
            None => format!("{minute} {hour} * * *"),
            Some(day) => format!("{minute} {hour} * * {day}"),
        }
    }

    fn draft(&self, action: &Action, name: &str, target: &str, timezone: &str) -> Option<ScheduleDraft> {
        let draft = json!({
            "name": name,
            "timezone": timezone,
            "triggers": [Trigger::Cron { expression: self.expression() }],
            "steps": [{ "action": action, "target": target }],
        });
        serde_json::from_value(draft).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cron::CronExpression;

    #[test]
    fn every_template_makes_schedules_that_fire() {
        for template in TEMPLATES {
            assert_eq!(Template::find(template.key), Some(template));
            let drafts = template.drafts("web", "name:web", "UTC");
            assert_eq!(drafts.len(), template.parts.len(), "{}", template.key);
            let mut names: Vec<_> = drafts.iter().map(|draft| draft.name.clone()).collect();
            names.dedup();
            assert_eq!(names.len(), drafts.len(), "{}", template.key);
            for draft in drafts {
                let [Trigger::Cron { expression }] = draft.triggers.as_slice() else {
                    panic!("{} has other triggers", template.key);
                };
                assert!(!expression.parse::<CronExpression>().unwrap().never_fires());
            }
        }
    }
}
