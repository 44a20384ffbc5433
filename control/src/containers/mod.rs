//! Containers: the fleet in memory, and what is done to its members.

use crate::Control;

/// What every watcher knows, in one place; lists read it and never wait for an engine.
#[derive(Clone, Default)]
pub struct Fleet;

impl Fleet {
    pub(crate) async fn refresh_busy(&self, _control: &Control) {}
    pub(crate) async fn refresh_planned(&self, _control: &Control) {}
}
