//! Hosts: the engines that are managed, and the watchers that read them.

use crate::{Control, error::Result};
use domain::hosts::Host;

pub(crate) async fn watch_all(_control: &Control) {}

/// Hosts by id, for events.
pub(crate) async fn by_ids(_control: &Control, _ids: &[uuid::Uuid]) -> Result<Vec<Host>> {
    Ok(Vec::new())
}
