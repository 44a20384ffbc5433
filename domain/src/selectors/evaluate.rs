//! Does a container fit?

use super::value::{HostOf, Matcher, Value};
use super::{About, Key, Selector, Term};
use crate::containers::{ContainerState, Health};
use crate::ids::{ContainerId, HostId};

/// A container, seen by a selector.
pub trait SelectorSubject {
    fn id(&self) -> ContainerId;
    /// The engine's own id, in lower case.
    fn engine_id(&self) -> &str;
    fn name(&self) -> &str;
    fn host_id(&self) -> HostId;
    fn host_name(&self) -> &str;
    fn stack(&self) -> Option<&str>;
    fn service(&self) -> Option<&str>;
    /// The image as the container names it (`nginx:1.27`).
    fn image(&self) -> &str;
    fn state(&self) -> ContainerState;
    fn health(&self) -> Option<Health>;
    fn label(&self, key: &str) -> Option<&str>;
    fn tags(&self) -> &[String];
    /// Whether that port of the host leads to it.
    fn has_port(&self, port: u16) -> bool;
}

impl Selector {
    /// Whether the selector picks this container. Allocates nothing for ASCII texts.
    pub fn matches(&self, subject: &impl SelectorSubject) -> bool {
        let holds = |at: &usize| self.terms.get(*at).is_some_and(|term| term.holds(subject));
        self.all_of.iter().all(|group| group.iter().any(holds)) && !self.none_of.iter().any(holds)
    }
}

impl Term {
    fn holds(&self, subject: &impl SelectorSubject) -> bool {
        match self.about {
            About::Everything => true,
            About::Word => self.values.iter().any(|value| match &value.matcher {
                Matcher::Text(word) => word.occurs_in(subject.name()),
                _ => false,
            }),
            About::Key(key) => self.values.iter().any(|value| value.fits(key, subject)),
        }
    }
}

impl Value {
    fn fits(&self, key: Key, subject: &impl SelectorSubject) -> bool {
        match &self.matcher {
            Matcher::HostId(id) => subject.host_id() == *id,
            Matcher::State(state) => subject.state() == *state,
            Matcher::Health(health) => subject.health() == *health,
            Matcher::Label(label, None) => subject.label(label).is_some(),
            Matcher::Label(label, Some(value)) => {
                subject.label(label).is_some_and(|text| value.matches(text))
            }
            Matcher::Id(id) => subject.id() == *id,
            Matcher::EngineId(start) => subject
                .engine_id()
                .get(..start.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(start)),
            Matcher::Port(port) => subject.has_port(*port),
            Matcher::Container(HostOf::Id(host), name) => {
                subject.host_id() == *host && subject.name() == name
            }
            Matcher::Container(HostOf::Name(host), name) => {
                host.matches(subject.host_name()) && subject.name() == name
            }
            Matcher::Text(pattern) => match key {
                Key::Name => pattern.matches(subject.name()),
                Key::Host => pattern.matches(subject.host_name()),
                Key::Stack => subject.stack().is_some_and(|stack| pattern.matches(stack)),
                Key::Service => subject.service().is_some_and(|service| pattern.matches(service)),
                Key::Image => {
                    let image = subject.image();
                    pattern.matches(image) || (!pattern.has_star() && pattern.matches(without_tag(image)))
                }
                Key::State => pattern.matches(subject.state().as_str()),
                Key::Health => pattern.matches(subject.health().map_or("none", Health::as_str)),
                Key::Tag => subject.tags().iter().any(|tag| pattern.matches(tag)),
                Key::Id => pattern.matches(subject.engine_id()) || pattern.matches(&subject.id().to_string()),
                // Their values are never plain texts.
                Key::Label | Key::Port | Key::Container => false,
            },
        }
    }
}

/// `registry:5000/nginx:1.27@sha256:…` is `registry:5000/nginx`.
fn without_tag(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}
