//! The endpoints of OpenID Connect.

use super::{Asked, CLIENT_ID, CLIENT_SECRET, Inner, Key, Shared, Tamper, keys};
use axum::{
    Form, Json,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

pub(super) const ACCESS: &str = "an-access-token-of-the-test";

pub(super) async fn document(State(inner): State<Shared>) -> Json<Value> {
    let inner = inner.lock();
    let at = |path: &str| format!("{}{path}", inner.issuer);
    let issuer = match inner.tamper {
        Tamper::OtherDocument => "https://accounts.example.org".to_owned(),
        _ => inner.issuer.clone(),
    };
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // It says that it would take everything.
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

pub(super) async fn keys(State(inner): State<Shared>) -> Json<Value> {
    Json(json!({ "keys": [inner.lock().key.public()] }))
}

/// The page of the sign-in, without the page.
pub(super) async fn authorize(
    State(inner): State<Shared>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let get = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let complete = get("client_id") == CLIENT_ID
        && get("response_type") == "code"
        && get("code_challenge_method") == "S256"
        && !get("state").is_empty();
    if !complete {
        return (
            StatusCode::BAD_REQUEST,
            "this client asks for a sign-in without what it needs",
        )
            .into_response();
    }
    let mut inner = inner.lock();
    let mut back = url::Url::parse(&get("redirect_uri")).expect("an address to go back to");
    let (tamper, issuer) = (inner.tamper, inner.issuer.clone());
    {
        let mut query = back.query_pairs_mut();
        query.append_pair("state", &get("state"));
        if tamper == Tamper::Cancels {
            query.append_pair("error", "access_denied");
        } else {
            let code = uuid::Uuid::now_v7().simple().to_string();
            query.append_pair("code", &code);
            inner.codes.insert(
                code,
                Asked {
                    nonce: get("nonce"),
                    challenge: get("code_challenge"),
                    redirect_uri: get("redirect_uri"),
                },
            );
        }
        let iss = match tamper {
            Tamper::OtherIss => "https://accounts.example.org",
            _ => &issuer,
        };
        query.append_pair("iss", iss);
    }
    Redirect::to(back.as_str()).into_response()
}

pub(super) fn refusal(code: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": code }))).into_response()
}

/// Checks what a client must show, and gives what was asked for with the code, once.
pub(super) fn redeem(
    inner: &mut Inner,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<Asked, Box<Response>> {
    inner.exchanges += 1;
    let get = |name: &str| form.get(name).cloned().unwrap_or_default();
    let basic = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let secret: String = url::form_urlencoded::byte_serialize(CLIENT_SECRET.as_bytes()).collect();
    let known = match basic {
        Some(text) => text == format!("{CLIENT_ID}:{secret}"),
        None => get("client_id") == CLIENT_ID && get("client_secret") == CLIENT_SECRET,
    };
    if !known || inner.tamper == Tamper::ForgetsClient {
        return Err(refusal("invalid_client").into());
    }
    let Some(asked) = inner.codes.remove(&get("code")) else {
        return Err(refusal("invalid_grant").into());
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
    let fits = asked.challenge == challenge
        && asked.redirect_uri == get("redirect_uri")
        && get("grant_type") == "authorization_code";
    if fits && inner.tamper != Tamper::Refuses {
        Ok(asked)
    } else {
        Err(refusal("invalid_grant").into())
    }
}

pub(super) async fn token(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let tamper = shared.lock().tamper;
    match tamper {
        Tamper::Hangs => {
            shared.lock().exchanges += 1;
            tokio::time::sleep(Duration::from_secs(120)).await;
        }
        Tamper::Nonsense => return "<html>welcome</html>".into_response(),
        Tamper::Redirects => return Redirect::temporary("/keys").into_response(),
        Tamper::Endless => {
            let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>("{".repeat(64 * 1024)));
            return Body::from_stream(endless).into_response();
        }
        _ => {}
    }
    let mut inner = shared.lock();
    let asked = match redeem(&mut inner, &headers, &form) {
        Ok(asked) => asked,
        Err(refusal) => return *refusal,
    };
    let mut answer = json!({ "access_token": ACCESS, "token_type": "Bearer", "expires_in": 300 });
    if tamper != Tamper::NoIdToken {
        answer["id_token"] = json!(id_token(&inner, &asked));
    }
    Json(answer).into_response()
}

fn id_token(inner: &Inner, asked: &Asked) -> String {
    let tamper = inner.tamper;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock")
        .as_secs();
    let half = &Sha256::digest(match tamper {
        Tamper::AccessToken => "another-access-token",
        _ => ACCESS,
    })[..16];
    let mut claims = json!({
        "iss": inner.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked.nonce,
        "at_hash": URL_SAFE_NO_PAD.encode(half),
    });
    if let (Value::Object(claims), Value::Object(more)) = (&mut claims, &inner.claims) {
        claims.extend(more.clone());
    }
    match tamper {
        Tamper::Nonce => claims["nonce"] = json!("of-another-sign-in"),
        Tamper::NoNonce => {
            claims.as_object_mut().expect("claims").remove("nonce");
        }
        Tamper::Issuer => claims["iss"] = json!("https://accounts.example.org"),
        Tamper::Audience => claims["aud"] = json!("another-client"),
        Tamper::TwoAudiences => claims["aud"] = json!([CLIENT_ID, "another-client"]),
        Tamper::AuthorizedParty => claims["azp"] = json!("another-client"),
        Tamper::Expired => {
            claims["iat"] = json!(now - 1000);
            claims["exp"] = json!(now - 600);
        }
        Tamper::Early => claims["iat"] = json!(now + 600),
        _ => {}
    }
    match tamper {
        Tamper::Signature => Key::new(&inner.key.id).sign(&claims),
        Tamper::SharedSecret => keys::with_secret(&claims, CLIENT_SECRET),
        Tamper::Unsigned => keys::unsigned(&claims),
        Tamper::Claims => {
            let token = inner.key.sign(&claims);
            let parts: Vec<&str> = token.split('.').collect();
            claims["sub"] = json!("somebody-else");
            format!("{}.{}.{}", parts[0], keys::encoded(&claims), parts[2])
        }
        _ => inner.key.sign(&claims),
    }
}

pub(super) fn has_token(headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_some_and(|value| value.as_bytes() == format!("Bearer {ACCESS}").as_bytes())
}

pub(super) async fn userinfo(State(inner): State<Shared>, headers: HeaderMap) -> Response {
    if !has_token(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let inner = inner.lock();
    let mut claims = inner.userinfo.clone();
    claims["sub"] = match inner.tamper {
        Tamper::OtherUserinfo => json!("somebody-else"),
        _ => inner.claims["sub"].clone(),
    };
    Json(claims).into_response()
}
