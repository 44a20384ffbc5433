//! Tags and the note of a container, in a dialog.

use super::api;
use crate::{
    auth::lacks,
    components::{
        FailureNote,
        dialog::{self, Dialog},
        toast::Toasts,
    },
};
use domain::{auth::Permission, containers::Container, ids::ContainerId};
use leptos::{ev::SubmitEvent, html, prelude::*, task::spawn_local};

/// The dialog; in the context of pages whose containers can be marked.
#[derive(Clone, Copy)]
pub struct Marking {
    node: NodeRef<html::Dialog>,
    of: RwSignal<Option<(ContainerId, String)>>,
    tags: RwSignal<String>,
    note: RwSignal<String>,
    fault: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    toasts: Toasts,
}

impl Marking {
    pub fn provide() -> Self {
        let marking = Self {
            node: NodeRef::new(),
            of: RwSignal::new(None),
            tags: RwSignal::new(String::new()),
            note: RwSignal::new(String::new()),
            fault: RwSignal::new(None),
            busy: RwSignal::new(false),
            toasts: Toasts::get(),
        };
        provide_context(marking);
        marking
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Opens it for a container.
    pub fn edit(self, container: &Container) {
        self.of.set(Some((container.id, container.name.clone())));
        self.tags.set(container.tags.join(", "));
        self.note.set(container.note.clone().unwrap_or_default());
        self.fault.set(None);
        dialog::open(self.node);
    }

    fn save(self) {
        let Some((id, name)) = self.of.get_untracked() else {
            return;
        };
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        let (tags, note) = (self.tags.get_untracked(), self.note.get_untracked());
        spawn_local(async move {
            // The change comes back to the page as a live event.
            match api::set_marks(id.to_string(), tags, note).await {
                Ok(_) => {
                    dialog::close(self.node);
                    self.toasts.say("tag", format!("{name} is marked"));
                }
                Err(error) => {
                    let _ = self.fault.try_set(Some(error.0.message));
                }
            }
            let _ = self.busy.try_set(false);
        });
    }
}

#[component]
pub fn MarksDialog(marking: Marking) -> impl IntoView {
    let title = Signal::derive(move || {
        let name = marking.of.with(|of| of.as_ref().map(|(_, name)| name.clone()));
        format!("Tags and note of {}", name.unwrap_or_default())
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        marking.save();
    };
    let lacks = lacks(Permission::ContainersOperate);
    let foot = move || {
        view! {
            {move || lacks.get().map(|lacks| view! { <span class="hint">{lacks}</span> })}
            <button class="btn" type="button" on:click=move |_| dialog::close(marking.node)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form="marks-form" disabled=move || lacks.get().is_some() title=move || lacks.get() aria-busy=move || marking.busy.get().to_string()>
                "Save"
            </button>
        }
    };
    view! {
        <Dialog node=marking.node id="marks" title foot>
            <form id="marks-form" class="stack" on:submit=submit>
                {move || marking.fault.get().map(|message| view! { <FailureNote message=message /> })}
                <div class="field">
                    <label for="marks-tags">"Tags"</label>
                    <input
                        class="input"
                        id="marks-tags"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="media, critical"
                        aria-describedby="marks-help"
                        prop:value=move || marking.tags.get()
                        on:input=move |event| marking.tags.set(event_target_value(&event))
                    />
                    <span class="hint" id="marks-help">
                        "Between commas. They stay when the container is recreated, and " <code>"tag:media"</code> " finds it, here and as a target."
                    </span>
                </div>
                <div class="field">
                    <label for="marks-note">"Note"</label>
                    <textarea
                        class="input"
                        id="marks-note"
                        rows="4"
                        maxlength="2000"
                        prop:value=move || marking.note.get()
                        on:input=move |event| marking.note.set(event_target_value(&event))
                    ></textarea>
                </div>
            </form>
        </Dialog>
    }
}
