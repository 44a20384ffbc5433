//! Server functions of the audit log.

use crate::error::AppError;
use domain::{Timestamp, audit::AuditLine, pages::Page};
use leptos::prelude::*;
use server_fn::codec::GetUrl;

/// A page of the log. Empty filters exclude nothing; `object` is `kind:id`, the history of one thing; `to` is left out.
#[server(endpoint = "audit/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list(
    actor: String,
    action: String,
    outcome: String,
    object: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    cursor: Option<String>,
) -> Result<Page<AuditLine>, AppError> {
    let (control, who) = crate::context::signed_in()?;
    let (object_kind, object_id) = match object.split_once(':') {
        Some((kind, id)) => (Some(kind.to_owned()), Some(id.to_owned())),
        None => (None, None),
    };
    let query = control::audit::AuditQuery {
        actor: Some(actor),
        action: Some(action),
        outcome: Some(outcome),
        object_kind,
        object_id,
        from,
        to,
        cursor,
        ..Default::default()
    };
    Ok(control::audit::list(&control, &who, &query).await?)
}
