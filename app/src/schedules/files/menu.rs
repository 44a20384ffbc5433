//! The actions in the head of the list.

use super::{api, calendar::CalendarDialog, copy, import::ImportDialog, templates::TemplatesDialog};
use crate::components::{
    dialog, icon,
    menu::{MenuItem, RowMenu},
    toast::Toasts,
};
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn HeadActions() -> impl IntoView {
    let toasts = Toasts::get();
    let nodes: [NodeRef<html::Dialog>; 3] = std::array::from_fn(|_| NodeRef::new());
    let [templates, import, calendar] = nodes;
    let open = move |node| Callback::new(move |()| dialog::open(node));
    let opened = RwSignal::new(0_u32);
    let open_calendar = Callback::new(move |()| {
        opened.update(|opened| *opened += 1);
        dialog::open(calendar);
    });
    let copy_all = move |json: bool| {
        Callback::new(move |()| {
            spawn_local(async move {
                match api::export(String::new(), json).await {
                    Ok(text) if copy(&text).await => {
                        toasts.say(
                            "copy",
                            format!("Copied all schedules as {}", if json { "JSON" } else { "YAML" }),
                        );
                    }
                    Ok(_) => {
                        toasts.bad("The browser does not let a page without TLS copy. Export a file instead.")
                    }
                    Err(error) => toasts.bad(error.0.message),
                }
            });
        })
    };
    view! {
        <button class="btn hide-s" type="button" on:click=move |_| dialog::open(templates)>{icon("layout-list")}"Templates"</button>
        <RowMenu id="schedules-more" label=Signal::stored("schedules".to_owned())>
            <MenuItem icon="layout-list" text="Templates" run=open(templates) />
            <MenuItem icon="archive" text="Import a file" run=open(import) />
            <a role="menuitem" tabindex="-1" href="/api/v1/schedules/export" download="schedules.yaml" rel="external">
                {icon("download")}
                "Export all as YAML"
            </a>
            <a role="menuitem" tabindex="-1" href="/api/v1/schedules/export?format=json" download="schedules.json" rel="external">
                {icon("download")}
                "Export all as JSON"
            </a>
            <MenuItem icon="copy" text="Copy all as YAML" run=copy_all(false) />
            <MenuItem icon="copy" text="Copy all as JSON" run=copy_all(true) />
            <hr />
            <a role="menuitem" tabindex="-1" href="/schedules/blackouts">{icon("moon-star")}"Blackouts"</a>
            <MenuItem icon="calendar-clock" text="Subscribe in a calendar" run=open_calendar />
        </RowMenu>
        <TemplatesDialog node=templates />
        <ImportDialog node=import />
        <CalendarDialog node=calendar opened />
    }
}
