//! The OpenAPI document at `/api/v1/openapi.json`, and its reader at `/api/docs`; nothing is loaded from elsewhere.

use crate::{error::ApiError, extract::Path, router::Routes};
use axum::{
    Json,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    auth::Permission,
    containers::{Container, ContainerPage},
    events::Event,
    hosts::Host,
    runs::Run,
    schedules::{Schedule, ScheduleDraft},
};
use http::Method;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        ContentBuilder, Ref, RefOr, ResponseBuilder,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// The reader shows pictures of its own and computes widths; scripts come from here alone.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'; \
                      object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The document is the same for everybody and tells nothing of this installation.
pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/openapi.json", Permission::Public, document)
        .guarded(Method::GET, "/api/docs", Permission::Public, async || {
            Redirect::permanent("/api/docs/")
        })
        .guarded(Method::GET, "/api/docs/", Permission::Public, async || {
            reader("index.html")
        })
        .guarded(
            Method::GET,
            "/api/docs/{file}",
            Permission::Public,
            async |Path(file): Path<String>| reader(&file),
        )
}

async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(ApiDoc::openapi())
}

fn reader(file: &str) -> Result<Response, ApiError> {
    let config = Arc::new(utoipa_swagger_ui::Config::from("/api/v1/openapi.json"));
    match utoipa_swagger_ui::serve(file, config) {
        Ok(Some(file)) => Ok((
            [
                (header::CONTENT_TYPE, file.content_type),
                (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
                (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
            ],
            file.bytes.into_owned(),
        )
            .into_response()),
        _ => Err(crate::extract::not_found().into()),
    }
}

/// Which part of a list.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "documents control::pages::ListQuery, which knows no OpenAPI"
)]
pub struct Paging {
    /// 1 to 500; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Chrontainer",
        description = "Schedules and manages containers on many Docker hosts. Every list is `{items, total, next}`; every error is \
                       `{\"error\": {\"code\", \"message\", \"details\"}}` with 400, 401, 403, 404, 405, 409, 413, 415, 422, 429 or 503; `details.field` is the path of a \
                       wrong field, such as `steps[0].target`. \
                       A key goes with `Authorization: Bearer`; HTTP Basic with name and password is taken only where a server administrator has switched it on. \
                       Durations are written like `90s`, `5m`, `1h30m`; times are RFC 3339 in UTC."
    ),
    paths(
        super::events::events, super::version::version, crate::health::live, crate::health::ready, crate::metrics::scrape,
        super::containers::list, super::containers::get, super::containers::act, super::containers::bulk, super::containers::complete, super::containers::watch,
        super::marks::get, super::marks::set_tags, super::marks::clear_tags, super::marks::set_note,
        super::marks::favour, super::marks::unfavour,
        super::views::list, super::views::create, super::views::update, super::views::delete,
        super::hosts::list, super::hosts::create, super::hosts::get, super::hosts::replace, super::hosts::change,
        super::hosts::delete, super::hosts::retry, super::hosts::stats,
        super::hosts::test_new, super::hosts::test, super::hosts::import_contexts,
        super::schedules::list, super::schedules::create, super::schedules::get, super::schedules::update,
        super::schedules::delete, super::schedules::run, super::schedules::skip, super::schedules::unskip,
        super::schedules::enable, super::schedules::disable, super::schedules::preview,
        super::retention::get, super::retention::replace, super::history::history, super::statistics::of_organisation, super::statistics::of_schedule,
        super::hooks::call, super::hooks::renew,
        super::forecast::forecast, super::forecast::move_run, super::forecast::move_back,
        super::forecast::dry_run_draft, super::forecast::dry_run,
        super::calendar::get, super::calendar::subscribe, super::calendar::unsubscribe, super::calendar::read,
        super::transfer::export, super::transfer::import, super::transfer::apply,
        super::labels::list, super::pauses::pause, super::pauses::resume, super::pauses::pause_many, super::pauses::switch_many,
        super::blackouts::list, super::blackouts::create, super::blackouts::get, super::blackouts::update,
        super::blackouts::delete,
        super::runs::list, super::runs::get, super::runs::log, super::runs::cancel, super::runs::retry,
        super::runs::rerun, super::secrets::list, super::secrets::put, super::secrets::delete,
        super::members::list, super::members::add, super::members::change, super::members::remove,
        super::members::reset_link, super::members::clear_second_factor, super::members::invitations, super::members::invite, super::members::withdraw,
        super::access::me, super::access::sessions, super::access::end_others, super::access::end, super::access::keys,
        super::access::create_key, super::access::revoke_key, super::access::orgs, super::access::create_org,
        super::access::change_org, super::access::all_orgs, super::access::rename_org, super::access::join_org, super::audit::list, super::audit::export,
        super::teams::list, super::teams::create, super::teams::change, super::teams::delete, super::teams::grants,
        super::teams::grant, super::teams::take_back,
        super::shares::list, super::shares::create, super::shares::delete,
        super::providers::list, super::providers::create, super::providers::get, super::providers::update,
        super::providers::delete, super::providers::test_new, super::providers::test, super::providers::policy,
        super::providers::set_policy, super::providers::identities, super::providers::unlink,
    ),
    components(schemas(Container, ContainerPage, Event, Host, Refused, Run, Schedule, ScheduleDraft)),
    modifiers(&ApiKey, &Refusals),
    security(("api_key" = []), ("basic" = []))
)]
pub struct ApiDoc;

struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("api_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// Every refusal; see [`ApiError`].
#[derive(ToSchema)]
#[allow(dead_code, reason = "documents what ApiError writes")]
struct Refused {
    error: Refusal,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "documents what ApiError writes")]
struct Refusal {
    /// Stable, for programs.
    code: String,
    /// What happened, why, and what to do: for people.
    message: String,
    /// Whatever helps a program: the field, the position, the current object.
    details: serde_json::Value,
}

/// What any operation may be refused with, beside what it says itself.
const ANYWHERE: &[(&str, &str)] = &[
    (
        "400",
        "The request cannot be read: its JSON, its query or its path.",
    ),
    ("401", "Nobody is signed in, or the key is not valid."),
    ("403", "The role, the grant or the key's scope does not allow it."),
    (
        "404",
        "There is nothing with this id or name in the organisation.",
    ),
    ("405", "The path exists, but not for this method."),
    ("413", "The body is larger than is accepted."),
    ("415", "The body is not JSON."),
    ("422", "A value is wrong; `details.field` says which."),
    ("429", "Too many requests; `Retry-After` says how long to wait."),
    ("503", "The database or a part of the server does not answer now."),
];

struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let body = || {
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Refused")))
                .build()
        };
        for item in document.paths.paths.values_mut() {
            let operations = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
                &mut item.patch,
            ];
            for operation in operations.into_iter().flatten() {
                let responses = &mut operation.responses.responses;
                for (status, why) in ANYWHERE {
                    responses
                        .entry((*status).to_owned())
                        .or_insert_with(|| RefOr::T(ResponseBuilder::new().description(*why).build()));
                }
                for (status, response) in responses.iter_mut() {
                    let is_refusal = status.starts_with('4') || status == "503";
                    if let RefOr::T(response) = response
                        && is_refusal
                        && response.content.is_empty()
                    {
                        response
                            .content
                            .insert("application/json".to_owned(), RefOr::T(body()));
                    }
                }
            }
        }
    }
}
