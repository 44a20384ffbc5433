//! What it is called, how it is, and what can be done with it.

use crate::{
    components::{Status, icon, run_state, time::At, toast::Toasts},
    runs::api,
    schedules::api as schedules,
};
use domain::runs::{Run, RunState};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

#[component]
pub fn Head(run: RwSignal<Run>) -> impl IntoView {
    let state = Signal::derive(move || run.with(|run| run_state(run.summary.status)));
    view! {
        <div class="page-head run-head">
            <h1 class="keep">
                {move || run.with(|run| run.summary.title.clone())}
                " "
                <span class="faint">
                    {move || run.with(|run| { let s = &run.summary; view! { <At at=s.scheduled_for.or(s.started_at).unwrap_or(s.queued_at) /> } })}
                </span>
            </h1>
            <span role="status"><Status state /></span>
            <div class="end"><Buttons run /></div>
        </div>
    }
}

#[component]
fn Buttons(run: RwSignal<Run>) -> impl IntoView {
    let toasts = Toasts::get();
    let navigate = use_navigate();
    let busy = RwSignal::new(false);
    let id = run.with_untracked(|run| run.summary.id);
    let schedule = run.with_untracked(|run| run.summary.schedule.clone());
    let status = Memo::new(move |_| run.with(|run| run.summary.status));
    let cancel = move |_| {
        busy.set(true);
        spawn_local(async move {
            let answer = api::cancel(id).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(summary) => {
                    let _ = run.try_update(|run| run.summary = summary);
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    // The schedule as it is now; what this run did is in its steps.
    let again = Callback::new(move |()| {
        let Some(schedule) = schedule.clone() else { return };
        let navigate = navigate.clone();
        busy.set(true);
        spawn_local(async move {
            let answer = schedules::run_now(schedule.id).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(run) => navigate(&format!("/runs/{}", run.id), Default::default()),
                Err(error) => toasts.bad(error.0.message),
            }
        });
    });
    let of_schedule = run.with_untracked(|run| run.summary.schedule.is_some());
    view! {
        {move || {
            let status = status.get();
            if !status.is_final() {
                let asked = status == RunState::Cancelling;
                view! {
                    <button
                        class="btn btn-quiet-danger"
                        type="button"
                        disabled=move || asked || busy.get()
                        aria-busy=move || busy.get().to_string()
                        on:click=cancel
                    >
                        {icon("circle-x")}
                        {if asked { "Cancelling" } else { "Cancel run" }}
                    </button>
                }
                .into_any()
            } else if of_schedule {
                view! {
                    <button
                        class="btn"
                        type="button"
                        title="Runs the schedule as it is now"
                        disabled=move || busy.get()
                        aria-busy=move || busy.get().to_string()
                        on:click=move |_| again.run(())
                    >
                        {icon("rotate-cw")}
                        "Run again"
                    </button>
                }
                .into_any()
            } else {
                ().into_any()
            }
        }}
    }
}
