//! Jobs of this very server wake its worker without the way over the database.

use futures::Stream;
use std::sync::Arc;
use tokio::sync::Notify;

/// An item whenever the bell was rung since the last one.
pub(super) fn stream(bell: Arc<Notify>) -> impl Stream<Item = ()> + Send + Sync + Unpin + 'static {
    let rings = futures::stream::unfold(bell, |bell| async move {
        bell.notified().await;
        Some(((), bell))
    });
    Box::pin(rings)
}
