//! The viewer's clock: what time it is, and in which zone times are shown.

use super::Civil;
use leptos::prelude::*;

/// Cheap to copy; in the context of every page.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<i64>,
    /// The zone's name; empty while it is not known, then UTC is shown and said.
    zone: RwSignal<String>,
    #[cfg(not(feature = "ssr"))]
    local: RwSignal<bool>,
    #[cfg(feature = "ssr")]
    table: StoredValue<jiff::tz::TimeZone>,
}

impl Clock {
    /// On the server: the zone comes from the cookie `tz`.
    #[cfg(feature = "ssr")]
    pub fn provide() -> Self {
        let wanted = crate::shell::cookie("tz").unwrap_or_default();
        let (zone, table) = match jiff::tz::TimeZone::get(&wanted) {
            Ok(table) if !wanted.is_empty() => (wanted, table),
            _ => (String::new(), jiff::tz::TimeZone::UTC),
        };
        let clock = Self {
            now: RwSignal::new(machine_now()),
            zone: RwSignal::new(zone),
            table: StoredValue::new(table),
        };
        provide_context(clock);
        clock
    }

    /// In the browser: begins with what the server showed, so that hydration agrees, then follows the machine.
    #[cfg(not(feature = "ssr"))]
    pub fn provide() -> Self {
        let root = document().document_element();
        let attribute = |name: &str| root.as_ref().and_then(|root| root.get_attribute(name));
        let shown = attribute("data-zone").unwrap_or_default();
        let own = own_zone();
        let clock = Self {
            now: RwSignal::new(
                attribute("data-now")
                    .and_then(|now| now.parse().ok())
                    .unwrap_or_else(machine_now),
            ),
            local: RwSignal::new(shown == own),
            zone: RwSignal::new(shown),
        };
        crate::hydration::when_done(move || {
            clock.now.set(machine_now());
            clock.local.set(true);
            if clock.zone.get_untracked() != own {
                clock.zone.set(own.clone());
                crate::shell::set_cookie("tz", &own);
            }
        });
        // Often enough for whole minutes; nothing on a page moves by itself more often than that.
        let _ = set_interval_with_handle(
            move || clock.now.set(machine_now()),
            std::time::Duration::from_secs(10),
        );
        provide_context(clock);
        clock
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Milliseconds since 1970, moving on every 10 s in the browser.
    pub fn now(&self) -> i64 {
        self.now.get()
    }

    /// Milliseconds since 1970, exactly and untracked.
    pub fn exact_now(&self) -> i64 {
        #[cfg(feature = "ssr")]
        return self.now.get_untracked();
        #[cfg(not(feature = "ssr"))]
        return machine_now();
    }

    /// The wall time of an instant in the viewer's zone.
    pub fn wall(&self, millis: i64) -> Civil {
        #[cfg(feature = "ssr")]
        return self.table.with_value(|table| Civil::in_zone(millis, table));
        #[cfg(not(feature = "ssr"))]
        return if self.local.get() {
            Civil::local(millis)
        } else {
            Civil::utc(millis)
        };
    }

    /// The zone's name, `UTC` while it is not known.
    pub fn zone(&self) -> String {
        self.zone.with(|zone| {
            if zone.is_empty() {
                "UTC".to_owned()
            } else {
                zone.clone()
            }
        })
    }

    /// `Lisbon` for `Europe/Lisbon`.
    pub fn city(&self) -> String {
        let zone = self.zone();
        zone.rsplit('/').next().unwrap_or(&zone).replace('_', " ")
    }
}

/// The machine's clock, in milliseconds since 1970.
pub fn machine_now() -> i64 {
    #[cfg(feature = "ssr")]
    return jiff::Timestamp::now().as_millisecond();
    #[cfg(not(feature = "ssr"))]
    return js_sys::Date::now() as i64;
}

/// The browser's zone by its IANA name.
#[cfg(not(feature = "ssr"))]
fn own_zone() -> String {
    let options =
        js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new()).resolved_options();
    js_sys::Reflect::get(&options, &"timeZone".into())
        .ok()
        .and_then(|zone| zone.as_string())
        .map(super::zone::current_name)
        .unwrap_or_default()
}

/// The clock in the top bar.
#[component]
pub fn TopClock() -> impl IntoView {
    let clock = Clock::get();
    view! {
        <div class="clock" title="Times are shown in your zone unless a zone is named">
            <time>{move || clock.wall(clock.now()).time()}</time>
            <span class="zone">{move || clock.city()}</span>
        </div>
    }
}
