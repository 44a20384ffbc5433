//! What the containers on screen use. The page says every few seconds which rows can be seen; nothing else is measured.

use super::place::Place;
use crate::{
    components::debounce::gathered,
    containers::{api, lines::Line},
};
use domain::{containers::ContainerState, ids::ContainerId, loads::ContainerLoad, views::Column};
use leptos::{prelude::*, task::spawn_local};
use std::{collections::HashMap, time::Duration};

const EVERY: Duration = Duration::from_secs(5);
/// After the rows have changed.
const SOON: Duration = Duration::from_millis(400);

type Known = HashMap<ContainerId, ArcRwSignal<Option<ContainerLoad>>>;

/// What is known, by container.
#[derive(Clone, Copy)]
pub struct Load(StoredValue<Known>);

impl Load {
    /// Looks at what can be seen; `changed` is what tells of other rows.
    pub fn follow(place: Place, changed: impl Fn() + 'static) -> Self {
        let load = Self(StoredValue::new(Known::new()));
        if cfg!(feature = "ssr") {
            return load;
        }
        let look = move || {
            let wanted = place
                .columns
                .try_with_untracked(|columns| {
                    columns.contains(&Column::Cpu) || columns.contains(&Column::Memory)
                })
                .unwrap_or_default();
            if wanted && !document().hidden() {
                load.look();
            }
        };
        let soon = gathered(SOON, look);
        Effect::new(move |_| {
            changed();
            place.columns.track();
            soon();
        });
        if let Ok(handle) = set_interval_with_handle(look, EVERY) {
            on_cleanup(move || handle.clear());
        }
        load
    }

    fn look(self) {
        let ids = in_sight();
        if ids.is_empty() {
            return;
        }
        spawn_local(async move {
            // What cannot be had now is asked for again soon; that the server is away is said elsewhere.
            if let Ok(loads) = api::watch(ids).await {
                for load in loads {
                    let Some(known) = self.of(load.id) else { return };
                    if known.with_untracked(|old| old.as_ref() != Some(&load)) {
                        known.set(Some(load));
                    }
                }
            }
        });
    }

    fn of(self, id: ContainerId) -> Option<ArcRwSignal<Option<ContainerLoad>>> {
        self.0
            .try_update_value(|known| known.entry(id).or_insert_with(|| ArcRwSignal::new(None)).clone())
    }
}

/// The rows within the window.
fn in_sight() -> Vec<ContainerId> {
    let height = window()
        .inner_height()
        .ok()
        .and_then(|height| height.as_f64())
        .unwrap_or_default();
    let Ok(rows) = document().query_selector_all("tr.line") else {
        return Vec::new();
    };
    (0..rows.length())
        .filter_map(|at| {
            use wasm_bindgen::JsCast;
            let row = rows.item(at)?.dyn_into::<web_sys::Element>().ok()?;
            let place = row.get_bounding_client_rect();
            let seen = place.bottom() > 0.0 && place.top() < height;
            seen.then(|| row.get_attribute("data-id")?.parse().ok()).flatten()
        })
        .collect()
}

/// The processor's share.
pub fn cpu(load: Load, line: &Line) -> AnyView {
    metric(load, line, "spark", |load| {
        let percent = f64::from(load.cpu_percent?);
        let text = if percent < 10.0 {
            format!("{percent:.1} %")
        } else {
            format!("{percent:.0} %")
        };
        Some((text, load.cpu_line.clone()))
    })
}

/// Memory in use.
pub fn memory(load: Load, line: &Line) -> AnyView {
    metric(load, line, "spark mem", |load| {
        Some((bytes(load.memory_bytes?), load.memory_line.clone()))
    })
}

fn metric(
    load: Load,
    line: &Line,
    class: &'static str,
    of: impl Fn(&ContainerLoad) -> Option<(String, String)> + Copy + Send + Sync + 'static,
) -> AnyView {
    let container = line.container.clone();
    let Some(known) = load.of(line.id) else {
        return ().into_any();
    };
    let first = class == "spark";
    (move || {
        let (state, stale) = container.with(|c| (c.state, c.stale));
        if state != ContainerState::Running {
            return first
                .then(|| view! { <span class="faint sm">"Not running"</span> })
                .into_any();
        }
        if stale {
            return ().into_any();
        }
        known.with(|load| match load {
            None => ().into_any(),
            Some(load) => match of(load) {
                Some((text, path)) => drawn(class, text, path),
                // Of the processor the first measurement says nothing yet.
                None if load.note.is_none() => ().into_any(),
                None => view! {
                    <span class="faint sm" title=load.note.clone()>"not measured"</span>
                }
                .into_any(),
            },
        })
    })
    .into_any()
}

fn drawn(class: &'static str, text: String, path: String) -> AnyView {
    let line = path.contains('L').then(|| {
        view! {
            <svg class=class viewBox="0 0 60 20" preserveAspectRatio="none" aria-hidden="true"><path class="l" d=path></path></svg>
        }
    });
    view! { <div class="metric">{line}<span>{text}</span></div> }.into_any()
}

/// "412 MB", "1.2 GB", in thousands.
pub fn bytes(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        0..1_000_000 => format!("{:.0} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [(0, "0 kB"), (412_000_000, "412 MB"), (1_234_000_000, "1.2 GB")] {
            assert_eq!(super::bytes(bytes), text);
        }
    }
}
