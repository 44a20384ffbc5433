//! Places: how many runs this server executes at once. Whoever finds one free executes a run at once, without the way
//! through the queue; the others wait there, for any server.

use crate::Control;
use domain::ids::RunId;
use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// Runs at once that touch nothing: they share their statements, so many cost little.
const QUICK: usize = 4000;

/// The places of this server's worker; cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    slots: Arc<Semaphore>,
    quick: Arc<Semaphore>,
    running: TaskTracker,
}

/// A place that is taken, until its run has ended or it is dropped.
#[derive(Debug)]
pub struct Place(OwnedSemaphorePermit, Places);

impl Places {
    /// For so many runs at once that touch something.
    pub fn new(slots: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            quick: Arc::new(Semaphore::new(QUICK)),
            running: TaskTracker::new(),
        }
    }

    fn of(&self, is_quick: bool) -> &Arc<Semaphore> {
        if is_quick { &self.quick } else { &self.slots }
    }

    /// A place, once one is free.
    ///
    /// # Errors
    /// Never: the places are not closed.
    pub async fn take(&self, is_quick: bool) -> Result<Place, AcquireError> {
        let permit = self.of(is_quick).clone().acquire_owned().await?;
        Ok(Place(permit, self.clone()))
    }

    /// A place, if one is free.
    pub(crate) fn try_take(&self, is_quick: bool) -> Option<Place> {
        let permit = self.of(is_quick).clone().try_acquire_owned().ok()?;
        Some(Place(permit, self.clone()))
    }

    /// Resolves when all runs here have ended; none may begin any more.
    pub async fn empty(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

impl Place {
    /// Lets the run go its own way.
    pub fn execute(self, control: &Control, run: RunId) {
        let control = control.clone();
        let Self(permit, places) = self;
        places.running.spawn(async move {
            let _place = permit;
            if let Err(error) = super::execute(&control, run).await {
                // The sweep brings it back.
                tracing::error!(run.id = %run, %error, "a run was interrupted");
            }
        });
    }
}
