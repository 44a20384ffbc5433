//! GitHub's way, with a stand-in that is shaped like it.

use super::{HOME, Scene, me};
use serde_json::{Value, json};
use testkit::provider::Tamper;

fn github(mappings: Value) -> Value {
    json!({ "kind": "github", "sign_up": "auto_create", "mappings": mappings })
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_and_teams_give_roles() {
    let scene = Scene::new(github(json!([
        { "value": "acme", "org_id": HOME, "role": "viewer" },
        { "value": "acme/ops", "org_id": HOME, "role": "admin" },
    ])))
    .await;
    let mut browser = scene.server.browser();
    let to = scene.start(&mut browser).await;
    assert!(
        to.contains("/login/oauth/authorize") && to.contains("code_challenge="),
        "{to}"
    );
    assert!(to.contains("read%3Aorg"), "{to}");
    let back = scene.at_provider(&to).await;
    assert_eq!(browser.open(&back).await.header("location"), "/");
    let ada = me(&mut browser).await;
    assert_eq!(
        (ada["name"].as_str(), ada["role"].as_str()),
        (Some("octo-ada"), Some("admin"))
    );
    // Left the team; the login was changed, and the number was not.
    scene.provider.github(|person| {
        person.teams.clear();
        "countess".clone_into(&mut person.login);
    });
    let mut again = scene.server.browser();
    scene.sign_in(&mut again).await;
    let again = me(&mut again).await;
    assert_eq!(
        (again["id"].clone(), again["role"].as_str()),
        (ada["id"].clone(), Some("viewer"))
    );
    // Somebody else took the old login.
    scene.provider.github(|person| {
        person.id = 4712;
        "octo-ada".clone_into(&mut person.login);
        person.orgs = (0..150)
            .map(|n| format!("org-{n}"))
            .chain(["acme".to_owned()])
            .collect();
    });
    let mut other = scene.server.browser();
    scene.sign_in(&mut other).await;
    let other = me(&mut other).await;
    assert_eq!(
        (other["name"].as_str(), other["role"].as_str()),
        (Some("octo-ada-2"), Some("viewer"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_verified_addresses_count() {
    let mut changes = github(json!([{ "value": "*", "org_id": HOME, "role": "viewer" }]));
    changes["domains"] = json!(["example.org"]);
    let scene = Scene::new(changes).await;
    scene
        .provider
        .github(|person| person.emails = vec![("boss@example.org".to_owned(), false, true)]);
    assert_eq!(scene.led_to().await, "/sign-in?problem=email_unverified");
    scene.provider.github(|person| {
        person.emails = vec![
            ("boss@example.org".to_owned(), false, true),
            ("eve@evil.example".to_owned(), true, false),
        ];
    });
    assert_eq!(scene.led_to().await, "/sign-in?problem=domain_not_allowed");
    scene
        .provider
        .github(|person| person.emails.push(("ada@example.org".to_owned(), true, false)));
    assert_eq!(scene.led_to().await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_code_comes_with_a_status_of_200() {
    let scene = Scene::new(github(
        json!([{ "value": "*", "org_id": HOME, "role": "viewer" }]),
    ))
    .await;
    for tamper in [Tamper::Refuses, Tamper::ForgetsClient] {
        scene.provider.tamper(tamper);
        assert_eq!(
            scene.led_to().await,
            "/sign-in?problem=code_refused",
            "{tamper:?}"
        );
    }
}
