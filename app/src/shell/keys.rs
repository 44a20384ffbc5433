//! The keyboard: keys that work on every page, and the sheet that lists them.

use super::{cookie, set_cookie};
use crate::components::dialog::{self, Dialog};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

/// How long after `g` the second key may come, in milliseconds.
const CHORD: i64 = 1200;

/// The dialogs that keys open; in the context of every page.
#[derive(Clone, Copy)]
pub struct Keys {
    pub palette: NodeRef<html::Dialog>,
    pub shortcuts: NodeRef<html::Dialog>,
}

impl Keys {
    pub fn provide() -> Self {
        let keys = Self {
            palette: NodeRef::new(),
            shortcuts: NodeRef::new(),
        };
        provide_context(keys);
        if !cfg!(feature = "ssr") {
            keys.listen();
        }
        keys
    }

    pub fn get() -> Self {
        expect_context()
    }

    fn listen(self) {
        let navigate = leptos_router::hooks::use_navigate();
        let chord = StoredValue::new(0_i64);
        let handle = window_event_listener(ev::keydown, move |event| {
            let now = js_sys::Date::now() as i64;
            if (event.meta_key() || event.ctrl_key()) && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                dialog::open(self.palette);
                return;
            }
            if !plain(&event) {
                return;
            }
            if now - chord.get_value() < CHORD {
                chord.set_value(0);
                let href = match event.key().as_str() {
                    "f" => "/",
                    "s" => "/schedules",
                    "a" => "/activity",
                    "h" => "/hosts",
                    _ => return,
                };
                event.prevent_default();
                navigate(href, Default::default());
                return;
            }
            match event.key().as_str() {
                "g" => chord.set_value(now),
                "c" => navigate("/schedules/new", Default::default()),
                "?" => dialog::open(self.shortcuts),
                "/" => {
                    if let Ok(Some(field)) = document().query_selector("[data-search]")
                        && let Some(field) = field.dyn_ref::<web_sys::HtmlElement>()
                    {
                        event.prevent_default();
                        let _ = field.focus();
                    }
                }
                _ => {}
            }
        });
        on_cleanup(move || handle.remove());
    }
}

/// The cookie that turns keys of one letter off, for those whose speech or hands would press them by accident (WCAG 2.1.4).
const OFF: &str = "single_keys";

/// Whether keys of one letter do something in this browser.
pub fn are_single_keys_on() -> bool {
    cookie(OFF).as_deref() != Some("off")
}

pub fn turn_single_keys(on: bool) {
    set_cookie(OFF, if on { "on" } else { "off" });
}

/// Whether a key belongs to the page: no modifier, not into a field, not into an open dialog or menu; and not of one letter
/// where these are turned off.
pub fn plain(event: &ev::KeyboardEvent) -> bool {
    let is_single = event.key().chars().count() == 1;
    !((is_single && !are_single_keys_on())
        || event.meta_key()
        || event.ctrl_key()
        || event.alt_key()
        || event.default_prevented()
        || typing(event))
}

/// Whether the key goes into a field, a dialog or a menu.
pub fn typing(event: &ev::KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|target| {
            target
                .closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog, [popover]")
                .ok()
                .flatten()
        })
        // The focus leaves the field of a dialog that was closed only when the page is next drawn.
        .is_some_and(|field| !matches!(field.closest("dialog:not([open])"), Ok(Some(_))))
}

const LIST: &[(&str, &[(&str, &str)])] = &[
    (
        "Everywhere",
        &[
            ("?", "This list"),
            ("⌘K", "Search or run"),
            ("/", "Search this page"),
            ("g f", "Go to Fleet"),
            ("g s", "Go to Schedules"),
            ("g a", "Go to Activity"),
            ("g h", "Go to Hosts"),
            ("c", "New schedule"),
        ],
    ),
    (
        "In lists",
        &[
            ("j k", "Next, previous"),
            ("Enter", "Open"),
            ("x", "Select"),
            ("Shift x", "Select up to here"),
            ("r", "Restart what is selected"),
            ("s", "Schedule what is selected"),
            ("Esc", "Clear"),
        ],
    ),
    ("In the schedule form", &[("⌘S", "Save"), ("⌘Enter", "Dry run")]),
];

#[component]
pub fn Shortcuts(node: NodeRef<html::Dialog>) -> impl IntoView {
    let key = |(keys, what): &(&'static str, &'static str)| {
        let keys = keys
            .split(' ')
            .map(|key| view! { <kbd>{key}</kbd> })
            .collect_view();
        view! { <dt>{keys}</dt><dd>{*what}</dd> }
    };
    let group = move |(title, keys): &(&'static str, &'static [(&'static str, &'static str)])| {
        view! {
            <section>
                <h3>{*title}</h3>
                <dl class="keys">{keys.iter().map(key).collect_view()}</dl>
            </section>
        }
    };
    view! {
        <Dialog node id="shortcuts" title="Keyboard shortcuts">
            <div class="keylists">{LIST.iter().map(group).collect_view()}</div>
            <p class="hint">"Keys of one letter can be turned off in "<a class="link" href="/settings">"Settings, Profile"</a>"."</p>
        </Dialog>
    }
}
