//! The fleet over REST: bulk actions, tags, notes, favourites, groups, orders and saved views, against generated engines.

use super::server;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{
    engines::GeneratedEngine,
    postgres::TestDatabase,
    server::{Answer, TestServer},
};

struct Fleet {
    server: TestServer,
    engines: Vec<GeneratedEngine>,
    _database: TestDatabase,
}

impl Fleet {
    /// Hosts `h0`, `h1`, … with so many containers each.
    async fn of(hosts: usize, containers: usize) -> Self {
        let (database, server) = server().await;
        let mut engines = Vec::new();
        for number in 0..hosts {
            let name = format!("h{number}");
            let engine = GeneratedEngine::start(&name, containers).await;
            let body = json!({ "name": name, "url": engine.docker_host() });
            let host = server.post("/api/v1/hosts", body).await;
            assert_eq!(host.status, 201, "{host:?}");
            engines.push(engine);
        }
        let fleet = Self {
            server,
            engines,
            _database: database,
        };
        let all = (hosts * containers) as u64;
        fleet.until("", |page| page["total"] == all).await;
        fleet
    }

    async fn list(&self, query: &str) -> Value {
        let answer = self.server.get(&format!("/api/v1/containers?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.json()
    }

    async fn until(&self, query: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..200 {
            let page = self.list(query).await;
            if wanted(&page) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{query} never came to what was expected: {}",
            self.list(query).await
        );
    }

    async fn ids(&self, query: &str) -> Vec<String> {
        items(&self.list(query).await, "id")
    }

    async fn bulk(&self, body: Value) -> Answer {
        self.server.post("/api/v1/containers/bulk?wait=20s", body).await
    }
}

fn items(page: &Value, field: &str) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_containers_are_one_run_with_a_result_for_each() {
    let fleet = Fleet::of(2, 20).await;
    // Number 7 of each host is stopped, number 13 is paused.
    let ids = fleet.ids("query=name:*-1,*-2,*-7").await;
    assert_eq!(ids.len(), 6);
    let answer = fleet
        .bulk(json!({ "action": { "type": "pause" }, "targets": ids }))
        .await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let run = &answer.json()["run"];
    assert_eq!(run["title"], "Pause 6 containers on 2 hosts");
    assert_eq!(run["status"], "partial", "{run}");
    let targets = run["steps"][0]["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 6);
    for target in targets {
        let stopped = target["container"].as_str().unwrap().ends_with("-7");
        assert_eq!(
            target["status"],
            if stopped { "failed" } else { "succeeded" },
            "{target}"
        );
        assert_eq!(target["message"].is_string(), stopped, "{target}");
    }
    fleet
        .until("query=name:*-1,*-2 state:paused", |page| page["total"] == 4)
        .await;

    // By a selector: evaluated when the run starts.
    let answer = fleet
        .bulk(json!({ "action": { "type": "unpause" }, "selector": "host:h0 name:*-1,*-2 state:paused" }))
        .await;
    let run = &answer.json()["run"];
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_eq!(run["targets"], 2);
    fleet
        .until("query=host:h0 name:*-1,*-2 state:running", |page| {
            page["total"] == 2
        })
        .await;
    assert_eq!(fleet.engines.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_that_means_nothing_is_refused_with_the_place() {
    let fleet = Fleet::of(1, 3).await;
    let known = fleet.ids("").await.remove(0);
    let unknown = uuid::Uuid::now_v7();
    let many: Vec<String> = (0..1001).map(|_| known.clone()).collect();
    let start = json!({ "type": "start" });
    for (body, status, code, field) in [
        (json!({ "action": start }), 422, "targets_or_selector", "targets"),
        (
            json!({ "action": start, "targets": [known], "selector": "*" }),
            422,
            "targets_or_selector",
            "targets",
        ),
        (
            json!({ "action": start, "targets": [] }),
            422,
            "no_targets",
            "targets",
        ),
        (
            json!({ "action": start, "targets": [known, unknown] }),
            404,
            "container_not_found",
            "targets[1]",
        ),
        (
            json!({ "action": start, "targets": many }),
            422,
            "too_many_targets",
            "targets",
        ),
        (
            json!({ "action": start, "selector": "web" }),
            422,
            "invalid_selector",
            "selector",
        ),
        (
            json!({ "action": start, "selector": "" }),
            422,
            "invalid_selector",
            "selector",
        ),
        (
            json!({ "action": start, "selector": "host:moon" }),
            422,
            "invalid_selector",
            "selector",
        ),
        (
            json!({ "action": start, "selector": "name:nothing-is-called-this" }),
            422,
            "no_targets",
            "selector",
        ),
        (
            json!({ "action": { "type": "noop" }, "selector": "*" }),
            422,
            "action_invalid",
            "action",
        ),
    ] {
        let answer = fleet.bulk(body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert_eq!(answer.code(), code, "{body}: {answer:?}");
        assert_eq!(
            answer.json()["error"]["details"]["field"],
            field,
            "{body}: {answer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_bulk_is_one_run() {
    let fleet = Fleet::of(1, 3).await;
    let ids = fleet.ids("").await;
    let send = || {
        Answer::of(
            fleet
                .server
                .request(reqwest::Method::POST, "/api/v1/containers/bulk")
                .bearer_auth(&fleet.server.api_key)
                .header("idempotency-key", "evening")
                .json(&json!({ "action": { "type": "restart" }, "targets": ids })),
        )
    };
    let (first, second) = (send().await, send().await);
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(first.json()["run"]["id"], second.json()["run"]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_kept_searched_and_targeted() {
    let fleet = Fleet::of(2, 4).await;
    let page = fleet.list("query=host:h1").await;
    let (id, name) = (items(&page, "id").remove(0), items(&page, "name").remove(0));
    let tags = format!("/api/v1/containers/{id}/tags");
    let empty = fleet.server.get(&tags).await.json();
    assert_eq!(empty, json!({ "tags": [], "note": null, "favourite": false }));

    let set = fleet
        .server
        .put(&tags, json!({ "tags": [" media ", "critical", "MEDIA"] }))
        .await;
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(set.json()["tags"], json!(["media", "critical"]));
    let found = fleet.list("query=tag:Media").await;
    assert_eq!(items(&found, "id"), [id.as_str()]);
    assert_eq!(found["items"][0]["tags"], json!(["media", "critical"]));
    assert_eq!(found["tags"], json!(["critical", "media"]));
    assert_eq!(fleet.list("query=-tag:*").await["total"], 7);

    // As the target of an action, and of a schedule.
    let run = fleet
        .bulk(json!({ "action": { "type": "restart" }, "selector": "tag:critical" }))
        .await
        .json();
    assert_eq!(run["run"]["status"], "succeeded", "{run}");
    assert_eq!(run["run"]["steps"][0]["targets"][0]["container"], name.as_str());

    let note = format!("/api/v1/containers/{id}/note");
    let noted = fleet
        .server
        .put(&note, json!({ "note": " <b>ask Ada</b> " }))
        .await
        .json();
    assert_eq!(noted["note"], "<b>ask Ada</b>");
    let one = fleet.server.get(&format!("/api/v1/containers/{id}")).await.json();
    assert_eq!(one["note"], "<b>ask Ada</b>");

    let cleared = fleet.server.delete(&tags).await.json();
    assert_eq!(cleared["tags"], json!([]));
    assert_eq!(cleared["note"], "<b>ask Ada</b>", "the note stays");
    assert_eq!(fleet.list("query=tag:*").await["total"], 0);

    for (path, body, code) in [
        (&tags, json!({ "tags": ["a,b"] }), "tag_invalid"),
        (
            &tags,
            json!({ "tags": (0..21).map(|n| n.to_string()).collect::<Vec<_>>() }),
            "too_many_tags",
        ),
        (&note, json!({ "note": "x".repeat(2001) }), "note_too_long"),
    ] {
        let answer = fleet.server.put(path, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{answer:?}");
    }
    let nobody = format!("/api/v1/containers/{}/tags", uuid::Uuid::now_v7());
    assert_eq!(fleet.server.put(&nobody, json!({ "tags": [] })).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_still_there_after_a_restart_of_the_server() {
    let mut fleet = Fleet::of(1, 3).await;
    let id = fleet.ids("").await.remove(0);
    let tags = format!("/api/v1/containers/{id}/tags");
    fleet.server.put(&tags, json!({ "tags": ["kept"] })).await;
    let favourite = format!("/api/v1/containers/{id}/favourite");
    assert_eq!(
        fleet.server.put(&favourite, json!({})).await.json()["favourite"],
        true
    );
    fleet.server.kill9();
    fleet.server.start_again().await.unwrap();
    let page = fleet.until("query=tag:kept", |page| page["total"] == 1).await;
    assert_eq!(page["favourites"], json!([id]));
    let mine = fleet.list("favourites=true").await;
    assert_eq!(items(&mine, "id"), [id.as_str()]);

    // Favourites are one's own.
    let other = fleet.server.delete(&favourite).await;
    assert_eq!(other.json()["favourite"], false);
    assert_eq!(fleet.list("favourites=true").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_grouped_sorted_and_cut() {
    let fleet = Fleet::of(3, 20).await;
    let page = fleet.list("group=host&limit=500").await;
    let groups = page["groups"].as_array().unwrap();
    assert_eq!(
        groups.iter().map(|group| &group["name"]).collect::<Vec<_>>(),
        ["h0", "h1", "h2"]
    );
    assert!(
        groups
            .iter()
            .all(|group| group["count"] == 20 && group["running"] == 18)
    );
    let hosts: Vec<&Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["host"]["name"])
        .collect();
    assert!(hosts.is_sorted_by_key(|host| host.as_str()));

    // In parts it is the same list, in whatever order.
    for sort in [
        "name", "image", "stack", "host", "state", "uptime", "next_run", "cpu", "memory", "ports", "tags",
    ] {
        for order in ["", "&descending=true"] {
            for group in ["none", "stack", "tag"] {
                let base = format!("sort={sort}{order}&group={group}");
                let whole = fleet.ids(&format!("{base}&limit=500")).await;
                assert_eq!(whole.len(), 60, "{base}");
                let mut parts = Vec::new();
                for cursor in [0, 25, 50] {
                    parts.extend(fleet.ids(&format!("{base}&limit=25&cursor={cursor}")).await);
                }
                assert_eq!(whole, parts, "{base}");
            }
        }
    }

    // Grouped by tag, a container stands below each of its tags; untagged ones come last.
    let ids = fleet.ids("query=host:h0").await;
    for (id, tags) in [(&ids[0], vec!["red", "blue"]), (&ids[1], vec!["red"])] {
        let path = format!("/api/v1/containers/{id}/tags");
        fleet.server.put(&path, json!({ "tags": tags })).await;
    }
    let page = fleet.list("group=tag&limit=500").await;
    let groups: Vec<(&Value, &Value)> = page["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (&group["name"], &group["count"]))
        .collect();
    assert_eq!(
        groups,
        [
            (&json!("blue"), &json!(1)),
            (&json!("red"), &json!(2)),
            (&Value::Null, &json!(58))
        ]
    );
    assert_eq!(page["total"], 60);
    assert_eq!(page["items"].as_array().unwrap().len(), 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_kept_changed_and_deleted() {
    let (_database, server) = server().await;
    let draft = json!({
        "name": " Media ",
        "show": { "query": "stack:media", "sort": "cpu", "descending": true, "group": "host", "columns": ["host", "cpu"] },
    });
    let made = server.post("/api/v1/views", draft.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let view = made.json();
    assert_eq!(view["name"], "Media");
    assert_eq!(
        view["address"],
        "/?q=stack:media&sort=-cpu&group=host&cols=host,cpu"
    );
    let taken = server.post("/api/v1/views", draft).await;
    assert_eq!((taken.status, taken.code().as_str()), (409, "name_taken"));
    let list = server.get("/api/v1/views").await.json();
    assert_eq!(list["total"], 1);

    let one = format!("/api/v1/views/{}", view["id"].as_str().unwrap());
    let changed = server
        .put(&one, json!({ "name": "All of it", "show": {}, "version": 1 }))
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["address"], "/");
    let stale = server
        .put(&one, json!({ "name": "Late", "show": {}, "version": 1 }))
        .await;
    assert_eq!((stale.status, stale.code().as_str()), (409, "stale_version"));
    assert_eq!(stale.json()["error"]["details"]["current"]["name"], "All of it");

    for (body, code) in [
        (json!({ "name": "" }), "name_invalid"),
        (
            json!({ "name": "x", "show": { "query": "stat:running" } }),
            "invalid_selector",
        ),
    ] {
        let answer = server.post("/api/v1/views", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{answer:?}");
    }
    assert_eq!(server.delete(&one).await.status, 204);
    assert_eq!(server.delete(&one).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_at_is_measured() {
    let fleet = Fleet::of(1, 20).await;
    let running = fleet.ids("query=name:*-1,*-2").await;
    let stopped = fleet.ids("query=name:*-7").await;
    let ids: Vec<&String> = running.iter().chain(&stopped).collect();
    let watch = || async {
        let body = json!({ "ids": ids.iter().map(ToString::to_string).chain([uuid::Uuid::now_v7().to_string()]).collect::<Vec<_>>() });
        let answer = fleet.server.post("/api/v1/containers/watch", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["items"].as_array().unwrap().clone()
    };
    let mut items = watch().await;
    assert_eq!(items.len(), 3, "an unknown one is left out");
    for _ in 0..100 {
        if items[0]["cpu_percent"].is_number() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        items = watch().await;
    }
    assert!(items[0]["cpu_percent"].as_f64().unwrap() > 0.0, "{items:?}");
    assert!(
        items[0]["memory_bytes"].as_u64().unwrap() > 1_000_000,
        "{items:?}"
    );
    assert!(
        items[0]["cpu_line"].as_str().unwrap().starts_with('M'),
        "{items:?}"
    );
    assert!(items[2]["cpu_percent"].is_null() && items[2]["memory_bytes"].is_null());

    // The busiest first, and what is not measured last.
    let page = fleet
        .until("sort=cpu&descending=true&limit=500", |page| {
            let items = page["items"].as_array().unwrap();
            items[0]["id"] != running[0] && items[0]["state"] == "running" && items[19]["state"] != "running"
        })
        .await;
    assert_eq!(page["total"], 20);

    let many: Vec<String> = (0..501).map(|_| uuid::Uuid::now_v7().to_string()).collect();
    let answer = fleet
        .server
        .post("/api/v1/containers/watch", json!({ "ids": many }))
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "too_many_targets"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_load_is_of_all_containers() {
    let fleet = Fleet::of(4, 200).await;
    // On each host the last two use the most.
    let most = |page: &Value| {
        let items = page["items"].as_array().unwrap();
        let ends = |end: &str, from: usize| {
            let mut part = items[from..from + 4].iter();
            part.all(|item| item["name"].as_str().unwrap().ends_with(end))
        };
        ends("-199", 0) && ends("-198", 4)
    };
    let page = fleet.until("sort=memory&descending=true&limit=8", most).await;
    assert_eq!(page["total"], 800);
    // The other way round those that do not run stay last: nothing is known of them.
    let page = fleet
        .until("sort=memory&limit=500&cursor=300", |page| {
            let items = page["items"].as_array().unwrap();
            let runs = |item: &Value| item["state"] == "running";
            runs(&items[419]) && !items[420..].iter().any(runs)
        })
        .await;
    assert_eq!(page["items"].as_array().unwrap().len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_is_completed_with_what_there_is() {
    let fleet = Fleet::of(2, 10).await;
    let server = &fleet.server;
    let complete = |query: &'static str| async move {
        let answer = server
            .request(reqwest::Method::GET, "/api/v1/containers/complete")
            .bearer_auth(&server.api_key)
            .query(&[("query", query)]);
        let answer = Answer::of(answer).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let texts = |answer: &Value| -> Vec<String> {
        let items = answer["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["text"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(texts(&complete("sta").await), ["stack:", "state:"]);
    let stacks = complete("state:running stack:").await;
    assert_eq!(texts(&stacks), ["media", "shop"]);
    assert_eq!(stacks["items"][0]["about"], "16 containers");
    assert_eq!(
        (stacks["start"].as_u64(), stacks["end"].as_u64()),
        (Some(20), Some(20))
    );
    assert_eq!(texts(&complete("host:h").await), ["h0", "h1"]);
    assert_eq!(
        texts(&complete("label:com.docker.compose.service=w").await),
        [
            "com.docker.compose.service=web",
            "com.docker.compose.service=worker"
        ]
    );
    assert_eq!(texts(&complete("health:un").await), ["unhealthy"]);
    assert!(texts(&complete("nothing:x").await).is_empty());
}
