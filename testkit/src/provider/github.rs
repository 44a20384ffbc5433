//! GitHub's way, as far as signing in needs it: shaped as its documentation says.

use super::{
    Shared,
    openid::{ACCESS, has_token, redeem},
};
use axum::{
    Form, Json,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Somebody with an account there.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: u64,
    pub login: String,
    /// Address, whether it is verified, whether it is the one they use first.
    pub emails: Vec<(String, bool, bool)>,
    pub orgs: Vec<String>,
    /// Organisation and team.
    pub teams: Vec<(String, String)>,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            id: 4711,
            login: "octo-ada".to_owned(),
            emails: vec![
                ("boss@example.org".to_owned(), false, false),
                ("ada@example.org".to_owned(), true, true),
            ],
            orgs: vec!["acme".to_owned()],
            teams: vec![("acme".to_owned(), "ops".to_owned())],
        }
    }
}

/// It says no with a status of 200.
pub(super) async fn token(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let mut inner = shared.lock();
    match redeem(&mut inner, &headers, &form) {
        Ok(_) => {
            Json(json!({ "access_token": ACCESS, "token_type": "bearer", "scope": "read:user,user:email" }))
        }
        Err(_) => Json(json!({
            "error": "bad_verification_code",
            "error_description": "The code passed is incorrect or expired.",
        })),
    }
    .into_response()
}

pub(super) async fn root() -> Json<Value> {
    Json(json!({ "current_user_url": "/user" }))
}

fn answered(headers: &HeaderMap, body: Value) -> Response {
    // The API refuses programs that do not say who they are.
    if !has_token(headers) || !headers.contains_key("user-agent") {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "message": "Bad credentials" })),
        )
            .into_response();
    }
    Json(body).into_response()
}

pub(super) async fn user(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let person = shared.lock().github.clone();
    answered(
        &headers,
        json!({ "id": person.id, "login": person.login, "name": "Ada", "email": null }),
    )
}

pub(super) async fn emails(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let person = shared.lock().github.clone();
    let emails: Vec<Value> = person
        .emails
        .iter()
        .map(|(email, verified, primary)| json!({ "email": email, "verified": verified, "primary": primary }))
        .collect();
    answered(&headers, json!(emails))
}

fn page(all: &[Value], query: &HashMap<String, String>) -> Value {
    let number = |name: &str, otherwise: usize| {
        query
            .get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let (size, page) = (number("per_page", 30), number("page", 1));
    let items: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).collect();
    json!(items)
}

pub(super) async fn orgs(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let person = shared.lock().github.clone();
    let orgs: Vec<Value> = person
        .orgs
        .iter()
        .map(|login| json!({ "login": login }))
        .collect();
    answered(&headers, page(&orgs, &query))
}

pub(super) async fn teams(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let person = shared.lock().github.clone();
    let teams: Vec<Value> = person
        .teams
        .iter()
        .map(|(org, slug)| json!({ "slug": slug, "organization": { "login": org } }))
        .collect();
    answered(&headers, page(&teams, &query))
}
