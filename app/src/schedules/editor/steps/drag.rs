//! Moving steps: with the pointer on a handle, with the arrow keys on it, or from a menu; always said aloud.

use super::{focus_soon, one::One};
use crate::schedules::editor::state::Editing;
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

/// How near to the window's edge a drag scrolls, and how far each time, in CSS pixels.
const EDGE: f64 = 72.0;
const SCROLL: f64 = 14.0;

/// The steps on the move.
#[derive(Clone, Copy)]
pub struct Moving {
    editing: Editing,
    /// The key of the step under the pointer.
    pub dragged: RwSignal<Option<u32>>,
    /// Before which place it would be put down.
    pub onto: RwSignal<Option<usize>>,
    /// What is said of the last move.
    pub said: RwSignal<String>,
}

impl Moving {
    pub fn new(editing: Editing) -> Self {
        let moving = Self {
            editing,
            dragged: RwSignal::new(None),
            onto: RwSignal::new(None),
            said: RwSignal::new(String::new()),
        };
        if !cfg!(feature = "ssr") {
            let handles = (
                window_event_listener(ev::pointermove, move |event| moving.over(&event)),
                window_event_listener(ev::pointerup, move |_| moving.drop()),
                window_event_listener(ev::pointercancel, move |_| moving.end()),
                window_event_listener(ev::keydown, move |event| {
                    if event.key() == "Escape" {
                        moving.end();
                    }
                }),
            );
            on_cleanup(move || {
                handles.0.remove();
                handles.1.remove();
                handles.2.remove();
                handles.3.remove();
            });
        }
        moving
    }

    pub fn begin(self, one: One) {
        self.dragged.set(Some(one.key));
        self.onto.set(untrack(|| one.index()));
    }

    fn end(self) {
        if self.dragged.get_untracked().is_some() {
            self.dragged.set(None);
            self.onto.set(None);
        }
    }

    fn over(self, event: &ev::PointerEvent) {
        if self.dragged.get_untracked().is_none() {
            return;
        }
        let y = f64::from(event.client_y());
        let height = window()
            .inner_height()
            .ok()
            .and_then(|height| height.as_f64())
            .unwrap_or_default();
        if y < EDGE {
            window().scroll_by_with_x_and_y(0.0, -SCROLL);
        } else if y > height - EDGE {
            window().scroll_by_with_x_and_y(0.0, SCROLL);
        }
        let Ok(cards) = document().query_selector_all(".chain > .step-card") else {
            return;
        };
        let above = (0..cards.length())
            .filter_map(|index| cards.item(index)?.dyn_into::<web_sys::Element>().ok())
            .take_while(|card| {
                let place = card.get_bounding_client_rect();
                place.top() + place.height() / 2.0 < y
            })
            .count();
        if self.onto.get_untracked() != Some(above) {
            self.onto.set(Some(above));
        }
    }

    fn drop(self) {
        if let (Some(key), Some(onto)) = (self.dragged.get_untracked(), self.onto.get_untracked()) {
            let at = self
                .editing
                .form
                .with_untracked(|form| form.steps.iter().position(|step| step.key == key));
            if let Some(at) = at {
                // Its own place is free once it is taken up.
                self.put(key, at, if onto > at { onto - 1 } else { onto });
            }
        }
        self.end();
    }

    /// One place up or down.
    pub fn step(self, one: One, down: bool) {
        let Some(at) = untrack(|| one.index()) else { return };
        let last = self.editing.form.with_untracked(|form| form.steps.len() - 1);
        let to = if down {
            (at + 1).min(last)
        } else {
            at.saturating_sub(1)
        };
        if to == at {
            self.say(one.key, at);
        } else {
            self.put(one.key, at, to);
            focus_soon(one.id("grip"));
        }
    }

    fn put(self, key: u32, from: usize, to: usize) {
        if from != to {
            self.editing.form.update(|form| {
                let step = form.steps.remove(from);
                form.steps.insert(to.min(form.steps.len()), step);
            });
            // What was said named steps by their places.
            self.editing.heal("steps");
        }
        self.say(key, to);
    }

    fn say(self, key: u32, at: usize) {
        let text = self.editing.form.with_untracked(|form| {
            let step = form.steps.iter().find(|step| step.key == key)?;
            Some(format!(
                "{}, now step {} of {}",
                step.title(),
                at + 1,
                form.steps.len()
            ))
        });
        self.said.set(text.unwrap_or_default());
    }
}
