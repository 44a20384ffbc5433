//! People over HTTP: invitations, keys with scopes, sessions and passwords, as pages and programs use them.

use super::{
    inside::{HOME, Inside},
    server,
};
use axum::http::Method;
use domain::auth::Role;
use serde_json::{Value, json};
use testkit::{
    postgres::TestDatabase,
    server::{Answer, OWNER, PASSWORD, TestServer, TestServerOptions, migrations},
};

async fn ask(inside: &Inside, method: Method, path: &str, key: &str, body: Value) -> Answer {
    Answer::of(inside.request(method, path, Some(key)).json(&body)).await
}

fn token(link: &Value) -> String {
    link["path"]
        .as_str()
        .unwrap()
        .split_once("token=")
        .unwrap()
        .1
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_joins_through_the_link() {
    let (_database, server) = server().await;
    let mut owner = server.sign_in().await.unwrap();
    let body = json!({ "new": { "role": "operator", "note": "Ada" } });
    let request = owner
        .request(reqwest::Method::POST, "/_fn/people/invite")
        .header("origin", owner.origin.clone())
        .json(&body);
    let invited = owner.send(request).await;
    assert_eq!(invited.status, 200, "{invited:?}");
    let token = token(&invited.json()["link"]);

    let mut ada = server.browser();
    let page = ada.open(&format!("/invite?token={token}")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("Join Home") && page.text.contains("owner invites you"),
        "{}",
        page.text
    );
    let fields = [
        ("token", token.as_str()),
        ("name", "ada"),
        ("password", "seven otters on a raft"),
    ];
    let joined = ada.call("/_fn/auth/join", &fields).await;
    assert_eq!(joined.status, 200, "{joined:?}");
    let me = ada.fetch("/_fn/auth/me").await.json();
    assert_eq!(
        (me["name"].as_str(), me["role"].as_str()),
        (Some("ada"), Some("operator"))
    );
    // The pages are hers, the people are not hers to manage.
    assert_eq!(ada.open("/settings/people").await.status, 200);
    let seen = ada.fetch("/_fn/people/members").await;
    assert_eq!(seen.status, 200);
    assert_eq!(seen.json()[1], json!([]), "invitations are not hers to see");
    let change = [("id", "00000000-0000-7000-8000-0000000000aa")];
    assert_eq!(ada.call("/_fn/people/remove", &change).await.code(), "forbidden");

    let mut eve = server.browser();
    let page = eve.open(&format!("/invite?token={token}")).await;
    assert!(page.text.contains("This link does not work"), "{}", page.text);
    let fields = [
        ("token", token.as_str()),
        ("name", "eve"),
        ("password", "seven otters on a raft"),
    ];
    assert_eq!(
        eve.call("/_fn/auth/join", &fields).await.code(),
        "invitation_invalid"
    );
    assert_eq!(eve.cookie, None);
    assert!(!server.log().contains(&token), "the link is in no log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_signs_the_others_out_and_this_browser_in_anew() {
    let (_database, server) = server().await;
    let (mut here, mut there) = (server.sign_in().await.unwrap(), server.sign_in().await.unwrap());
    let old = here.cookie.clone();
    let change = [("current", PASSWORD), ("password", "nine lighthouses at dusk")];
    let changed = here.call("/_fn/auth/change-password", &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(here.cookie, old);
    assert_eq!(here.fetch("/_fn/auth/me").await.status, 200);
    assert_eq!(there.fetch("/_fn/auth/me").await.status, 401);
    there.cookie = old;
    assert_eq!(
        there.fetch("/_fn/auth/me").await.status,
        401,
        "the old token is worth nothing"
    );
    assert_eq!(server.browser().sign_in(OWNER, PASSWORD).await.status, 401);
    let sessions = here.fetch("/_fn/auth/sessions").await.json();
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");
    assert_eq!(sessions[0]["current"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_leads_to_a_new_password() {
    let inside = Inside::start().await;
    let owner = inside.member(HOME, "olga", Role::Owner).await;
    let added = ask(
        &inside,
        Method::POST,
        "/api/v1/members",
        &owner,
        json!({ "name": "ada", "role": "operator" }),
    )
    .await;
    assert_eq!(added.status, 201, "{added:?}");
    let token = token(&added.json()["link"]);
    let form = |password: &str| format!("token={token}&password={}", password.replace(' ', "+"));
    let send = |password: &str| {
        let request = inside
            .request(Method::POST, "/_fn/auth/reset", None)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form(password));
        Answer::of(request)
    };
    assert_eq!(send("password1").await.code(), "password_common");
    assert_eq!(send("seven otters on a raft").await.status, 200);
    assert_eq!(send("seven otters on a raft").await.code(), "reset_link_invalid");
    let client = control::auth::Client::default();
    control::auth::sign_in(inside.control(), "ada", "seven otters on a raft".into(), &client)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_bound_to_its_scope() {
    let inside = Inside::start().await;
    let owner = inside.member(HOME, "olga", Role::Owner).await;
    let new = json!({ "name": "dashboard", "scope": "read", "days": 30 });
    let refused = ask(&inside, Method::POST, "/api/v1/api-keys", &owner, new.clone()).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "session_needed"));
    let made = inside.own_key(&owner, serde_json::from_value(new).unwrap()).await;
    let secret = made.secret.clone();
    let list = inside.answer(Method::GET, "/api/v1/api-keys", Some(&owner)).await;
    assert!(!list.text.contains(&secret));
    assert!(secret.starts_with(&made.key.prefix));

    let me = inside
        .answer(Method::GET, "/api/v1/me", Some(&secret))
        .await
        .json();
    assert_eq!(
        (me["name"].as_str(), me["role"].as_str()),
        (Some("olga"), Some("viewer"))
    );
    for (method, path, body) in [
        (
            Method::POST,
            "/api/v1/hosts",
            json!({ "name": "x", "url": "unix:///x.sock" }),
        ),
        (
            Method::POST,
            "/api/v1/api-keys",
            json!({ "name": "more", "scope": "manage" }),
        ),
        (Method::POST, "/api/v1/invitations", json!({ "role": "owner" })),
        (Method::DELETE, "/api/v1/sessions", json!({})),
    ] {
        let refused = ask(&inside, method, path, &secret, body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (403, "forbidden"),
            "{path}"
        );
    }
    let id = made.key.id;
    let gone = inside
        .answer(Method::DELETE, &format!("/api/v1/api-keys/{id}"), Some(&owner))
        .await;
    assert_eq!(gone.status, 204);
    assert_eq!(
        inside
            .answer(Method::GET, "/api/v1/me", Some(&secret))
            .await
            .code(),
        "key_invalid"
    );
    // What the log of changes keeps names the key and never holds it.
    let database = inside.database.client().await.unwrap();
    let kept = database
        .query_one(
            "select count(*) from audit where audit::text like '%' || $1 || '%'",
            &[&secret],
        )
        .await
        .unwrap();
    assert_eq!(kept.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let options = TestServerOptions::on(&database).env("CHRONTAINER_RATE_LIMIT", "40");
    let server = TestServer::start(options).await.unwrap();
    let mut owner = server.sign_in().await.unwrap();
    let mut last = owner.fetch("/api/v1/hosts").await;
    assert_eq!(last.header("ratelimit-limit"), "40");
    let before: u32 = last.header("ratelimit-remaining").parse().unwrap();
    last = owner.fetch("/api/v1/hosts").await;
    let after: u32 = last.header("ratelimit-remaining").parse().unwrap();
    assert!(after < before, "{before} {after}");
    let mut refused = None;
    for _ in 0..60 {
        let answer = owner.fetch("/api/v1/hosts").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a refusal");
    assert_eq!(refused.code(), "too_many_requests");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    // Another browser of the same house does not notice.
    assert_eq!(server.browser().fetch("/api/version").await.status, 200);
}

/// What is compressed is asked for once more after its end.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_exported_whole_and_compressed() {
    let (_database, server) = server().await;
    server.sign_in().await.unwrap();
    for format in ["csv", "jsonl"] {
        let path = format!("/api/v1/audit/export?format={format}");
        let plain = server.get(&path).await;
        assert!(plain.text.contains("session.begin"), "{plain:?}");
        let packed = server
            .request(reqwest::Method::GET, &path)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{format}");
        assert!(!packed.bytes().await.unwrap().is_empty(), "{format}");
    }
}
