//! Which account a person of a provider is: linked by its owner, found by a verified address where that is allowed, and never
//! by a name.

use super::{Scene, me, open};
use serde_json::{Value, json};
use testkit::server::{Browser, OWNER, PASSWORD};

/// Asks for a link as the profile's button does, and goes to the provider.
async fn link(scene: &Scene, browser: &mut Browser) -> String {
    let asked = browser.call("/_fn/auth/link", &[("slug", "sso")]).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let to: String = serde_json::from_value(asked.json()).unwrap();
    scene.at_provider(&to).await
}

async fn identities(browser: &mut Browser) -> Vec<Value> {
    let list = browser.fetch("/api/v1/identities").await;
    list.json()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_in_person_links_and_unlinks() {
    let scene = Scene::new(json!({})).await;
    let mut owner = scene.server.sign_in().await.unwrap();
    let back = link(&scene, &mut owner).await;
    assert_eq!(owner.open(&back).await.header("location"), "/settings?linked=sso");
    let linked = identities(&mut owner).await;
    assert_eq!(
        (linked[0]["provider"].as_str(), linked[0]["label"].as_str()),
        (Some("SSO"), Some("ada@example.org"))
    );
    let mut elsewhere = scene.server.browser();
    scene.sign_in(&mut elsewhere).await;
    assert_eq!(me(&mut elsewhere).await["name"], OWNER);
    // A program cannot: it could make itself a way in that outlives it.
    let path = format!("/api/v1/identities/{}", linked[0]["id"].as_str().unwrap());
    assert_eq!(scene.server.delete(&path).await.code(), "session_needed");
    let gone = owner
        .call("/_fn/auth/unlink", &[("id", linked[0]["id"].as_str().unwrap())])
        .await;
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(identities(&mut owner).await.len(), 0);
    assert_eq!(scene.led_to().await, "/sign-in?problem=not_invited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_for_whoever_asked_and_still_sits_there() {
    let scene = Scene::new(open()).await;
    let mut owner = scene.server.sign_in().await.unwrap();
    // Signed out meanwhile.
    let back = link(&scene, &mut owner).await;
    owner.cookie = None;
    assert_eq!(
        owner.open(&back).await.header("location"),
        "/settings?problem=session_changed"
    );
    // Signed in as somebody else meanwhile.
    let mut owner = scene.server.sign_in().await.unwrap();
    let back = link(&scene, &mut owner).await;
    let mut ada = scene.server.browser();
    scene
        .provider
        .person(json!({ "sub": "other", "preferred_username": "other" }));
    scene.sign_in(&mut ada).await;
    owner.cookie = ada.cookie.clone();
    assert_eq!(
        owner.open(&back).await.header("location"),
        "/settings?problem=session_changed"
    );
    assert_eq!(scene.told().await.as_deref(), Some("session_changed"));
    // Linked to somebody else already.
    let mut owner = scene.server.sign_in().await.unwrap();
    let back = link(&scene, &mut owner).await;
    assert_eq!(
        owner.open(&back).await.header("location"),
        "/settings?problem=identity_taken"
    );
    assert_eq!(identities(&mut owner).await.len(), 0);
    // Another site cannot make a browser ask.
    owner.origin = "http://evil.example".to_owned();
    assert_eq!(
        owner.call("/_fn/auth/link", &[("slug", "sso")]).await.code(),
        "cross_site"
    );
    // Nor does the link of the sign-in page link anything.
    scene
        .provider
        .person(json!({ "sub": "third", "preferred_username": "third" }));
    let mut owner = scene.server.sign_in().await.unwrap();
    scene.sign_in(&mut owner).await;
    assert_eq!(me(&mut owner).await["name"], "third");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_tells_what_would_happen_and_does_nothing() {
    let scene = Scene::new(json!({ "enabled": false })).await;
    let mut owner = scene.server.sign_in().await.unwrap();
    let walk = async |browser: &mut Browser| {
        let asked = browser.call("/_fn/providers/walk", &[("slug", "sso")]).await;
        assert_eq!(asked.status, 200, "{asked:?}");
        let to: String = serde_json::from_value(asked.json()).unwrap();
        scene.at_provider(&to).await
    };
    let back = walk(&mut owner).await;
    assert_eq!(
        owner.open(&back).await.header("location"),
        "/settings/sign-in?tested=sso"
    );
    let walked = owner.fetch("/_fn/providers/walked").await.json();
    assert_eq!(
        (walked["provider"].as_str(), walked["report"]["ok"].as_bool()),
        (Some("SSO"), Some(false))
    );
    assert!(
        walked.to_string().contains("Your account is not invited."),
        "{walked}"
    );
    // Used once, and in no other session.
    assert_eq!(
        owner.open(&back).await.header("location"),
        "/sign-in?problem=state_invalid"
    );
    let mut other = scene.server.sign_in().await.unwrap();
    assert_eq!(other.fetch("/_fn/providers/walked").await.json(), Value::Null);

    let mut changes = open();
    changes["enabled"] = json!(false);
    scene.change(changes).await;
    let back = walk(&mut owner).await;
    owner.open(&back).await;
    let walked = owner.fetch("/_fn/providers/walked").await.json();
    assert_eq!(walked["report"]["ok"], true, "{walked}");
    assert!(
        walked.to_string().contains("You would be operator in"),
        "{walked}"
    );
    // A provider that is switched off signs nobody in for all that.
    assert_eq!(scene.led_to_start().await, "/sign-in?problem=provider_unknown");
    assert_eq!(identities(&mut owner).await.len(), 0);
    assert_eq!(me(&mut owner).await["name"], OWNER);
    assert_eq!(scene.count("select count(*) from users").await, 1);
    // What is wrong with the way is told there, and not on the sign-in page.
    let back = walk(&mut owner).await;
    let (path, query) = back.split_once('?').unwrap();
    let state = query
        .split('&')
        .find(|field| field.starts_with("state="))
        .unwrap();
    owner.open(&format!("{path}?error=access_denied&{state}")).await;
    let walked = owner.fetch("/_fn/providers/walked").await.json();
    assert_eq!(walked["report"]["ok"], false, "{walked}");
    assert_eq!(walked["report"]["steps"][0]["name"], "Round trip");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_finds_nobody() {
    let scene = Scene::new(json!({ "link_by_email": true })).await;
    scene.provider.person(json!({ "sub": "evil", "preferred_username": OWNER, "name": OWNER, "email": "evil@example.org", "email_verified": true }));
    assert_eq!(scene.led_to().await, "/sign-in?problem=not_invited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_address_finds_an_account_only_where_that_is_allowed() {
    let scene = Scene::new(json!({})).await;
    let added = scene
        .server
        .post("/api/v1/members", json!({ "name": "grace", "role": "viewer" }))
        .await
        .json();
    let id = added["member"]["id"].as_str().unwrap().to_owned();
    let set = |email: &str| {
        let body = json!({ "email": email });
        let path = format!("/api/v1/members/{id}");
        let server = &scene.server;
        async move { server.send(reqwest::Method::PATCH, &path, Some(body)).await }
    };
    assert_eq!(set("no address").await.code(), "email_invalid");
    let written = set("Ada@Example.org").await.json();
    assert_eq!(written["email"], "Ada@Example.org");
    assert_eq!(
        written.get("email_confirmed_by"),
        None,
        "an admin wrote it, and nobody checked"
    );
    assert_eq!(scene.led_to().await, "/sign-in?problem=not_invited");
    scene.change(json!({ "link_by_email": true })).await;
    scene
        .provider
        .person(json!({ "sub": "1", "email": "ada@example.org" }));
    assert_eq!(
        scene.led_to().await,
        "/sign-in?problem=not_invited",
        "not verified"
    );
    scene
        .provider
        .person(json!({ "sub": "1", "email": "ada@example.org", "email_verified": true }));
    let mut browser = scene.server.browser();
    scene.sign_in(&mut browser).await;
    assert_eq!(me(&mut browser).await["name"], "grace");
    let members = scene.server.get("/api/v1/members").await.json();
    let grace = members["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|member| member["name"] == "grace");
    assert!(grace.unwrap()["email_confirmed_by"].is_string(), "{grace:?}");
    // Linked for good: the address may change.
    set("").await;
    scene
        .provider
        .person(json!({ "sub": "1", "email": "new@example.org", "email_verified": true }));
    let mut again = scene.server.browser();
    scene.sign_in(&mut again).await;
    assert_eq!(me(&mut again).await["name"], "grace");
    // Two accounts with one address: neither.
    scene
        .sql("update users set email = 'new@example.org' where name = 'owner'")
        .await;
    scene
        .provider
        .person(json!({ "sub": "2", "email": "new@example.org", "email_verified": true }));
    assert_eq!(scene.led_to().await, "/sign-in?problem=email_ambiguous");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_in_stays() {
    let scene = Scene::new(open()).await;
    let mut ada = scene.server.browser();
    scene.sign_in(&mut ada).await;
    let linked = identities(&mut ada).await;
    let gone = ada
        .call("/_fn/auth/unlink", &[("id", linked[0]["id"].as_str().unwrap())])
        .await;
    assert_eq!(gone.code(), "last_way_in");
    assert_eq!(identities(&mut ada).await.len(), 1);

    // The account came to be without a password. After a while, signing in again there shows that a password may be set.
    let password = "eight otters on a raft";
    let set = [("password", password)];
    scene
        .sql("update sessions set proven_at = now() - interval '11 minutes'")
        .await;
    assert_eq!(
        ada.call("/_fn/auth/set-password", &set).await.code(),
        "prove_first"
    );
    let ways = ada.fetch("/_fn/auth/proof").await.json();
    assert_eq!(
        (&ways["password"], ways["providers"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
    scene.sign_in(&mut ada).await;
    assert_eq!(ada.call("/_fn/auth/set-password", &set).await.status, 200);
    let name = me(&mut ada).await["name"].as_str().unwrap().to_owned();
    let mut by_password = scene.server.browser();
    assert_eq!(by_password.sign_in(&name, password).await.status, 200);
    let unlinked = ada
        .call("/_fn/auth/unlink", &[("id", linked[0]["id"].as_str().unwrap())])
        .await;
    assert_eq!(unlinked.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_switched_off_and_the_machine_lets_one_in_again() {
    let scene = Scene::new(json!({})).await;
    let mut owner = scene.server.sign_in().await.unwrap();
    let off = || {
        scene
            .server
            .put("/api/v1/sign-in-policy", json!({ "passwords": false }))
    };
    assert_eq!(off().await.code(), "link_first");
    let back = link(&scene, &mut owner).await;
    owner.open(&back).await;
    assert_eq!(off().await.json()["passwords"], false);
    let page = scene.server.browser().open("/sign-in").await;
    assert!(
        !page.text.contains("autocomplete=\"current-password\""),
        "{}",
        page.text
    );
    for (name, password) in [(OWNER, PASSWORD), (OWNER, "wrong"), ("nobody", "wrong")] {
        let refused = scene.server.browser().sign_in(name, password).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (403, "passwords_off"),
            "{name}"
        );
    }
    let mut by_provider = scene.server.browser();
    scene.sign_in(&mut by_provider).await;
    assert_eq!(me(&mut by_provider).await["name"], OWNER);
    // The provider broke: whoever has the machine comes in again.
    let printed = scene
        .server
        .command(&["user", "reset", "--name", OWNER])
        .await
        .unwrap();
    let password = printed.lines().last().unwrap().to_owned();
    scene.forget_attempts().await;
    assert_eq!(scene.server.browser().sign_in(OWNER, &password).await.status, 200);
    scene.sql("update users set password_until = now()").await;
    assert_eq!(
        scene.server.browser().sign_in(OWNER, &password).await.code(),
        "passwords_off"
    );
    // Without a provider there would be no way in at all.
    scene.change(json!({ "enabled": false })).await;
    assert_eq!(scene.server.browser().sign_in(OWNER, &password).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_another_provider_verified_counts_only_with_trust() {
    // Whoever asks is verified there, and gets an account.
    let scene = Scene::new(open()).await;
    scene.provider.person(json!({ "sub": "eve", "preferred_username": "eve", "email": "ada@example.org", "email_verified": true }));
    assert_eq!(scene.led_to().await, "/");
    let trusted = super::draft(
        &scene.provider,
        &json!({ "name": "Trusted", "slug": "trusted", "link_by_email": true }),
    );
    assert_eq!(scene.server.post("/api/v1/providers", trusted).await.status, 201);
    scene.provider.person(json!({ "sub": "ada", "preferred_username": "ada", "email": "ada@example.org", "email_verified": true }));
    let through_trusted = async || {
        let mut browser = scene.server.browser();
        let started = browser.open("/auth/trusted/start").await;
        let back = scene.at_provider(started.header("location")).await;
        browser.open(&back).await.header("location").to_owned()
    };
    assert_eq!(
        through_trusted().await,
        "/sign-in?problem=not_invited",
        "she does not land in what eve prepared"
    );
    // With trust in both it is one person.
    let mut changes = open();
    changes["link_by_email"] = json!(true);
    scene.change(changes).await;
    assert_eq!(through_trusted().await, "/");
}
