//! Host terms by id: what is stored names hosts so that renaming one moves nothing.

use super::pattern::Pattern;
use super::value::{HostOf, Matcher, Value};
use super::{About, Key, Selector, SelectorError};
use crate::ids::HostId;

impl Selector {
    /// The selector with the names of hosts replaced by their ids (`host:local` becomes `host:@<uuid>`), to be stored.
    /// Names with `*` stay: they are meant to follow the names.
    ///
    /// # Errors
    /// `unknown_host` at the first name for which `find` gives nothing.
    pub fn bind_hosts(mut self, find: impl Fn(&str) -> Option<HostId>) -> Result<Self, SelectorError> {
        for value in self.hosts_mut() {
            let (Matcher::Text(pattern) | Matcher::Container(HostOf::Name(pattern), _)) = &value.matcher
            else {
                continue;
            };
            let Some(name) = pattern.as_literal() else {
                continue;
            };
            let id = find(&name).ok_or_else(|| {
                let message =
                    format!("There is no host {name}. Check the name on the page of hosts, or use * in it.");
                SelectorError::new("unknown_host", value.span, message)
            })?;
            match &mut value.matcher {
                Matcher::Container(host, _) => *host = HostOf::Id(id),
                matcher => *matcher = Matcher::HostId(id),
            }
        }
        Ok(self)
    }

    /// The reverse of [`Self::bind_hosts`], to be shown. An id for which `name` gives nothing (the host is gone) stays.
    #[must_use]
    pub fn unbind_hosts(mut self, name: impl Fn(HostId) -> Option<String>) -> Self {
        for value in self.hosts_mut() {
            let Some(name) = host_id(value).and_then(&name) else {
                continue;
            };
            let name = Pattern::literal(&name);
            match &mut value.matcher {
                Matcher::Container(host, _) => *host = HostOf::Name(name),
                matcher => *matcher = Matcher::Text(name),
            }
        }
        self
    }

    /// The hosts that are named by id.
    pub fn host_ids(&self) -> impl Iterator<Item = HostId> {
        self.terms
            .iter()
            .flat_map(|term| &term.values)
            .filter_map(host_id)
    }

    /// The hosts that everything it fits is on, where it names them by id; nothing when any host may have some.
    pub fn only_on(&self) -> Option<Vec<HostId>> {
        self.all_of.iter().find_map(|group| {
            let terms = group.iter().filter_map(|at| self.terms.get(*at));
            terms
                .flat_map(|term| &term.values)
                .map(host_id)
                .collect::<Option<Vec<HostId>>>()
                .filter(|hosts| !hosts.is_empty())
        })
    }

    fn hosts_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.terms
            .iter_mut()
            .filter(|term| matches!(term.about, About::Key(Key::Host | Key::Container)))
            .flat_map(|term| &mut term.values)
    }
}

fn host_id(value: &Value) -> Option<HostId> {
    match value.matcher {
        Matcher::HostId(id) | Matcher::Container(HostOf::Id(id), _) => Some(id),
        _ => None,
    }
}
