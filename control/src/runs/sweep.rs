//! The sweep: brings runs whose executor is gone to their end.

pub(crate) async fn run(_control: &crate::Control) {}
