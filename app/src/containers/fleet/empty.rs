//! Nothing to list: because the search finds nothing, because there are no containers, or because there is no host.

use super::{place::Place, reading::Reading};
use crate::components::{Empty, icon};
use leptos::prelude::*;

#[component]
pub fn NothingHere(place: Place, reading: Reading) -> impl IntoView {
    let kind = Memo::new(move |_| {
        let all = reading
            .with_part(|part| part.page.counts.total)
            .unwrap_or_default();
        let hosts = reading.hosts.with(|page| {
            page.as_ref()
                .and_then(|page| page.as_ref().ok())
                .map(|page| page.total)
        });
        match (all, hosts) {
            (1.., _) => Kind::Match,
            (0, Some(0)) => Kind::Host,
            _ => Kind::Container,
        }
    });
    view! {
        <div class="card">
            {move || match kind.get() {
                Kind::Match => no_match(place),
                Kind::Host => no_host(),
                Kind::Container => no_container(),
            }}
        </div>
    }
}

/// What there is none of.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Match,
    Host,
    Container,
}

fn no_match(place: Place) -> AnyView {
    view! {
        <Empty icon="search" title="No container matches">
            <p>"Nothing on any host fits " <code>{move || place.query()}</code> "."</p>
            <div class="row">
                <button class="btn btn-primary" type="button" on:click=move |_| place.search("")>"Clear the search"</button>
            </div>
        </Empty>
    }
    .into_any()
}

fn no_host() -> AnyView {
    view! {
        <Empty icon="server" title="Add the first host">
            <p>
                "Chrontainer found no container engine on this machine. Add one by its socket, or another machine's by its address."
            </p>
            <div class="row">
                <a class="btn btn-primary" href="/hosts">{icon("plus")} "Add host"</a>
            </div>
        </Empty>
    }
    .into_any()
}

fn no_container() -> AnyView {
    view! {
        <Empty icon="boxes" title="No containers yet">
            <p>"Containers appear here by themselves as soon as the engine has one, for example after:"</p>
            <p><code>"docker run -d --name web -p 8080:80 nginx"</code></p>
        </Empty>
    }
    .into_any()
}
