//! Forms that are sent without JavaScript, in browsers old and new.

use super::server;
use reqwest::{Method, header};
use testkit::server::{Answer, Browser, OWNER, PASSWORD};

/// What comes with a form: `Origin` and `Sec-Fetch-Site` in today's browsers, in old ones `Referer` alone.
#[derive(Clone, Copy, PartialEq)]
enum Age {
    Today,
    Old,
}

async fn send(browser: &mut Browser, age: Age, from: &str, path: &str, form: &str) -> Answer {
    let page = format!("{}{from}", browser.origin);
    let mut request = browser
        .request(Method::POST, path)
        .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::REFERER, page)
        .body(form.to_owned());
    if age == Age::Today {
        request = request
            .header(header::ORIGIN, browser.origin.clone())
            .header("sec-fetch-site", "same-origin");
    }
    browser.send(request).await
}

#[tokio::test]
async fn signing_in_and_out_works_without_javascript() {
    let (_database, server) = server().await;
    for age in [Age::Today, Age::Old] {
        let mut browser = server.browser();
        let page = browser.open("/sign-in?next=%2Factivity").await;
        // Without it the browser would not say where the form is.
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(
            page.text.contains("action=\"/_fn/auth/sign-in\"") && page.text.contains("method=\"post\""),
            "{}",
            page.text
        );

        let form = format!("name={OWNER}&password=wrong&next=%2Factivity");
        let wrong = send(
            &mut browser,
            age,
            "/sign-in?next=%2Factivity",
            "/_fn/auth/sign-in",
            &form,
        )
        .await;
        assert_eq!(wrong.status, 302, "{wrong:?}");
        assert_eq!(browser.cookie, None);
        let back = wrong
            .header("location")
            .strip_prefix(&browser.origin)
            .unwrap_or_default()
            .to_owned();
        assert!(back.starts_with("/sign-in?next=%2Factivity&"), "{wrong:?}");
        let page = browser.open(&back).await;
        let alert = page.text.split("role=\"alert\"").nth(1).unwrap_or_default();
        assert!(
            alert
                .split("class=\"field\"")
                .next()
                .unwrap()
                .contains("password"),
            "{}",
            page.text
        );

        let form = format!(
            "name={OWNER}&password={}&next=%2Factivity",
            PASSWORD.replace(' ', "+")
        );
        let right = send(&mut browser, age, &back, "/_fn/auth/sign-in", &form).await;
        assert_eq!(
            (right.status, right.header("location")),
            (302, "/activity"),
            "{right:?}"
        );
        assert_eq!(browser.open("/activity").await.status, 200);

        let out = send(&mut browser, age, "/activity", "/_fn/auth/sign-out", "").await;
        assert_eq!(out.status, 302, "{out:?}");
        assert_eq!(browser.cookie, None);
    }
}

#[tokio::test]
async fn a_refused_form_is_answered_with_a_page() {
    let (_database, server) = server().await;
    let mut browser = server.sign_in().await.unwrap();
    browser.origin = "http://evil.example".to_owned();
    let mut answers = vec![(
        403,
        send(&mut browser, Age::Old, "/", "/_fn/auth/sign-out", "").await,
    )];
    let origin = browser
        .request(Method::POST, "/_fn/auth/sign-out")
        .header(header::ACCEPT, "text/html")
        .header(header::ORIGIN, "http://evil.example");
    answers.push((403, browser.send(origin).await));
    browser.origin = server.url.clone();
    answers.push((404, send(&mut browser, Age::Today, "/", "/_fn/no/such", "").await));
    answers.push((405, send(&mut browser, Age::Today, "/", "/activity", "").await));
    for (status, answer) in answers {
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "text/html; charset=utf-8"),
            "{answer:?}"
        );
        assert!(answer.text.contains("<h1>That did not work</h1>"), "{answer:?}");
    }
    assert_eq!(
        browser.fetch("/_fn/auth/me").await.status,
        200,
        "nothing was done"
    );
}
