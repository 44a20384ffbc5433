//! Providers over the API and by the environment.

use super::{HOME, Scene, draft, open};
use serde_json::json;
use std::io::Write;
use testkit::{
    postgres::TestDatabase,
    provider::{CLIENT_ID, CLIENT_SECRET, Tamper, TestProvider},
    server::{TestServer, TestServerOptions, migrations},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_never_comes_back() {
    let scene = Scene::new(open()).await;
    let path = format!("/api/v1/providers/{}", scene.id);
    let one = scene.server.get(&path).await;
    assert_eq!(one.json()["has_secret"], true);
    let list = scene.server.get("/api/v1/providers").await;
    for text in [&one.text, &list.text] {
        assert!(!text.contains(CLIENT_SECRET), "{text}");
    }
    let kept = "select count(*) from audit where audit::text like '%a secret of the client%'";
    assert_eq!(scene.count(kept).await, 0);
    let sealed = "select count(*) from identity_providers where position('a secret of the client'::bytea in sealed) > 0";
    assert_eq!(scene.count(sealed).await, 0);
    // It stays without being sent again, but follows to no other address.
    let mut change = draft(&scene.provider, &open());
    change.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(
        scene.server.put(&path, change.clone()).await.json()["has_secret"],
        true
    );
    assert_eq!(scene.led_to().await, "/");
    change["issuer"] = json!("https://evil.example");
    assert_eq!(
        scene.server.put(&path, change.clone()).await.code(),
        "provider_in_use"
    );
    scene.sql("delete from identities").await;
    let moved = scene.server.put(&path, change.clone()).await.json();
    assert_eq!(
        (moved["issuer"].as_str(), moved["has_secret"].as_bool()),
        (Some("https://evil.example"), Some(false))
    );
    change["version"] = json!(1);
    assert_eq!(scene.server.put(&path, change).await.code(), "stale_version");
    assert_eq!(scene.server.delete(&path).await.status, 204);
    assert_eq!(scene.server.get(&path).await.code(), "provider_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_told_with_its_field() {
    let scene = Scene::new(open()).await;
    for (changes, code, field) in [
        (json!({}), "slug_taken", "slug"),
        (
            json!({ "slug": "x", "issuer": "ftp://example.org" }),
            "url_invalid",
            "issuer",
        ),
        (
            json!({ "slug": "x", "issuer": "https://a:b@example.org" }),
            "url_invalid",
            "issuer",
        ),
        (json!({ "slug": "x", "name": "" }), "field_empty", "name"),
        (
            json!({ "slug": "x", "mappings": [{ "value": "a", "org_id": HOME.replace('1', "2"), "role": "viewer" }] }),
            "org_unknown",
            "mappings[0].org_id",
        ),
        (
            json!({
                "slug": "x", "issuer": "https://accounts.google.com", "sign_up": "auto_create",
                "mappings": [{ "value": "*", "org_id": HOME, "role": "viewer" }],
            }),
            "everybody_too_wide",
            "domains",
        ),
    ] {
        let refused = scene
            .server
            .post("/api/v1/providers", draft(&scene.provider, &changes))
            .await;
        assert_eq!(refused.code(), code, "{refused:?}");
        assert_eq!(refused.json()["error"]["details"]["field"], field, "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_walks_the_way_step_by_step() {
    let scene = Scene::new(open()).await;
    let path = format!("/api/v1/providers/{}/test", scene.id);
    let report = scene.server.post(&path, json!({})).await.json();
    assert_eq!(report["ok"], true, "{report}");
    let names: Vec<&str> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Discovery", "Endpoints", "Keys", "Client"]);
    scene.provider.tamper(Tamper::OtherDocument);
    let report = scene.server.post(&path, json!({})).await.json();
    assert_eq!(report["ok"], false);
    assert!(
        report["steps"][0]["message"]
            .as_str()
            .unwrap()
            .contains("calls itself otherwise"),
        "{report}"
    );
    scene.provider.tamper(Tamper::Nothing);
    for (changes, ok, words) in [
        (
            json!({ "issuer": "http://127.0.0.1:1" }),
            false,
            "cannot be reached",
        ),
        (
            json!({ "issuer": format!("{}/realms/none", scene.provider.issuer) }),
            false,
            "404",
        ),
        (
            json!({ "issuer": "http://169.254.169.254" }),
            false,
            "no address that may be used",
        ),
        (json!({ "kind": "github" }), true, "/api/v3/ answers"),
    ] {
        let report = scene
            .server
            .post("/api/v1/providers/test", draft(&scene.provider, &changes))
            .await
            .json();
        assert_eq!(report["ok"], ok, "{report}");
        assert!(
            report["steps"][0]["message"].as_str().unwrap().contains(words),
            "{report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_sealed_anew_with_the_others() {
    let mut scene = Scene::new(open()).await;
    assert_eq!(scene.led_to().await, "/");
    scene.server.stop().await.unwrap();
    let printed = scene
        .server
        .command(&["secrets", "rotate", "--force"])
        .await
        .unwrap();
    assert!(printed.starts_with("1 secret is sealed"), "{printed}");
    scene.server.start_again().await.unwrap();
    assert_eq!(scene.led_to().await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_a_provider() {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let provider = TestProvider::start().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{CLIENT_SECRET}").unwrap();
    let options = TestServerOptions::on(&database)
        .env("CHRONTAINER_OIDC_ISSUER", &provider.issuer)
        .env("CHRONTAINER_OIDC_CLIENT_ID", CLIENT_ID)
        .env(
            "CHRONTAINER_OIDC_CLIENT_SECRET_FILE",
            file.path().to_str().unwrap(),
        )
        .env("CHRONTAINER_OIDC_NAME", "SSO")
        .env("CHRONTAINER_OIDC_SIGN_UP", "auto_create")
        .env(
            "CHRONTAINER_OIDC_ROLES",
            "ops=admin; *=viewer@home; *=owner@Nowhere",
        );
    let server = TestServer::start(options).await.unwrap();
    assert!(server.log().contains("Nowhere"), "{}", server.log());
    let list = server.get("/api/v1/providers").await.json();
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (
            list["items"][0]["managed"].as_bool(),
            list["items"][0]["version"].as_i64()
        ),
        (Some(true), Some(1))
    );
    let path = format!("/api/v1/providers/{id}");
    assert_eq!(
        server.put(&path, draft(&provider, &json!({}))).await.code(),
        "provider_managed"
    );
    assert_eq!(server.delete(&path).await.code(), "provider_managed");
    let mut scene = Scene {
        database,
        server,
        provider,
        id,
    };
    assert_eq!(scene.led_to().await, "/");
    // A start that changes nothing changes nothing.
    scene.server.stop().await.unwrap();
    scene.server.start_again().await.unwrap();
    assert_eq!(scene.server.get(&path).await.json()["version"], 1);
    // Without it the row is people's.
    for name in [
        "ISSUER",
        "CLIENT_ID",
        "CLIENT_SECRET_FILE",
        "NAME",
        "SIGN_UP",
        "ROLES",
    ] {
        scene.server.set_env(&format!("CHRONTAINER_OIDC_{name}"), None);
    }
    scene.server.stop().await.unwrap();
    scene.server.start_again().await.unwrap();
    let left = scene.server.get(&path).await.json();
    assert_eq!(
        (left["managed"].as_bool(), left["enabled"].as_bool()),
        (Some(false), Some(false))
    );
    assert_eq!(scene.server.delete(&path).await.status, 204);
}
