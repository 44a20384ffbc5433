//! Saving: what is wrong goes beside its field, a conflict asks, everything else is said on top.

use super::{
    form::{Fault, draft_of},
    state::Editing,
};
use crate::{
    components::{
        time::{Clock, relative},
        toast::Toasts,
    },
    error::AppError,
    schedules::api,
};
use domain::schedules::{Schedule, ScheduleDraft};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast;

/// Saves the form. Over what somebody else saved, when that was shown and taken into account before.
pub fn action(editing: Editing) -> Callback<()> {
    let toasts = Toasts::get();
    let clock = Clock::get();
    let navigate = use_navigate();
    Callback::new(move |()| {
        if editing.saving.get_untracked() {
            return;
        }
        editing.refusal.set(None);
        let known = editing.schedule.get_untracked();
        let draft = match editing
            .form
            .with_untracked(|form| form.draft(known.as_ref().map(|known| known.version)))
        {
            Ok(draft) => draft,
            Err(faults) => return blame(editing, faults),
        };
        editing.faults.set(Vec::new());
        editing.saving.set(true);
        let navigate = navigate.clone();
        spawn_local(async move {
            let answer = send(known.as_ref(), draft).await;
            // Gone from the page meanwhile.
            if editing.saving.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(saved) => {
                    let next = saved.next_at.filter(|_| saved.enabled).map(|at| {
                        let now = clock.exact_now();
                        format!(
                            ", next run {}",
                            relative(at.timestamp_millis(), now, |at| clock.wall(at))
                        )
                    });
                    let text = format!("Saved {}{}", saved.name, next.unwrap_or_default());
                    for warning in &saved.warnings {
                        toasts.say("triangle-alert", warning.clone());
                    }
                    editing.theirs.set(None);
                    editing.load(saved.clone());
                    editing.secrets.set(saved.webhook.clone());
                    match known {
                        Some(before) => {
                            toasts.undo(
                                "calendar-clock",
                                text,
                                Callback::new(move |()| put_back(editing, &before, saved.version, toasts)),
                            );
                        }
                        None => {
                            toasts.say("calendar-clock", text);
                            editing.done.set(true);
                            // The secrets of a webhook are read first.
                            if saved.webhook.is_none() {
                                navigate("/schedules", Default::default());
                            }
                        }
                    }
                }
                Err(error) => refuse(editing, &error),
            }
        });
    })
}

async fn send(known: Option<&Schedule>, draft: ScheduleDraft) -> Result<Schedule, AppError> {
    match known {
        Some(known) => api::update(known.id, draft).await,
        None => api::create(draft).await,
    }
}

/// Takes a save back.
fn put_back(editing: Editing, before: &Schedule, version: i32, toasts: Toasts) {
    let (id, draft) = (before.id, draft_of(before, version));
    spawn_local(async move {
        match api::update(id, draft).await {
            // The form may be closed by now.
            Ok(schedule) => {
                if editing.schedule.try_with_untracked(|_| ()).is_some() {
                    editing.load(schedule);
                }
            }
            Err(error) => toasts.bad(error.0.message),
        }
    });
}

/// Sorts what the server said.
pub fn refuse(editing: Editing, error: &AppError) {
    if error.0.code == "stale_version" {
        let current = error.0.details.get("current").cloned();
        if let Some(theirs) = current.and_then(|current| serde_json::from_value::<Schedule>(current).ok()) {
            editing.theirs.set(Some(theirs));
            super::conflict::ask();
            return;
        }
    }
    let field = match error.0.code.as_str() {
        "name_taken" => Some("name"),
        _ => error.detail("field"),
    };
    match field {
        Some(field) => {
            let field = field.replace('[', ".").replace(']', "");
            let place = error.number("start").zip(error.number("end"));
            let place = place.map(|(start, end)| (start as usize, end as usize));
            blame(
                editing,
                vec![Fault {
                    place: match error.0.code.as_str() {
                        "invalid_variables" => place.and_then(|place| as_bytes(editing, &field, place)),
                        _ => place,
                    },
                    message: error.0.message.clone(),
                    field,
                }],
            );
        }
        None => editing.refusal.set(Some(error.0.message.clone())),
    }
}

/// The place of a wrong variable, which is counted in characters of its text.
fn as_bytes(editing: Editing, field: &str, (start, end): (usize, usize)) -> Option<(usize, usize)> {
    let mut parts = field.splitn(3, '.').skip(1);
    let (index, own) = (parts.next()?.parse::<usize>().ok()?, parts.next()?);
    let text = editing
        .form
        .with_untracked(|form| form.steps.get(index).and_then(|step| step.text_at(own)))?;
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    Some((byte(start), byte(end)))
}

/// Shows what is wrong and brings the first such field before one's eyes.
pub fn blame(editing: Editing, faults: Vec<Fault>) {
    editing.faults.set(faults);
    // After the attributes are on the page.
    request_animation_frame(|| {
        if let Ok(Some(field)) = document().query_selector(".editor [aria-invalid=true]")
            && let Some(field) = field.dyn_ref::<web_sys::HtmlElement>()
        {
            let _ = field.focus();
        }
    });
}
