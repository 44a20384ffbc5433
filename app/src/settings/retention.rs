//! How long the organisation keeps its runs.

use super::api;
use crate::{
    auth::lacks,
    codec::resource,
    components::{FailureNote, skeleton, time::At, toast::Toasts},
    hosts::words::bytes,
};
use domain::{
    auth::Permission,
    errors::{ErrorClass, Problem},
    retention::{KeptRuns, Retention, RetentionState},
};
use leptos::{prelude::*, task::spawn_local};

const MB: u64 = 1_000_000;

/// What is typed: numbers, or nothing for no limit.
#[derive(Clone, Debug, Default, PartialEq)]
struct Typed {
    days: String,
    runs: String,
    megabytes: String,
}

impl Typed {
    fn of(limits: &Retention) -> Self {
        let text = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        Self {
            days: text(limits.days.map(u64::from)),
            runs: text(limits.runs_per_schedule.map(u64::from)),
            // What the API knows finer is rounded up, so that saving deletes nothing more.
            megabytes: text(limits.bytes.map(|bytes| bytes.div_ceil(MB))),
        }
    }

    fn limits(&self) -> Result<Retention, Problem> {
        Ok(Retention {
            days: number(&self.days, "days")?,
            runs_per_schedule: number(&self.runs, "runs_per_schedule")?,
            bytes: number::<u64>(&self.megabytes, "bytes")?.map(|megabytes| megabytes.saturating_mul(MB)),
        })
    }
}

fn number<T: std::str::FromStr>(text: &str, field: &str) -> Result<Option<T>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        Problem::new(
            ErrorClass::Invalid,
            "invalid_retention",
            format!("{text} is no whole number. Leave the field empty for no limit."),
        )
        .with("field", field)
    })
}

#[component]
pub fn KeptFor() -> impl IntoView {
    let found = resource(|| (), |()| api::kept_for());
    view! {
        <section class="card" aria-labelledby="retention">
            <div class="card-h"><h2 id="retention">"How long runs are kept"</h2></div>
            <Transition fallback=|| view! { <div class="card-b">{skeleton::lines(3)}</div> }>
                {move || Suspend::new(async move {
                    match found.await {
                        Ok(state) => view! { <Form state /> }.into_any(),
                        Err(error) => {
                            view! { <div class="card-b"><FailureNote message=error.0.message /></div> }.into_any()
                        }
                    }
                })}
            </Transition>
        </section>
    }
}

#[component]
fn Form(state: RetentionState) -> impl IntoView {
    let lacks = lacks(Permission::RetentionManage);
    let toasts = Toasts::get();
    let typed = RwSignal::new(Typed::of(&state.limits));
    let fault = RwSignal::new(None::<Problem>);
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let limits = match typed.with_untracked(Typed::limits) {
            Ok(limits) => limits,
            Err(problem) => return fault.set(Some(problem)),
        };
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = api::set_retention(limits).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(state) => {
                    toasts.say("check", "Saved. What goes beyond is deleted within the hour.");
                    let _ = typed.try_set(Typed::of(&state.limits));
                }
                Err(error) => {
                    let _ = fault.try_set(Some(error.0));
                }
            }
        });
    };
    let wrong = move |field: &'static str| {
        fault.with(|fault| {
            let fault = fault.as_ref()?;
            (fault.details.get("field")?.as_str()? == field).then_some("true")
        })
    };
    let field = move |id: &'static str,
                      name: &'static str,
                      of: &'static str,
                      get: fn(&Typed) -> &String,
                      set: fn(&mut Typed, String)| {
        view! {
            <div class="field">
                <label for=id>{name}</label>
                <input
                    class="input"
                    id=id
                    inputmode="numeric"
                    autocomplete="off"
                    placeholder="No limit"
                    disabled=move || lacks.get().is_some()
                    aria-invalid=move || wrong(of)
                    aria-describedby="retention-fault"
                    prop:value=move || typed.with(|typed| get(typed).clone())
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        typed.update(|typed| set(typed, value));
                    }
                />
            </div>
        }
    };
    view! {
        <form class="card-b stack narrow" novalidate on:submit=submit aria-labelledby="retention">
            <div id="retention-fault">
                {move || fault.get().map(|problem| view! { <FailureNote message=problem.message /> })}
            </div>
            {field("retention-days", "Days", "days", |typed| &typed.days, |typed, value| typed.days = value)}
            {field("retention-runs", "Runs of each schedule", "runs_per_schedule", |typed| &typed.runs, |typed, value| typed.runs = value)}
            {field("retention-bytes", "Megabytes in all", "bytes", |typed| &typed.megabytes, |typed, value| typed.megabytes = value)}
            <p class="hint">
                "Runs beyond any of these are deleted with their logs, the oldest first. The latest run of each schedule and its latest success stay."
            </p>
            <div class="row">
                <button
                    class="btn"
                    type="submit"
                    title=move || lacks.get()
                    aria-busy=move || busy.get().to_string()
                    disabled=move || lacks.get().is_some() || busy.get()
                >
                    "Save limits"
                </button>
                {move || lacks.get().map(|lacks| view! { <span class="hint">{lacks}</span> })}
            </div>
        </form>
        <div class="card-f">{kept(state.kept)}</div>
    }
}

/// "12345 runs, 320 MB, the oldest of 1 Sep, 03:00"
fn kept(kept: KeptRuns) -> AnyView {
    if kept.measured_at.is_none() {
        return "What is kept is measured once an hour.".into_any();
    }
    let size = bytes(i64::try_from(kept.bytes).unwrap_or(i64::MAX));
    let counted = format!("{}, {size}", crate::runs::figures::runs(kept.runs));
    match kept.oldest {
        Some(at) => view! { <span>"Kept now: "{counted}", the oldest of "<At at /></span> }.into_any(),
        None => "No runs are kept now.".into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_limit() {
        let limits = Retention::default();
        let mut typed = Typed::of(&limits);
        assert_eq!(typed.megabytes, "1000");
        assert_eq!(typed.limits(), Ok(limits));
        typed.days = " ".to_owned();
        assert_eq!(typed.limits().unwrap().days, None);
        typed.runs = "many".to_owned();
        let problem = typed.limits().unwrap_err();
        assert_eq!(problem.details["field"], "runs_per_schedule");
    }
}
