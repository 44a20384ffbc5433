//! Signing in through providers: the whole way with a provider in the test's own process, and everything that somebody who
//! means ill could change on it.

mod github;
mod linking;
mod manage;
mod roles;
mod tamper;

use serde_json::{Value, json};
use testkit::{
    postgres::TestDatabase,
    provider::{CLIENT_ID, CLIENT_SECRET, TestProvider},
    server::{Answer, Browser, TestServer, TestServerOptions, migrations},
};

const HOME: &str = "00000000-0000-7000-8000-000000000001";

/// A server, a provider, and the former knowing the latter as `sso`.
struct Scene {
    database: TestDatabase,
    server: TestServer,
    provider: TestProvider,
    id: String,
}

/// What lets anybody of the provider in, as an operator.
fn open() -> Value {
    json!({ "sign_up": "auto_create", "mappings": [{ "value": "*", "org_id": HOME, "role": "operator" }] })
}

impl Scene {
    async fn new(changes: Value) -> Self {
        let database = TestDatabase::create(&migrations()).await.unwrap();
        let server = TestServer::start(TestServerOptions::on(&database)).await.unwrap();
        let provider = TestProvider::start().await;
        let made = server.post("/api/v1/providers", draft(&provider, &changes)).await;
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        Self {
            database,
            server,
            provider,
            id,
        }
    }

    async fn change(&self, changes: Value) {
        let path = format!("/api/v1/providers/{}", self.id);
        let changed = self.server.put(&path, draft(&self.provider, &changes)).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }

    /// The first way: to the provider's page.
    async fn start(&self, browser: &mut Browser) -> String {
        let started = browser.open("/auth/sso/start").await;
        assert_eq!(started.status, 303, "{started:?}");
        let to = started.header("location").to_owned();
        assert!(to.starts_with(&self.provider.issuer), "{to}");
        to
    }

    /// The way back: to which path of the server the provider sends the browser.
    async fn at_provider(&self, to: &str) -> String {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = http.get(to).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
        let back = answer.headers()["location"].to_str().unwrap().to_owned();
        back.strip_prefix(&self.server.url).unwrap().to_owned()
    }

    /// The whole way. Gives the last answer.
    async fn sign_in(&self, browser: &mut Browser) -> Answer {
        let to = self.start(browser).await;
        let back = self.at_provider(&to).await;
        browser.open(&back).await
    }

    /// The whole way with a new browser, and where it leads.
    async fn led_to(&self) -> String {
        let mut browser = self.server.browser();
        self.sign_in(&mut browser).await.header("location").to_owned()
    }

    /// Where its button on the sign-in page leads a new browser.
    async fn led_to_start(&self) -> String {
        let mut browser = self.server.browser();
        browser
            .open("/auth/sso/start")
            .await
            .header("location")
            .to_owned()
    }

    /// Nobody waits between the tries of a test.
    async fn forget_attempts(&self) {
        self.sql("delete from login_failures").await;
    }

    async fn sql(&self, sql: &str) {
        self.database
            .client()
            .await
            .unwrap()
            .batch_execute(sql)
            .await
            .unwrap();
    }

    async fn count(&self, sql: &str) -> i64 {
        let client = self.database.client().await.unwrap();
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// The code of the refusal that the log of changes holds last.
    async fn told(&self) -> Option<String> {
        let client = self.database.client().await.unwrap();
        let row = client
            .query_opt(
                "select after->>'code' from audit where outcome = 'refused' and object_kind = 'provider' order by id desc limit 1",
                &[],
            )
            .await
            .unwrap();
        row.and_then(|row| row.get(0))
    }
}

fn draft(provider: &TestProvider, changes: &Value) -> Value {
    let mut draft = json!({
        "kind": "oidc", "name": "SSO", "slug": "sso", "issuer": provider.issuer, "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    });
    for (name, value) in changes.as_object().unwrap() {
        draft[name] = value.clone();
    }
    draft
}

async fn me(browser: &mut Browser) -> Value {
    let me = browser.fetch("/_fn/auth/me").await;
    assert_eq!(me.status, 200, "{me:?}");
    me.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_comes_in_and_is_the_same_the_next_time() {
    let scene = Scene::new(open()).await;
    let mut browser = scene.server.browser();
    let page = browser.open("/sign-in").await;
    assert!(page.text.contains("Continue with SSO"), "{}", page.text);

    let to = scene.start(&mut browser).await;
    let flow = browser.flow.clone().unwrap();
    for part in [
        "code_challenge_method=S256",
        "nonce=",
        "state=",
        "scope=openid+email+profile",
    ] {
        assert!(to.contains(part), "{to}");
    }
    let back = scene.at_provider(&to).await;
    let answer = browser.open(&back).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    assert_eq!(browser.flow, None, "the cookie of the sign-in is gone");
    let ada = me(&mut browser).await;
    assert_eq!(
        (ada["name"].as_str(), ada["role"].as_str()),
        (Some("ada"), Some("operator"))
    );

    // What is stored of the way are hashes, and what was secret on it is in no log.
    let cookie = flow.split_once('=').unwrap().1;
    let query: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(back.split_once('?').unwrap().1.as_bytes())
            .into_owned()
            .collect();
    let log = scene.server.log();
    for secret in [cookie, &query["state"], &query["code"], CLIENT_SECRET] {
        assert!(!log.contains(secret), "{secret}");
        let kept = format!("select count(*) from audit where audit::text like '%{secret}%'");
        assert_eq!(scene.count(&kept).await, 0);
    }
    assert_eq!(scene.count("select count(*) from sign_in_flows").await, 0);

    // The name changed at the provider; the subject did not.
    scene
        .provider
        .person(json!({ "sub": "ada-1", "preferred_username": "countess" }));
    let mut again = scene.server.browser();
    scene.sign_in(&mut again).await;
    assert_eq!(me(&mut again).await["id"], ada["id"]);
    // Somebody else with a name that is taken gets another account, and another name.
    scene
        .provider
        .person(json!({ "sub": "other", "preferred_username": "owner" }));
    let mut other = scene.server.browser();
    scene.sign_in(&mut other).await;
    let other = me(&mut other).await;
    assert_eq!(other["name"], "owner-2");
    assert_eq!(other["server_admin"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_is_a_new_one_and_leads_where_it_was_wanted() {
    let scene = Scene::new(open()).await;
    // Somebody planted their own session into this browser.
    let planted = scene.server.sign_in().await.unwrap();
    let mut browser = scene.server.browser();
    browser.cookie = planted.cookie.clone();
    let started = browser
        .open("/auth/sso/start?next=%2Fschedules%3Fq%3Dname%253Aweb")
        .await;
    let back = scene.at_provider(started.header("location")).await;
    let answer = browser.open(&back).await;
    assert_eq!(answer.header("location"), "/schedules?q=name%3Aweb");
    assert_ne!(browser.cookie, planted.cookie);
    assert_eq!(me(&mut browser).await["name"], "ada");
    let mut old = planted;
    assert_eq!(
        old.fetch("/_fn/auth/me").await.status,
        401,
        "the planted one is worth nothing"
    );
    // Never to another site.
    let mut fresh = scene.server.browser();
    let started = fresh.open("/auth/sso/start?next=%2F%2Fevil.example").await;
    let back = scene.at_provider(started.header("location")).await;
    assert_eq!(fresh.open(&back).await.header("location"), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_invitation_nobody_comes_in() {
    let scene = Scene::new(json!({})).await;
    let page = scene.led_to().await;
    assert_eq!(page, "/sign-in?problem=not_invited");
    let shown = scene.server.browser().open(&page).await;
    assert!(
        shown.text.contains("Your account is not invited."),
        "{}",
        shown.text
    );
    assert_eq!(scene.told().await.as_deref(), Some("not_invited"));
    assert_eq!(scene.count("select count(*) from users").await, 1);
    // Accounts are made, but for those with a role.
    scene.change(json!({
        "sign_up": "auto_create", "role_claim": "groups", "mappings": [{ "value": "ops", "org_id": HOME, "role": "admin" }],
    })).await;
    assert_eq!(scene.led_to().await, "/sign-in?problem=not_invited");
    // With an invitation they do.
    scene.forget_attempts().await;
    scene.change(json!({})).await;
    let invited = scene
        .server
        .post("/api/v1/invitations", json!({ "role": "viewer" }))
        .await
        .json();
    let token = invited["link"]["path"]
        .as_str()
        .unwrap()
        .split_once("token=")
        .unwrap()
        .1
        .to_owned();
    let mut browser = scene.server.browser();
    let started = browser.open(&format!("/auth/sso/start?invite={token}")).await;
    let back = scene.at_provider(started.header("location")).await;
    assert_eq!(browser.open(&back).await.header("location"), "/");
    assert_eq!(me(&mut browser).await["role"], "viewer");
    // It was good for one.
    scene.provider.person(json!({ "sub": "eve" }));
    let mut eve = scene.server.browser();
    let started = eve.open(&format!("/auth/sso/start?invite={token}")).await;
    let back = scene.at_provider(started.header("location")).await;
    assert_eq!(
        eve.open(&back).await.header("location"),
        "/sign-in?problem=invitation_invalid"
    );
    assert_eq!(eve.cookie, None);
    assert_eq!(
        scene
            .count("select count(*) from users where name like 'member%'")
            .await,
        0
    );
    assert!(!scene.server.log().contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_verified_addresses_of_the_named_domains_come_in() {
    let mut changes = open();
    changes["domains"] = json!(["example.org"]);
    let scene = Scene::new(changes).await;
    for (claims, code) in [
        (
            json!({ "sub": "1", "email": "eve@example.org" }),
            "email_unverified",
        ),
        (
            json!({ "sub": "1", "email": "eve@example.org", "email_verified": false }),
            "email_unverified",
        ),
        (
            json!({ "sub": "1", "email": "eve@evil.example", "email_verified": true }),
            "domain_not_allowed",
        ),
        (
            json!({ "sub": "1", "email": "eve@sub.example.org", "email_verified": true }),
            "domain_not_allowed",
        ),
        (
            json!({ "sub": "1", "email": "eve@example.org.evil.example", "email_verified": true }),
            "domain_not_allowed",
        ),
    ] {
        scene.forget_attempts().await;
        scene.provider.person(claims.clone());
        assert_eq!(
            scene.led_to().await,
            format!("/sign-in?problem={code}"),
            "{claims}"
        );
        assert_eq!(scene.told().await.as_deref(), Some(code));
    }
    scene
        .provider
        .person(json!({ "sub": "1", "email": "Eve@Example.org", "email_verified": true }));
    assert_eq!(scene.led_to().await, "/");
    // Who is known is looked at no less.
    scene
        .provider
        .person(json!({ "sub": "1", "email": "eve@evil.example", "email_verified": true }));
    assert_eq!(scene.led_to().await, "/sign-in?problem=domain_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_and_one_without_an_organisation_stay_outside() {
    let scene = Scene::new(open()).await;
    assert_eq!(scene.led_to().await, "/");
    scene
        .sql("update users set disabled_at = now() where name = 'ada'")
        .await;
    assert_eq!(scene.led_to().await, "/sign-in?problem=account_disabled");
    scene
        .sql("update users set disabled_at = null where name = 'ada'")
        .await;
    scene.change(json!({})).await;
    assert_eq!(scene.led_to().await, "/sign-in?problem=no_organisation");
    let disabled = json!({ "enabled": false });
    scene.change(disabled).await;
    let started = scene.server.browser().open("/auth/sso/start").await;
    assert_eq!(started.header("location"), "/sign-in?problem=provider_unknown");
}
