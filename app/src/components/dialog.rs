//! Native dialogs: the browser traps the focus, closes on Escape and gives the focus back.

use super::icon;
use leptos::{html, prelude::*};

/// Opens a dialog over the page; in the browser only.
pub fn open(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked()
        && !dialog.open()
    {
        let _ = dialog.show_modal();
    }
}

pub fn close(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
}

/// A dialog with a title, a body and a foot with buttons.
#[component]
pub fn Dialog(
    node: NodeRef<html::Dialog>,
    id: &'static str,
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] foot: ViewFn,
    children: Children,
) -> impl IntoView {
    let heading = format!("{id}-title");
    let labelled_by = heading.clone();
    view! {
        <dialog class="dlg" id=id node_ref=node aria-labelledby=labelled_by on:click=move |event| close_on_scrim(&event, node)>
            <div class="dlg-h">
                <h2 id=heading>{move || title.get()}</h2>
                <button class="icon-btn" type="button" aria-label="Close" on:click=move |_| close(node)>
                    {icon("x")}
                </button>
            </div>
            <div class="dlg-b">{children()}</div>
            <div class="dlg-f">{move || foot.run()}</div>
        </dialog>
    }
}

/// A click on the dialog's own box is one beside its content.
pub fn close_on_scrim(event: &leptos::ev::MouseEvent, node: NodeRef<html::Dialog>) {
    let (Some(target), Some(dialog)) = (event.target(), node.get_untracked()) else {
        return;
    };
    let dialog: &web_sys::EventTarget = dialog.as_ref();
    if &target == dialog {
        close(node);
    }
}
