//! Wall time in any zone, without zone data of our own: jiff on the server, Intl in the browser.

use crate::components::time::Civil;

/// What the clock in `zone` shows at an instant (milliseconds since 1970); UTC's where the zone is unknown.
pub fn wall_in(zone: &str, millis: i64) -> Civil {
    known(zone, millis).unwrap_or_else(|| Civil::utc(millis))
}

/// The instant at which the clock in `zone` shows `text` (`2026-12-01T03:00`). A time that the clock shows twice is the
/// first of the two; one that it skips is as far after the gap as it is after the gap's beginning.
pub fn instant_in(zone: &str, text: &str) -> Option<i64> {
    let utc = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
        .ok()?
        .and_utc()
        .timestamp_millis();
    let offset = |at: i64| Some(as_utc(&known(zone, at)?)? - at);
    // The offsets a day before and after are the only ones that can hold at that time.
    const DAY: i64 = 86_400_000;
    let (before, after) = (offset(utc - DAY)?, offset(utc + DAY)?);
    if offset(utc - before)? == before {
        Some(utc - before)
    } else if offset(utc - after)? == after {
        Some(utc - after)
    } else {
        Some(utc - before)
    }
}

fn as_utc(civil: &Civil) -> Option<i64> {
    let date = chrono::NaiveDate::from_ymd_opt(civil.year, civil.month, civil.day)?;
    Some(
        date.and_hms_opt(civil.hour, civil.minute, civil.second)?
            .and_utc()
            .timestamp_millis(),
    )
}

#[cfg(feature = "ssr")]
fn known(zone: &str, millis: i64) -> Option<Civil> {
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    Some(Civil::in_zone(millis, &zone))
}

#[cfg(not(feature = "ssr"))]
fn known(zone: &str, millis: i64) -> Option<Civil> {
    use wasm_bindgen::{JsCast, JsValue};
    let options = js_sys::Object::new();
    for (name, value) in [
        ("timeZone", zone),
        ("hourCycle", "h23"),
        ("year", "numeric"),
        ("month", "numeric"),
        ("day", "numeric"),
        ("hour", "numeric"),
        ("minute", "numeric"),
        ("second", "numeric"),
    ] {
        js_sys::Reflect::set(&options, &name.into(), &value.into()).ok()?;
    }
    // The constructor throws for an unknown zone, so it is called where that can be caught.
    let intl = js_sys::Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
    let constructor: js_sys::Function = js_sys::Reflect::get(&intl, &"DateTimeFormat".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let arguments = js_sys::Array::of2(&"en-US".into(), &options);
    let format: js_sys::Intl::DateTimeFormat = js_sys::Reflect::construct(&constructor, &arguments)
        .ok()?
        .unchecked_into();
    let parts = format.format_to_parts(&js_sys::Date::new(&JsValue::from_f64(millis as f64)));
    let part = |wanted: &str| -> Option<i32> {
        parts.iter().find_map(|part| {
            let text = |name: &str| js_sys::Reflect::get(&part, &name.into()).ok()?.as_string();
            (text("type")? == wanted).then(|| text("value"))??.parse().ok()
        })
    };
    let date = chrono::NaiveDate::from_ymd_opt(part("year")?, part("month")? as u32, part("day")? as u32)?;
    Some(Civil {
        weekday: chrono::Datelike::weekday(&date).num_days_from_sunday(),
        year: part("year")?,
        month: part("month")? as u32,
        day: part("day")? as u32,
        hour: part("hour")? as u32,
        minute: part("minute")? as u32,
        second: part("second")? as u32,
    })
}

/// Every zone the browser knows, by IANA name; nothing on the server.
pub fn zones() -> Vec<String> {
    #[cfg(not(feature = "ssr"))]
    {
        use wasm_bindgen::JsCast;
        let list = || -> Option<Vec<String>> {
            let intl = js_sys::Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
            let all = js_sys::Reflect::get(&intl, &"supportedValuesOf".into()).ok()?;
            let all: js_sys::Function = all.dyn_into().ok()?;
            let zones: js_sys::Array = all.call1(&intl, &"timeZone".into()).ok()?.dyn_into().ok()?;
            let names = zones.iter().filter_map(|zone| zone.as_string());
            Some(names.map(crate::components::time::current_name).collect())
        };
        let mut zones = list().unwrap_or_default();
        // Browsers leave it out of their list.
        if !zones.is_empty() && !zones.iter().any(|zone| zone == "UTC") {
            zones.insert(0, "UTC".to_owned());
        }
        zones
    }
    #[cfg(feature = "ssr")]
    Vec::new()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn wall_time_and_instant_belong_together() {
        let at = instant_in("Europe/Berlin", "2026-12-01T03:00").unwrap();
        assert_eq!(at, 1_796_090_400_000); // 2026-12-01T02:00:00Z
        assert_eq!(wall_in("Europe/Berlin", at).input(), "2026-12-01T03:00");
        assert_eq!(instant_in("No/Where", "2026-12-01T03:00"), None);
        assert_eq!(instant_in("UTC", "tomorrow"), None);
    }

    #[test]
    fn clock_changes_have_one_answer() {
        // 2026-10-25: 03:00 CEST becomes 02:00 CET, so 02:30 is shown twice; the first is meant.
        assert_eq!(
            instant_in("Europe/Berlin", "2026-10-25T02:30"),
            Some(1_792_888_200_000)
        );
        // 2026-03-29: 02:00 CET becomes 03:00 CEST, so 02:30 does not exist.
        let at = instant_in("Europe/Berlin", "2026-03-29T02:30").unwrap();
        assert_eq!(wall_in("Europe/Berlin", at).input(), "2026-03-29T03:30");
    }
}
