//! What can be done to a container. bollard builds these requests; they travel through our own wire, so that
//! deadlines, errors and the difference between "done" and "already so" are ours.

use super::check_id;
use crate::{
    client::{Engine, version::ApiVersion},
    error::EngineError,
    wire::{Wire, within},
};
use bollard::{
    BollardRequest, ClientVersion, Docker,
    query_parameters::{RestartContainerOptionsBuilder, StopContainerOptionsBuilder},
};
use domain::containers::ContainerState;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// What came of an action that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The engine did it.
    Done,
    /// There was nothing to do: the container was in that state already.
    AlreadySo,
}

/// The longest an action waits for a container that its own setting allows to stop for ever.
const ENDLESS_GRACE: Duration = Duration::from_secs(3600);

impl Engine {
    /// Starts a container; `AlreadySo` when it runs.
    ///
    /// # Errors
    /// Any of [`EngineError`]; ask `outcome_unknown()` whether it may have happened all the same.
    pub async fn start(&self, id: &str) -> Result<Outcome, EngineError> {
        let deadline = self.options().action;
        self.act("start the container", id, deadline, |docker, id| async move {
            docker.start_container(&id, None).await
        })
        .await
    }

    /// Stops a container; `AlreadySo` when it does not run. The engine kills it after `grace` (rounded up to
    /// seconds; the container's own setting when `None`), and the deadline grows by that time.
    pub async fn stop(&self, id: &str, grace: Option<Duration>) -> Result<Outcome, EngineError> {
        let deadline = self.deadline_with(id, grace).await?;
        let options = StopContainerOptionsBuilder::default();
        let options = grace.map(|grace| options.t(seconds_up(grace)).build());
        self.act("stop the container", id, deadline, |docker, id| async move {
            docker.stop_container(&id, options).await
        })
        .await
    }

    /// Stops a container as [`Engine::stop`] does and starts it again; a stopped one is started.
    pub async fn restart(&self, id: &str, grace: Option<Duration>) -> Result<Outcome, EngineError> {
        let deadline = self.deadline_with(id, grace).await?;
        let options = RestartContainerOptionsBuilder::default();
        let options = grace.map(|grace| options.t(seconds_up(grace)).build());
        self.act("restart the container", id, deadline, |docker, id| async move {
            docker.restart_container(&id, options).await
        })
        .await
    }

    /// Freezes a container's processes; `AlreadySo` when it is paused.
    pub async fn pause(&self, id: &str) -> Result<Outcome, EngineError> {
        let deadline = self.options().action;
        let result = self
            .act("pause the container", id, deadline, |docker, id| async move {
                docker.pause_container(&id).await
            })
            .await;
        self.unless_already(id, ContainerState::Paused, result).await
    }

    /// Lets a paused container's processes go on; `AlreadySo` when it runs.
    pub async fn unpause(&self, id: &str) -> Result<Outcome, EngineError> {
        let deadline = self.options().action;
        let result = self
            .act("unpause the container", id, deadline, |docker, id| async move {
                docker.unpause_container(&id).await
            })
            .await;
        self.unless_already(id, ContainerState::Running, result).await
    }

    /// Engines refuse to pause what is paused, each in its own words; its state says what the words mean.
    pub(super) async fn unless_already(
        &self,
        id: &str,
        wanted: ContainerState,
        result: Result<Outcome, EngineError>,
    ) -> Result<Outcome, EngineError> {
        match result {
            Err(EngineError::Refused { .. } | EngineError::Conflict { .. })
                if self
                    .inspect_raw(id)
                    .await
                    .is_ok_and(|found| found.state() == wanted) =>
            {
                Ok(Outcome::AlreadySo)
            }
            other => other,
        }
    }

    /// An action's deadline with the time the engine may wait for the container to end by itself.
    async fn deadline_with(&self, id: &str, grace: Option<Duration>) -> Result<Duration, EngineError> {
        let grace = match grace {
            Some(grace) => grace,
            None => self.inspect_raw(id).await?.own_grace().unwrap_or(ENDLESS_GRACE),
        };
        Ok(self.options().action.saturating_add(grace.min(ENDLESS_GRACE)))
    }

    async fn act<F>(
        &self,
        operation: &'static str,
        id: &str,
        deadline: Duration,
        call: impl FnOnce(Docker, String) -> F,
    ) -> Result<Outcome, EngineError>
    where
        F: Future<Output = Result<(), bollard::errors::Error>>,
    {
        check_id(id)?;
        self.ready().await?;
        let seen = Seen::default();
        let docker = docker(self.wire.clone(), operation, deadline, seen.clone())?;
        let result = within(operation, deadline, async {
            Ok(call(docker, id.to_owned()).await)
        })
        .await?;
        let seen = seen
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        match (result, seen) {
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(http::StatusCode::NOT_MODIFIED))) => Ok(Outcome::AlreadySo),
            (Ok(()), _) => Ok(Outcome::Done),
            // The head said success and the rest was lost, or bollard could not write the request.
            (Err(_), Some(Ok(_))) => Err(EngineError::Gone { operation }),
            (Err(error), None) => Err(EngineError::protocol(error.to_string())),
        }
    }
}

/// What the wire saw of a call's answer.
type Seen = Arc<Mutex<Option<Result<http::StatusCode, EngineError>>>>;

/// bollard over our wire, for one call whose answer is noted in `seen`.
fn docker(
    wire: Arc<Wire>,
    operation: &'static str,
    deadline: Duration,
    seen: Seen,
) -> Result<Docker, EngineError> {
    let address = format!("http://{}", wire.authority());
    let api = wire.api().unwrap_or(ApiVersion::OLDEST);
    let transport = move |mut request: BollardRequest| {
        let (wire, seen) = (wire.clone(), seen.clone());
        async move {
            // bollard's own paths carry no version: without one an engine answers in its newest.
            if let Some(path) = request
                .uri()
                .path_and_query()
                .map(|path| path.as_str().to_owned())
                && let Ok(uri) = format!("http://{}/v{api}{path}", wire.authority()).parse()
            {
                *request.uri_mut() = uri;
            }
            let answer = wire.accepted(operation, request).await;
            let note = answer
                .as_ref()
                .map(|response| response.status())
                .map_err(Clone::clone);
            *seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(note);
            // The error itself is in `seen`; bollard only needs to know that there is one.
            answer.map_err(|_| bollard::errors::Error::RequestTimeoutError)
        }
    };
    let version = ClientVersion {
        major_version: 1,
        minor_version: 41,
    };
    // Whole seconds, and beyond our own deadline, which is the one that counts.
    let timeout = deadline.as_secs().saturating_add(60);
    Docker::connect_with_custom_transport(transport, Some(address), timeout, &version)
        .map_err(|error| EngineError::protocol(error.to_string()))
}

/// Whole seconds, rounded up: half a second of grace must not become none.
fn seconds_up(grace: Duration) -> i32 {
    let seconds = grace
        .as_secs()
        .saturating_add(u64::from(grace.subsec_nanos() > 0));
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grace_is_rounded_up() {
        assert_eq!(seconds_up(Duration::ZERO), 0);
        assert_eq!(seconds_up(Duration::from_millis(1)), 1);
        assert_eq!(seconds_up(Duration::from_secs(10)), 10);
        assert_eq!(seconds_up(Duration::from_millis(10_001)), 11);
        assert_eq!(seconds_up(Duration::MAX), i32::MAX);
    }
}
