//! The OpenAPI document: it holds every call that there is, and says of each how it may be refused.

use crate::{inside::Inside, server};
use serde_json::Value;
use server::router::RouteKind;
use std::{collections::BTreeSet, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_holds_every_call_and_nothing_else() {
    let inside = Inside::start().await;
    let address = inside.server.address();
    let url = format!("http://{address}/api/v1/openapi.json");
    let document: Value = inside.http.get(url).send().await.unwrap().json().await.unwrap();
    let mut written = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            written.insert(format!("{} {path}", method.to_uppercase()));
            let responses = operation["responses"].as_object().unwrap();
            for status in ["400", "401", "403", "404", "422", "429", "503"] {
                assert!(
                    responses.contains_key(status),
                    "{method} {path} says nothing of {status}"
                );
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('4')) {
                let schema = &response["content"]["application/json"]["schema"];
                assert!(schema.is_object(), "{method} {path}: {status} has no body");
            }
        }
    }
    let real: BTreeSet<String> = inside
        .server
        .table()
        .iter()
        .filter(|route| matches!(route.kind, RouteKind::Api | RouteKind::Stream))
        .filter(|route| !route.path.starts_with("/api/docs") && route.path != "/api/v1/openapi.json")
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(
        only(&real, &written),
        Vec::<String>::new(),
        "calls that are in no document"
    );
    assert_eq!(
        only(&written, &real),
        Vec::<String>::new(),
        "documented, and not there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_of_the_document_comes_with_its_files() {
    let (_database, server) = server().await;
    let page = server.get("/api/docs/").await;
    assert_eq!(page.status, 200);
    let mut files = 0;
    for part in page.text.split('"').filter(|part| part.starts_with("./")) {
        let file = server.get(&format!("/api/docs/{}", &part[2..])).await;
        assert_eq!(file.status, 200, "{part}");
        files += 1;
    }
    assert!(files > 3, "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_have_the_names_that_operations_documents() {
    let (_database, server) = server().await;
    let documented = include_str!("../../../docs/OPERATIONS.md");
    // What is counted now and then comes after a moment.
    let mut names = BTreeSet::new();
    for _ in 0..100 {
        names = metrics(&server.get("/metrics").await.text);
        if names.len() > 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(names.len() > 3, "{names:?}");
    for name in names {
        assert!(documented.contains(&name), "OPERATIONS.md does not know {name}");
    }
}

/// The names of our own, without what a histogram adds to its name.
fn metrics(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with("chrontainer_"))
        .map(|line| {
            let name = line.split(['{', ' ']).next().unwrap();
            ["_bucket", "_sum", "_count"]
                .into_iter()
                .find_map(|part| name.strip_suffix(part))
                .unwrap_or(name)
                .to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_comes_in_parts() {
    let (_database, server) = server().await;
    let document = server.get("/api/v1/openapi.json").await.json();
    let mut lists = 0;
    let paths = document["paths"].as_object().unwrap();
    for path in paths
        .iter()
        .filter(|(path, item)| item["get"].is_object() && path.starts_with("/api/v1/") && !path.contains('{'))
        .map(|(path, _)| path)
        // Neither ends by itself, and one needs a question.
        .filter(|path| !["/api/v1/events", "/api/v1/containers/watch"].contains(&path.as_str()))
    {
        let Ok(page) = serde_json::from_str::<Value>(&server.get(path).await.text) else {
            continue;
        };
        if !page["items"].is_array() || page.get("total").is_none() {
            continue;
        }
        lists += 1;
        let one = server.get(&format!("{path}?limit=1")).await;
        assert_eq!(one.status, 200, "{path}: {one:?}");
        let one = one.json();
        assert!(one["items"].as_array().unwrap().len() <= 1, "{path}: {one}");
        assert_eq!(one["total"], page["total"], "{path}");
        assert_eq!(
            one["next"].is_string(),
            page["total"].as_u64() > Some(1),
            "{path}: {one}"
        );
        let lost = server.get(&format!("{path}?cursor=nonsense")).await;
        assert_eq!(
            (lost.status, lost.code().as_str()),
            (400, "cursor_invalid"),
            "{path}: {lost:?}"
        );
    }
    assert!(lists >= 15, "only {lists} lists found");
}
