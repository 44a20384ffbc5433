//! One step of the form, found by its key wherever it stands.

use super::typed::StepForm;
use crate::schedules::editor::{
    inputs::{Bound, Flag, Pick, Said},
    state::Editing,
};
use domain::actions::Action;
use leptos::prelude::*;

#[derive(Clone, Copy)]
pub struct One {
    pub editing: Editing,
    pub key: u32,
    /// The step as it was last; stays while its card is on its way out.
    pub step: Memo<StepForm>,
}

impl One {
    pub fn new(editing: Editing, key: u32) -> Self {
        let step = Memo::new(move |old: Option<&StepForm>| {
            editing
                .form
                .with(|form| form.steps.iter().find(|step| step.key == key).cloned())
                .or_else(|| old.cloned())
                .unwrap_or_else(|| StepForm::new(key, &Action::Noop, String::new()))
        });
        Self { editing, key, step }
    }

    /// An id for a field of this step.
    pub fn id(self, name: &str) -> String {
        format!("step-{}-{name}", self.key)
    }

    /// Where it stands, from 0.
    pub fn index(self) -> Option<usize> {
        let key = self.key;
        self.editing
            .form
            .with(|form| form.steps.iter().position(|step| step.key == key))
    }

    /// Changes the step; what was said about this field of it no longer holds.
    pub fn change(self, field: &'static str, change: impl FnOnce(&mut StepForm)) {
        let Some(index) = untrack(|| self.index()) else {
            return;
        };
        self.editing.form.update(|form| {
            if let Some(step) = form.steps.get_mut(index) {
                change(step);
            }
        });
        self.editing.heal(&format!("steps.{index}.{field}"));
    }

    /// What was said about a field of this step, or a part of it.
    pub fn fault(self, field: &'static str) -> Signal<Option<Said>> {
        Signal::derive(move || {
            let prefix = format!("steps.{}.", self.index()?);
            let fault = self.editing.fault_at(&format!("{prefix}{field}"))?;
            let own = fault.field.strip_prefix(&prefix)?;
            Some(Said {
                text: self.step.with_untracked(|step| step.text_at(own)),
                message: fault.message,
                place: fault.place,
            })
        })
    }

    pub fn text(
        self,
        field: &'static str,
        get: fn(&StepForm) -> &String,
        own: fn(&mut StepForm) -> &mut String,
    ) -> Bound {
        Bound {
            value: Signal::derive(move || self.step.with(|step| get(step).clone())),
            set: Callback::new(move |text| self.change(field, |step| *own(step) = text)),
            fault: self.fault(field),
        }
    }

    pub fn flag(
        self,
        field: &'static str,
        get: fn(&StepForm) -> bool,
        own: fn(&mut StepForm) -> &mut bool,
    ) -> Flag {
        Flag {
            on: Signal::derive(move || self.step.with(get)),
            set: Callback::new(move |on| self.change(field, |step| *own(step) = on)),
        }
    }

    pub fn choice<T>(
        self,
        field: &'static str,
        all: &'static [T],
        get: fn(&StepForm) -> T,
        own: fn(&mut StepForm) -> &mut T,
    ) -> Pick
    where
        T: Copy + PartialEq + Sync + 'static,
    {
        Pick {
            index: Signal::derive(move || {
                let value = self.step.with(get);
                all.iter().position(|one| *one == value).unwrap_or_default()
            }),
            set: Callback::new(move |index| {
                if let Some(value) = all.get::<usize>(index) {
                    self.change(field, |step| *own(step) = *value);
                }
            }),
        }
    }
}
