//! `/api/v1/audit`: the log, and its export.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Query},
    router::Routes,
    state::AppState,
};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use control::{
    Control,
    audit::{self, AuditQuery},
};
use domain::{
    audit::AuditLine,
    auth::{Actor, Permission},
    errors::Problem,
    pages::{PAGE_MAX, Page},
};
use futures::StreamExt;
use http::{Method, header};
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/audit", Permission::AuditRead, list)
        .guarded(Method::GET, "/api/v1/audit/export", Permission::AuditRead, export)
}

/// Which lines.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "documents control::audit::AuditQuery, which knows no OpenAPI"
)]
pub struct Filter {
    /// A part of the actor's name.
    actor: Option<String>,
    /// `schedule.update`, or all of `schedule`.
    action: Option<String>,
    object_kind: Option<String>,
    /// With `object_kind`: the history of one object.
    object_id: Option<String>,
    /// `done`, `refused` or `failed`.
    outcome: Option<String>,
    /// Not before this time (RFC 3339).
    from: Option<String>,
    /// Before this time.
    to: Option<String>,
}

/// Lists the audit log of the organisation, the newest line first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Filter, super::docs::Paging),
    responses((status = 200, body = Page<AuditLine>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditLine>>, ApiError> {
    Ok(Json(audit::list(&state.control, &actor, &query).await?))
}

/// In which form.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Form {
    /// `csv`, or `jsonl`: one JSON object on each line.
    #[serde(default)]
    format: String,
}

/// The whole log that fits the filter, as CSV or JSON lines.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", params(Filter, Form),
    responses((status = 200, description = "the lines, the newest first", content_type = "text/csv", body = String),
        (status = 422, description = "`format_invalid`")))]
pub async fn export(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<AuditQuery>,
    Query(form): Query<Form>,
) -> Result<Response, ApiError> {
    let csv = match form.format.as_str() {
        "" | "csv" => true,
        "jsonl" => false,
        _ => {
            let message = "The export is made as csv or jsonl. Choose one of them.";
            return Err(Problem::invalid("format_invalid", "format", message).into());
        }
    };
    let query = AuditQuery {
        limit: Some(PAGE_MAX),
        cursor: None,
        ..query
    };
    audit::note_export(&state.control, &actor, if csv { "csv" } else { "jsonl" }, &query).await?;
    // The first page before the head of the answer, so that a refusal is one.
    let first = audit::list(&state.control, &actor, &query).await?;
    let start = if csv { HEAD.to_owned() } else { String::new() };
    let rest = Rest {
        control: state.control.clone(),
        actor,
        query,
        csv,
        page: Some(first),
    };
    let body = futures::stream::unfold((start, rest), |(mut text, mut rest)| async move {
        match rest.more().await {
            Ok(Some(more)) => {
                text.push_str(&more);
                Some((Ok(Bytes::from(text)), (String::new(), rest)))
            }
            Ok(None) if text.is_empty() => None,
            Ok(None) => Some((Ok(Bytes::from(text)), (String::new(), rest))),
            Err(error) => Some((Err(error), (String::new(), rest))),
        }
    })
    // Whoever compresses it asks once more after its end.
    .fuse();
    let (kind, name) = if csv {
        ("text/csv; charset=utf-8", "audit.csv")
    } else {
        ("application/jsonl; charset=utf-8", "audit.jsonl")
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok((
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        Body::from_stream(body),
    )
        .into_response())
}

const HEAD: &str = "at,actor,via,address,action,outcome,object_kind,object_id,object_name,before,after\r\n";

/// What is still to be read.
struct Rest {
    control: Control,
    actor: Actor,
    query: AuditQuery,
    csv: bool,
    page: Option<Page<AuditLine>>,
}

impl Rest {
    async fn more(&mut self) -> Result<Option<String>, std::io::Error> {
        let Some(page) = self.page.take() else {
            return Ok(None);
        };
        let text = page.items.iter().map(|line| written(line, self.csv)).collect();
        if page.next.is_some() {
            self.query.cursor = page.next;
            let next = audit::list(&self.control, &self.actor, &self.query).await;
            self.page = Some(next.map_err(|error| std::io::Error::other(error.to_string()))?);
        }
        Ok(Some(text))
    }
}

fn written(line: &AuditLine, csv: bool) -> String {
    if !csv {
        return serde_json::to_string(line).map_or_else(|_| String::new(), |text| text + "\n");
    }
    let json =
        |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let fields = [
        line.at.to_rfc3339(),
        line.actor.clone(),
        line.via.clone(),
        line.address.clone().unwrap_or_default(),
        line.action.clone(),
        line.outcome.clone(),
        line.object_kind.clone(),
        line.object_id.clone().unwrap_or_default(),
        line.object_name.clone().unwrap_or_default(),
        json(&line.before),
        json(&line.after),
    ];
    fields.map(|field| cell(&field)).join(",") + "\r\n"
}

/// One cell (RFC 4180). A sheet takes what begins with one of these for a formula, so it gets an apostrophe.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = text.replace('"', "\"\"");
    format!("\"{}{text}\"", if formula { "'" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_text_and_no_formula() {
        assert_eq!(cell("plain, text"), "\"plain, text\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(cell("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }
}
