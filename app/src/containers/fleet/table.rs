//! The list. Ten thousand rows are two gaps and a hundred rows between them, with the heads of their groups.

use super::{
    bulk::Bulk,
    drawing::Drawing,
    empty::NothingHere,
    keys,
    place::Place,
    reading::{Reading, STEP},
    row::{self, Row},
};
use crate::components::{icon, icon_as, time::machine_now};
use domain::{
    containers::{Container, ContainerGroup, ContainerSort, Grouping},
    ids::ContainerId,
    selectors::quote,
    views::Column,
};
use leptos::{ev, html, prelude::*};
use std::ops::Range;

/// The heights of a row and of a group's head in CSS pixels where they cannot be measured; see `fleet.css`.
const HEIGHT: f64 = 52.0;
const HEAD: f64 = 37.0;

/// What stands between the gaps.
#[derive(Clone)]
enum Entry {
    Head(usize, ContainerGroup),
    /// With the group's place: below two tags, a container stands twice.
    Line(usize, Box<Container>),
}

impl Entry {
    fn key(&self) -> (usize, Option<ContainerId>) {
        match self {
            Self::Head(group, _) => (*group, None),
            Self::Line(group, container) => (*group, Some(container.id)),
        }
    }
}

#[component]
pub fn Table(place: Place, reading: Reading, bulk: Bulk) -> impl IntoView {
    let body = NodeRef::<html::Tbody>::new();
    let heights = RwSignal::new((HEIGHT, HEAD));
    let drawing = Drawing::follow(reading);
    follow_scrolling(body, heights, reading, drawing);
    keys::listen(body, reading, bulk);

    let total = Memo::new(move |_| reading.with_part(|part| lines(&part.page)).unwrap_or_default());
    let above = move || {
        reading
            .with_part(|part| {
                let from = drawing.lines(part).start;
                (from, heads_before(&part.page.groups, from))
            })
            .unwrap_or_default()
    };
    let below = move || {
        reading
            .with_part(|part| {
                let end = drawing.lines(part).end;
                let heads = part.page.groups.len() as u32 - heads_before(&part.page.groups, end);
                (lines(&part.page).saturating_sub(end), heads)
            })
            .unwrap_or_default()
    };
    let entries = move || {
        reading
            .with_part(|part| entries(part.offset, &part.page, &drawing.lines(part)))
            .unwrap_or_default()
    };
    let gap = move |(rows, heads): (u32, u32)| {
        (rows > 0).then(|| {
            let (row, head) = heights.get();
            let pixels = f64::from(rows) * row + f64::from(heads) * head;
            view! { <tr class="gap" aria-hidden="true" style=format!("height:{pixels}px")><td colspan=move || width(place)></td></tr> }
        })
    };
    let grouping = Memo::new(move |_| place.get().group);
    let moved = move |_: ev::PointerEvent| reading.pointer.set_value(Some(machine_now()));
    let left = move |_: ev::PointerEvent| reading.pointer.set_value(None);
    view! {
        <Show when=move || { total.get() > 0 } fallback=move || view! { <NothingHere place reading /> }>
            <div class="tbl-wrap fleet" on:pointermove=moved on:pointerleave=left>
                <table class="tbl" role="table" aria-label="Containers" aria-rowcount=move || total.get() + 1>
                    <thead>
                        <tr role="row" aria-rowindex="1">
                            <th class="c-sel" scope="col"><SelectAll reading /></th>
                            <Heading place class="c-name" sort=ContainerSort::Name name="Name" />
                            <For each=move || place.columns.get() key=|column| *column children=move |column| heading(place, column) />
                            <th class="c-a" scope="col"><span class="vh">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody node_ref=body>
                        {move || gap(above())}
                        <For
                            each=entries
                            key=Entry::key
                            children=move |entry| match entry {
                                Entry::Head(_, group) => head(place, grouping.get_untracked(), group),
                                Entry::Line(_, container) => view! { <Row place reading container=*container /> }.into_any(),
                            }
                        />
                        {move || gap(below())}
                    </tbody>
                </table>
            </div>
        </Show>
    }
}

/// How many columns there are: those chosen, and the box, the name and the actions.
fn width(place: Place) -> String {
    place.columns.with(|columns| columns.len() + 3).to_string()
}

/// How many lines the list has; with groups by tag more than there are containers.
fn lines(page: &domain::containers::ContainerPage) -> u32 {
    if page.groups.is_empty() {
        page.total as u32
    } else {
        page.groups.iter().map(|group| group.count).sum()
    }
}

/// How many groups begin before this line.
fn heads_before(groups: &[ContainerGroup], line: u32) -> u32 {
    let mut first = 0;
    groups
        .iter()
        .take_while(|group| {
            let begins = first < line;
            first += group.count;
            begins
        })
        .count() as u32
}

fn entries(offset: u32, page: &domain::containers::ContainerPage, drawn: &Range<u32>) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(drawn.len() + page.groups.len());
    let (mut group, mut first) = (0, 0);
    for (line, container) in (offset..).zip(&page.items) {
        while let Some(now) = page.groups.get(group)
            && line >= first + now.count
        {
            first += now.count;
            group += 1;
        }
        if !drawn.contains(&line) {
            continue;
        }
        if let Some(now) = page.groups.get(group)
            && line == first
        {
            entries.push(Entry::Head(group, now.clone()));
        }
        entries.push(Entry::Line(group, Box::new(container.clone())));
    }
    entries
}

/// The first line that is in sight when so many pixels are hidden above.
fn first_line(groups: &[ContainerGroup], hidden: f64, (row, head): (f64, f64)) -> u32 {
    let (mut top, mut first) = (0.0, 0);
    for group in groups {
        let height = head + f64::from(group.count) * row;
        if top + height > hidden {
            return first + ((hidden - top - head).max(0.0) / row) as u32;
        }
        top += height;
        first += group.count;
    }
    first + ((hidden - top).max(0.0) / row) as u32
}

/// A group's name, how many are in it, and a way to see only those.
fn head(place: Place, grouping: Grouping, group: ContainerGroup) -> AnyView {
    let none = match grouping {
        Grouping::Stack => "Without a stack",
        Grouping::Tag => "Without a tag",
        _ => "",
    };
    let term = match &group.name {
        Some(name) => format!("{}:{}", grouping.as_str(), quote(name)),
        None => format!("-{}:*", grouping.as_str()),
    };
    let name = group.name.unwrap_or_else(|| none.to_owned());
    let label = format!("Show only {name}");
    let count = if group.count == 1 {
        "1 container".to_owned()
    } else {
        format!("{} containers", group.count)
    };
    view! {
        <tr class="grp" role="row">
            <td role="cell" colspan=move || width(place)>
                <button type="button" aria-label=label on:click=move |_| place.toggle(&term)>{icon("filter")}{name}</button>
                <span class="muted">{count}{(group.running < group.count).then(|| format!(", {} running", group.running))}</span>
            </td>
        </tr>
    }
    .into_any()
}

fn heading(place: Place, column: Column) -> AnyView {
    let (class, name) = row::column(column);
    let sort = match column {
        Column::Host => ContainerSort::Host,
        Column::Stack => ContainerSort::Stack,
        Column::Image => ContainerSort::Image,
        Column::State => ContainerSort::State,
        Column::Cpu => ContainerSort::Cpu,
        Column::Memory => ContainerSort::Memory,
        Column::Ports => ContainerSort::Ports,
        Column::Tags => ContainerSort::Tags,
        Column::Next => ContainerSort::NextRun,
    };
    view! { <Heading place class sort name /> }.into_any()
}

/// A heading that sorts.
#[component]
fn Heading(place: Place, class: &'static str, sort: ContainerSort, name: &'static str) -> impl IntoView {
    let order = Memo::new(move |_| {
        let shown = place.get();
        (shown.sort == sort).then_some(if shown.descending {
            "descending"
        } else {
            "ascending"
        })
    });
    let arrow = move || {
        order.get().map(|order| {
            let class = if order == "descending" {
                "i i-sm down"
            } else {
                "i i-sm"
            };
            icon_as("arrow-up", class)
        })
    };
    view! {
        <th class=class scope="col" aria-sort=move || order.get()>
            <button type="button" on:click=move |_| place.sort(sort)>
                {name}
                {arrow}
            </button>
        </th>
    }
}

/// Selects what is shown, or nothing.
#[component]
fn SelectAll(reading: Reading) -> impl IntoView {
    let chosen = reading.chosen;
    let ids = Memo::new(move |_| reading.shown_ids());
    let all = Memo::new(move |_| ids.with(|ids| !ids.is_empty() && ids.iter().all(|id| chosen.has(*id))));
    view! {
        <input
            type="checkbox"
            class="check"
            aria-label="Select all that are shown"
            prop:checked=move || all.get()
            prop:indeterminate={move || chosen.count() > 0 && !all.get()}
            on:change=move |_| chosen.page(&ids.get_untracked())
        />
    }
}

/// Moves the part of the list that is read along with the window.
fn follow_scrolling(
    body: NodeRef<html::Tbody>,
    heights: RwSignal<(f64, f64)>,
    reading: Reading,
    drawing: Drawing,
) {
    if cfg!(feature = "ssr") {
        return;
    }
    let measure = move |body: &web_sys::HtmlElement| {
        let height = |selector: &str| {
            let found = body.query_selector(selector).ok().flatten()?;
            Some(found.get_bounding_client_rect().height()).filter(|height| *height > 1.0)
        };
        let (row, head) = heights.get_untracked();
        let now = (height("tr.line").unwrap_or(row), height("tr.grp").unwrap_or(head));
        if (now.0 - row).abs() > 0.5 || (now.1 - head).abs() > 0.5 {
            heights.set(now);
        }
    };
    let look = move || {
        let Some(body) = body.try_get_untracked().flatten() else {
            return;
        };
        measure(&body);
        let hidden = (-body.get_bounding_client_rect().top()).max(0.0);
        let first = reading
            .now
            .with_untracked(|now| first_line(&now.groups, hidden, heights.get_untracked()));
        drawing.in_sight(first);
        let offset = (first / STEP).saturating_sub(1) * STEP;
        if reading.offset.get_untracked() != offset {
            reading.offset.set(offset);
        }
    };
    let waiting = StoredValue::new(false);
    let soon = move || {
        if waiting.try_get_value() != Some(false) {
            return;
        }
        waiting.set_value(true);
        request_animation_frame(move || {
            if waiting.try_set_value(false).is_none() {
                look();
            }
        });
    };
    Effect::new(move |_| {
        if body.get().is_some() {
            soon();
        }
    });
    let scroll = window_event_listener(ev::scroll, move |_| soon());
    let resize = window_event_listener(ev::resize, move |_| soon());
    on_cleanup(move || {
        scroll.remove();
        resize.remove();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(counts: &[u32]) -> Vec<ContainerGroup> {
        counts
            .iter()
            .map(|&count| ContainerGroup {
                name: None,
                count,
                running: 0,
            })
            .collect()
    }

    #[test]
    fn a_place_in_pixels_is_a_line() {
        let heights = (50.0, 30.0);
        assert_eq!(first_line(&[], 0.0, heights), 0);
        assert_eq!(first_line(&[], 149.0, heights), 2);
        // Heads at 0 and 130; lines at 30, 80, 160, …
        let two = groups(&[2, 3]);
        for (pixels, line) in [
            (0.0, 0),
            (29.0, 0),
            (81.0, 1),
            (131.0, 2),
            (161.0, 2),
            (215.0, 3),
            (900.0, 16),
        ] {
            assert_eq!(first_line(&two, pixels, heights), line, "{pixels}");
        }
    }

    #[test]
    fn heads_are_counted_before_a_line() {
        let three = groups(&[2, 3, 1]);
        let counted: Vec<u32> = (0..=6).map(|line| heads_before(&three, line)).collect();
        assert_eq!(counted, [0, 1, 1, 2, 2, 2, 3]);
    }
}
