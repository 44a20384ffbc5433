//! Live changes: the server's events, handed to whatever on the page wants them.
//!
//! One stream per browser (`live.js`). A page that was away is told so and reads its lists again; it never trusts a
//! list that it could not follow.

#[cfg(not(feature = "ssr"))]
mod source;

use domain::events::Event;
use leptos::prelude::*;

/// How the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not known yet: nothing is said about it.
    Starting,
    Up,
    Down,
}

type Listener = std::rc::Rc<dyn Fn(&Event)>;

/// The stream; in the context of every page.
#[derive(Clone, Copy)]
pub struct Live {
    link: RwSignal<Link>,
    /// Counts what was missed: everything that was read before is to be read again.
    gaps: RwSignal<u32>,
    listeners: StoredValue<Vec<(u32, Listener)>, LocalStorage>,
    last: StoredValue<u32>,
}

impl Live {
    /// Puts the stream into the context, and in the browser opens it.
    pub fn provide() -> Self {
        let live = Self {
            link: RwSignal::new(Link::Starting),
            gaps: RwSignal::new(0),
            listeners: StoredValue::new_local(Vec::new()),
            last: StoredValue::new(0),
        };
        provide_context(live);
        #[cfg(not(feature = "ssr"))]
        crate::hydration::when_done(move || source::open(live));
        live
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// How the stream is.
    pub fn link(&self) -> Link {
        self.link.get()
    }

    /// Changes when events may have been missed; a resource that reads it is read again.
    pub fn gaps(&self) -> u32 {
        self.gaps.get()
    }

    /// Calls `listener` for every event until its owner is gone. Does nothing on the server.
    pub fn listen(&self, listener: impl Fn(&Event) + 'static) {
        if cfg!(feature = "ssr") {
            return;
        }
        let id = self.last.with_value(|last| last + 1);
        self.last.set_value(id);
        self.listeners
            .update_value(|list| list.push((id, std::rc::Rc::new(listener))));
        let listeners = self.listeners;
        on_cleanup(move || {
            listeners.try_update_value(|list| list.retain(|(other, _)| *other != id));
        });
    }

    /// Asks for a new connection now.
    pub fn retry(&self) {
        #[cfg(not(feature = "ssr"))]
        source::retry();
    }

    #[cfg(not(feature = "ssr"))]
    fn link_is(&self, link: Link) {
        if self.link.get_untracked() != link {
            self.link.set(link);
            // Whatever happened before the stream was there was missed; few events can be had again.
            if link == Link::Up {
                self.gaps.update(|gaps| *gaps += 1);
            }
        }
    }

    #[cfg(not(feature = "ssr"))]
    fn hear(&self, event: &Event) {
        if matches!(event, Event::Reset { .. }) {
            self.gaps.update(|gaps| *gaps += 1);
        }
        // A listener may add or remove others.
        let listeners = self.listeners.with_value(Vec::clone);
        for (_, listener) in listeners {
            listener(event);
        }
    }
}
