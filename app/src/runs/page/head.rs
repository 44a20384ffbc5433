//! What it is called, how it is, and what can be done with it.

use crate::auth::{lacks, lacks_on};
use crate::{
    components::{Status, icon, run_state, time::At, toast::Toasts},
    runs::api,
};
use domain::auth::Permission;
use domain::runs::{Run, RunState, TargetState};
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
    // The same steps and inputs again, whatever became of the schedule.
    let again = Callback::new(move |only_failed: bool| {
        let navigate = navigate.clone();
        busy.set(true);
        spawn_local(async move {
            let answer = if only_failed {
                api::retry(id).await
            } else {
                api::rerun(id).await
            };
            let _ = busy.try_set(false);
            match answer {
                Ok(run) => navigate(&format!("/runs/{}", run.id), Default::default()),
                Err(error) => toasts.bad(error.0.message),
            }
        });
    });
    let schedule = run.with_untracked(|run| run.summary.schedule.as_ref().map(|schedule| schedule.id));
    // Who may only run the schedule, since it is shared with them, does no old run again.
    let (lacks, lacks_again) = match schedule {
        Some(id) => (
            lacks_on(Permission::RunsCancel, id),
            lacks(Permission::SchedulesRun),
        ),
        None => (lacks(Permission::RunsCancel), lacks(Permission::SchedulesRun)),
    };
    let failed = Memo::new(move |_| {
        run.with(|run| {
            run.steps.iter().any(|step| {
                matches!(
                    step.status,
                    TargetState::Failed
                        | TargetState::TimedOut
                        | TargetState::Unknown
                        | TargetState::Cancelled
                ) && step.started_at.is_some()
            })
        })
    });
    view! {
        {move || {
            let status = status.get();
            if !status.is_final() {
                let asked = status == RunState::Cancelling;
                view! {
                    <button
                        class="btn btn-quiet-danger"
                        type="button"
                        disabled=move || asked || busy.get() || lacks.get().is_some()
                        title=move || lacks.get()
                        aria-busy=move || busy.get().to_string()
                        on:click=cancel
                    >
                        {icon("circle-x")}
                        {if asked { "Cancelling" } else { "Cancel run" }}
                    </button>
                }
                .into_any()
            } else {
                view! {
                    <Show when=move || failed.get()>
                        <button
                            class="btn"
                            type="button"
                            title=move || lacks_again.get().unwrap_or("Only what did not succeed")
                            disabled=move || busy.get() || lacks_again.get().is_some()
                            aria-busy=move || busy.get().to_string()
                            on:click=move |_| again.run(true)
                        >
                            {icon("rotate-cw")}
                            "Retry failed"
                        </button>
                    </Show>
                    <button
                        class="btn"
                        type="button"
                        title=move || lacks_again.get().unwrap_or("The same steps and inputs from the beginning")
                        disabled=move || busy.get() || lacks_again.get().is_some()
                        aria-busy=move || busy.get().to_string()
                        on:click=move |_| again.run(false)
                    >
                        {icon("play")}
                        "Run again"
                    </button>
                }
                .into_any()
            }
        }}
    }
}
