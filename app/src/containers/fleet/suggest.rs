//! What could be written at the cursor of the search, below it: keys, and the values that containers have.

use crate::containers::api;
use domain::selectors::Suggestions;
use leptos::{ev, html, prelude::*, task::spawn_local};
use std::{sync::Arc, time::Duration};

/// How long typing rests before the server is asked.
const REST: Duration = Duration::from_millis(120);

/// The list below the field.
#[derive(Clone, Copy)]
pub struct Suggest {
    field: NodeRef<html::Input>,
    shown: RwSignal<Suggestions>,
    chosen: RwSignal<Option<usize>>,
    turn: StoredValue<u32>,
    put: StoredValue<Arc<dyn Fn(String) + Send + Sync>>,
}

impl Suggest {
    pub fn new(field: NodeRef<html::Input>, put: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self {
            field,
            shown: RwSignal::new(Suggestions::default()),
            chosen: RwSignal::new(None),
            turn: StoredValue::new(0),
            put: StoredValue::new(Arc::new(put)),
        }
    }

    fn next_turn(self) -> u32 {
        let turn = self.turn.get_value().wrapping_add(1);
        self.turn.set_value(turn);
        turn
    }

    /// Asks what could stand at the cursor, when typing rests.
    pub fn ask(self) {
        let turn = self.next_turn();
        set_timeout(
            move || {
                if self.turn.try_get_value() != Some(turn) {
                    return;
                }
                let Some((text, cursor)) = self.typed() else {
                    return;
                };
                // An empty field lists nothing by itself: one may want to see the list.
                if text.trim().is_empty() {
                    self.close();
                    return;
                }
                spawn_local(async move {
                    let answer = api::complete(text, cursor).await;
                    if let (Ok(answer), true) = (answer, self.turn.try_get_value() == Some(turn)) {
                        self.chosen.set(None);
                        self.shown.set(answer);
                    }
                });
            },
            REST,
        );
    }

    /// The text, and the cursor's place in its bytes.
    fn typed(self) -> Option<(String, usize)> {
        let field = self.field.try_get_untracked()??;
        let text = field.value();
        let units = field.selection_start().ok().flatten().unwrap_or(u32::MAX) as usize;
        let mut seen = 0;
        let cursor = text
            .char_indices()
            .find(|(_, letter)| {
                let here = seen >= units;
                seen += letter.len_utf16();
                here
            })
            .map_or(text.len(), |(at, _)| at);
        Some((text, cursor))
    }

    pub fn close(self) {
        self.next_turn();
        self.chosen.set(None);
        if self.shown.with_untracked(|shown| !shown.items.is_empty()) {
            self.shown.set(Suggestions::default());
        }
    }

    pub fn active(self) -> Option<String> {
        self.chosen.get().map(|at| format!("suggestion-{at}"))
    }

    /// Arrows choose, Enter and Tab take, Escape closes.
    pub fn key(self, event: &ev::KeyboardEvent) {
        let count = self.shown.with_untracked(|shown| shown.items.len());
        if count == 0 {
            return;
        }
        let chosen = self.chosen.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => self.chosen.set(Some(chosen.map_or(0, |at| (at + 1) % count))),
            "ArrowUp" => self
                .chosen
                .set(Some(chosen.map_or(count - 1, |at| (at + count - 1) % count))),
            "Enter" | "Tab" => match chosen {
                Some(at) => self.take(at),
                None => return self.close(),
            },
            "Escape" => self.close(),
            _ => return,
        }
        event.prevent_default();
    }

    /// Puts a choice in, and goes on behind it.
    fn take(self, at: usize) {
        let Some((text, _)) = self.typed() else { return };
        let suggestions = self.shown.get_untracked();
        let Some(choice) = suggestions.items.get(at) else {
            return;
        };
        let (start, end) = (suggestions.start, suggestions.end);
        let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) else {
            return;
        };
        // Behind a whole term a blank makes room for the next.
        let gap = if choice.more || after.starts_with([' ', ',']) {
            ""
        } else {
            " "
        };
        let begun = format!("{before}{}{gap}", choice.text);
        let units = begun.encode_utf16().count() as u32;
        let whole = format!("{begun}{after}");
        let more = choice.more;
        self.close();
        self.put.with_value(|put| put(whole.clone()));
        if let Some(field) = self.field.get_untracked() {
            field.set_value(&whole);
            let _ = field.focus();
            let _ = field.set_selection_range(units, units);
        }
        if more {
            self.ask();
        }
    }

    pub fn list(self) -> AnyView {
        let one = move |(at, text, about): (usize, String, String)| {
            view! {
                <li
                    role="option"
                    id=format!("suggestion-{at}")
                    aria-selected=move || (self.chosen.get() == Some(at)).to_string()
                    // The field keeps the focus.
                    on:mousedown=move |event| {
                        event.prevent_default();
                        self.take(at);
                    }
                >
                    <code class="clip">{text}</code>
                    <span class="faint sm">{about}</span>
                </li>
            }
        };
        let items = move || {
            self.shown.with(|shown| {
                let items = shown.items.iter().enumerate();
                items
                    .map(|(at, item)| (at, item.text.clone(), item.about.clone()))
                    .collect::<Vec<_>>()
            })
        };
        view! {
            <ul
                class="suggest"
                id="suggestions"
                role="listbox"
                aria-label="Suggestions"
                hidden=move || self.shown.with(|shown| shown.items.is_empty())
            >
                {move || items().into_iter().map(one).collect_view()}
            </ul>
        }
        .into_any()
    }
}
