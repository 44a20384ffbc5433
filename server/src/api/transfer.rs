//! Schedules as files: `/api/v1/schedules/export`, `import` and `apply`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Query, Text},
    router::Routes,
    state::AppState,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use control::schedules::{self, ApplyOptions, FileFormat};
use domain::{auth::Permission, errors::Problem, ids::ScheduleId, transfer::ApplyReport};
use http::{Method, header};
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(
            Method::GET,
            "/api/v1/schedules/export",
            Permission::SchedulesRead,
            export,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/import",
            Permission::SchedulesManage,
            import,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/apply",
            Permission::SchedulesManage,
            apply,
        )
}

/// What goes into the file, and how.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Export {
    /// `yaml` (when absent) or `json`.
    format: Option<String>,
    /// Ids with commas between them; every schedule when absent.
    ids: Option<String>,
}

/// Schedules as a file of the format `chrontainer/v1`: hosts by their names, secrets never.
#[utoipa::path(get, path = "/api/v1/schedules/export", tag = "schedules", params(Export),
    responses((status = 200, description = "the file", content_type = "application/yaml", body = serde_json::Value),
        (status = 404, description = "`schedule_not_found`"), (status = 422, description = "`unknown_format`")))]
pub async fn export(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(asked): Query<Export>,
) -> Result<Response, ApiError> {
    let format = asked
        .format
        .as_deref()
        .map_or(Ok(FileFormat::default()), FileFormat::from_word)?;
    let ids: Option<Vec<ScheduleId>> = asked
        .ids
        .map(|ids| {
            ids.split(',')
                .map(|id| id.trim().parse())
                .collect::<Result<_, _>>()
        })
        .transpose()
        .map_err(|_| Problem::not_found("schedule"))?;
    let text = schedules::export(&state.control, &actor, ids.as_deref(), format).await?;
    let (kind, name) = match format {
        FileFormat::Yaml => ("application/yaml", "attachment; filename=\"schedules.yaml\""),
        FileFormat::Json => ("application/json", "attachment; filename=\"schedules.json\""),
    };
    Ok((
        [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)],
        text,
    )
        .into_response())
}

/// How a file is imported.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Import {
    /// Says what would change, and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Creates and changes the schedules of a file, YAML or JSON; deletes none.
#[utoipa::path(post, path = "/api/v1/schedules/import", tag = "schedules", params(Import),
    request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = ApplyReport),
        (status = 422, description = "`document_unreadable`, `unknown_format`; `document_invalid` with the report in the details")))]
pub async fn import(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(asked): Query<Import>,
    Text(text): Text,
) -> Result<Json<ApplyReport>, ApiError> {
    let options = ApplyOptions {
        dry_run: asked.dry_run,
        prune: false,
    };
    Ok(Json(
        schedules::apply(&state.control, &actor, &text, options).await?,
    ))
}

/// How a file is applied.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Apply {
    /// Says what would change, and changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// Deletes the schedules that the file does not name.
    #[serde(default)]
    prune: bool,
}

/// Makes the schedules what the file says; applying it again changes nothing.
#[utoipa::path(post, path = "/api/v1/schedules/apply", tag = "schedules", params(Apply),
    request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = ApplyReport),
        (status = 422, description = "`document_unreadable`, `unknown_format`; `document_invalid` with the report in the details")))]
pub async fn apply(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(asked): Query<Apply>,
    Text(text): Text,
) -> Result<Json<ApplyReport>, ApiError> {
    let options = ApplyOptions {
        dry_run: asked.dry_run,
        prune: asked.prune,
    };
    Ok(Json(
        schedules::apply(&state.control, &actor, &text, options).await?,
    ))
}
