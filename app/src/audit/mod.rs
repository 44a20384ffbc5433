//! The audit log.

pub mod api;
mod line;
mod page;

pub use page::Audit;

use crate::{auth::lacks, components::icon};
use domain::auth::Permission;
use leptos::prelude::*;

/// The way to everything that the log knows of one thing; disabled for those who may not read it.
pub fn history_of(kind: &'static str, id: impl std::fmt::Display) -> AnyView {
    let lacks = lacks(Permission::AuditRead);
    let href = format!("/settings/audit?object={kind}:{id}");
    let link = move || match lacks.get() {
        Some(why) => view! {
            <button class="btn" type="button" disabled title=why>{icon("history")}"Audit log"</button>
        }
        .into_any(),
        None => view! { <a class="btn" href=href.clone()>{icon("history")}"Audit log"</a> }.into_any(),
    };
    view! { {link} }.into_any()
}
