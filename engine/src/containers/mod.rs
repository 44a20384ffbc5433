//! Containers of one engine: list, inspect, and what can be done to them.

mod actions;
mod inspect;
mod labels;
mod list;

pub use actions::Outcome;

mod exec;
mod links;
mod once;
mod remove;

pub use exec::{ExecSpec, ExecState};
pub use links::Links;
pub use once::OnceSpec;

use crate::{client::Engine, error::EngineError, wire::decode};
use domain::containers::ContainerFacts;

/// The largest list of containers that is read, in bytes; ten thousand containers take about 20 MiB.
const LIST_LIMIT: usize = 64 * 1024 * 1024;
/// The largest description of one container that is read, in bytes.
const INSPECT_LIMIT: usize = 8 * 1024 * 1024;

impl Engine {
    /// All containers, running or not, by name. What only an inspect knows is `None`: the health check's
    /// output and the times of start and finish.
    ///
    /// # Errors
    /// Anything of [`EngineError`]; `TooLarge` beyond 64 MiB.
    pub async fn list(&self) -> Result<Vec<ContainerFacts>, EngineError> {
        const OPERATION: &str = "list the containers";
        self.ready().await?;
        let body = self
            .wire
            .get_bytes(
                OPERATION,
                "/containers/json?all=1",
                LIST_LIMIT,
                self.options().list,
            )
            .await?;
        list::read(OPERATION, &body)
    }

    /// Everything about one container, by id or name.
    ///
    /// # Errors
    /// `NotFound` when the engine does not know it, and anything else of [`EngineError`].
    pub async fn inspect(&self, id: &str) -> Result<ContainerFacts, EngineError> {
        Ok(self.inspect_raw(id).await?.into_facts())
    }

    async fn inspect_raw(&self, id: &str) -> Result<inspect::Inspected, EngineError> {
        const OPERATION: &str = "describe the container";
        check_id(id)?;
        self.ready().await?;
        let body = self
            .wire
            .get_bytes(
                OPERATION,
                &format!("/containers/{id}/json"),
                INSPECT_LIMIT,
                self.options().deadline,
            )
            .await?;
        decode(OPERATION, &body)
    }
}

/// Only what engines allow in names and ids may become a part of a request's path.
pub(crate) fn check_id(id: &str) -> Result<(), EngineError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let sound = !id.is_empty() && id.len() <= 255 && id.bytes().all(allowed) && !id.starts_with('.');
    if sound {
        Ok(())
    } else {
        Err(EngineError::BadId {
            id: id.chars().take(64).collect(),
        })
    }
}

/// An engine's time; the zero time (year 1) that Go writes for "never" is none.
fn moment(text: &str) -> Option<domain::Timestamp> {
    if text.is_empty() || text.starts_with("0001-") {
        return None;
    }
    chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
}

/// Ports in one order and without repetition, so that two answers can be compared.
fn in_order(mut ports: Vec<domain::containers::Port>) -> Vec<domain::containers::Port> {
    ports.sort();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_their_place_in_the_path() {
        for bad in [
            "",
            "../info",
            "a/b",
            "a?b",
            "a%2fb",
            "ä",
            ".",
            "a b",
            &"x".repeat(256),
        ] {
            assert_eq!(check_id(bad).expect_err(bad).code(), "container_id_invalid");
        }
        assert!(check_id("web-1.2_x").is_ok());
    }

    #[test]
    fn the_zero_time_is_no_time() {
        assert_eq!(moment("0001-01-01T00:00:00Z"), None);
        assert_eq!(moment("soon"), None);
        let time = moment("2026-11-22T14:10:57.202251531+01:00").expect("a time");
        assert_eq!(time.to_rfc3339(), "2026-11-22T13:10:57.202251531+00:00");
    }
}
