//! The card: its head with the range, the picture or the table, conflicts at its foot.

use super::{Range, agenda, api, calendar, dialog::MarkDialog, lanes, table, words};
use crate::{
    codec::resource,
    components::{
        Failure, State, Status,
        debounce::gathered,
        icon, skeleton,
        time::{At, Clock},
    },
    live::Live,
};
use domain::{
    events::Event,
    forecast::{Forecast, ForecastMark},
};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::query_signal_with_options};
use std::time::Duration;

/// Changes come in bursts, and nobody looks at a forecast by the second.
const GATHER: Duration = Duration::from_millis(800);

/// What a mark does when it is chosen.
pub type Choose = Callback<ForecastMark>;

#[component]
pub fn ForecastCard(query: Signal<String>) -> impl IntoView {
    let (live, clock) = (Live::get(), Clock::get());
    let replace = || NavigateOptions {
        replace: true,
        scroll: false,
        ..Default::default()
    };
    let (view, set_view) = query_signal_with_options::<String>("view", replace());
    let (form, set_form) = query_signal_with_options::<String>("as", replace());
    let range = Memo::new(move |_| Range::from_word(view.get().as_deref()));
    let as_table = Memo::new(move |_| form.get().as_deref() == Some("table"));
    let again = RwSignal::new(0_u32);
    let reload = Callback::new(move |()| {
        again.try_update(|again| *again += 1);
    });
    let forecast = resource(
        move || (range.get(), query.get(), clock.zone(), live.gaps(), again.get()),
        |(range, query, zone, _, _)| async move { api::look_ahead(range.days(), query, zone).await },
    );
    let read = gathered(GATHER, move || reload.run(()));
    live.listen(move |event| {
        if matches!(
            event,
            Event::ScheduleChanged { .. } | Event::ScheduleDeleted { .. }
        ) {
            read();
        }
    });
    let chosen = RwSignal::new(None::<ForecastMark>);
    let choose: Choose = Callback::new(move |mark| chosen.set(Some(mark)));
    let radio = move |mine: Range| {
        view! {
            <label>
                <input
                    type="radio"
                    name="forecast-range"
                    value=mine.word()
                    checked=range.get_untracked() == mine
                    prop:checked=move || range.get() == mine
                    on:change=move |_| set_view.set(Some(mine.word().to_owned()).filter(|_| mine != Range::Day))
                />
                {mine.label()}
            </label>
        }
    };
    let summary = move || {
        forecast
            .get()
            .and_then(Result::ok)
            .map(|forecast| words::summary(&forecast, Range::of(&forecast).span()))
    };
    // Only what is there is explained.
    let legend = move || {
        let forecast = forecast.get().and_then(Result::ok)?;
        let is_held = forecast.marks.iter().any(|mark| !mark.state.runs());
        let blackout = (!forecast.blackouts.is_empty())
            .then(|| view! { <span><i class="hatched"></i>"Blackout"</span> });
        let held = is_held.then(|| view! { <span><i class="is-held"></i>"Held"</span> });
        Some(view! { {blackout}{held} })
    };
    view! {
        <section class="card fcard" aria-labelledby="forecast-title">
            <div class="card-h">
                <h2 id="forecast-title">"Forecast"</h2>
                <span class="muted sm hide-s"><Transition>{summary}</Transition></span>
                <div class="end">
                    <div class="legend hide-s" aria-hidden="true"><Transition>{legend}</Transition></div>
                    <button
                        class="chip"
                        type="button"
                        aria-pressed=move || as_table.get().to_string()
                        on:click=move |_| set_form.set((!as_table.get_untracked()).then(|| "table".to_owned()))
                    >
                        {icon("layout-list")}
                        "Table"
                    </button>
                    <fieldset class="seg">
                        <legend class="vh">"Range of the forecast"</legend>
                        {Range::ALL.map(radio).collect_view()}
                    </fieldset>
                </div>
            </div>
            <Transition fallback=|| skeleton::lines(3)>
                {move || {
                    let (as_table, is_whole) = (as_table.get(), query.with_untracked(String::is_empty));
                    Suspend::new(async move {
                        match forecast.await {
                            Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                            Ok(forecast) if as_table => table::table(&forecast, Range::of(&forecast), choose),
                            Ok(forecast) => picture(forecast, is_whole, choose),
                        }
                    })
                }}
            </Transition>
            <MarkDialog chosen changed=reload />
        </section>
    }
}

fn picture(forecast: Forecast, is_whole: bool, choose: Choose) -> AnyView {
    let range = Range::of(&forecast);
    if forecast.schedules == 0 && is_whole {
        // An installation without a plan is told how to make one instead; the style hides the card.
        return view! { <i class="fc-empty" hidden></i> }.into_any();
    }
    if forecast.total == 0 && forecast.marks.is_empty() && forecast.past.is_empty() {
        return view! { <p class="fc-none muted">{words::summary(&forecast, range.span())}"."</p> }
            .into_any();
    }
    let foot = foot(&forecast, choose);
    let agenda = agenda::agenda(&forecast, choose);
    let drawn = match range {
        Range::Day => lanes::lanes(forecast, choose),
        Range::Week | Range::Month => calendar::calendar(&forecast, range),
    };
    view! { {drawn}{agenda}{foot} }.into_any()
}

/// The first conflict in a sentence, with the way out of it, and changes of the clock.
fn foot(forecast: &Forecast, choose: Choose) -> AnyView {
    let conflict = forecast.conflicts.first().map(|first| {
        let later = forecast.marks.iter().rev().find(|mark| {
            mark.conflict
                && first
                    .schedules
                    .iter()
                    .any(|schedule| schedule.id == mark.schedule.id)
                && (mark.at == first.at || mark.starts().timestamp_millis() == first.at.timestamp_millis())
        });
        let button = later.cloned().map(|mark| {
            view! {
                <button class="btn btn-sm" type="button" on:click=move |_| choose.run(mark.clone())>
                    {format!("Move {}", mark.schedule.name)}
                </button>
            }
        });
        let more = (first.times > 1).then(|| format!(" {} times in all.", first.times));
        view! {
            <div class="card-f fc-foot">
                <Status state=State::new("warning", words::conflicts(&forecast.conflicts)) />
                <span><At at=first.at />", "{first.message.clone()}{more}</span>
                {button}
            </div>
        }
    });
    let change = forecast.clock_changes.first().map(|change| {
        let hours = change.seconds.abs() as f64 / 3600.0;
        let words = format!(
            ": the clock in {} goes {} by {hours} h.",
            change.timezone,
            if change.seconds > 0 { "forward" } else { "back" },
        );
        view! { <div class="card-f fc-foot">{icon("clock")}<span><At at=change.at />{words}</span></div> }
    });
    view! { {conflict}{change} }.into_any()
}
