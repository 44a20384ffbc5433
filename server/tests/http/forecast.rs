//! Looking ahead over REST: the forecast, one coming run, a dry run.

use super::server;
use serde_json::{Value, json};
use testkit::server::TestServer;

async fn made(server: &TestServer, name: &str, expression: &str) -> Value {
    let body = json!({
        "name": name,
        "triggers": [{ "type": "cron", "expression": expression }],
        "steps": [{ "action": { "type": "noop" } }],
    });
    let answer = server.post("/api/v1/schedules", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forecast_has_its_shape_and_refuses_what_it_cannot_read() {
    let (_database, server) = server().await;
    let nightly = made(&server, "nightly", "0 3 * * *").await;
    made(&server, "check", "*/10 * * * *").await;
    let all = server.get("/api/v1/forecast").await.json();
    assert_eq!(all["marks"].as_array().unwrap().len(), 1, "{all:#}");
    let mark = &all["marks"][0];
    assert_eq!(
        (&mark["at"], &mark["state"], &mark["action"]),
        (&nightly["next_at"], &json!("planned"), &json!("noop"))
    );
    assert_eq!(
        mark["schedule"],
        json!({ "id": nightly["id"], "name": "nightly" })
    );
    assert_eq!(all["density"][0]["count"], 144);
    assert_eq!((&all["total"], &all["dense_total"]), (&json!(145), &json!(144)));
    assert!(all["next"].is_null() && all["conflicts"] == json!([]));
    let week = "/api/v1/forecast?query=night&timezone=Europe/Lisbon&cell=1d";
    let begin = text(&all["from"]);
    let one = server.get(&format!("{week}&from={begin}")).await.json();
    assert_eq!(one["timezone"], "Europe/Lisbon");
    assert_eq!(one["density"], json!([]));
    for (query, status, code) in [
        ("from=yesterday", 400, "bad_query"),
        (
            "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            422,
            "window_invalid",
        ),
        ("timezone=Mars/Base", 422, "unknown_timezone"),
        ("cell=7m", 422, "unknown_cell"),
        ("cursor=x", 400, "cursor_invalid"),
    ] {
        let answer = server.get(&format!("/api/v1/forecast?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {answer:?}");
        if code != "bad_query" {
            assert_eq!(answer.code(), code, "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_coming_run_is_skipped_or_moved() {
    let (_database, server) = server().await;
    let nightly = made(&server, "nightly", "0 3 * * *").await;
    let path = |what: &str| format!("/api/v1/schedules/{}/{what}", text(&nightly["id"]));
    let next: chrono::DateTime<chrono::Utc> = text(&nightly["next_at"]).parse().unwrap();
    let day = chrono::TimeDelta::days(1);
    let (at, to) = (next + day, next + day + chrono::TimeDelta::hours(1));
    let skipped = server.post(&path("skip"), json!({ "at": at })).await;
    assert_eq!(skipped.status, 200, "{skipped:?}");
    assert_eq!(skipped.json()["next_at"], nightly["next_at"]);
    let query = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(
        server.delete(&path(&format!("skip?at={query}"))).await.status,
        200
    );
    let moved = server.post(&path("move"), json!({ "at": at, "to": to })).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    let end = to.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let marks = server
        .get(&format!("/api/v1/forecast?to={end}&limit=9"))
        .await
        .json()["marks"]
        .clone();
    let states: Vec<_> = marks
        .as_array()
        .unwrap()
        .iter()
        .map(|mark| text(&mark["state"]))
        .collect();
    assert_eq!(
        states,
        ["planned", "postponed"],
        "the end is not part of the stretch"
    );
    assert_eq!(
        server
            .post(&path("move"), json!({ "at": at, "to": next }))
            .await
            .code(),
        "fire_moved"
    );
    assert_eq!(
        server.delete(&path(&format!("move?at={query}"))).await.status,
        200
    );
    for (what, body, status) in [
        ("skip", json!({ "at": to }), 409),
        ("skip", json!({ "when": to }), 422),
        ("move", json!({ "at": at }), 422),
        ("move", json!({ "at": at, "to": "2020-01-01T00:00:00Z" }), 422),
    ] {
        let answer = server.post(&path(what), body.clone()).await;
        assert_eq!(answer.status, status, "{what} {body}: {answer:?}");
    }
    // Without a body it is the next one, as ever.
    let answer = server.send(reqwest::Method::POST, &path("skip"), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_touches_nothing_and_says_what_it_finds() {
    let (_database, server) = server().await;
    let draft = json!({
        "name": "try",
        "triggers": [{ "type": "interval", "every": "1h" }],
        "steps": [{ "action": { "type": "noop" } }, { "action": { "type": "restart" }, "target": "name:nobody" }],
    });
    let answer = server.post("/api/v1/schedules/dry-run", draft.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let dry = answer.json();
    assert_eq!(dry["missing_rights"], json!([]));
    assert_eq!(dry["steps"][0]["name"], "Do nothing");
    assert!(
        text(&dry["steps"][1]["problem"]).contains("name:nobody"),
        "{dry:#}"
    );
    assert_eq!(server.get("/api/v1/schedules").await.json()["total"], 0);
    assert_eq!(dry["steps"][1]["order"], "parallel");
    assert!(dry["held"].is_null(), "{dry:#}");
    let off =
        json!({ "name": "try", "enabled": false, "triggers": draft["triggers"], "steps": draft["steps"] });
    let held = server.post("/api/v1/schedules/dry-run", off).await.json();
    assert_eq!(held["held"][0]["kind"], "off");
    let strange = "/api/v1/schedules/dry-run?schedule=01900000-0000-7000-8000-000000000000";
    assert_eq!(
        server.post(strange, draft.clone()).await.code(),
        "schedule_not_found"
    );
    let bad = json!({ "name": "", "triggers": [], "steps": [] });
    assert_eq!(server.post("/api/v1/schedules/dry-run", bad).await.status, 422);
    let made = server.post("/api/v1/schedules", draft).await.json();
    let path = format!("/api/v1/schedules/{}/dry-run", text(&made["id"]));
    assert_eq!(server.post(&path, json!({})).await.json()["steps"], dry["steps"]);
    assert_eq!(server.get("/api/v1/runs").await.json()["total"], 0);
    let nobody = "/api/v1/schedules/01900000-0000-7000-8000-000000000000/dry-run";
    assert_eq!(server.post(nobody, json!({})).await.code(), "schedule_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_go_into_a_file_and_come_back() {
    let (_database, server) = server().await;
    let nightly = made(&server, "nightly", "0 3 * * *").await;
    made(&server, "hourly: no #1", "@hourly").await;
    let file = server.get("/api/v1/schedules/export").await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "application/yaml")
    );
    assert!(file.text.starts_with("format: chrontainer/v1\n"), "{}", file.text);
    let send = async |path: &str, text: &str| {
        let request = server
            .request(reqwest::Method::POST, path)
            .bearer_auth(&server.api_key)
            .body(text.to_owned());
        testkit::server::Answer::of(request).await
    };
    let apply = "/api/v1/schedules/apply";
    let same = send(apply, &file.text).await.json();
    assert_eq!(
        (&same["unchanged"], &same["changes"][0]["kind"]),
        (&json!(2), &json!("unchanged")),
        "{same:#}"
    );
    let json = server
        .get(&format!(
            "/api/v1/schedules/export?format=json&ids={}",
            text(&nightly["id"])
        ))
        .await;
    assert_eq!(json.json()["schedules"][0]["name"], "nightly");
    assert_eq!(
        send("/api/v1/schedules/import", &json.text).await.json()["unchanged"],
        1
    );

    let changed = file.text.replace("0 3 * * *", "0 4 * * *");
    let dry = send("/api/v1/schedules/import?dry_run=true", &changed)
        .await
        .json();
    assert_eq!((&dry["updated"], &dry["dry_run"]), (&json!(1), &json!(true)));
    let signs: Vec<_> = dry["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|change| change["lines"].as_array().cloned().unwrap_or_default())
        .filter(|line| line["sign"] != "same")
        .map(|line| text(&line["text"]).trim().to_owned())
        .collect();
    assert_eq!(signs, ["expression: 0 3 * * *", "expression: 0 4 * * *"]);
    let unchanged = server
        .get(&format!("/api/v1/schedules/{}", text(&nightly["id"])))
        .await
        .json();
    assert_eq!(unchanged["version"], nightly["version"]);

    assert_eq!(send(apply, &changed).await.json()["updated"], 1);
    assert_eq!(
        send(apply, &changed).await.json()["updated"],
        0,
        "applying again changes nothing"
    );
    let alone = json.text.replace("0 3 * * *", "0 5 * * *");
    let pruned = send(&format!("{apply}?prune=true"), &alone).await.json();
    assert_eq!(
        (&pruned["updated"], &pruned["deleted"]),
        (&json!(1), &json!(1)),
        "{pruned:#}"
    );
    assert_eq!(server.get("/api/v1/schedules").await.json()["total"], 1);

    // All of it is checked before any of it is done.
    let broken = "format: chrontainer/v1\nschedules:\n  - name: new\n    triggers: [{type: interval, every: 1h}]\n    \
                  steps: [{action: {type: noop}}]\n  - name: broken\n    triggers: [{type: cron, expression: 61 * * * *}]\n    \
                  steps: [{action: {type: noop}}]\n";
    let refused = send(apply, broken).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (422, "document_invalid"),
        "{refused:?}"
    );
    assert_eq!(
        refused.json()["error"]["details"]["field"],
        "schedules[1].triggers[0].expression"
    );
    assert_eq!(server.get("/api/v1/schedules").await.json()["total"], 1);
    for (body, code) in [
        ("x: [", "document_unreadable"),
        ("format: chrontainer/v2\nschedules: []", "unknown_format"),
    ] {
        assert_eq!(send(apply, body).await.code(), code);
    }
    assert_eq!(
        server.get("/api/v1/schedules/export?format=xml").await.code(),
        "unknown_format"
    );
    assert_eq!(server.get("/api/v1/schedules/export?ids=7").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_is_behind_its_secret_link_until_it_is_revoked() {
    let (_database, server) = server().await;
    made(&server, "nightly, at home", "0 3 * * *").await;
    assert_eq!(server.get("/api/v1/calendar").await.code(), "calendar_not_found");
    let made = server.post("/api/v1/calendar", json!({})).await;
    assert_eq!(made.status, 201);
    let path = text(&made.json()["path"]);
    let open =
        async |path: &str| testkit::server::Answer::of(server.request(reqwest::Method::GET, path)).await;
    let calendar = open(&path).await;
    assert_eq!(
        (calendar.status, calendar.header("content-type")),
        (200, "text/calendar; charset=utf-8")
    );
    assert!(
        calendar.text.contains("SUMMARY:nightly\\, at home\r\n"),
        "{}",
        calendar.text
    );
    assert_eq!(calendar.text.matches("BEGIN:VEVENT").count(), 31);
    assert!(server.get("/api/v1/calendar").await.json()["last_read_at"].is_string());
    // Another link ends the first one, and revoking ends that.
    let second = text(&server.post("/api/v1/calendar", json!({})).await.json()["path"]);
    assert_eq!((open(&path).await.status, open(&second).await.status), (404, 200));
    assert_eq!(server.delete("/api/v1/calendar").await.status, 204);
    assert_eq!(open(&second).await.status, 404);
    let secret = second.rsplit('/').next().unwrap().trim_end_matches(".ics");
    assert!(!server.log().contains(secret), "the link is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forecast_tells_blackouts_and_what_was() {
    let (_database, server) = server().await;
    let nightly = made(&server, "nightly", "0 3 * * *").await;
    let run = server
        .post(
            &format!("/api/v1/schedules/{}/run", text(&nightly["id"])),
            json!({}),
        )
        .await;
    assert!((200..300).contains(&run.status), "{run:?}");
    let blackout = json!({
        "name": "night", "on": { "type": "organisation" }, "policy": "skip",
        "window": { "type": "weekly", "start": "02:00", "duration": "4h" },
    });
    let blackout = server.post("/api/v1/blackouts", blackout).await;
    assert_eq!(blackout.status, 201, "{blackout:?}");
    let hour = chrono::TimeDelta::hours(1);
    let at = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let now = chrono::Utc::now();
    let path = format!(
        "/api/v1/forecast?from={}&to={}",
        at(now - hour),
        at(now + hour * 24)
    );
    let seen = server.get(&path).await.json();
    assert_eq!(seen["past"][0]["schedule"]["name"], "nightly", "{seen:#}");
    assert_eq!(seen["marks"][0]["state"], "skipped");
    assert_eq!(seen["marks"][0]["blackout"], "night");
    assert_eq!(seen["blackouts"][0]["name"], "night");
    assert_eq!(seen["conflicts"][0]["kind"], "blackout");
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_of_one_file_name_each_other() {
    let (_database, server) = server().await;
    let file = |first: &str| {
        format!(
            "format: chrontainer/v1\nschedules:\n\
             - {{name: all, triggers: [{first}], steps: [{{action: {{type: run_schedule, schedule: part}}}}]}}\n\
             - {{name: part, triggers: [{{type: cron, expression: 0 3 * * *}}], steps: [{{action: {{type: noop}}}}]}}\n"
        )
    };
    let send = async |text: String| {
        let request = server
            .request(reqwest::Method::POST, "/api/v1/schedules/apply")
            .bearer_auth(&server.api_key)
            .body(text);
        testkit::server::Answer::of(request).await
    };
    let circle = send(file("{type: outcome, schedule: part, of: success}")).await;
    assert_eq!(circle.code(), "document_invalid", "{circle:?}");
    assert!(circle.text.contains("all, then part, then all"), "{circle:?}");
    assert_eq!(server.get("/api/v1/schedules").await.json()["total"], 0);
    let good = file("{type: interval, every: 1h}");
    assert_eq!(send(good.clone()).await.json()["created"], 2);
    assert_eq!(send(good).await.json()["unchanged"], 2);
}
