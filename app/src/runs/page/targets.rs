//! The containers of a run: one row each, one column for each step.

use crate::{
    components::{State, target_state},
    runs::words::by_container,
};
use domain::runs::{Run, TargetState};
use leptos::prelude::*;

/// More rows than this wait for "Show all".
const FEW: usize = 12;
/// With more steps than this the columns would not fit: the step that matters most is shown alone.
const COLUMNS: usize = 4;

#[component]
pub fn Targets(run: RwSignal<Run>) -> impl IntoView {
    let failed_only = RwSignal::new(false);
    let all = RwSignal::new(false);
    let bad = |states: &[Option<TargetState>]| {
        states.iter().flatten().any(|state| {
            matches!(
                state,
                TargetState::Failed | TargetState::TimedOut | TargetState::Unknown
            )
        })
    };
    let counts = Memo::new(move |_| {
        run.with(|run| {
            let rows = by_container(run);
            (rows.len(), rows.iter().filter(|(_, states)| bad(states)).count())
        })
    });
    let names = Memo::new(move |_| {
        run.with(|run| run.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>())
    });
    let rows = move || {
        let mut rows = run.with(|run| {
            let message = |who: &crate::runs::words::Who| {
                run.steps
                    .iter()
                    .rev()
                    .flat_map(|step| &step.targets)
                    .filter(|target| {
                        target.container_id == who.id
                            && target.container == who.container
                            && target.host == who.host
                    })
                    .find_map(|target| {
                        let again = (target.attempt > 1)
                            .then(|| format!("Attempt {} of {}.", target.attempt, target.attempts));
                        match (again, target.message.clone()) {
                            (Some(again), Some(message)) => Some(format!("{message} {again}")),
                            (again, message) => message.or(again),
                        }
                    })
            };
            by_container(run)
                .into_iter()
                .map(|(who, states)| {
                    let message = message(&who);
                    (who, states, message)
                })
                .collect::<Vec<_>>()
        });
        if failed_only.get() {
            rows.retain(|(_, states, _)| bad(states));
        }
        if !all.get() {
            rows.truncate(FEW);
        }
        rows
    };
    let cell = |state: Option<TargetState>| {
        let look = state.map_or_else(|| State::new("skipped", "No target of this step"), target_state);
        view! { <td class="cc">{look.plain()}</td> }
    };
    let wide = move || names.with(|names| names.len() <= COLUMNS);
    let row = move |(who, states, message): (
        crate::runs::words::Who,
        Vec<Option<TargetState>>,
        Option<String>,
    )| {
        let last = states.iter().rev().flatten().next().copied();
        let result = message
            .clone()
            .unwrap_or_else(|| last.map(|state| target_state(state).word).unwrap_or_default());
        let cells = if wide() {
            states.into_iter().map(cell).collect_view().into_any()
        } else {
            cell(last).into_any()
        };
        view! {
            <tr>
                <td>
                    <span class="name">
                        <span class="t">{match who.id {
                            Some(id) => view! { <a href=format!("/containers/{id}")>{who.container}</a> }.into_any(),
                            None => view! { <span class="clip" title=who.container.clone()>{who.container.clone()}</span> }.into_any(),
                        }}</span>
                        <span class="s">{who.host}</span>
                    </span>
                </td>
                {cells}
                <td class="nt sm muted">{result}</td>
            </tr>
        }
    };
    let heads = move || {
        if wide() {
            names.get().into_iter().map(|name| view! { <th scope="col" class="cc"><span class="clip" title=name.clone()>{name.clone()}</span></th> }).collect_view().into_any()
        } else {
            view! { <th scope="col" class="cc">"State"</th> }.into_any()
        }
    };
    view! {
        <section class="card" aria-labelledby="targets">
            <div class="card-h">
                <h2 id="targets">"Containers"</h2>
                <Show when=move || counts.get().1 != 0 && counts.get().0 != counts.get().1>
                    <div class="end">
                        <fieldset class="seg">
                            <legend class="vh">"Show"</legend>
                            <label>
                                <input type="radio" name="targets" prop:checked=move || !failed_only.get() checked on:change=move |_| failed_only.set(false) />
                                {move || format!("All {}", counts.get().0)}
                            </label>
                            <label>
                                <input type="radio" name="targets" prop:checked=move || failed_only.get() on:change=move |_| failed_only.set(true) />
                                {move || format!("Failed {}", counts.get().1)}
                            </label>
                        </fieldset>
                    </div>
                </Show>
            </div>
            <Show
                when=move || counts.get().0 != 0
                fallback=move || view! { <div class="card-b"><p class="muted sm">{move || nothing(run)}</p></div> }
            >
                <table class="res">
                    <thead>
                        <tr><th scope="col">"Container"</th>{heads}<th scope="col" class="nt">"Result"</th></tr>
                    </thead>
                    <tbody>{move || rows().into_iter().map(row).collect_view()}</tbody>
                </table>
                <Show when=move || (counts.get().0 > FEW) && !all.get() && !failed_only.get()>
                    <div class="card-f">
                        <button class="link" type="button" on:click=move |_| all.set(true)>
                            {move || format!("Show {} more", counts.get().0 - FEW)}
                        </button>
                    </div>
                </Show>
            </Show>
        </section>
    }
}

/// Why there is no row.
fn nothing(run: RwSignal<Run>) -> String {
    run.with(|run| {
        let target = run
            .steps
            .first()
            .map(|step| step.target.clone())
            .unwrap_or_default();
        match (run.summary.started_at, run.summary.status.is_final()) {
            (_, true) if target.is_empty() => "It had no container to work on.".to_owned(),
            (_, true) => format!("No container was worked on. The target is {target}."),
            (None, false) => "They are chosen when it starts.".to_owned(),
            (Some(_), false) => "They are being looked for.".to_owned(),
        }
    })
}
