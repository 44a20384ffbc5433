//! Removing a container.

use super::{ActionForm, One};
use crate::schedules::editor::inputs::check;
use domain::actions::Remove;
use leptos::prelude::*;

pub fn read(form: &mut ActionForm, remove: &Remove) {
    form.force = remove.force;
    form.volumes = remove.volumes;
}

pub fn write(form: &ActionForm) -> Remove {
    Remove {
        force: form.force,
        volumes: form.volumes,
    }
}

pub fn fields(one: One) -> AnyView {
    view! {
        <div class="opts">
            {check("Running ones too", "They are killed first.", one.flag("action.force", |step| step.action.force, |step| &mut step.action.force))}
            {check(
                "Their anonymous volumes too",
                "Named volumes always stay.",
                one.flag("action.volumes", |step| step.action.volumes, |step| &mut step.action.volumes),
            )}
        </div>
    }
    .into_any()
}
