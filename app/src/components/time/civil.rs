//! A time as the clock on a wall shows it.

/// Year, month (1 to 12), day, weekday (0 is Sunday), hour, minute, second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub weekday: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl Civil {
    /// In UTC; `millis` since 1970.
    pub fn utc(millis: i64) -> Self {
        use chrono::{DateTime, Datelike, Timelike};
        let at = DateTime::from_timestamp_millis(millis).unwrap_or_default();
        Self {
            year: at.year(),
            month: at.month(),
            day: at.day(),
            weekday: at.weekday().num_days_from_sunday(),
            hour: at.hour(),
            minute: at.minute(),
            second: at.second(),
        }
    }

    /// In the browser's own zone.
    #[cfg(not(feature = "ssr"))]
    pub fn local(millis: i64) -> Self {
        let at = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(millis as f64));
        Self {
            year: at.get_full_year() as i32,
            month: at.get_month() + 1,
            day: at.get_date(),
            weekday: at.get_day(),
            hour: at.get_hours(),
            minute: at.get_minutes(),
            second: at.get_seconds(),
        }
    }

    /// In a zone, on the server.
    #[cfg(feature = "ssr")]
    pub fn in_zone(millis: i64, zone: &jiff::tz::TimeZone) -> Self {
        let Ok(at) = jiff::Timestamp::from_millisecond(millis) else {
            return Self::utc(millis);
        };
        let at = zone.to_datetime(at);
        Self {
            year: at.year().into(),
            month: at.month().unsigned_abs().into(),
            day: at.day().unsigned_abs().into(),
            weekday: at.weekday().to_sunday_zero_offset().unsigned_abs().into(),
            hour: at.hour().unsigned_abs().into(),
            minute: at.minute().unsigned_abs().into(),
            second: at.second().unsigned_abs().into(),
        }
    }

    pub fn same_day(&self, other: &Self) -> bool {
        (self.year, self.month, self.day) == (other.year, other.month, other.day)
    }

    /// `03:00`
    pub fn time(&self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// `03:00:07`
    pub fn time_seconds(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    /// `23 Jan`
    pub fn date(&self) -> String {
        format!("{} {}", self.day, MONTHS[(self.month as usize).clamp(1, 12) - 1])
    }

    /// `Fri`
    pub fn weekday(&self) -> &'static str {
        WEEKDAYS[self.weekday as usize % 7]
    }

    /// `2026-01-23T03:00`, as `<input type="datetime-local">` wants it.
    pub fn input(&self) -> String {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute
        )
    }
}
