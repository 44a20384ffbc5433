//! Pulling an image.

use super::{super::reading::optional, ActionForm, One};
use crate::schedules::editor::inputs::Field;
use domain::actions::Pull;
use leptos::prelude::*;

pub fn read(form: &mut ActionForm, pull: &Pull) {
    form.image = pull.image.clone().unwrap_or_default();
}

pub fn write(form: &ActionForm) -> Pull {
    Pull {
        image: optional(&form.image),
    }
}

pub fn fields(one: One) -> AnyView {
    Field::new(one.id("image"), "Image")
        .like("The one of each container")
        .class("mono")
        .hint("Empty: each container's own image, on its own host.")
        .line(one.text(
            "action.image",
            |step| &step.action.image,
            |step| &mut step.action.image,
        ))
}
