//! One coming run: what it is, and skipping, moving or bringing it back.

use super::{api, words};
use crate::{
    auth::lacks_for,
    components::{
        FailureNote, Status,
        dialog::{self, Dialog},
        icon,
        time::{Clock, duration, exact, short},
        toast::Toasts,
    },
    error::AppError,
    schedules::wall::instant_in,
};
use domain::{
    Timestamp,
    auth::Permission,
    forecast::{ForecastMark, MarkState},
    ids::ScheduleId,
    schedules::Schedule,
};
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn MarkDialog(chosen: RwSignal<Option<ForecastMark>>, changed: Callback<()>) -> impl IntoView {
    let (clock, toasts) = (Clock::get(), Toasts::get());
    let node = NodeRef::<html::Dialog>::new();
    let to = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        if let Some(mark) = chosen.get() {
            fault.set(None);
            to.set(clock.wall(mark.at.timestamp_millis() + 3_600_000).input());
            dialog::open(node);
        }
    });
    let when =
        move |at: Timestamp| untrack(|| short(at.timestamp_millis(), clock.exact_now(), |at| clock.wall(at)));
    // Says what was done, and how to take it back.
    let done = move |answer: Result<Schedule, AppError>,
                     icon: &'static str,
                     text: String,
                     undo: Option<(ScheduleId, Timestamp)>| {
        let _ = busy.try_set(false);
        match answer {
            Err(error) => {
                let _ = fault.try_set(Some(error.0.message));
            }
            Ok(_) => {
                dialog::close(node);
                changed.run(());
                match undo {
                    None => toasts.say(icon, text),
                    Some((id, at)) => toasts.undo(
                        icon,
                        text,
                        Callback::new(move |()| {
                            spawn_local(async move {
                                if let Err(error) = api::undo_at(id, at).await {
                                    toasts.bad(error.0.message);
                                }
                                changed.run(());
                            });
                        }),
                    ),
                }
            }
        }
    };
    let lacks = lacks_for(Permission::SchedulesOperate, move || {
        chosen.with(|mark| mark.as_ref().map(|mark| mark.schedule.id))
    });
    let barred = move || busy.get() || lacks.get().is_some();
    let skip = move |_| {
        let Some(mark) = chosen.get_untracked() else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let (id, at) = (mark.schedule.id, mark.at);
            let text = format!("{} skips {}", mark.schedule.name, when(at));
            done(api::skip_at(id, at).await, "skip-forward", text, Some((id, at)));
        });
    };
    let bring_back = move |_| {
        let Some(mark) = chosen.get_untracked() else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let at = if mark.state == MarkState::Moved {
                mark.moved.unwrap_or(mark.at)
            } else {
                mark.at
            };
            let text = format!("{} runs as planned", mark.schedule.name);
            done(api::undo_at(mark.schedule.id, at).await, "undo-2", text, None);
        });
    };
    let shift = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(mark) = chosen.get_untracked() else {
            return;
        };
        let target = instant_in(&untrack(|| clock.zone()), &to.get_untracked())
            .and_then(Timestamp::from_timestamp_millis);
        let Some(target) = target else {
            fault.set(Some("Give a date and a time to move it to.".to_owned()));
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let (id, at) = (mark.schedule.id, mark.at);
            let text = format!("{} moved to {}", mark.schedule.name, when(target));
            done(
                api::move_fire(id, at, target).await,
                "clock",
                text,
                Some((id, at)),
            );
        });
    };
    let title = Signal::derive(move || {
        chosen.with(|mark| {
            mark.as_ref()
                .map(|mark| mark.schedule.name.clone())
                .unwrap_or_default()
        })
    });
    let foot = move || {
        let state = chosen.with(|mark| mark.as_ref().map(|mark| (mark.state, mark.blackout.is_some())));
        let edit = chosen.with(|mark| {
            mark.as_ref()
                .map(|mark| format!("/schedules/{}", mark.schedule.id))
        });
        let act = match state {
            // What a blackout holds nobody has decided: it can be skipped or moved out of it.
            Some((MarkState::Planned, _) | (_, true)) => view! {
                <button class="btn" type="button" disabled=barred title=move || lacks.get() on:click=skip>{icon("skip-forward")}"Skip this run"</button>
            }
            .into_any(),
            Some(_) => view! {
                <button class="btn" type="button" disabled=barred title=move || lacks.get() on:click=bring_back>{icon("undo-2")}"Run as planned"</button>
            }
            .into_any(),
            None => ().into_any(),
        };
        view! { <a class="btn btn-ghost" href=edit>{icon("pencil")}"Open schedule"</a>{act} }
    };
    let body = move || {
        chosen.get().map(|mark| {
            let at = exact(mark.at.timestamp_millis(), |at| clock.wall(at));
            let spread = mark.due.map(|due| {
                let due = exact(due.timestamp_millis(), |at| clock.wall(at));
                view! { <dt>"Starts"</dt><dd>{due}" "<span class="faint">"moved back by its jitter"</span></dd> }
            });
            let state = words::state(&mark);
            let takes = mark.expected_ms.map_or_else(
                || "Not known before its first run".to_owned(),
                |ms| format!("About {}", duration(ms)),
            );
            let note = mark
                .note
                .clone()
                .map(|note| view! { <dt>"Note"</dt><dd>{note}</dd> });
            view! {
                <dl class="kv">
                    <dt>"When"</dt>
                    <dd>{at}" "<span class="faint">{clock.city()}</span></dd>
                    {spread}
                    <dt>"Touches"</dt>
                    <dd>{words::touches(&mark)}</dd>
                    <dt>"Takes"</dt>
                    <dd>{takes}</dd>
                    <dt>"State"</dt>
                    <dd><Status state /></dd>
                    {note}
                </dl>
            }
        })
    };
    let movable = move || {
        chosen.with(|mark| {
            mark.as_ref()
                .is_some_and(|mark| mark.state == MarkState::Planned || mark.blackout.is_some())
        })
    };
    view! {
        <Dialog node id="coming-run" title foot>
            {body}
            {move || lacks.get().map(|lacks| view! { <p class="hint">{lacks}</p> })}
            <Show when=movable>
                <form class="fc-move" on:submit=shift>
                    <label class="field">
                        <span>"Move this run to"</span>
                        <input
                            class="input"
                            type="datetime-local"
                            required
                            prop:value=move || to.get()
                            on:input=move |event| to.set(event_target_value(&event))
                        />
                    </label>
                    <button class="btn" type="submit" disabled=barred title=move || lacks.get()>{icon("clock")}"Move"</button>
                </form>
            </Show>
            <Show when=move || fault.with(Option::is_some)>
                <FailureNote message=Signal::derive(move || fault.get().unwrap_or_default()) />
            </Show>
        </Dialog>
    }
}
