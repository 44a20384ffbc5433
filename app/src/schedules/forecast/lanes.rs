//! A day: a lane for each host, a mark for each run, ticks for what is frequent.

use super::{card::Choose, words};
use crate::components::{icon, time::Clock};
use domain::forecast::{Forecast, ForecastLane, ForecastMark, ForecastSchedule, PastRun};
use leptos::prelude::*;
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;
const SPAN: i64 = 24;
/// What one letter of a label takes of the day, in hours; a little more than it needs.
const LETTER: f64 = 0.2;
/// The least that a mark takes.
const LEAST: f64 = 0.3;

/// What is drawn: a run that comes, or one that was.
#[derive(Clone)]
enum Drawn {
    Coming(ForecastMark),
    Past(PastRun),
}

impl Drawn {
    fn schedule(&self) -> &ForecastSchedule {
        match self {
            Self::Coming(mark) => &mark.schedule,
            Self::Past(run) => &run.schedule,
        }
    }

    /// When it begins, and how long it takes, in milliseconds.
    fn span(&self) -> (i64, i64) {
        match self {
            Self::Coming(mark) => (
                mark.starts().timestamp_millis(),
                mark.expected_ms.unwrap_or_default(),
            ),
            Self::Past(run) => (run.at.timestamp_millis(), run.took_ms.unwrap_or_default()),
        }
    }
}

/// A mark on a lane.
struct Placed {
    drawn: Drawn,
    start: f64,
    length: f64,
    row: usize,
    label: Label,
}

#[derive(Clone, Copy, PartialEq)]
enum Label {
    Inside,
    Right,
    Left,
    Hidden,
}

pub fn lanes(forecast: Forecast, choose: Choose) -> AnyView {
    let clock = Clock::get();
    let from = forecast.from.timestamp_millis();
    let axis = (0..=SPAN)
        .step_by(3)
        .map(|hour| {
            let wall = clock.wall(from + hour * HOUR);
            let is_day = hour == 0 || wall.hour < 3;
            let text = if is_day {
                format!("{} {}", wall.weekday(), wall.day)
            } else {
                format!("{:02}", wall.hour)
            };
            view! { <span class:day=is_day>{text}</span> }
        })
        .collect_view();
    let hours = move |at: i64| (at - from) as f64 / HOUR as f64;
    let now = move || format!("--at:{:.3}", hours(clock.now()).clamp(0.0, SPAN as f64));
    let changes = forecast
        .clock_changes
        .iter()
        .map(|change| {
            let style = format!("--s:{:.3}", hours(change.at.timestamp_millis()));
            view! { <i class="fc-clock" style=style title=format!("The clock changes in {}", change.timezone)></i> }
        })
        .collect_view();
    let mut first = true;
    let drawn = forecast
        .lanes
        .iter()
        .map(|lane| draw(&forecast, lane, clock, choose, std::mem::take(&mut first)))
        .collect_view();
    view! {
        <div class="fc" role="group" aria-label="Runs by host. The arrow keys go from run to run." on:keydown=walk>
            <div class="fc-axis" aria-hidden="true">{axis}</div>
            {drawn}
            <div class="fc-over" aria-hidden="true">{changes}</div>
            <div class="fc-now" style=now data-l=move || clock.wall(clock.now()).time() aria-hidden="true"></div>
        </div>
    }
    .into_any()
}

fn draw(forecast: &Forecast, lane: &ForecastLane, clock: Clock, choose: Choose, is_first: bool) -> AnyView {
    let from = forecast.from.timestamp_millis();
    let past = forecast
        .past
        .iter()
        .filter(|run| words::is_on(lane, &run.hosts))
        .cloned()
        .map(Drawn::Past);
    let coming = forecast
        .marks
        .iter()
        .filter(|mark| words::is_on(lane, &mark.hosts))
        .cloned()
        .map(Drawn::Coming);
    let drawn: Vec<Drawn> = past.chain(coming).collect();
    let placed = place(&drawn, from);
    let rows = placed.iter().map(|mark| mark.row + 1).max().unwrap_or_default();
    let dense: u32 = lane.dense.iter().sum();
    let ticks = forecast
        .cells
        .iter()
        .zip(&lane.dense)
        .filter(|(_, count)| **count > 0)
        .map(|(at, _)| {
            let start = ((at.timestamp_millis() - from) as f64 / HOUR as f64 + 0.1).min(SPAN as f64 - 0.2);
            view! { <i class="fc-tick" style=format!("--s:{start:.2}")></i> }
        })
        .collect_view();
    let height = format!(
        "--rows:{:.2}",
        (rows as f64 + if dense > 0 { 0.55 } else { 0.0 }).max(1.0)
    );
    let mut is_first = is_first;
    let marks = placed
        .into_iter()
        .map(|placed| mark(placed, clock, choose, std::mem::take(&mut is_first)))
        .collect_view();
    let name = lane
        .host
        .as_ref()
        .map_or_else(|| "No container".to_owned(), |host| host.name.clone());
    let label = name.clone();
    let more = (dense > 0).then(|| {
        view! { <span class="faint" title="Runs of schedules that fire more often than every 30 minutes">{format!("+ {dense} frequent")}</span> }
    });
    view! {
        <div class="fc-lane" role="group" aria-label=label>
            <div class="fc-host"><span class="clip">{name}</span>{more}</div>
            <div class="fc-track" style=height>{closed(forecast, lane)}{marks}{ticks}</div>
        </div>
    }
    .into_any()
}

/// The blackouts of a lane, hatched: those of everything, and those of its host or of containers on it.
fn closed(forecast: &Forecast, lane: &ForecastLane) -> AnyView {
    let from = forecast.from.timestamp_millis();
    let hours = |at: chrono::DateTime<chrono::Utc>| {
        ((at.timestamp_millis() - from) as f64 / HOUR as f64).clamp(0.0, SPAN as f64)
    };
    forecast
        .blackouts
        .iter()
        .filter(|blackout| {
            let host = lane.host.as_ref();
            blackout.everywhere || host.is_some_and(|host| blackout.hosts.contains(&host.id))
        })
        .flat_map(|blackout| blackout.periods.iter().map(move |period| (blackout, period)))
        .map(|(blackout, period)| {
            let (start, end) = (hours(period.from), hours(period.to));
            // Its name where there is room for it.
            let has_room = (end - start) > blackout.name.chars().count() as f64 * LETTER + 0.5;
            let name = has_room.then(|| view! { <b>{blackout.name.clone()}</b> });
            let style = format!("--s:{start:.3};--d:{:.3}", end - start);
            view! { <i class="fc-black" style=style title=format!("Blackout {}", blackout.name)>{name}</i> }
        })
        .collect_view()
        .into_any()
}

fn mark(placed: Placed, clock: Clock, choose: Choose, is_first: bool) -> AnyView {
    let Placed {
        drawn,
        start,
        length,
        row,
        label,
    } = placed;
    let class = match label {
        Label::Inside => "fc-run in",
        Label::Left => "fc-run left",
        Label::Right | Label::Hidden => "fc-run",
    };
    let style = format!("--s:{start:.3};--d:{length:.3};--r:{row}");
    let tabindex = if is_first { "0" } else { "-1" };
    let name = drawn.schedule().name.clone();
    let shows = label != Label::Hidden;
    match drawn {
        Drawn::Past(run) => {
            let look = words::look_of_past(&run);
            let bad = (look == "bad" && shows).then(|| icon("x"));
            let href = format!("/runs/{}", run.run);
            let title = move || words::title_of_past(&run, clock);
            view! {
                <a href=href class=class style=style data-s=look tabindex=tabindex title=title.clone() aria-label=title>
                    {shows.then(|| view! { <span aria-hidden="true">{bad}{name}</span> })}
                </a>
            }
            .into_any()
        }
        Drawn::Coming(mark) => {
            let look = words::look(&mark);
            let warn = (look == "conflict" && shows).then(|| icon("triangle-alert"));
            let title = {
                let mark = mark.clone();
                move || words::title(&mark, clock)
            };
            view! {
                <button
                    type="button"
                    class=class
                    style=style
                    data-s=look
                    tabindex=tabindex
                    title=title.clone()
                    aria-label=title
                    on:click=move |_| choose.run(mark.clone())
                >
                    {shows.then(|| view! { <span aria-hidden="true">{warn}{name}</span> })}
                </button>
            }
            .into_any()
        }
    }
}

/// Gives each schedule a row of its own where its marks meet no others, and each mark a label where there is room.
fn place(all: &[Drawn], from: i64) -> Vec<Placed> {
    let mut by_schedule: BTreeMap<(i64, domain::ids::ScheduleId), Vec<&Drawn>> = BTreeMap::new();
    let mut first = BTreeMap::new();
    for drawn in all {
        let (at, _) = drawn.span();
        let id = drawn.schedule().id;
        let begin = *first.entry(id).or_insert(at);
        by_schedule.entry((begin, id)).or_default().push(drawn);
    }
    let spans = |drawn: &Drawn| {
        let (at, takes) = drawn.span();
        let start = ((at - from) as f64 / HOUR as f64).clamp(0.0, SPAN as f64);
        let length = takes as f64 / HOUR as f64;
        (start, length.max(LEAST).min(SPAN as f64 - start))
    };
    let label = |drawn: &Drawn| drawn.schedule().name.chars().count() as f64 * LETTER + 0.5;
    // What each row is taken by.
    let mut rows: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut placed: Vec<Placed> = Vec::new();
    for marks in by_schedule.values() {
        // The first label should be readable; later ones give way.
        let needs: Vec<(f64, f64)> = marks
            .iter()
            .enumerate()
            .map(|(order, mark)| {
                let (start, length) = spans(mark);
                let room = if order == 0 && length < label(mark) {
                    length + label(mark)
                } else {
                    length
                };
                (start, (start + room).min(SPAN as f64))
            })
            .collect();
        let free = |row: &Vec<(f64, f64)>| {
            needs
                .iter()
                .all(|(a, b)| row.iter().all(|(c, d)| b + 0.1 <= *c || d + 0.1 <= *a))
        };
        let row = rows.iter().position(free).unwrap_or(rows.len());
        if row == rows.len() {
            rows.push(Vec::new());
        }
        rows[row].extend(&needs);
        placed.extend(marks.iter().map(|mark| {
            let (start, length) = spans(mark);
            Placed {
                drawn: (*mark).clone(),
                start,
                length,
                row,
                label: Label::Hidden,
            }
        }));
    }
    placed.sort_by(|a, b| a.start.total_cmp(&b.start));
    let bounds: Vec<(f64, f64, usize)> = placed
        .iter()
        .map(|p| (p.start, p.start + p.length, p.row))
        .collect();
    for (order, one) in placed.iter_mut().enumerate() {
        let (width, end) = (label(&one.drawn), one.start + one.length);
        let row = one.row;
        let next = bounds[order + 1..]
            .iter()
            .find(|other| other.2 == row)
            .map_or(SPAN as f64, |other| other.0);
        let before = bounds[..order]
            .iter()
            .rev()
            .find(|other| other.2 == row)
            .map_or(0.0, |other| other.1 + 1.0);
        one.label = if one.length >= width {
            Label::Inside
        } else if end + width <= next {
            Label::Right
        } else if next >= SPAN as f64 && one.start - width >= before {
            Label::Left
        } else {
            Label::Hidden
        };
    }
    placed
}

/// The arrow keys go from mark to mark, so that a lane of fifty is one stop of the tab key.
fn walk(event: leptos::ev::KeyboardEvent) {
    use wasm_bindgen::JsCast;
    let forward = match event.key().as_str() {
        "ArrowRight" | "ArrowDown" => true,
        "ArrowLeft" | "ArrowUp" => false,
        _ => return,
    };
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some((focused, fc)) = target.and_then(|target| {
        let fc = target.closest(".fc").ok()??;
        Some((target.closest(".fc-run").ok()??, fc))
    }) else {
        return;
    };
    let Ok(all) = fc.query_selector_all(".fc-run") else {
        return;
    };
    let at = (0..all.length()).find(|at| all.get(*at).as_ref() == Some(focused.as_ref()));
    let next = at.and_then(|at| {
        if forward {
            all.get(at + 1)
        } else {
            all.get(at.checked_sub(1)?)
        }
    });
    event.prevent_default();
    if let Some(next) = next.and_then(|next| next.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = focused.set_attribute("tabindex", "-1");
        let _ = next.set_attribute("tabindex", "0");
        let _ = next.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        forecast::{ForecastSchedule, MarkState},
        ids::ScheduleId,
    };

    fn mark(schedule: &ForecastSchedule, hour: i64, minutes: i64) -> ForecastMark {
        ForecastMark {
            at: chrono::DateTime::from_timestamp_millis(hour * HOUR).unwrap(),
            due: None,
            schedule: schedule.clone(),
            action: "restart".into(),
            state: MarkState::Planned,
            hosts: Vec::new(),
            targets: 1,
            first_target: None,
            expected_ms: Some(minutes * 60_000),
            moved: None,
            blackout: None,
            conflict: false,
            note: None,
        }
    }

    #[test]
    fn marks_that_overlap_get_rows_of_their_own_and_labels_where_there_is_room() {
        let names = ["backup", "update"].map(|name| ForecastSchedule {
            id: ScheduleId::new(),
            name: name.into(),
        });
        let marks = [
            mark(&names[0], 2, 120),
            mark(&names[1], 3, 1),
            mark(&names[0], 23, 1),
            mark(&names[1], 4, 1),
        ];
        let placed = place(&marks.map(Drawn::Coming), 0);
        let rows: Vec<usize> = placed.iter().map(|placed| placed.row).collect();
        assert_eq!(rows, [0, 1, 1, 0]);
        assert!(placed[0].label == Label::Inside && placed[3].label == Label::Left);
        assert!(placed[1].label == Label::Hidden && placed[2].label == Label::Right);
    }
}
