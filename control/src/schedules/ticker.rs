//! The ticker: decides every fire time once.

pub(crate) async fn run(_control: &crate::Control) {}
