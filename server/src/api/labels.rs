//! What containers' labels ask for: `/api/v1/schedules/labels`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    pages::ListQuery,
    schedules::{self, LabelQuery},
};
use domain::{auth::Permission, ids::ContainerId, labels::LabelFinding, pages::Page};
use http::Method;
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes.guarded(
        Method::GET,
        "/api/v1/schedules/labels",
        Permission::SchedulesRead,
        list,
    )
}

/// What the list takes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// Of this container only.
    container: Option<ContainerId>,
    /// Only what is no schedule: wrong, or on a host where labels do not count.
    #[serde(default)]
    open: bool,
    /// 1 to 500; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Lists the schedules that containers' labels ask for (`chrontainer.<name>.cron` and so on), what became of each, and
/// what is wrong with those that cannot be read.
#[utoipa::path(get, path = "/api/v1/schedules/labels", tag = "schedules", params(List),
    responses((status = 200, body = Page<LabelFinding>), (status = 400, description = "`cursor_invalid`")))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(list): Query<List>,
) -> Result<Json<Page<LabelFinding>>, ApiError> {
    let query = LabelQuery {
        container: list.container,
        open: list.open,
        page: ListQuery {
            limit: list.limit,
            cursor: list.cursor,
        },
    };
    Ok(Json(
        schedules::label_findings(&state.control, &actor, query).await?,
    ))
}
