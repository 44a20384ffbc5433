//! Templates: schedules that many people want, to begin with.

use crate::{
    actions::Action,
    schedules::{ScheduleDraft, Trigger},
};
use serde_json::json;

/// A beginning for one schedule, or for two that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// What addresses call it.
    pub key: &'static str,
    pub name: &'static str,
    pub icon: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    pub body: Body,
}

/// What a template makes.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// A schedule for each: two that belong together have a form of their own.
    Parts(&'static [Part]),
    /// One schedule, all but its name and time zone, on a target.
    Whole(fn(&str) -> serde_json::Value),
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
        body: Body::Parts(&[Part {
            verb: "restart",
            at: (3, 0),
            weekday: None,
        }]),
    },
    Template {
        key: "weekly-restart",
        name: "Weekly restart",
        icon: "rotate-cw",
        about: "Restarts on Sunday at 04:30, when nobody is looking.",
        body: Body::Parts(&[Part {
            verb: "restart",
            at: (4, 30),
            weekday: Some(0),
        }]),
    },
    Template {
        key: "weekend-shutdown",
        name: "Weekend shutdown",
        icon: "moon",
        about: "Stops on Friday evening and starts again on Monday morning: two schedules from one form.",
        body: Body::Parts(&[
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
        ]),
    },
    Template {
        key: "night-rest",
        name: "Night rest",
        icon: "moon-star",
        about: "Stops every evening and starts again every morning: two schedules from one form.",
        body: Body::Parts(&[
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
        ]),
    },
    Template {
        key: "quiet-hours",
        name: "Quiet hours",
        icon: "pause",
        about: "Pauses every evening and goes on later, keeping what is in memory: two schedules from one form.",
        body: Body::Parts(&[
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
        ]),
    },
    Template {
        key: "staged-restart",
        name: "Staged restart of a stack",
        icon: "layers",
        about: "Restarts one container after the other, first what the others need, and waits until all of them are healthy.",
        body: Body::Whole(staged_restart),
    },
    Template {
        key: "backup-job",
        name: "Stop, back up, start",
        icon: "archive",
        about: "Stops, packs a volume in a container of its own, and starts again, even after a failure. Every night at 02:30.",
        body: Body::Whole(backup_job),
    },
    Template {
        key: "health-watchdog",
        name: "Health watchdog",
        icon: "heart-pulse",
        about: "Restarts a container as soon as its own health check calls it unhealthy.",
        body: Body::Whole(health_watchdog),
    },
    Template {
        key: "weekly-prune",
        name: "Weekly prune",
        icon: "trash-2",
        about: "Removes images that nothing uses and that are older than a week, every Sunday at 05:00.",
        body: Body::Whole(weekly_prune),
    },
];

fn staged_restart(target: &str) -> serde_json::Value {
    json!({
        "triggers": [{ "type": "cron", "expression": "30 4 * * 0" }],
        "steps": [
            { "action": { "type": "restart" }, "target": target, "order": "dependency", "max_parallel": 1 },
            { "name": "Wait until healthy", "action": { "type": "wait", "until": "healthy", "timeout": "5m" }, "target": target },
        ],
        "conditions": [{ "if": "running" }],
        "timeout": "1h",
    })
}

fn backup_job(target: &str) -> serde_json::Value {
    json!({
        "triggers": [{ "type": "cron", "expression": "30 2 * * *" }],
        "steps": [
            { "action": { "type": "stop" }, "target": target },
            {
                "name": "Back up",
                "action": {
                    "type": "run",
                    "image": "alpine:3",
                    "command": ["tar", "czf", "/backup/{{ run.id }}.tar.gz", "-C", "/data", "."],
                    "mounts": [
                        { "source": "data", "target": "/data", "read_only": true },
                        { "source": "backups", "target": "/backup" },
                    ],
                    "network": "none",
                },
                "target": target,
                "timeout": "1h",
            },
            // Whatever happened before: what was stopped runs again.
            { "action": { "type": "start" }, "target": target, "when": "always" },
        ],
        "expect": { "within": "26h" },
    })
}

fn health_watchdog(target: &str) -> serde_json::Value {
    json!({
        "triggers": [{
            "type": "event", "on": ["health_status"], "health": "unhealthy", "target": target, "debounce": "10s",
        }],
        "steps": [{ "action": { "type": "restart" }, "target": target }],
        // The target fits others too, and the health may have come back meanwhile.
        "conditions": [{ "if": "unhealthy" }],
    })
}

fn weekly_prune(target: &str) -> serde_json::Value {
    json!({
        "triggers": [{ "type": "cron", "expression": "0 5 * * 0" }],
        "steps": [{ "action": { "type": "prune", "what": "images", "older_than": "7d" }, "target": target }],
        "jitter": "10m",
    })
}

impl Template {
    /// What it makes for each, where it makes several schedules in a form of its own.
    pub fn pair(&self) -> Option<&'static [Part]> {
        match self.body {
            Body::Parts(parts) if parts.len() > 1 => Some(parts),
            _ => None,
        }
    }

    pub fn find(key: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.key == key)
    }

    /// The schedules it makes, as they are proposed. Two that belong together are told apart by what they do.
    pub fn drafts(&self, name: &str, target: &str, timezone: &str) -> Vec<ScheduleDraft> {
        let parts = match self.body {
            Body::Parts(parts) => parts,
            Body::Whole(make) => {
                let mut draft = make(target);
                draft["name"] = name.into();
                draft["timezone"] = timezone.into();
                return serde_json::from_value(draft).into_iter().collect();
            }
        };
        let many = parts.len() > 1;
        parts
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
            assert_eq!(
                Template::find(template.key).map(|found| found.name),
                Some(template.name)
            );
            let drafts = template.drafts("web", "name:web", "UTC");
            let expected = template.pair().map_or(1, <[Part]>::len);
            assert_eq!(drafts.len(), expected, "{}", template.key);
            let mut names: Vec<_> = drafts.iter().map(|draft| draft.name.clone()).collect();
            names.dedup();
            assert_eq!(names.len(), drafts.len(), "{}", template.key);
            for draft in drafts {
                match draft.triggers.as_slice() {
                    [Trigger::Cron { expression }] => {
                        assert!(!expression.parse::<CronExpression>().unwrap().never_fires());
                    }
                    [Trigger::Event { target, .. }] => assert_eq!(target, "name:web"),
                    other => panic!("{} has other triggers: {other:?}", template.key),
                }
                for (index, step) in draft.steps.iter().enumerate() {
                    step.action.check(&format!("steps[{index}].action")).unwrap();
                    assert_eq!(step.target, "name:web");
                }
            }
        }
    }

    #[test]
    fn what_a_template_stopped_it_starts_again() {
        let drafts = Template::find("backup-job")
            .unwrap()
            .drafts("b", "name:db", "UTC");
        let steps = &drafts[0].steps;
        assert_eq!(steps[0].action.verb(), "stop");
        assert_eq!(
            (steps[2].action.verb(), steps[2].when),
            ("start", crate::schedules::When::Always)
        );
    }
}
