//! The list by keyboard: j and k move, Enter opens, x selects and Shift x a range, r restarts, s schedules, Escape clears.

use super::{bulk::Bulk, reading::Reading};
use crate::{
    containers::{lines::Line, words},
    shell::plain,
};
use leptos::{ev, html, prelude::*};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

pub fn listen(body: NodeRef<html::Tbody>, reading: Reading, bulk: Bulk) {
    if cfg!(feature = "ssr") {
        return;
    }
    let navigate = use_navigate();
    let handle = window_event_listener(ev::keydown, move |event| {
        if !plain(&event) {
            return;
        }
        let Some(body) = body.try_get_untracked().flatten() else {
            return;
        };
        let row = focused_row();
        let line = row.as_ref().and_then(|row| line_of(reading, row));
        let chosen = reading.chosen.any_untracked();
        match event.key().as_str() {
            "j" => step(&body, row.as_ref(), true),
            "k" => step(&body, row.as_ref(), false),
            "x" | "X" => {
                if let Some(line) = line {
                    let shown = untrack(|| reading.shown_ids());
                    reading.chosen.toggle(line.id, event.shift_key(), &shown);
                }
            }
            "r" if chosen => bulk.start("restart"),
            "r" => {
                if let Some(line) = line.filter(|line| !line.is_busy()) {
                    line.act("restart");
                }
            }
            "s" => {
                let href = match line {
                    _ if chosen => Some(untrack(|| bulk.plan_href())),
                    Some(line) => Some(words::plan_href(&[line.container.get_untracked()])),
                    None => None,
                };
                if let Some(href) = href {
                    navigate(&href, Default::default());
                }
            }
            "Escape" if chosen => reading.chosen.clear(),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || handle.remove());
}

fn focused_row() -> Option<Element> {
    document().active_element()?.closest("tr.line").ok().flatten()
}

fn line_of(reading: Reading, row: &Element) -> Option<Line> {
    reading.lines.find(row.get_attribute("data-id")?.parse().ok()?)
}

/// Focuses the name in the next or the previous row, or in the first one.
fn step(body: &HtmlElement, row: Option<&Element>, forward: bool) {
    let aside = |row: &Element| {
        if forward {
            row.next_element_sibling()
        } else {
            row.previous_element_sibling()
        }
    };
    let mut next = match row {
        Some(row) => aside(row),
        None => body.query_selector("tr.line").ok().flatten(),
    };
    // The head of a group is no row to stand on.
    if let Some(head) = next.clone().filter(|row| row.class_list().contains("grp")) {
        next = aside(&head);
    }
    if let Some(link) = next
        .and_then(|row| row.query_selector(".name a").ok().flatten())
        .and_then(|link| link.dyn_into::<HtmlElement>().ok())
    {
        let _ = link.focus();
    }
}
