//! Removing what is not used any more.

use super::{ActionForm, One, Reading};
use crate::schedules::editor::inputs::{Field, check};
use domain::actions::{Prune, What};
use leptos::prelude::*;

const NAMES: [&str; 6] = [
    "Stopped containers",
    "Images without a name",
    "All images that nothing uses",
    "Anonymous volumes",
    "Networks",
    "Build cache",
];

pub fn read(form: &mut ActionForm, prune: &Prune) {
    form.what = prune.what;
    form.older_than = prune.older_than.map(|age| age.to_string()).unwrap_or_default();
    form.dry = prune.dry;
}

pub fn write(form: &ActionForm, reading: &mut Reading<'_>) -> Prune {
    Prune {
        what: form.what,
        older_than: reading.duration("older_than", &form.older_than),
        dry: form.dry,
    }
}

pub fn fields(one: One) -> AnyView {
    let what = one.choice(
        "action.what",
        &What::ALL,
        |step| step.action.what,
        |step| &mut step.action.what,
    );
    view! {
        <div class="grid-2">
            {Field::new(one.id("what"), "What goes").select(&NAMES, what)}
            {Field::new(one.id("older"), "Older than")
                .like("Any age")
                .hint("Such as 7d. Volumes have no age.")
                .line(one.text("action.older_than", |step| &step.action.older_than, |step| &mut step.action.older_than))}
        </div>
        {check("Only say what would go", "Nothing is removed.", one.flag("action.dry", |step| step.action.dry, |step| &mut step.action.dry))}
    }
    .into_any()
}
