//! What the form holds, and its way to and from a schedule.

use super::{
    guards::GuardsForm,
    steps::StepForm,
    when::{Kind, When},
};
use domain::{
    actions::Action,
    ids::ScheduleId,
    schedules::{MAX_NAME, Schedule, ScheduleDraft},
};

/// The form.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    pub name: String,
    pub enabled: bool,
    pub zone: String,
    pub whens: Vec<When>,
    pub steps: Vec<StepForm>,
    pub guards: GuardsForm,
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
            steps: vec![StepForm::new(0, &Action::Restart { grace: None }, target)],
            guards: GuardsForm::default(),
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
            warnings: Vec::new(),
            edited_by: None,
            origin: None,
            created_at: Default::default(),
            updated_at: Default::default(),
        })
    }

    pub fn of(schedule: &Schedule) -> Self {
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
            steps: schedule
                .steps
                .iter()
                .zip(0..)
                .map(|(step, key)| StepForm::of(key, step))
                .collect(),
            guards: GuardsForm::of(&schedule.guards),
        }
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
        let steps = self
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| step.step(&format!("steps.{index}"), &mut faults))
            .collect();
        let guards = self.guards.guards(&mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(ScheduleDraft {
            name: name.to_owned(),
            enabled: self.enabled,
            timezone: self.zone.trim().to_owned(),
            triggers,
            steps,
            guards,
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

    /// The step that a key belongs to, else the first.
    pub fn step(&self, key: Option<u32>) -> Option<&StepForm> {
        let found = self.steps.iter().find(|step| Some(step.key) == key);
        found.or(self.steps.first())
    }

    /// A key for one more step.
    pub fn next_step(&self) -> u32 {
        self.steps.iter().map(|step| step.key + 1).max().unwrap_or(0)
    }

    /// Keeps the keys of the steps of another form with as many, so that what is open stays open.
    pub fn keep_keys(&mut self, other: &Self) {
        if self.steps.len() == other.steps.len() {
            for (step, other) in self.steps.iter_mut().zip(&other.steps) {
                step.key = other.key;
            }
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
        form.steps[0].action.grace = "10 parsecs".into();
        form.guards.timeout = "soon".into();
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
                "steps.0.target",
                "timeout"
            ]
        );
        assert_eq!(faults[2].place, Some((2, 4)));
    }

    #[test]
    fn a_grace_time_is_dropped_where_it_has_no_meaning() {
        let mut form = Form::fresh("a".into(), "*".into(), "UTC".into());
        form.steps[0].action.grace = "30s".into();
        form.steps[0].action.verb = "pause";
        assert_eq!(form.draft(None).unwrap().steps[0].action, Action::Pause);
    }
}
