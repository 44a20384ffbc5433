//! Everything that could be changed on the way is, and nothing of it comes in.

use super::{Scene, draft, me, open};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::provider::Tamper;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tampered_with_is_refused_and_told() {
    let scene = Scene::new(open()).await;
    for (tamper, code) in [
        (Tamper::Nonce, "token_nonce"),
        (Tamper::NoNonce, "token_nonce"),
        (Tamper::Signature, "token_signature"),
        (Tamper::SharedSecret, "token_signature"),
        (Tamper::Unsigned, "token_signature"),
        (Tamper::Claims, "token_signature"),
        (Tamper::Issuer, "token_issuer"),
        (Tamper::OtherIss, "token_issuer"),
        (Tamper::Audience, "token_audience"),
        (Tamper::TwoAudiences, "token_audience"),
        (Tamper::AuthorizedParty, "token_audience"),
        (Tamper::Expired, "token_expired"),
        (Tamper::Early, "token_expired"),
        (Tamper::AccessToken, "token_invalid"),
        (Tamper::NoIdToken, "token_invalid"),
        (Tamper::Refuses, "code_refused"),
        (Tamper::ForgetsClient, "provider_misconfigured"),
        (Tamper::Nonsense, "token_invalid"),
        (Tamper::Redirects, "token_invalid"),
        (Tamper::Endless, "provider_unreachable"),
        (Tamper::Cancels, "provider_refused"),
    ] {
        scene.forget_attempts().await;
        scene.provider.tamper(tamper);
        let mut browser = scene.server.browser();
        let answer = scene.sign_in(&mut browser).await;
        let led = answer.header("location").to_owned();
        assert_eq!(led, format!("/sign-in?problem={code}"), "{tamper:?}");
        assert_eq!(scene.told().await.as_deref(), Some(code), "{tamper:?}");
        assert_eq!(browser.cookie, None, "{tamper:?}");
        let page = browser.open(&led).await;
        let words = domain::providers::refusal(code).unwrap();
        let shown = page.text.replace("&#x27;", "'").replace("&#39;", "'");
        assert!(shown.contains(&words[..30]), "{tamper:?}: {}", page.text);
    }
    assert_eq!(scene.count("select count(*) from identities").await, 0);
    assert_eq!(scene.count("select count(*) from users").await, 1);
    assert!(
        !scene.server.log().contains("an-access-token"),
        "no token is in the log"
    );
    scene.forget_attempts().await;
    scene.provider.tamper(Tamper::Nothing);
    assert_eq!(scene.led_to().await, "/", "and what is right comes in");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let scene = Scene::new(open()).await;
    let mut ada = scene.server.browser();
    let to = scene.start(&mut ada).await;
    let back = scene.at_provider(&to).await;
    // Somebody saw the whole address.
    let mut thief = scene.server.browser();
    assert_eq!(
        thief.open(&back).await.header("location"),
        "/sign-in?problem=state_invalid"
    );
    scene.start(&mut thief).await;
    assert_eq!(
        thief.open(&back).await.header("location"),
        "/sign-in?problem=state_invalid"
    );
    assert_eq!(thief.cookie, None);
    assert_eq!(
        scene.provider.exchanges(),
        0,
        "and their tries do not even reach the provider"
    );
    // It did not use up the one who asked.
    let flow = ada.flow.clone();
    assert_eq!(ada.open(&back).await.header("location"), "/");
    // Once.
    let mut again = scene.server.browser();
    again.flow = flow;
    assert_eq!(
        again.open(&back).await.header("location"),
        "/sign-in?problem=state_invalid"
    );
    assert_eq!(scene.provider.exchanges(), 1);
    assert_eq!(scene.told().await.as_deref(), Some("state_invalid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_ones_own_making_and_an_old_one_are_refused() {
    let scene = Scene::new(open()).await;
    let mut browser = scene.server.browser();
    let to = scene.start(&mut browser).await;
    let flow = browser.flow.clone();
    let back = scene.at_provider(&to).await;
    let (path, query) = back.split_once('?').unwrap();
    let changed = format!("{path}?{}", query.replacen("state=", "state=x", 1));
    for wrong in [
        changed.as_str(),
        path,
        &format!("{path}?state=&code=x"),
        &format!("{back}&state=twice"),
        &format!("{path}?error=access_denied"),
    ] {
        scene.forget_attempts().await;
        browser.flow.clone_from(&flow);
        assert_eq!(
            browser.open(wrong).await.header("location"),
            "/sign-in?problem=state_invalid",
            "{wrong}"
        );
    }
    // Another provider's answer is not this one's.
    let other = draft(&scene.provider, &json!({ "name": "Other", "slug": "other" }));
    assert_eq!(scene.server.post("/api/v1/providers", other).await.status, 201);
    scene.forget_attempts().await;
    browser.flow.clone_from(&flow);
    let elsewhere = back.replacen("/auth/sso/", "/auth/other/", 1);
    assert_eq!(
        browser.open(&elsewhere).await.header("location"),
        "/sign-in?problem=state_invalid"
    );
    scene.forget_attempts().await;
    scene
        .sql("update sign_in_flows set expires_at = now() - interval '1 second'")
        .await;
    browser.flow = flow;
    assert_eq!(
        browser.open(&back).await.header("location"),
        "/sign-in?problem=state_invalid"
    );
    assert_eq!(scene.provider.exchanges(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_another_sign_in_used_is_refused() {
    let scene = Scene::new(open()).await;
    let mut ada = scene.server.browser();
    let to = scene.start(&mut ada).await;
    let used = scene.at_provider(&to).await;
    assert_eq!(ada.open(&used).await.header("location"), "/");
    let code = |path: &str| {
        url::form_urlencoded::parse(path.split_once('?').unwrap().1.as_bytes())
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned()
    };
    let mut eve = scene.server.browser();
    let to = scene.start(&mut eve).await;
    let back = scene.at_provider(&to).await;
    // A code that was not used fits no other sign-in either: its challenge is of another verifier.
    let mut victim = scene.server.browser();
    let to = scene.start(&mut victim).await;
    let fresh = code(&scene.at_provider(&to).await);
    for stolen in [code(&used), fresh] {
        scene.forget_attempts().await;
        let mut thief = scene.server.browser();
        let to = scene.start(&mut thief).await;
        let own = scene.at_provider(&to).await;
        let injected = own.replace(&code(&own), &stolen);
        assert_eq!(
            thief.open(&injected).await.header("location"),
            "/sign-in?problem=code_refused"
        );
        assert_eq!(thief.cookie, None);
    }
    scene.forget_attempts().await;
    assert_eq!(eve.open(&back).await.header("location"), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_holds_nobody_up_for_long() {
    let scene = Scene::new(open()).await;
    scene.provider.tamper(Tamper::Hangs);
    let begun = Instant::now();
    assert_eq!(scene.led_to().await, "/sign-in?problem=provider_unreachable");
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(9) && took < Duration::from_secs(15),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_somebody_else_is_refused() {
    let scene = Scene::new(open()).await;
    scene.provider.tamper(Tamper::OtherDocument);
    let started = scene.server.browser().open("/auth/sso/start").await;
    assert_eq!(
        started.header("location"),
        "/sign-in?problem=provider_misconfigured"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_found_when_a_token_names_one() {
    let scene = Scene::new(open()).await;
    assert_eq!(scene.led_to().await, "/");
    scene.provider.rotate_keys();
    assert_eq!(scene.led_to().await, "/");
    scene.provider.tamper(Tamper::Signature);
    assert_eq!(scene.led_to().await, "/sign-in?problem=token_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_things_out_slows_down() {
    let scene = Scene::new(json!({})).await;
    let mut tries = 0;
    while scene.led_to().await != "/sign-in?problem=too_many_attempts" {
        tries += 1;
        assert!(tries < 40, "nothing slows them down");
    }
    // What is turned away writes nothing into the log of changes.
    let refused = "select count(*) from audit where outcome = 'refused'";
    assert_eq!(scene.count(refused).await, tries);
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_of_somebody_else_is_refused() {
    let mut changes = open();
    changes["role_claim"] = json!("groups");
    changes["mappings"] = json!([{ "value": "ops", "org_id": super::HOME, "role": "admin" }]);
    let scene = Scene::new(changes).await;
    scene.provider.userinfo(json!({ "groups": ["ops"] }));
    scene.provider.tamper(Tamper::OtherUserinfo);
    assert_eq!(scene.led_to().await, "/sign-in?problem=token_invalid");
    scene.provider.tamper(Tamper::Nothing);
    let mut browser = scene.server.browser();
    scene.sign_in(&mut browser).await;
    assert_eq!(me(&mut browser).await["role"], "admin");
}
