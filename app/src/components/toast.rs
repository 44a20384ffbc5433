//! Toasts: what was done, with Undo where undo is real.

use super::Icon;
use leptos::prelude::*;
use std::time::Duration;

/// How long one stays; the time stops while the pointer or the focus is on it.
const STAYS: Duration = Duration::from_secs(8);

#[derive(Clone)]
struct Toast {
    id: u32,
    icon: &'static str,
    text: String,
    undo: Option<Callback<()>>,
}

/// The toasts on screen; in the context of every page.
#[derive(Clone, Copy)]
pub struct Toasts {
    list: RwSignal<Vec<Toast>>,
    held: RwSignal<bool>,
    last: StoredValue<u32>,
}

impl Toasts {
    pub fn provide() -> Self {
        let toasts = Self {
            list: RwSignal::new(Vec::new()),
            held: RwSignal::new(false),
            last: StoredValue::new(0),
        };
        provide_context(toasts);
        toasts
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Says what was done.
    pub fn say(self, icon: &'static str, text: impl Into<String>) {
        self.push(icon, text.into(), None);
    }

    /// Says what was done and offers to take it back.
    pub fn undo(self, icon: &'static str, text: impl Into<String>, undo: Callback<()>) {
        self.push(icon, text.into(), Some(undo));
    }

    /// Says what did not work.
    pub fn bad(self, text: impl Into<String>) {
        self.push("circle-alert", text.into(), None);
    }

    fn push(self, icon: &'static str, text: String, undo: Option<Callback<()>>) {
        let id = self.last.with_value(|last| last + 1);
        self.last.set_value(id);
        self.list.update(|list| {
            list.push(Toast { id, icon, text, undo });
            if list.len() > 4 {
                list.remove(0);
            }
        });
        self.expire(id, STAYS);
    }

    fn expire(self, id: u32, after: Duration) {
        set_timeout(
            move || {
                if self.held.try_get_untracked() == Some(true) {
                    self.expire(id, Duration::from_secs(2));
                } else {
                    self.drop(id);
                }
            },
            after,
        );
    }

    fn drop(self, id: u32) {
        let _ = self.list.try_update(|list| list.retain(|toast| toast.id != id));
    }
}

/// Where they appear: a polite live region.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = Toasts::get();
    let show = move |toast: Toast| {
        let (id, undo) = (toast.id, toast.undo);
        let button = undo.map(|undo| {
            let take_back = move |_| {
                undo.run(());
                toasts.drop(id);
            };
            view! { <button class="btn btn-sm" type="button" on:click=take_back>"Undo"</button> }
        });
        view! {
            <div class="toast" data-s=(toast.icon == "circle-alert").then_some("bad")>
                <Icon name=toast.icon />
                <span>{toast.text}</span>
                {button}
            </div>
        }
    };
    view! {
        <div
            class="toasts"
            role="status"
            on:pointerenter=move |_| toasts.held.set(true)
            on:pointerleave=move |_| toasts.held.set(false)
            on:focusin=move |_| toasts.held.set(true)
            on:focusout=move |_| toasts.held.set(false)
        >
            <For each=move || toasts.list.get() key=|toast| toast.id children=show />
        </div>
    }
}
