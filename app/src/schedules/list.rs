//! The page of all schedules.

use super::{
    acts::Rows,
    api,
    bulk::{BulkBar, PauseDialog},
    files::HeadActions,
    forecast::ForecastCard,
    labels::LabelNote,
    row::row,
    words,
};
use crate::{
    auth::lacks,
    codec::resource,
    components::{
        Empty, Failure,
        debounce::{gathered, settled},
        dialog::{self, Dialog},
        icon, kept, skeleton,
    },
    live::Live,
    shares::ShareDialog,
};
use domain::{
    auth::Permission, events::Event, ids::ScheduleId, pages::Page, runs::RunState, schedules::Schedule,
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::query_signal_with_options};
use std::{collections::HashSet, time::Duration};

/// How many are read at once.
const PAGE: u32 = 200;
/// How long typing rests before it searches, and events gather before they are read.
const QUIET: Duration = Duration::from_millis(200);
/// More changes than this at once, and the whole list is read again.
const MANY: usize = 20;

#[component]
pub fn Schedules() -> impl IntoView {
    let live = Live::get();
    let replace = NavigateOptions {
        replace: true,
        scroll: false,
        ..Default::default()
    };
    let (query, set_query) = query_signal_with_options::<String>("q", replace.clone());
    let text = RwSignal::new(query.get_untracked().unwrap_or_default());
    let asked = settled(move || text.get(), QUIET);
    Effect::new(move |before: Option<String>| {
        let asked = asked.get();
        if before.is_some_and(|before| before != asked) {
            set_query.set(Some(asked.clone()).filter(|asked| !asked.is_empty()));
        }
        asked
    });
    let again = RwSignal::new(0_u32);
    let (shelved, set_shelved) = query_signal_with_options::<bool>("archived", replace);
    let archive = Signal::derive(move || shelved.get().unwrap_or_default());
    let set_archive = Callback::new(move |on: bool| set_shelved.set(on.then_some(true)));
    let page = resource(
        move || (asked.get(), archive.get(), live.gaps(), again.get()),
        |(query, archive, _, _)| api::list(query, archive, PAGE, None),
    );
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let summary = RwSignal::new(String::new());
    let listed = Listed {
        rows: Rows::new(Vec::new(), archive),
        total: RwSignal::new(0),
        next: RwSignal::new(None),
        none_at_all: RwSignal::new(false),
    };
    view! {
        <Title text="Schedules" />
        <div class="page-head">
            <h1>"Schedules"</h1>
            <span class="sub">{move || summary.get()}</span>
            <div class="end">
                <HeadActions />
                <a class="btn btn-primary" href="/schedules/new" aria-keyshortcuts="c">{icon("plus")}"New schedule"</a>
            </div>
        </div>
        <LabelNote />
        <ForecastCard query=asked />
        <Transition fallback=|| skeleton::lines(6)>
            {kept(
                page,
                move |page| listed.take(page, archive.get_untracked() || asked.with_untracked(|asked| !asked.is_empty())),
                move |()| view! { <Found listed query=asked text summary reload set_archive /> }.into_any(),
                move |error| view! { <Failure error retry=reload /> }.into_any(),
            )}
        </Transition>
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    All,
    Failing,
    Paused,
}

fn failing(schedule: &Schedule) -> bool {
    let bad = |state| {
        matches!(
            state,
            RunState::Failed | RunState::Partial | RunState::Unknown | RunState::Missed
        )
    };
    schedule.overdue_since.is_some() || schedule.last_run.as_ref().is_some_and(|run| bad(run.status))
}

impl Show {
    fn holds(self, schedule: &Schedule) -> bool {
        match self {
            Self::All => true,
            Self::Failing => failing(schedule),
            Self::Paused => !schedule.enabled || schedule.paused_until.is_some(),
        }
    }
}

/// The list as it was read last, and what there is beyond it.
#[derive(Clone, Copy)]
struct Listed {
    rows: Rows,
    total: RwSignal<u64>,
    next: RwSignal<Option<String>>,
    /// Nobody searched, and there was none.
    none_at_all: RwSignal<bool>,
}

impl Listed {
    fn take(self, page: Page<Schedule>, searched: bool) {
        self.none_at_all.set(page.total == 0 && !searched);
        self.total.set(page.total);
        self.next.set(page.next);
        self.rows.items.set(page.items);
        self.rows.chosen.set(HashSet::new());
    }
}

/// The list, following what changes.
#[component]
fn Found(
    listed: Listed,
    query: Signal<String>,
    text: RwSignal<String>,
    summary: RwSignal<String>,
    reload: Callback<()>,
    set_archive: Callback<bool>,
) -> impl IntoView {
    let Listed {
        rows,
        total,
        next,
        none_at_all,
    } = listed;
    let show = RwSignal::new(Show::All);
    follow(rows, reload);
    let count = move |show: Show| {
        rows.items
            .with(|items| items.iter().filter(|item| show.holds(item)).count())
    };
    Effect::new(move |_| {
        let (all, paused) = (count(Show::All), count(Show::Paused));
        summary.set(match next.with(Option::is_some) {
            false if rows.archive.get() => words::count(all as u64, "archived schedule"),
            true => words::count(total.get(), "schedule"),
            false if all == 0 => String::new(),
            false if paused == 0 => format!("{all} active"),
            false => format!("{} active, {paused} paused", all - paused),
        });
    });
    let ids = Memo::new(move |_| {
        let show = show.get();
        rows.items.with(|items| {
            items
                .iter()
                .filter(|item| show.holds(item))
                .map(|item| item.id)
                .collect::<Vec<_>>()
        })
    });
    let chip = move |mine: Show, name: &'static str| {
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || (show.get() == mine).to_string()
                on:click=move |_| show.set(mine)
            >
                {name}
                <span class="n">{move || count(mine)}</span>
            </button>
        }
    };
    let more = move || {
        let cursor = next.get_untracked();
        spawn_local(async move {
            match api::list(query.get_untracked(), rows.archive.get_untracked(), PAGE, cursor).await {
                Ok(page) => {
                    page.items.into_iter().for_each(|item| rows.put(item));
                    let _ = next.try_set(page.next);
                }
                Err(error) => crate::components::toast::Toasts::get().bad(error.0.message),
            }
        });
    };
    let list = move || {
        view! {
            <div class="toolbar">
                <div class="search">
                    {icon("search")}
                    <input
                        class="input"
                        type="search"
                        aria-label="Search schedules"
                        placeholder="Search schedules"
                        data-search=""
                        value=text.get_untracked()
                        prop:value=move || text.get()
                        on:input=move |event| text.set(event_target_value(&event))
                    />
                    <kbd aria-hidden="true">"/"</kbd>
                </div>
                <div class="row" role="group" aria-label="Show" hidden=move || next.with(Option::is_some) || rows.archive.get()>
                    {chip(Show::All, "All")}
                    {chip(Show::Failing, "Failing")}
                    {chip(Show::Paused, "Paused")}
                </div>
                <button
                    class="chip"
                    type="button"
                    aria-pressed=move || rows.archive.get().to_string()
                    on:click=move |_| set_archive.run(!rows.archive.get_untracked())
                >
                    {icon("archive")}
                    "Archive"
                </button>
            </div>
            <Show
                when=move || ids.with(|ids| !ids.is_empty())
                fallback=move || view! { <NothingFound text show archive=rows.archive set_archive /> }
            >
                <div class="tbl-wrap schedules">
                    <table class="tbl" role="table" aria-label="Schedules">
                        <thead role="rowgroup">
                            <tr role="row">
                                <th role="columnheader" scope="col" class="c-sel">{select_all(rows, ids)}</th>
                                <th role="columnheader" scope="col" class="c-sw">"On"</th>
                                <th role="columnheader" scope="col">"Schedule"</th>
                                <th role="columnheader" scope="col" class="c-steps">"Does"</th>
                                <th role="columnheader" scope="col" class="c-tg">"Targets"</th>
                                <th role="columnheader" scope="col" class="c-last">"Last result"</th>
                                <th role="columnheader" scope="col" class="c-nx">"Next run"</th>
                                <th role="columnheader" scope="col" class="c-a"><span class="vh">"Actions"</span></th>
                            </tr>
                        </thead>
                        <tbody role="rowgroup">
                            <For each=move || ids.get() key=|id| *id children=move |id| row(id, rows) />
                        </tbody>
                    </table>
                    <Show when=move || next.with(Option::is_some)>
                        <div class="card-f">
                            <button class="btn btn-sm" type="button" on:click=move |_| more()>"Show more"</button>
                        </div>
                    </Show>
                </div>
            </Show>
        }
    };
    let empty = Memo::new(move |_| none_at_all.get() && rows.items.with(Vec::is_empty));
    view! {
        {move || if empty.get() { view! { <FirstSchedule set_archive /> }.into_any() } else { list().into_any() }}
        <ConfirmDelete rows />
        <PauseDialog rows />
        <BulkBar rows />
        <ShareDialog of=rows.sharing lacks=lacks(Permission::SchedulesManage) />
    }
}

/// The box that selects all that are shown.
fn select_all(rows: Rows, ids: Memo<Vec<ScheduleId>>) -> AnyView {
    let all = Memo::new(move |_| {
        ids.with(|ids| {
            rows.chosen
                .with(|chosen| !ids.is_empty() && ids.iter().all(|id| chosen.contains(id)))
        })
    });
    let some = move || rows.chosen.with(|chosen| !chosen.is_empty()) && !all.get();
    view! {
        <input
            type="checkbox"
            class="check"
            aria-label="Select all schedules shown"
            prop:checked=move || all.get()
            prop:indeterminate=some
            on:change=move |event| {
                let on = event_target_checked(&event);
                rows.chosen.set(if on { ids.with_untracked(|ids| ids.iter().copied().collect()) } else { HashSet::new() });
            }
        />
    }
    .into_any()
}

/// Reads what changed: one by one, or everything after a storm.
fn follow(rows: Rows, reload: Callback<()>) {
    let changed = StoredValue::new(HashSet::<ScheduleId>::new());
    let read = gathered(QUIET, move || {
        let ids = changed.try_update_value(std::mem::take).unwrap_or_default();
        if ids.len() > MANY {
            reload.run(());
            return;
        }
        for id in ids {
            spawn_local(async move {
                if let Ok(schedule) = api::get(id).await {
                    rows.refresh(schedule);
                }
            });
        }
    });
    Live::get().listen(move |event| {
        let id = match event {
            Event::ScheduleDeleted { id } => return rows.remove(*id),
            Event::ScheduleChanged { id } => *id,
            // The last result of a schedule is the end of a run.
            Event::RunChanged { run } if run.status.is_final() => match &run.schedule {
                Some(schedule) => schedule.id,
                None => return,
            },
            _ => return,
        };
        changed.update_value(|ids| {
            ids.insert(id);
        });
        read();
    });
}

/// Nothing fits the search or the chip.
#[component]
fn NothingFound(
    text: RwSignal<String>,
    show: RwSignal<Show>,
    archive: Signal<bool>,
    set_archive: Callback<bool>,
) -> impl IntoView {
    let clear = move |_| {
        text.set(String::new());
        show.set(Show::All);
        if archive.get_untracked() {
            set_archive.run(false);
        }
    };
    let is_bare = move || archive.get() && text.with(|text| text.trim().is_empty());
    view! {
        <Show when=is_bare>
            <div class="card">
                <Empty icon="archive" title="Nothing is archived">
                    <p>"Schedules for single dates come here when all of their times have passed, and those of labels when the label is gone."</p>
                    <div class="row"><button class="btn" type="button" on:click=clear>"Show the others"</button></div>
                </Empty>
            </div>
        </Show>
        <Show when=move || !is_bare()>
        <div class="card">
            <Empty icon="search" title="No schedule fits">
                <p>"Names are searched. Try a shorter part of the name, or show all."</p>
                <div class="row"><button class="btn" type="button" on:click=clear>"Show all"</button></div>
            </Empty>
        </div>
        </Show>
    }
}

/// The empty page: what a schedule is, and the way to the first one.
#[component]
fn FirstSchedule(set_archive: Callback<bool>) -> impl IntoView {
    view! {
        <div class="card">
            <Empty icon="calendar-clock" title="No schedules yet">
                <p>
                    "A schedule does something to containers at set times: restart web every day at 03:00, stop the game server on weekday mornings."
                </p>
                <p class="faint sm">"Each time becomes a run, with its result and its log, that stays in Activity."</p>
                <div class="row">
                    <a class="btn btn-primary" href="/schedules/new">{icon("plus")}"New schedule"</a>
                    <a class="btn" href="/">"Choose from Fleet"</a>
                    <button class="btn btn-ghost" type="button" on:click=move |_| set_archive.run(true)>"Archive"</button>
                </div>
            </Empty>
        </div>
    }
}

#[component]
fn ConfirmDelete(rows: Rows) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if rows.deleting.with(Option::is_some) {
            dialog::open(node);
        }
    });
    let name = move || {
        rows.deleting
            .with(|asked| asked.as_ref().map(|(_, name)| name.clone()).unwrap_or_default())
    };
    let done = move || {
        dialog::close(node);
        rows.deleting.set(None);
    };
    let delete = move |_| {
        if let Some((id, name)) = rows.deleting.get_untracked() {
            rows.delete(id, name);
        }
        done();
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" autofocus on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-danger" type="button" on:click=delete>{icon("trash-2")}"Delete schedule"</button>
        }
    };
    view! {
        <Dialog node id="delete-schedule" title=Signal::derive(move || format!("Delete {}?", name())) foot>
            <p>"It will not run again. The history of its runs stays in Activity."</p>
            <p class="muted sm">"To stop it for a while instead, switch it off in the list."</p>
        </Dialog>
    }
}
