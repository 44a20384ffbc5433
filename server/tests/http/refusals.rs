//! What is wrong with a request is told in JSON, with a stable code, whatever it is.

use super::server;
use reqwest::{Method, header};
use serde_json::{Value, json};
use testkit::server::{Answer, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn assert_json(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, "application/json"),
        "{what}: {answer:?}"
    );
    assert_eq!(answer.code(), code, "{what}");
    assert!(
        answer.json()["error"]["message"].as_str().unwrap().ends_with('.'),
        "{what}: {answer:?}"
    );
}

#[tokio::test]
async fn an_address_that_is_not_there() {
    let (_database, server) = server().await;
    for path in [
        "/api/v1/nothing",
        "/api/v1/",
        "/api/v1/hosts/",
        "/api/v1//hosts",
        "/api/v2/hosts",
        "/api/v1/hosts/1",
        "/api/v1/hosts/%ff",
        "/api/v1/hosts/%zz",
        "/api/v1/schedules/%C3%28",
        "/api/v1/runs/%00",
        "/api/v1/runs/00000000-0000-7000-8000-00000000000g/log",
        "/api/docs/%ff",
    ] {
        assert_json(&server.get(path).await, 404, "not_found", path);
        // Not a page either when a browser asks.
        let page = server
            .request(Method::GET, path)
            .bearer_auth(&server.api_key)
            .header(header::ACCEPT, "text/html");
        assert_json(&Answer::of(page).await, 404, "not_found", path);
    }
    for path in [
        "/api/v1/containers/nobody",
        "/api/v1/containers/a%2Fb",
        "/api/v1/containers/%F0%9F%90%B3",
    ] {
        assert_json(&server.get(path).await, 404, "container_not_found", path);
    }
    assert_json(
        &server.get("/api/v1/containers/%ff").await,
        404,
        "not_found",
        "no text at all",
    );
    let act = server.post("/api/v1/containers/nobody/dance", json!({})).await;
    assert_json(&act, 404, "action_not_found", "an action");
}

#[tokio::test]
async fn another_method() {
    let (_database, server) = server().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/api/v1/hosts", "GET,HEAD,POST"),
        (Method::PATCH, "/api/v1/schedules", "GET,HEAD,POST"),
        (Method::POST, "/api/v1/runs", "GET,HEAD"),
        (Method::GET, "/api/v1/cron/preview", "POST"),
        (Method::PUT, "/api/v1/events", "GET,HEAD"),
        (Method::OPTIONS, "/api/v1/containers", "GET,HEAD"),
        (Method::POST, "/metrics", "GET,HEAD"),
    ] {
        let answer = server.send(method.clone(), path, None).await;
        assert_json(&answer, 405, "method_not_allowed", path);
        let mut told: Vec<&str> = answer.header("allow").split(',').collect();
        told.sort_unstable();
        assert_eq!(told.join(","), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read() {
    let (_database, server) = server().await;
    for path in ["/api/v1/hosts", "/api/v1/schedules", "/api/v1/cron/preview"] {
        let post = |kind: Option<&str>, body: &'static str| {
            let mut request = server
                .request(Method::POST, path)
                .bearer_auth(&server.api_key)
                .body(body);
            if let Some(kind) = kind {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            Answer::of(request)
        };
        for kind in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("json"),
        ] {
            assert_json(&post(kind, "{}").await, 415, "content_type_unsupported", path);
        }
        for body in ["", "{", "nonsense", "{,}"] {
            assert_json(
                &post(Some("application/json"), body).await,
                400,
                "body_not_json",
                body,
            );
        }
        let answer = post(Some("application/json; charset=utf-8"), "[]").await;
        assert_json(&answer, 422, "body_invalid", path);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let (_database, server) = server().await;
    let announced = raw(&server, "content-length: 3000000", &[]).await;
    // It gives no length, and is cut off at the byte that is too much.
    let piece = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    let chunks = [piece.repeat(32), b"1\r\n \r\n0\r\n\r\n".to_vec()].concat();
    let chunked = raw(&server, "transfer-encoding: chunked", &chunks).await;
    for answer in [announced, chunked] {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(
            head.to_lowercase().contains("content-type: application/json"),
            "{head}"
        );
        assert!(body.contains("\"code\":\"body_too_large\""), "{body}");
    }
    assert_eq!(server.get("/health").await.status, 200);
}

/// A request whose head no well-behaved program writes, and its answer up to the end of the JSON.
async fn raw(server: &TestServer, framing: &str, body: &[u8]) -> String {
    let address = server.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/v1/hosts HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\n{framing}\r\n\r\n",
        server.api_key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}}") {
        assert_ne!(
            stream.read_buf(&mut answer).await.unwrap(),
            0,
            "an answer with an end"
        );
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let (_database, server) = server().await;
    let schedule = |change: &dyn Fn(&mut Value)| {
        let mut body = json!({
            "name": "nightly", "timezone": "UTC",
            "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
            "steps": [{ "action": { "type": "noop" } }],
        });
        change(&mut body);
        body
    };
    for (path, body, code, field) in [
        ("/api/v1/hosts", json!({ "name": "nas" }), "body_invalid", "url"),
        (
            "/api/v1/hosts",
            json!({ "name": 7, "url": "tcp://nas" }),
            "body_invalid",
            "name",
        ),
        (
            "/api/v1/hosts",
            json!({ "name": "nas", "url": "tcp://nas", "color": 1 }),
            "body_invalid",
            "color",
        ),
        (
            "/api/v1/hosts",
            json!({ "name": "", "url": "tcp://nas" }),
            "name_invalid",
            "name",
        ),
        (
            "/api/v1/hosts",
            json!({ "name": "nas", "url": "https://nas" }),
            "transport_unsupported",
            "url",
        ),
        (
            "/api/v1/schedules",
            schedule(&|body| body["steps"] = json!(1)),
            "body_invalid",
            "steps",
        ),
        (
            "/api/v1/schedules",
            schedule(&|body| body["steps"][0]["target"] = json!(["web"])),
            "body_invalid",
            "steps[0].target",
        ),
        (
            "/api/v1/schedules",
            schedule(&|body| body["triggers"][0] = json!({ "type": "interval" })),
            "body_invalid",
            "triggers[0].every",
        ),
        (
            "/api/v1/schedules",
            schedule(&|body| body["triggers"][0]["expression"] = json!("0 25 * * *")),
            "invalid_cron",
            "triggers[0].expression",
        ),
        (
            "/api/v1/cron/preview",
            json!({ "count": "many" }),
            "body_invalid",
            "count",
        ),
        (
            "/api/v1/cron/preview",
            json!({ "expression": "0 25 * * *" }),
            "invalid_cron",
            "expression",
        ),
        (
            "/api/v1/cron/preview",
            json!({ "triggers": [{ "type": "cron", "expression": "0 25 * * *" }] }),
            "invalid_cron",
            "triggers[0].expression",
        ),
    ] {
        let answer = server.post(path, body.clone()).await;
        assert_json(&answer, 422, code, &body.to_string());
        assert_eq!(answer.json()["error"]["details"]["field"], field, "{body}");
    }
    let answer = server.get("/api/v1/runs?limit=many").await;
    assert_json(&answer, 400, "query_invalid", "a query");
    assert_eq!(answer.json()["error"]["details"]["field"], "limit");
}
