//! The menu of a row: a native popover, so that the browser closes it on Escape and on a click beside it.

use super::icon;
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

/// Space between the button, the menu and the window's edge, in CSS pixels.
const GAP: f64 = 4.0;

/// A button with three dots and its menu. `id` is unique on the page; `label` names what the menu is about.
#[component]
pub fn RowMenu(
    #[prop(into)] id: String,
    #[prop(into)] label: Signal<String>,
    children: ChildrenFn,
) -> impl IntoView {
    let menu = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let open = RwSignal::new(false);
    let children = StoredValue::new(children);
    let toggled = move |_: ev::Event| {
        if let (Some(menu), Some(button)) = (menu.get_untracked(), button.get_untracked()) {
            let shown = menu.matches(":popover-open").unwrap_or(false);
            open.set(shown);
            if shown {
                // Its items are drawn first: before that it has neither a height nor anything to focus.
                request_animation_frame(move || {
                    place(&menu, &button);
                    focus_item(&menu, 0);
                });
            }
        }
    };
    let keys = move |event: ev::KeyboardEvent| {
        let Some(menu) = menu.get_untracked() else { return };
        let step: i32 = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        focus_item(&menu, step);
    };
    let close = move |_| {
        if let Some(menu) = menu.get_untracked() {
            let _ = menu.hide_popover();
        }
    };
    view! {
        <button
            class="icon-btn icon-btn-sm"
            type="button"
            node_ref=button
            popovertarget=id.clone()
            aria-haspopup="menu"
            aria-expanded=move || open.get().to_string()
            aria-label=move || format!("More actions, {}", label.get())
        >
            {icon("ellipsis")}
        </button>
        <div class="menu" id=id popover="auto" role="menu" node_ref=menu on:toggle=toggled on:keydown=keys on:click=close>
            // Closed menus hold nothing: a long list stays light.
            {move || open.get().then(|| children.with_value(|children| children()))}
        </div>
    }
}

/// One line of a menu.
#[component]
pub fn MenuItem(
    icon: &'static str,
    #[prop(into)] text: String,
    #[prop(optional)] danger: bool,
    /// Why it cannot be done; it stays visible.
    #[prop(optional)]
    lacks: Option<Signal<Option<&'static str>>>,
    #[prop(into)] run: Callback<()>,
) -> impl IntoView {
    let lacks = move || lacks.and_then(|lacks| lacks.get());
    view! {
        <button
            type="button"
            role="menuitem"
            tabindex="-1"
            class:btn-quiet-danger=danger
            disabled=move || lacks().is_some()
            on:click=move |_| run.run(())
        >
            {super::icon(icon)}
            {text}
            {move || lacks().map(|lacks| view! { <small class="needs">{lacks}</small> })}
        </button>
    }
}

/// Puts a popover below its button when it was opened; says whether it is open.
pub fn place_below(menu: NodeRef<html::Div>, button: NodeRef<html::Button>) -> bool {
    let (Some(menu), Some(button)) = (menu.get_untracked(), button.get_untracked()) else {
        return false;
    };
    let open = menu.matches(":popover-open").unwrap_or(false);
    if open {
        place(&menu, &button);
    }
    open
}

/// Below the button, its right edge at the button's; above where there is no room below.
fn place(menu: &web_sys::HtmlElement, button: &web_sys::HtmlElement) {
    let (at, own) = (button.get_bounding_client_rect(), menu.get_bounding_client_rect());
    let size =
        |value: Result<wasm_bindgen::JsValue, wasm_bindgen::JsValue>| value.ok().and_then(|v| v.as_f64());
    let height = size(window().inner_height()).unwrap_or(0.0);
    let below = at.bottom() + GAP;
    let top = if below + own.height() > height - GAP {
        (at.top() - own.height() - GAP).max(GAP)
    } else {
        below
    };
    let left = (at.right() - own.width()).max(GAP);
    let style = web_sys::HtmlElement::style(menu);
    let _ = style.set_property("inset", &format!("{top}px auto auto {left}px"));
}

/// Moves the focus by `step` items, or to the first for 0.
fn focus_item(menu: &web_sys::HtmlElement, step: i32) {
    let Ok(items) = menu.query_selector_all("a, button:not(:disabled)") else {
        return;
    };
    let count = items.length() as i32;
    if count == 0 {
        return;
    }
    let active = document().active_element();
    let at = (0..count).find(|index| {
        let item = items
            .item(*index as u32)
            .and_then(|node| node.dyn_into::<web_sys::Element>().ok());
        item.is_some() && item == active
    });
    let next = at.map_or(0, |at| (at + step).rem_euclid(count));
    if let Some(item) = items
        .item(next as u32)
        .and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let _ = item.focus();
    }
}
