//! What a container sees of its host.

use super::{actions::MountForm, one::One};
use crate::{
    components::icon,
    schedules::editor::inputs::{Bound, Flag, check, said},
};
use leptos::prelude::*;

const FIELD: &str = "action.mounts";

/// A row for each mount, and a button for one more.
pub fn mounts(one: One) -> AnyView {
    let count = Memo::new(move |_| one.step.with(|step| step.action.mounts.len()));
    let fault = one.fault(FIELD);
    let change = move |index: usize, change: &dyn Fn(&mut MountForm)| {
        one.change(FIELD, |step| {
            if let Some(mount) = step.action.mounts.get_mut(index) {
                change(mount);
            }
        });
    };
    let get = move |index: usize| {
        one.step
            .with(|step| step.action.mounts.get(index).cloned())
            .unwrap_or_default()
    };
    let row = move |index: usize| {
        let bad = move || fault.get().map(|_| "true");
        let read_only = Flag {
            on: Signal::derive(move || get(index).read_only),
            set: Callback::new(move |on| change(index, &|mount| mount.read_only = on)),
        };
        view! {
            <li class="pair mount">
                <input
                    class="input mono"
                    id=one.id(&format!("mount-{index}"))
                    aria-label=format!("Mount {}, path of the host or volume", index + 1)
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder="/srv/data or a volume"
                    aria-invalid=bad
                    prop:value=move || get(index).source
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        change(index, &|mount| mount.source.clone_from(&text));
                    }
                />
                <input
                    class="input mono"
                    aria-label=format!("Mount {}, path in the container", index + 1)
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder="/data"
                    aria-invalid=bad
                    prop:value=move || get(index).target
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        change(index, &|mount| mount.target.clone_from(&text));
                    }
                />
                {check("Read only", "", read_only)}
                <button
                    class="icon-btn icon-btn-sm"
                    type="button"
                    aria-label=format!("Remove mount {}", index + 1)
                    on:click=move |_| {
                        one.change(FIELD, |step| {
                            if index < step.action.mounts.len() {
                                step.action.mounts.remove(index);
                            }
                        });
                    }
                >
                    {icon("x")}
                </button>
            </li>
        }
    };
    let add = move |_| {
        one.change(FIELD, |step| step.action.mounts.push(MountForm::default()));
        super::focus_soon(one.id(&format!("mount-{}", count.get_untracked().saturating_sub(1))));
    };
    let bound = Bound {
        value: Signal::stored(String::new()),
        set: Callback::new(|_| {}),
        fault,
    };
    view! {
        <div class="field" role="group" aria-label="Mounts">
            <Show when=move || { count.get() > 0 }>
                <span class="lbl" aria-hidden="true">"Mounts"</span>
                <ul class="pairs"><For each=move || 0..count.get() key=|index| *index children=row /></ul>
            </Show>
            {said(bound)}
            <div><button class="btn btn-sm btn-ghost" type="button" on:click=add>{icon("plus")}"Add a mount"</button></div>
        </div>
    }
    .into_any()
}
