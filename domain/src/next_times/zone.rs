use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::errors::Problem;

/// A time zone of the system's zone data, by its IANA name.
///
/// Cheap to clone. It keeps the rules it was made with, so a long-lived process makes it anew to follow updated zone data.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// The name is no time zone on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct ZoneError {
    pub message: String,
}

impl ZoneError {
    /// The error for the field `field` of a body: 422 `unknown_timezone`.
    pub fn problem(&self, field: &str) -> Problem {
        Problem::invalid("unknown_timezone", field, &self.message)
    }
}

impl Zone {
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }

    /// Looks the name up in the system's zone data, in any case; the zone keeps its official spelling.
    ///
    /// # Errors
    /// [`ZoneError`] when there is no such zone, or the name means something else on each machine (`localtime`).
    pub fn new(name: &str) -> Result<Self, ZoneError> {
        let trimmed = name.trim();
        let lower = trimmed.to_ascii_lowercase();
        if lower == "utc" {
            return Ok(Self::utc());
        }
        // right/ counts leap seconds, posix/ doubles every name, the others depend on the machine or mean nothing.
        let refused = lower.starts_with("right/")
            || lower.starts_with("posix/")
            || matches!(lower.as_str(), "localtime" | "posixrules" | "factory");
        let zone = if refused {
            None
        } else {
            TimeZone::get(trimmed).ok().filter(|zone| !zone.is_unknown())
        };
        let Some(zone) = zone else {
            return Err(unknown(trimmed));
        };
        let name = zone.iana_name().unwrap_or(trimmed).to_owned();
        Ok(Self { name, zone })
    }

    /// The IANA name, such as `Europe/Berlin`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names people choose from, sorted: `UTC` and all of the form `Area/City`.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .filter(|name| name == "UTC" || name.contains('/'))
            .filter(|name| {
                !["right/", "posix/", "Etc/", "SystemV/"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Seconds to add to UTC for the zone's wall clock at that instant.
    pub fn offset_seconds(&self, at: crate::Timestamp) -> i32 {
        jiff::Timestamp::from_second(at.timestamp())
            .map_or(0, |instant| self.zone.to_offset(instant).seconds())
    }

    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.zone
    }
}

fn unknown(name: &str) -> ZoneError {
    if name.is_empty() {
        return ZoneError {
            message: "The time zone is empty. Write an IANA name such as Europe/Berlin, or UTC.".to_owned(),
        };
    }
    let wanted = name.replace(' ', "_").to_ascii_lowercase();
    let city = wanted.rsplit('/').next().unwrap_or(&wanted).to_owned();
    let near = Zone::names()
        .into_iter()
        .find(|known| known.to_ascii_lowercase().rsplit('/').next() == Some(&city));
    let shown: String = name.chars().take(60).collect();
    let hint = near.map_or_else(
        || "Write an IANA name such as Europe/Berlin, or UTC.".to_owned(),
        |near| format!("Did you mean {near}?"),
    );
    ZoneError {
        message: format!("There is no time zone named {shown}. {hint}"),
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl std::hash::Hash for Zone {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        Self::new(name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
