//! The list. Ten thousand rows are two gaps and a hundred rows between them, with the heads of their groups.

use super::{
    bulk::Bulk,
    drawing::Drawing,
    empty::NothingHere,
    keys,
    place::Place,
    reading::{Reading, STEP, lines_in, lines_of},
    row::{self, Row},
};
use crate::components::{Icon, icon, icon_as, time::machine_now};
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
    Head(usize),
    /// With the group's place: below two tags, a container stands twice.
    Line(usize, Box<Container>),
}

impl Entry {
    fn key(&self) -> (usize, Option<ContainerId>) {
        match self {
            Self::Head(group) => (*group, None),
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

    let total = Memo::new(move |_| reading.with_part(|part| lines_of(&part.page)).unwrap_or_default());
    let any = Memo::new(move |_| reading.with_part(|part| part.page.total > 0).unwrap_or_default());
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
                (lines_of(&part.page).saturating_sub(end), heads)
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
        <Show when=move || any.get() fallback=move || view! { <NothingHere place reading /> }>
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
                                Entry::Head(group) => head(place, reading, grouping, group),
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

/// How many groups begin before this line. One without lines begins where the next one does.
fn heads_before(groups: &[ContainerGroup], line: u32) -> u32 {
    let mut first = 0;
    groups
        .iter()
        .take_while(|group| {
            let begins = first < line;
            first += lines_in(group);
            begins
        })
        .count() as u32
}

/// The drawn lines, each group's head before its first one. The heads after the last line belong to it.
fn entries(offset: u32, page: &domain::containers::ContainerPage, drawn: &Range<u32>) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(drawn.len() + page.groups.len());
    let all = lines_of(page);
    let (mut group, mut first) = (heads_before(&page.groups, drawn.start), 0);
    first += page.groups.iter().take(group as usize).map(lines_in).sum::<u32>();
    let mut heads_until = |line: u32, entries: &mut Vec<Entry>| {
        while let Some(next) = page.groups.get(group as usize)
            && first <= line
        {
            entries.push(Entry::Head(group as usize));
            first += lines_in(next);
            group += 1;
        }
        (group as usize).saturating_sub(1)
    };
    for (line, container) in (offset..).zip(&page.items) {
        if drawn.contains(&line) {
            let group = heads_until(line, &mut entries);
            entries.push(Entry::Line(group, Box::new(container.clone())));
        }
    }
    if drawn.end >= all {
        heads_until(all, &mut entries);
    }
    entries
}

/// The first line that is in sight when so many pixels are hidden above.
fn first_line(groups: &[ContainerGroup], hidden: f64, (row, head): (f64, f64)) -> u32 {
    let (mut top, mut first) = (0.0, 0);
    for group in groups {
        let height = head + f64::from(lines_in(group)) * row;
        if top + height > hidden {
            return first + ((hidden - top - head).max(0.0) / row) as u32;
        }
        top += height;
        first += lines_in(group);
    }
    first + ((hidden - top).max(0.0) / row) as u32
}

/// A group's name, how many are in it, and whether its lines are shown; and a way to see only those.
fn head(place: Place, reading: Reading, grouping: Memo<Grouping>, at: usize) -> AnyView {
    let group = Memo::new(move |old: Option<&Option<ContainerGroup>>| {
        let now = reading.with_part(|part| part.page.groups.get(at).cloned());
        // One that is about to go stays as it was.
        now.flatten().or_else(|| old.cloned().flatten())
    });
    let with = move |take: fn(&ContainerGroup) -> String| {
        group.with(|group| group.as_ref().map(take).unwrap_or_default())
    };
    let own = move || with(|group| group.name.clone().unwrap_or_default());
    let name = move || match (own(), grouping.get()) {
        (none, Grouping::Stack) if none.is_empty() => "Without a stack".to_owned(),
        (none, Grouping::Tag) if none.is_empty() => "Without a tag".to_owned(),
        (name, _) => name,
    };
    let only = move |_| {
        let name = untrack(own);
        let key = grouping.get_untracked().as_str();
        place.toggle(&if name.is_empty() {
            format!("-{key}:*")
        } else {
            format!("{key}:{}", quote(&name))
        });
    };
    let open = Memo::new(move |_| group.with(|group| group.as_ref().is_some_and(|group| !group.closed)));
    let count = move || {
        with(|group| {
            let count = match group.count {
                1 => "1 container".to_owned(),
                count => format!("{count} containers"),
            };
            match group.running {
                running if running < group.count => format!("{count}, {running} running"),
                _ => count,
            }
        })
    };
    view! {
        <tr class="grp" role="row">
            <td role="cell" colspan=move || width(place)>
                <div class="row">
                    <button
                        type="button"
                        aria-expanded=move || open.get().to_string()
                        on:click=move |_| place.fold(&untrack(own))
                    >
                        <Icon name=Signal::derive(move || if open.get() { "chevron-down" } else { "chevron-right" }) />
                        {name}
                    </button>
                    <span class="muted">{count}</span>
                    <button class="only" type="button" aria-label=move || format!("Show only {}", name()) data-tip="Show only these" on:click=only>
                        {icon("filter")}
                    </button>
                </div>
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
        let first = reading.now.with_untracked(|now| {
            let first = first_line(&now.groups, hidden, heights.get_untracked());
            // The list may have become shorter than where the window is.
            first.min(now.lines.saturating_sub(1))
        });
        let height = window().inner_height().ok().and_then(|height| height.as_f64());
        let count = (height.unwrap_or_default() / heights.get_untracked().0).ceil() as u32;
        drawing.in_sight(first, count + 1);
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
        reading.now.track();
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
                closed: false,
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
    fn a_closed_group_is_its_head() {
        let mut four = groups(&[2, 3, 4, 5]);
        four[1].closed = true;
        four[3].closed = true;
        // Lines 0 and 1, the head of the closed group, lines 2 to 5, the last head.
        let counted: Vec<u32> = (0..=6).map(|line| heads_before(&four, line)).collect();
        assert_eq!(counted, [0, 1, 1, 3, 3, 3, 3]);
        // Heads at 0, 130, 160 and 390; lines at 30, 80, 190, …
        for (pixels, line) in [(81.0, 1), (131.0, 2), (161.0, 2), (245.0, 3), (391.0, 6)] {
            assert_eq!(first_line(&four, pixels, (50.0, 30.0)), line, "{pixels}");
        }
        let page = |groups: &[ContainerGroup], items: usize| domain::containers::ContainerPage {
            items: (0..items).map(|_| container()).collect(),
            total: 14,
            next: None,
            counts: domain::containers::FleetCounts::default(),
            groups: groups.to_vec(),
            favourites: Vec::new(),
            tags: Vec::new(),
        };
        let drawn = |offset: u32, items: usize, drawn: Range<u32>| -> String {
            let entries = entries(offset, &page(&four, items), &drawn);
            let word = |entry: &Entry| match entry {
                Entry::Head(group) => format!("[{group}]"),
                Entry::Line(group, _) => group.to_string(),
            };
            entries.iter().map(word).collect()
        };
        assert_eq!(drawn(0, 6, 0..6), "[0]00[1][2]2222[3]");
        assert_eq!(drawn(0, 6, 1..4), "0[1][2]22");
        assert_eq!(drawn(2, 4, 3..6), "222[3]");
        four.iter_mut().for_each(|group| group.closed = true);
        assert_eq!(
            entries(0, &page(&four, 0), &(0..0)).len(),
            4,
            "every head, and no line"
        );
    }

    fn container() -> Container {
        serde_json::from_value(serde_json::json!({
            "id": ContainerId::new(), "engine_id": "4f2a9c", "name": "web", "image": "web",
            "host": { "id": domain::ids::HostId::new(), "name": "nas" },
            "state": "running", "ports": [], "stale": false, "protected": false,
        }))
        .unwrap()
    }

    #[test]
    fn heads_are_counted_before_a_line() {
        let three = groups(&[2, 3, 1]);
        let counted: Vec<u32> = (0..=6).map(|line| heads_before(&three, line)).collect();
        assert_eq!(counted, [0, 1, 1, 2, 2, 2, 3]);
    }
}
