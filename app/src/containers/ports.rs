//! Published ports as links.

use super::words::{port_href, ports};
use domain::{containers::Container, hosts::Host, ids::HostId};
use leptos::prelude::*;
use std::collections::HashMap;

/// How many ports a row shows.
const SHOWN: usize = 2;

/// Where hosts are reached from this browser, by id; in the context of pages that show ports.
#[derive(Clone, Copy)]
pub struct Addresses {
    page: StoredValue<String>,
    hosts: RwSignal<HashMap<HostId, String>>,
}

impl Addresses {
    pub fn provide() -> Self {
        let addresses = Self {
            page: StoredValue::new(page_host()),
            hosts: RwSignal::new(HashMap::new()),
        };
        provide_context(addresses);
        addresses
    }

    /// Takes the hosts as they were read.
    pub fn learn(&self, hosts: &[Host]) {
        let known = hosts
            .iter()
            .filter_map(|host| Some((host.id, host.address.clone().or_else(|| remote(&host.url))?)))
            .collect();
        self.hosts.set(known);
    }

    /// An engine behind a socket is on the machine that sent this page.
    fn of(&self, host: HostId) -> String {
        self.hosts
            .with(|hosts| hosts.get(&host).cloned())
            .unwrap_or_else(|| self.page.get_value())
    }
}

/// The host's name in `tcp://nas:2375`; IPv6 keeps its brackets.
fn remote(url: &str) -> Option<String> {
    let rest = url
        .strip_prefix("tcp://")
        .or_else(|| url.strip_prefix("ssh://"))?;
    let authority = rest.split('/').next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host.to_owned(),
        _ => authority.to_owned(),
    })
}

#[cfg(feature = "ssr")]
fn page_host() -> String {
    use_context::<http::request::Parts>()
        .and_then(|request| {
            let host = request.headers.get(http::header::HOST)?.to_str().ok()?.to_owned();
            remote(&format!("tcp://{host}"))
        })
        .unwrap_or_default()
}

#[cfg(not(feature = "ssr"))]
fn page_host() -> String {
    window().location().hostname().unwrap_or_default()
}

/// The ports of a container; `all` of them, or as many as fit a row.
pub fn port_links(container: &Container, all: bool) -> AnyView {
    let addresses: Addresses = expect_context();
    let list = ports(container);
    if list.is_empty() {
        return view! { <span class="faint">"None"</span> }.into_any();
    }
    let host = addresses.of(container.host.id);
    let shown = if all { list.len() } else { SHOWN };
    let rest = list.len().saturating_sub(shown);
    let link = |port: &&domain::containers::Port| {
        let text = match port.protocol.as_str() {
            "tcp" => port.public.to_string(),
            other => format!("{}/{other}", port.public),
        };
        match port_href(port, &host) {
            Some(href) => {
                let label = format!("Open {} on port {text}", container.name);
                view! { <a class="port" href=href target="_blank" rel="noreferrer" aria-label=label>{text}</a> }.into_any()
            }
            None => view! { <span class="mono sm muted">{text}</span> }.into_any(),
        }
    };
    view! {
        <div class="row ports">
            {list.iter().take(shown).map(link).collect_view()}
            {(rest > 0).then(|| view! { <span class="faint sm">"+"{rest}</span> })}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::remote;

    #[test]
    fn a_remote_engine_says_where_its_ports_are() {
        assert_eq!(remote("tcp://nas:2375").as_deref(), Some("nas"));
        assert_eq!(remote("tcp://[fd00::1]:2375").as_deref(), Some("[fd00::1]"));
        assert_eq!(remote("tcp://nas").as_deref(), Some("nas"));
        assert_eq!(remote("ssh://pi@nas:22/run/docker.sock").as_deref(), Some("nas"));
        assert_eq!(remote("unix:///var/run/docker.sock"), None);
    }
}
