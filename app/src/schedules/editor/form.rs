//! What the form holds, and its way to and from a schedule.

use super::when::{Kind, When};
use domain::{
    actions::Action,
    durations::HumanDuration,
    guards::Guards,
    ids::ScheduleId,
    schedules::{MAX_NAME, Schedule, ScheduleDraft, Step},
};

/// The form. Its first step can be edited; further ones are shown and kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    pub name: String,
    pub enabled: bool,
    pub zone: String,
    pub whens: Vec<When>,
    pub verb: String,
    /// As typed; empty for the container's own setting.
    pub grace: String,
    pub target: String,
    /// The first step as it was: what this form does not show stays.
    pub kept: Step,
    pub rest: Vec<Step>,
    pub guards: Guards,
}

/// What is wrong with a field, by the API's name of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: String,
    pub message: String,
    /// Bytes of the field's text, where known.
    pub place: Option<(usize, usize)>,
}

impl Fault {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
            place: None,
        }
    }
}

impl Form {
    /// A new schedule: restart every day at three.
    pub fn fresh(name: String, target: String, zone: String) -> Self {
        Self {
            name,
            enabled: true,
            zone,
            whens: vec![When::new(0, Kind::Daily)],
            verb: "restart".to_owned(),
            grace: String::new(),
            target,
            kept: Step::default(),
            rest: Vec::new(),
            guards: Guards::default(),
        }
    }

    /// A new schedule as a template proposes it.
    pub fn proposed(draft: ScheduleDraft) -> Self {
        Self::of(&Schedule {
            id: ScheduleId::default(),
            version: 0,
            name: draft.name,
            enabled: draft.enabled,
            timezone: draft.timezone,
            triggers: draft.triggers,
            steps: draft.steps,
            guards: draft.guards,
            sentence: String::new(),
            next_at: None,
            paused_until: None,
            overdue_since: None,
            archived: false,
            waiting: 0,
            skipping: None,
            last_run: None,
            webhook: None,
            edited_by: None,
            created_at: Default::default(),
            updated_at: Default::default(),
        })
    }

    pub fn of(schedule: &Schedule) -> Self {
        let first = schedule.steps.first();
        let action = first.map_or(Action::Noop, |step| step.action.clone());
        let grace = match &action {
            Action::Stop { grace } | Action::Restart { grace } => grace.map(|grace| grace.to_string()),
            _ => None,
        };
        Self {
            name: schedule.name.clone(),
            enabled: schedule.enabled,
            zone: schedule.timezone.clone(),
            whens: schedule
                .triggers
                .iter()
                .zip(0..)
                .map(|(trigger, key)| When::of(key, trigger, &schedule.timezone))
                .collect(),
            verb: action.verb().to_owned(),
            grace: grace.unwrap_or_default(),
            target: first.map(|step| step.target.clone()).unwrap_or_default(),
            kept: first.cloned().unwrap_or_default(),
            rest: schedule.steps.iter().skip(1).cloned().collect(),
            guards: schedule.guards.clone(),
        }
    }

    /// Whether the action has a grace time.
    pub fn has_grace(&self) -> bool {
        matches!(self.verb.as_str(), "stop" | "restart")
    }

    /// Whether the action works on containers at all.
    pub fn has_target(&self) -> bool {
        self.plain_action().needs_target()
    }

    /// The action of the verb; with its options where they are those it came with.
    pub fn plain_action(&self) -> Action {
        if self.kept.action.verb() == self.verb {
            return self.kept.action.clone();
        }
        Action::from_verb(&self.verb).unwrap_or(Action::Noop)
    }

    fn action(&self) -> Result<Action, Fault> {
        let grace = match self.grace.trim() {
            "" => None,
            text if self.has_grace() => Some(text.parse::<HumanDuration>().map_err(|error| Fault {
                field: "steps.0.action.grace".to_owned(),
                message: error.message.clone(),
                place: Some((error.start, error.end)),
            })?),
            _ => None,
        };
        Ok(match self.plain_action() {
            Action::Stop { .. } => Action::Stop { grace },
            Action::Restart { .. } => Action::Restart { grace },
            other => other,
        })
    }

    /// The draft to send, or everything that is wrong with it as far as the page can tell; the server decides.
    pub fn draft(&self, version: Option<i32>) -> Result<ScheduleDraft, Vec<Fault>> {
        let mut faults = Vec::new();
        let name = self.name.trim();
        if name.is_empty() {
            faults.push(Fault::new(
                "name",
                "Give the schedule a name, such as Nightly restart.",
            ));
        } else if name.chars().count() > MAX_NAME {
            faults.push(Fault::new(
                "name",
                format!("The name is longer than {MAX_NAME} characters. Choose a shorter one."),
            ));
        }
        if self.zone.trim().is_empty() {
            faults.push(Fault::new(
                "timezone",
                "Choose a time zone, such as Europe/Berlin or UTC.",
            ));
        }
        let mut triggers = Vec::new();
        for (index, when) in self.whens.iter().enumerate() {
            match when.trigger(self.zone.trim()) {
                Ok(trigger) => triggers.push(trigger),
                Err(mut fault) => {
                    fault.field = format!("triggers.{index}{}", fault.field);
                    faults.push(fault);
                }
            }
        }
        let action = self
            .action()
            .map_err(|fault| faults.push(fault))
            .unwrap_or(Action::Noop);
        if self.has_target() && self.target.trim().is_empty() {
            faults.push(Fault::new(
                "steps.0.target",
                "Say which containers it is for, such as name:web. Every container is a single *.",
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let target = if self.has_target() {
            self.target.trim().to_owned()
        } else {
            String::new()
        };
        let first = Step {
            action,
            target,
            ..self.kept.clone()
        };
        Ok(ScheduleDraft {
            name: name.to_owned(),
            enabled: self.enabled,
            timezone: self.zone.trim().to_owned(),
            triggers,
            steps: std::iter::once(first).chain(self.rest.iter().cloned()).collect(),
            guards: self.guards.clone(),
            version,
        })
    }

    /// Whether both mean the same, however they are written.
    pub fn same(&self, other: &Self) -> bool {
        match (self.draft(None), other.draft(None)) {
            (Ok(mine), Ok(theirs)) => mine == theirs,
            _ => self == other,
        }
    }

    /// A key for one more trigger.
    pub fn next_key(&self) -> u32 {
        self.whens.iter().map(|when| when.key + 1).max().unwrap_or(0)
    }
}

/// The draft that a schedule is, for putting it back.
pub fn draft_of(schedule: &Schedule, version: i32) -> ScheduleDraft {
    ScheduleDraft {
        name: schedule.name.clone(),
        enabled: schedule.enabled,
        timezone: schedule.timezone.clone(),
        triggers: schedule.triggers.clone(),
        steps: schedule.steps.clone(),
        guards: schedule.guards.clone(),
        version: Some(version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::schedules::Trigger;

    #[test]
    fn a_fresh_form_is_a_draft_once_it_has_a_name_and_a_target() {
        let form = Form::fresh("Restart web".into(), "name:web".into(), "UTC".into());
        let draft = form.draft(None).unwrap();
        assert_eq!(
            draft.triggers,
            [Trigger::Cron {
                expression: "0 3 * * *".into()
            }]
        );
        assert_eq!(draft.steps[0].action, Action::Restart { grace: None });
    }

    #[test]
    fn every_fault_names_its_field() {
        let mut form = Form::fresh(String::new(), String::new(), String::new());
        form.grace = "10 parsecs".into();
        form.whens[0].kind = Kind::Cron;
        form.whens[0].cron = "0 25 * * *".into();
        let faults = form.draft(None).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "name",
                "timezone",
                "triggers.0.expression",
                "steps.0.action.grace",
                "steps.0.target"
            ]
        );
        assert_eq!(faults[2].place, Some((2, 4)));
    }

    #[test]
    fn further_steps_survive_the_form() {
        let mut form = Form::fresh("a".into(), "*".into(), "UTC".into());
        let more = Step {
            name: Some("wake".into()),
            ..Step::new(Action::Start, "name:db")
        };
        form.rest = vec![more.clone()];
        assert_eq!(form.draft(Some(3)).unwrap().steps[1], more);
    }

    #[test]
    fn a_grace_time_is_dropped_where_it_has_no_meaning() {
        let mut form = Form::fresh("a".into(), "*".into(), "UTC".into());
        form.grace = "30s".into();
        form.verb = "pause".into();
        assert_eq!(form.draft(None).unwrap().steps[0].action, Action::Pause);
    }
}
