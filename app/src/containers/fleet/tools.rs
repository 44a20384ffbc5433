//! How the list looks: its groups, and which columns it has.

use super::{place::Place, row};
use crate::components::{icon, menu};
use domain::{containers::Grouping, views::Column};
use leptos::{html, prelude::*};

/// Group and columns, beside the search.
#[component]
pub fn Tools(place: Place) -> impl IntoView {
    let grouping = Memo::new(move |_| place.get().group);
    let option = move |group: Grouping, name: &'static str| {
        view! {
            <option value=group.as_str() selected=move || grouping.get() == group>{name}</option>
        }
    };
    let choose = move |value: String| {
        if let Some(group) = Grouping::ALL.iter().find(|group| group.as_str() == value) {
            place.group(*group);
        }
    };
    view! {
        <div class="row tools">
            <label class="row sm muted" for="group">
                "Group"
                <select
                    class="input input-sm"
                    id="group"
                    prop:value=move || grouping.get().as_str()
                    on:change=move |event| choose(event_target_value(&event))
                >
                    {option(Grouping::None, "None")}
                    {option(Grouping::Host, "Host")}
                    {option(Grouping::Stack, "Stack")}
                    {option(Grouping::Tag, "Tag")}
                </select>
            </label>
            <Columns place />
        </div>
    }
}

/// The columns, each on or off.
#[component]
fn Columns(place: Place) -> impl IntoView {
    let (list, button) = (NodeRef::<html::Div>::new(), NodeRef::<html::Button>::new());
    let one = move |column: Column| {
        let (_, name) = row::column(column);
        view! {
            <label class="opt">
                <input
                    type="checkbox"
                    class="check"
                    prop:checked=move || place.columns.with(|columns| columns.contains(&column))
                    on:change=move |_| place.toggle_column(column)
                />
                {name}
            </label>
        }
    };
    view! {
        <button class="btn btn-sm cols" type="button" node_ref=button popovertarget="columns" aria-haspopup="dialog">
            {icon("layout-list")}
            "Columns"
        </button>
        <div
            class="menu"
            id="columns"
            popover="auto"
            role="group"
            aria-label="Columns"
            node_ref=list
            on:toggle=move |_| {
                menu::place_below(list, button);
            }
        >
            {Column::ALL.iter().map(|column| one(*column)).collect_view()}
        </div>
    }
}
