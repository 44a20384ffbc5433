//! What every answer has in common, and what another site cannot do.

use super::server;
use reqwest::{Method, header};
use testkit::{
    postgres::TestDatabase,
    server::{Answer, OWNER, PASSWORD, TestServer, TestServerOptions, migrations},
};

#[tokio::test]
async fn every_answer_has_the_headers() {
    let (_database, server) = server().await;
    let mut browser = server.sign_in().await.unwrap();
    let answers = [
        browser.open("/").await,
        browser.open("/no/such/page").await,
        server.browser().open("/sign-in").await,
        server.get("/health").await,
        server.get("/api/v1/nothing").await,
        Answer::of(server.request(Method::GET, "/metrics")).await,
    ];
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("permissions-policy").contains("camera=()"));
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(answer.header("x-request-id").len(), 32);
        assert_eq!(
            answer.header("strict-transport-security"),
            "",
            "not over plain http"
        );
    }
}

#[tokio::test]
async fn a_page_runs_only_scripts_with_its_own_nonce() {
    let (_database, server) = server().await;
    let mut browser = server.sign_in().await.unwrap();
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let page = browser.open("/").await;
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy").to_owned();
        let scripts = policy
            .split(';')
            .find(|part| part.trim().starts_with("script-src"))
            .unwrap();
        assert!(
            !scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'"),
            "{scripts}"
        );
        let nonce = scripts
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap()
            .to_owned();
        let inline = page.text.matches("<script").count();
        assert!(inline > 0);
        assert_eq!(page.text.matches(&format!("nonce=\"{nonce}\"")).count(), inline);
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_right_shape() {
    let (_database, server) = server().await;
    for path in [
        "/api",
        "/api/v1",
        "/api/v1/no-such-thing",
        "/nothing",
        "/pkg/nothing.js",
        "/../etc/passwd",
    ] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{path}"
        );
        assert!(answer.json()["error"]["message"].is_string());
    }
    let function = server.post("/_fn/no/such/function", serde_json::json!({})).await;
    assert_eq!(
        (function.status, function.json()["code"].as_str()),
        (404, Some("not_found"))
    );
    let method = server.delete("/health").await;
    assert_eq!(
        (method.status, method.code().as_str()),
        (405, "method_not_allowed")
    );
    assert_eq!(method.header("allow"), "GET,HEAD");

    // A browser is sent to sign in first, and gets the app's own page then.
    let stranger = server.browser().open("/no/such/page").await;
    assert_eq!(
        (stranger.status, stranger.header("location")),
        (303, "/sign-in?next=%2Fno%2Fsuch%2Fpage")
    );
    let page = server.sign_in().await.unwrap().open("/no/such/page").await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("<html"));
}

#[tokio::test]
async fn another_site_cannot_act_for_a_browser() {
    let (_database, server) = server().await;
    let browser = server.sign_in().await.unwrap();
    let attempt = |headers: &[(&'static str, String)]| {
        let mut request = browser.request(Method::POST, "/_fn/auth/sign-out");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Answer::of(request)
    };
    let evil = "http://evil.example".to_owned();
    for headers in [
        vec![("origin", evil.clone())],
        vec![("origin", "null".to_owned())],
        vec![("origin", server.url.replace("127.0.0.1", "localhost"))],
        vec![("sec-fetch-site", "cross-site".to_owned())],
        vec![
            ("sec-fetch-site", "same-site".to_owned()),
            ("origin", server.url.clone()),
        ],
        vec![],
    ] {
        let refused = attempt(&headers).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (403, "cross_site"),
            "{headers:?}"
        );
    }
    // Nor sign it in to somebody else's account.
    let mut stranger = server.browser();
    stranger.origin = evil.clone();
    assert_eq!(stranger.sign_in(OWNER, PASSWORD).await.status, 403);
    assert_eq!(stranger.cookie, None);

    // A key comes with no browser.
    let key = server
        .request(Method::POST, "/health")
        .bearer_auth(&server.api_key)
        .header(header::ORIGIN, evil);
    assert_eq!(Answer::of(key).await.status, 405);
    let ours = attempt(&[("sec-fetch-site", "same-origin".to_owned())]).await;
    assert_eq!(ours.status, 200);
}

#[tokio::test]
async fn the_cookie_follows_tls() {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let plain = TestServer::start(TestServerOptions::on(&database)).await.unwrap();
    let answer = plain.browser().sign_in(OWNER, PASSWORD).await;
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("chrontainer=") && !cookie.contains("Secure"),
        "{cookie}"
    );
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    // Nobody can pretend to come through a proxy.
    let mut liar = plain.browser();
    liar.proxy = vec![("x-forwarded-proto".to_owned(), "https".to_owned())];
    assert!(
        liar.sign_in(OWNER, PASSWORD)
            .await
            .header("set-cookie")
            .starts_with("chrontainer=")
    );

    let options = TestServerOptions::on(&database).env("CHRONTAINER_TRUSTED_PROXIES", "127.0.0.0/8");
    let behind = TestServer::start(options).await.unwrap();
    let mut browser = behind.browser();
    browser.proxy = vec![
        ("x-forwarded-proto".to_owned(), "https".to_owned()),
        (
            "x-forwarded-host".to_owned(),
            "chrontainer.example.org".to_owned(),
        ),
        ("x-forwarded-for".to_owned(), "203.0.113.9".to_owned()),
    ];
    browser.origin = "https://chrontainer.example.org".to_owned();
    let answer = browser.sign_in(OWNER, PASSWORD).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-chrontainer=") && cookie.contains("Secure"),
        "{answer:?}"
    );
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(browser.fetch("/_fn/auth/me").await.status, 200);
    // The plain name counts for nothing there.
    browser.cookie = browser.cookie.map(|cookie| cookie.replace("__Host-", ""));
    assert_eq!(browser.fetch("/_fn/auth/me").await.status, 401);
    let seen = database
        .client()
        .await
        .unwrap()
        .query_one("select address from sessions order by id desc limit 1", &[])
        .await
        .unwrap();
    assert_eq!(seen.get::<_, &str>(0), "203.0.113.9");

    let public =
        TestServerOptions::on(&database).env("CHRONTAINER_PUBLIC_URL", "https://chrontainer.example.org");
    let public = TestServer::start(public).await.unwrap();
    let mut browser = public.browser();
    browser.origin = "https://chrontainer.example.org".to_owned();
    let cookie = browser.sign_in(OWNER, PASSWORD).await;
    assert!(
        cookie.header("set-cookie").starts_with("__Host-chrontainer="),
        "{cookie:?}"
    );
    assert_eq!(browser.fetch("/_fn/auth/me").await.status, 200);
    // The same server straight over the LAN still lets people sign in.
    assert!(
        public
            .browser()
            .sign_in(OWNER, PASSWORD)
            .await
            .header("set-cookie")
            .starts_with("chrontainer=")
    );
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let (_database, server) = server().await;
    let announced = server
        .request(Method::POST, "/_fn/auth/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("name=x&password=".to_owned() + &"y".repeat(3 * 1024 * 1024));
    // The server may close before all is sent; either way nothing was read.
    match announced.send().await {
        Ok(response) => assert_eq!(response.status(), 413),
        Err(error) => assert!(error.is_request(), "{error}"),
    }
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_tab_of_another_build_is_told_to_reload() {
    let (_database, server) = server().await;
    let build = server.get("/api/version").await.json()["build"]
        .as_str()
        .unwrap()
        .to_owned();
    let call = |build: &str| {
        let request = server
            .request(Method::GET, "/_fn/auth/me")
            .bearer_auth(&server.api_key)
            .header("x-chrontainer-build", build);
        Answer::of(request)
    };
    assert_eq!(call(&build).await.status, 200);
    let old = call("000000000000").await;
    assert_eq!((old.status, old.code().as_str()), (409, "client_outdated"));
}

#[tokio::test]
async fn the_api_takes_a_name_and_a_password_only_where_that_is_switched_on() {
    let (_database, server) = server().await;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let ask = async |path: &str, password: &str| {
        let url = format!("{}{path}", server.url);
        Answer::of(http.get(url).basic_auth(OWNER, Some(password))).await
    };
    let off = ask("/api/v1/hosts", PASSWORD).await;
    assert_eq!((off.status, off.code().as_str()), (401, "not_signed_in"));
    let on = server
        .put(
            "/api/v1/sign-in-policy",
            serde_json::json!({ "passwords": true, "basic": true }),
        )
        .await;
    assert_eq!(
        (on.status, on.json()["basic"].as_bool()),
        (200, Some(true)),
        "{on:?}"
    );
    assert_eq!(ask("/api/v1/hosts", PASSWORD).await.status, 200);
    assert_eq!(ask("/metrics", PASSWORD).await.status, 200);
    let wrong = ask("/api/v1/hosts", "wrong").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "wrong_credentials"));
    // No browser is to ask for it and to keep it.
    assert_eq!(wrong.header("www-authenticate"), "Bearer");
    // Pages and their functions take none.
    assert_eq!(ask("/", PASSWORD).await.status, 303);
    assert_eq!(ask("/_fn/auth/me", PASSWORD).await.status, 401);
    // A browser that was made to send one from elsewhere is refused all the same.
    let forged = http
        .post(format!("{}/api/v1/teams", server.url))
        .basic_auth(OWNER, Some(PASSWORD))
        .header("sec-fetch-site", "cross-site")
        .json(&serde_json::json!({ "name": "evil" }));
    assert_eq!(Answer::of(forged).await.code(), "cross_site");
}

#[tokio::test]
async fn a_sign_in_that_anybody_on_the_way_can_read_is_marked() {
    let (_database, server) = server().await;
    let http = reqwest::Client::new();
    for (host, marked) in [
        ("192.168.1.5:3000", true),
        ("localhost:3000", false),
        ("127.0.0.1:3000", false),
    ] {
        let page = http
            .get(format!("{}/sign-in", server.url))
            .header(header::HOST, host)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert_eq!(page.contains("data-unprotected"), marked, "{host}");
        assert_eq!(
            page.contains("This connection is not protected."),
            marked,
            "{host}"
        );
    }
}
