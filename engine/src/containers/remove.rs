//! Killing and removing a container.

use super::{Outcome, check_id};
use crate::{client::Engine, error::EngineError};
use domain::containers::ContainerState;
use http::Method;

/// What an answer without content may hold at most.
const NOTHING: usize = 64 * 1024;

impl Engine {
    /// Sends a signal to a container's main process; `AlreadySo` when `SIGKILL` finds it stopped.
    ///
    /// # Errors
    /// Any of [`EngineError`]; ask `outcome_unknown()` whether it may have happened all the same.
    pub async fn kill(&self, id: &str, signal: &str) -> Result<Outcome, EngineError> {
        const OPERATION: &str = "send the signal";
        check_id(id)?;
        self.ready().await?;
        // Only letters, digits, plus and minus come here; a plus would be read as a space.
        let signal = signal.replace('+', "%2B");
        let request = self.wire.order(
            Method::POST,
            &format!("/containers/{id}/kill?signal={signal}"),
            None,
        )?;
        let result = self
            .wire
            .ordered(OPERATION, request, NOTHING, self.options().action)
            .await
            .map(|_| Outcome::Done);
        if matches!(signal.as_str(), "SIGKILL" | "9") {
            return self.unless_already(id, ContainerState::Exited, result).await;
        }
        result
    }

    /// Removes a container, with its anonymous volumes if `volumes`, and also while it runs if `force`; `AlreadySo` when
    /// there is none.
    ///
    /// # Errors
    /// Any of [`EngineError`]; ask `outcome_unknown()` whether it may have happened all the same.
    pub async fn remove(&self, id: &str, force: bool, volumes: bool) -> Result<Outcome, EngineError> {
        const OPERATION: &str = "remove the container";
        check_id(id)?;
        self.ready().await?;
        let request = self.wire.order(
            Method::DELETE,
            &format!(
                "/containers/{id}?force={}&v={}",
                u8::from(force),
                u8::from(volumes)
            ),
            None,
        )?;
        match self
            .wire
            .ordered(OPERATION, request, NOTHING, self.options().action)
            .await
        {
            Ok(_) => Ok(Outcome::Done),
            Err(EngineError::NotFound { .. }) => Ok(Outcome::AlreadySo),
            Err(error) => Err(error),
        }
    }
}
