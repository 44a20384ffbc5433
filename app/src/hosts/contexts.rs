//! Adding hosts out of docker contexts: the server's own, or an export that is chosen here.

use super::{acts::Acts, api};
use crate::components::{
    Failure, FailureNote,
    dialog::{self, Dialog},
    icon, skeleton,
    toast::Toasts,
};
use domain::hosts::{ContextImport, ImportOutcome, ImportedContext};
use leptos::{ev, html, prelude::*, task::spawn_local};
use std::collections::HashSet;
use wasm_bindgen::JsCast;

#[component]
pub fn ContextsDialog(node: NodeRef<html::Dialog>, opened: RwSignal<u32>, acts: Acts) -> impl IntoView {
    let toasts = Toasts::get();
    // The chosen export; without one the server's own contexts are shown.
    let export = RwSignal::new(None::<String>);
    let chosen = RwSignal::new(HashSet::<String>::new());
    let results = RwSignal::new(Vec::<ImportedContext>::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let found = LocalResource::new(move || {
        let (asked, export) = (opened.get(), export.get());
        async move {
            if asked == 0 {
                return Ok(Vec::new());
            }
            let look = ContextImport {
                export,
                dry_run: true,
                ..ContextImport::default()
            };
            api::import_contexts(look).await
        }
    });
    Effect::new(move |_| {
        if opened.get() > 0 {
            export.set(None);
            chosen.set(HashSet::new());
            results.set(Vec::new());
            fault.set(None);
        }
    });
    let add = move |_| {
        busy.set(true);
        fault.set(None);
        let import = ContextImport {
            export: export.get_untracked(),
            names: Some(chosen.get_untracked().into_iter().collect()),
            dry_run: false,
        };
        spawn_local(async move {
            let answer = api::import_contexts(import).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(list) => {
                    let added = list
                        .iter()
                        .filter(|one| one.outcome == ImportOutcome::Added)
                        .count();
                    if added > 0 {
                        toasts.say("server", format!("Added {added} of {}", list.len()));
                    }
                    if added == list.len() {
                        dialog::close(node);
                    }
                    results.set(list);
                    chosen.set(HashSet::new());
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let upload = move |event: ev::Event| {
        let input = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        let Some(file) = input
            .as_ref()
            .and_then(|input| input.files())
            .and_then(|files| files.get(0))
        else {
            return;
        };
        let bytes = file.array_buffer();
        spawn_local(async move {
            if let Ok(buffer) = wasm_bindgen_futures::JsFuture::from(bytes).await {
                let _ = export.try_set(Some(base64(&js_sys::Uint8Array::new(&buffer).to_vec())));
                let _ = chosen.try_set(HashSet::new());
            }
            if let Some(input) = input {
                input.set_value("");
            }
        });
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Close"</button>
            <button
                class="btn btn-primary"
                type="button"
                aria-busy=move || busy.get().to_string()
                disabled=move || busy.get() || chosen.with(HashSet::is_empty) || !acts.manages.get()
                on:click=add
            >
                {move || match chosen.with(HashSet::len) {
                    0 | 1 => "Add host".to_owned(),
                    many => format!("Add {many} hosts"),
                }}
            </button>
        }
    };
    let again = Callback::new(move |()| opened.update(|opened| *opened += 1));
    let line = move |context: ImportedContext| one(context, chosen, results);
    view! {
        <Dialog node id="contexts-dialog" title="Add from docker contexts" foot>
            <p class="muted">
                {move || if export.with(Option::is_some) {
                    "The context of the chosen file. An SSH host shows its key on its card, and waits there until you confirm it."
                } else {
                    "These are the contexts of the account that the server runs as. An SSH host shows its key on its card, and waits there until you confirm it."
                }}
            </p>
            {move || fault.get().map(|message| view! { <FailureNote message=message /> })}
            <div class="row pem">
                <label class="btn btn-sm" for="context-file">{icon("download")}"Choose an export"</label>
                <input class="vh" type="file" id="context-file" aria-label="Export of a docker context" on:change=upload />
                <span class="hint">"Made with "<code>"docker context export NAME"</code></span>
            </div>
            {move || match found.get() {
                None => skeleton::lines(2),
                Some(Err(error)) => view! { <Failure error retry=again /> }.into_any(),
                Some(Ok(list)) if list.is_empty() => view! {
                    <p class="muted">"There are no contexts there. Choose an export, or add the host by its address."</p>
                }.into_any(),
                Some(Ok(list)) => view! { <ul class="tst">{list.into_iter().map(line).collect_view()}</ul> }.into_any(),
            }}
        </Dialog>
    }
}

fn one(
    context: ImportedContext,
    chosen: RwSignal<HashSet<String>>,
    results: RwSignal<Vec<ImportedContext>>,
) -> AnyView {
    let usable = context.outcome != ImportOutcome::Failed;
    let (name, key, wanted) = (context.name.clone(), context.name.clone(), context.name.clone());
    let of = context.name.clone();
    let result = move || results.with(|list| list.iter().find(|one| one.name == of).cloned());
    let done = result.clone();
    let toggle = move |event: ev::Event| {
        let on = event_target_checked(&event);
        chosen.update(|chosen| {
            if on {
                chosen.insert(key.clone());
            } else {
                chosen.remove(&key);
            }
        });
    };
    let why = context.message.clone();
    view! {
        <li>
            <input
                type="checkbox"
                class="check"
                aria-label=format!("Add {}", context.name)
                disabled=move || !usable || done().is_some_and(|one| one.outcome == ImportOutcome::Added)
                prop:checked=move || chosen.with(|chosen| chosen.contains(&wanted))
                on:change=toggle
            />
            <div class="stack">
                <span><b>{name}</b>" "<code>{context.url}</code></span>
                {(!context.description.is_empty()).then(|| view! { <span class="muted sm">{context.description}</span> })}
                {why.map(|why| view! { <span class="field-err">{icon("circle-alert")}<span>{why}</span></span> })}
            </div>
            <small>{move || result().map(|one| match one.outcome {
                ImportOutcome::Added => "Added".to_owned(),
                ImportOutcome::Known => "Here already".to_owned(),
                _ => one.message.unwrap_or_else(|| "Not added".to_owned()),
            })}</small>
        </li>
    }
    .into_any()
}

/// Base64 (RFC 4648), which is what JSON can carry.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let byte = |at: usize| u32::from(part.get(at).copied().unwrap_or_default());
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sign = SIGNS
                .get((all >> (18 - 6 * at) & 63) as usize)
                .copied()
                .unwrap_or(b'A');
            out.push(if at > part.len() { '=' } else { sign as char });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_as_everybody_writes_it() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
