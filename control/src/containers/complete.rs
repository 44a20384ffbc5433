//! Completion of selectors: keys, and the values that the fleet has now.

use super::fleet::State;
use crate::{Control, error::Result};
use domain::{
    auth::{Actor, Permission},
    selectors::{CompletionKind, Key, Suggestion, Suggestions, complete as at_cursor, quote},
};
use std::collections::HashMap;

/// How many choices are given.
const MOST: usize = 12;

/// What could be written at the byte `cursor` of a selector.
///
/// # Errors
/// 403.
pub async fn complete(control: &Control, actor: &Actor, text: &str, cursor: usize) -> Result<Suggestions> {
    actor.require(Permission::ContainersRead)?;
    let place = at_cursor(text, cursor);
    let prefix = place.prefix.to_lowercase();
    let items = control.fleet().read(|state| match &place.kind {
        CompletionKind::Key => {
            let mut items: Vec<Suggestion> = Key::ALL
                .into_iter()
                .filter(|key| key.as_str().starts_with(&prefix))
                .map(|key| Suggestion {
                    text: format!("{key}:"),
                    about: key.help().to_owned(),
                    more: true,
                })
                .collect();
            // A bare word looks for names; they are offered once something is typed.
            if !prefix.is_empty() {
                items.extend(values(state, actor, Key::Name, &prefix, "name:"));
            }
            items
        }
        CompletionKind::Value { key } => values(state, actor, *key, &prefix, ""),
        CompletionKind::LabelValue { label } => label_values(state, actor, label, &prefix),
        CompletionKind::Nothing => Vec::new(),
    });
    Ok(Suggestions {
        start: place.replace.start,
        end: place.replace.end,
        items: items.into_iter().take(MOST).collect(),
    })
}

fn values(state: &State, actor: &Actor, key: Key, prefix: &str, before: &str) -> Vec<Suggestion> {
    let mut found: HashMap<&str, u32> = HashMap::new();
    let mut owned: HashMap<String, u32> = HashMap::new();
    for host in state.hosts.values().filter(|host| host.org_id == actor.org_id) {
        for line in host.lines.values() {
            let facts = &line.facts;
            let mut one = |value: &'_ str| {
                if value.to_lowercase().starts_with(prefix) {
                    *owned.entry(value.to_owned()).or_default() += 1;
                }
            };
            match key {
                Key::Name => one(&facts.name),
                Key::Host => one(&line.host.name),
                Key::Stack => facts.stack().into_iter().for_each(one),
                Key::Service => facts.service().into_iter().for_each(one),
                Key::Image => one(&facts.image),
                Key::State => one(facts.state.as_str()),
                Key::Health => one(facts.health.map_or("none", domain::containers::Health::as_str)),
                Key::Tag => {
                    let marked = state.marks.get(&line.id);
                    marked
                        .iter()
                        .flat_map(|marked| &marked.tags)
                        .for_each(|tag| one(tag));
                }
                Key::Label => {
                    for label in facts.labels.keys().filter(|label| label.starts_with(prefix)) {
                        *found.entry(label).or_default() += 1;
                    }
                }
                Key::Container => one(&format!("{}/{}", line.host.name, facts.name)),
                Key::Port => facts
                    .ports
                    .iter()
                    .filter(|port| port.public > 0)
                    .for_each(|port| one(&port.public.to_string())),
                Key::Id => {}
            }
        }
    }
    for word in key.words().iter().filter(|word| word.starts_with(prefix)) {
        owned.entry((*word).to_owned()).or_default();
    }
    owned.extend(found.into_iter().map(|(label, count)| (label.to_owned(), count)));
    ranked(owned, before)
}

fn label_values(state: &State, actor: &Actor, label: &str, prefix: &str) -> Vec<Suggestion> {
    let mut found: HashMap<String, u32> = HashMap::new();
    let hosts = state.hosts.values().filter(|host| host.org_id == actor.org_id);
    for line in hosts.flat_map(|host| host.lines.values()) {
        if let Some(value) = line.facts.labels.get(label)
            && value.to_lowercase().starts_with(prefix)
        {
            *found.entry(format!("{label}={value}")).or_default() += 1;
        }
    }
    ranked(found, "")
}

/// The most frequent first, then by name.
fn ranked(found: HashMap<String, u32>, before: &str) -> Vec<Suggestion> {
    let mut all: Vec<(String, u32)> = found.into_iter().collect();
    all.sort_unstable_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
    all.into_iter()
        .take(MOST)
        .map(|(value, count)| Suggestion {
            text: format!("{before}{}", quote(&value)),
            about: match count {
                1 => "1 container".to_owned(),
                count => format!("{count} containers"),
            },
            more: false,
        })
        .collect()
}
