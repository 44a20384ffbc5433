//! What the parts of the form share.

use super::form::{Fault, Form};
use domain::{ids::ScheduleId, schedules::Schedule, triggers::WebhookSecrets};
use leptos::prelude::*;

/// The form, what is saved, and what is wrong. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Editing {
    pub form: RwSignal<Form>,
    /// The form as it was loaded or saved last.
    pub saved: RwSignal<Form>,
    /// The schedule as the server knows it; nothing for a new one.
    pub schedule: RwSignal<Option<Schedule>>,
    /// What the last attempt to save said is wrong.
    pub faults: RwSignal<Vec<Fault>>,
    /// Why it could not be saved at all.
    pub refusal: RwSignal<Option<String>>,
    pub saving: RwSignal<bool>,
    /// What somebody else saved meanwhile, when saving was refused for it.
    pub theirs: RwSignal<Option<Schedule>>,
    /// A person chose the zone, so that it no longer follows the browser's.
    pub zone_chosen: RwSignal<bool>,
    /// What was just made for the webhook, while it is shown.
    pub secrets: RwSignal<Option<WebhookSecrets>>,
    /// The key of the step whose targets are shown.
    looked_at: RwSignal<Option<u32>>,
    /// Saved or discarded: leaving asks nothing.
    pub done: RwSignal<bool>,
}

impl Editing {
    pub fn new(form: Form, schedule: Option<Schedule>) -> Self {
        Self {
            form: RwSignal::new(form.clone()),
            saved: RwSignal::new(form),
            zone_chosen: RwSignal::new(schedule.is_some()),
            schedule: RwSignal::new(schedule),
            faults: RwSignal::new(Vec::new()),
            refusal: RwSignal::new(None),
            saving: RwSignal::new(false),
            theirs: RwSignal::new(None),
            secrets: RwSignal::new(None),
            looked_at: RwSignal::new(None),
            done: RwSignal::new(false),
        }
    }

    pub fn id(self) -> Option<ScheduleId> {
        self.schedule
            .with_untracked(|schedule| schedule.as_ref().map(|schedule| schedule.id))
    }

    pub fn is_new(self) -> bool {
        self.id().is_none()
    }

    /// Whether there is something to save.
    pub fn dirty(self) -> bool {
        self.form.with(|form| self.saved.with(|saved| !form.same(saved)))
    }

    /// Takes a schedule as the new beginning.
    pub fn load(self, schedule: Schedule) {
        let mut form = Form::of(&schedule);
        self.form.with_untracked(|old| form.keep_keys(old));
        self.saved.set(form.clone());
        self.form.set(form);
        self.schedule.set(Some(schedule));
        self.faults.set(Vec::new());
        self.refusal.set(None);
    }

    /// The key of the step whose targets are shown: the one that was worked on last.
    pub fn current(self) -> Option<u32> {
        let looked_at = self.looked_at.get();
        self.form.with(|form| form.step(looked_at).map(|step| step.key))
    }

    pub fn look_at(self, key: u32) {
        if self.looked_at.get_untracked() != Some(key) {
            self.looked_at.set(Some(key));
        }
    }

    /// What is wrong with this field or a part of it: `steps.1.action` for `steps.1.action.command.0`.
    pub fn fault_at(self, field: &str) -> Option<Fault> {
        self.faults.with(|faults| {
            faults
                .iter()
                .find(|fault| is_within(&fault.field, field))
                .cloned()
        })
    }

    /// What was said about this field and its parts no longer holds.
    pub fn heal(self, field: &str) {
        let within = |fault: &Fault| is_within(&fault.field, field) || is_within(field, &fault.field);
        if self.faults.with_untracked(|faults| faults.iter().any(within)) {
            self.faults.update(|faults| faults.retain(|fault| !within(fault)));
        }
    }

    /// What is wrong with a field whose name begins so, in one sentence.
    pub fn fault(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.faults.with(|faults| {
                faults
                    .iter()
                    .find(|fault| fault.field.starts_with(field))
                    .map(|fault| fault.message.clone())
            })
        })
    }

    /// Changes the form; what was said about these fields no longer holds.
    pub fn change(self, field: &'static str, change: impl FnOnce(&mut Form)) {
        self.form.update(change);
        if self
            .faults
            .with_untracked(|faults| faults.iter().any(|fault| fault.field.starts_with(field)))
        {
            self.faults
                .update(|faults| faults.retain(|fault| !fault.field.starts_with(field)));
        }
    }
}

/// Whether a field is another one or a part of it.
fn is_within(field: &str, whole: &str) -> bool {
    field
        .strip_prefix(whole)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_names_that_begin_alike() {
        assert!(is_within("steps.1.action.command.0", "steps.1.action"));
        assert!(is_within("steps.1", "steps.1"));
        assert!(!is_within("steps.10.action", "steps.1"));
        assert!(!is_within("steps", "steps.1"));
    }
}
