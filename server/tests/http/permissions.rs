//! The permission walk: every route of the table, asked by everybody.

use super::inside::{HOME, Inside};
use axum::http::Method;
use domain::auth::{Needs, Permission, Role, Scope};
use server::router::{RouteEntry, RouteKind};
use std::collections::HashSet;
use testkit::server::Answer;
use uuid::Uuid;

/// Asks without reading an endless answer to its end.
async fn ask(inside: &Inside, route: &RouteEntry, key: Option<&str>, cookie: Option<&str>) -> Answer {
    let mut path = String::new();
    for part in route.path.split('/').skip(1) {
        path.push('/');
        path.push_str(&if part.starts_with('{') {
            Uuid::now_v7().to_string()
        } else {
            part.to_owned()
        });
    }
    let mut request = inside.request(route.method.clone(), &path, key);
    if let Some(cookie) = cookie {
        request = request
            .header("cookie", cookie)
            .header("sec-fetch-site", "same-origin");
    }
    if !matches!(route.method, Method::GET | Method::DELETE) && route.kind == RouteKind::Api {
        request = request.header("content-type", "application/json").body("{}");
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let endless = route.kind == RouteKind::Stream && status == 200;
    let text = if endless {
        String::new()
    } else {
        response.text().await.unwrap()
    };
    Answer {
        status,
        headers,
        text,
    }
}

fn assert_unauthenticated(route: &RouteEntry, answer: &Answer) {
    match route.kind {
        RouteKind::Page => {
            assert_eq!(answer.status, 303, "{route:?}");
            assert!(answer.header("location").starts_with("/sign-in"), "{route:?}");
        }
        _ => {
            assert_eq!(answer.status, 401, "{route:?}: {answer:?}");
            assert!(
                ["not_signed_in", "key_invalid"].contains(&answer.code().as_str()),
                "{route:?}: {answer:?}"
            );
        }
    }
}

fn assert_forbidden(route: &RouteEntry, answer: &Answer) {
    assert_eq!(answer.status, 403, "{route:?}: {answer:?}");
    if route.kind != RouteKind::Page {
        assert_eq!(answer.code(), "forbidden");
        assert!(answer.text.contains(route.permission.as_str()), "{answer:?}");
    }
}

fn assert_admitted(route: &RouteEntry, answer: &Answer) {
    // What is one's own may ask for a browser on top of the permission, and says so to keys.
    let by_browser = route.permission == Permission::OwnManage
        && answer.status == 403
        && answer.code() == "session_needed";
    assert!(
        by_browser || !matches!(answer.status, 401 | 403),
        "{route:?}: {answer:?}"
    );
    assert_ne!(answer.status, 500, "{route:?}: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_admits_exactly_whom_the_table_allows() {
    let inside = Inside::start().await;
    let table = inside.server.table().clone();
    assert!(table.len() > 8);
    let mut people = Vec::new();
    for role in Role::ALL {
        people.push((role, inside.member(HOME, role.as_str(), role).await));
    }
    let elsewhere = inside
        .member(&inside.other_org().await, "stranger", Role::Owner)
        .await;
    let callers = callers(&inside).await;
    let revoked = inside.member(HOME, "leaver", Role::Owner).await;
    let database = inside.database.client().await.unwrap();
    database
        .execute(
            "update api_keys set revoked_at = now() where user_id = (select id from users where name = 'leaver')",
            &[],
        )
        .await
        .unwrap();
    let read_only = read_only_key(&inside, "owner").await;
    // Nobody asks with a key of theirs, so that nobody ends this session.
    inside.member(HOME, "watcher", Role::Viewer).await;
    let (expired, open) = (
        session(&inside, "leaver").await,
        session(&inside, "watcher").await,
    );
    database
        .execute(
            "update sessions set expires_at = now() where user_id = (select id from users where name = 'leaver')",
            &[],
        )
        .await
        .unwrap();

    for route in &table {
        let anonymous = ask(&inside, route, None, None).await;
        match route.permission.needs() {
            Needs::Nothing => {
                // The doors have answers of their own, such as wrong credentials.
                if route.kind != RouteKind::ServerFunction {
                    assert_admitted(route, &anonymous);
                }
                continue;
            }
            Needs::SignIn | Needs::Role(_) | Needs::ServerAdmin => assert_unauthenticated(route, &anonymous),
        }
        assert_unauthenticated(route, &ask(&inside, route, None, Some(&expired)).await);
        assert_unauthenticated(route, &ask(&inside, route, Some(&revoked), None).await);
        assert_unauthenticated(
            route,
            &ask(&inside, route, Some("chk_nonsense"), Some(&open)).await,
        );
        for (role, key) in &people {
            let answer = ask(&inside, route, Some(key), None).await;
            if role.may(route.permission) {
                assert_admitted(route, &answer);
            } else {
                assert_forbidden(route, &answer);
            }
        }
        for caller in &callers {
            let answer = ask(&inside, route, Some(&caller.key), None).await;
            match (caller.may)(route.permission) {
                // What concerns every container is for those whose role holds on all of them; the guard cannot know.
                Expected::Admitted
                    if answer.status == 403 && answer.text.contains("concerns every container") => {}
                // A page of one's own says so itself when what it shows is refused.
                Expected::Admitted
                    if route.kind == RouteKind::Page
                        && answer.status == 403
                        && answer.text.contains("second_factor_required") => {}
                Expected::Admitted => assert_admitted(route, &answer),
                Expected::Forbidden => assert_forbidden(route, &answer),
                Expected::SecondFactor => {
                    assert_eq!(answer.status, 403, "{}: {route:?}: {answer:?}", caller.who);
                    if route.kind != RouteKind::Page {
                        assert_eq!(
                            answer.code(),
                            "second_factor_required",
                            "{}: {route:?}",
                            caller.who
                        );
                    }
                }
                Expected::Unknown => assert_unauthenticated(route, &answer),
            }
        }
        // In their own organisation they may; there is nothing of ours in it.
        let stranger = ask(&inside, route, Some(&elsewhere), None).await;
        // An owner's key that only reads is no more than a viewer, and changes nothing of its owner's own.
        let reader = ask(&inside, route, Some(&read_only), None).await;
        if Role::Owner.may(route.permission) {
            assert_admitted(route, &stranger);
        } else {
            assert_forbidden(route, &stranger);
        }
        if Role::Viewer.may(route.permission) && route.permission.scope() == Scope::Read {
            assert_admitted(route, &reader);
        } else {
            assert_forbidden(route, &reader);
        }
        if route.path != "/_fn/auth/sign-out" {
            let viewer = ask(&inside, route, None, Some(&open)).await;
            if Role::Viewer.may(route.permission) {
                assert_admitted(route, &viewer);
            } else {
                assert_forbidden(route, &viewer);
            }
        }
    }
}

/// What the table says of one permission for one caller.
enum Expected {
    Admitted,
    Forbidden,
    /// Only what is their own, until they have one.
    SecondFactor,
    Unknown,
}

fn admitted_if(allowed: bool) -> Expected {
    if allowed {
        Expected::Admitted
    } else {
        Expected::Forbidden
    }
}

/// Somebody beside the roles themselves.
struct Other {
    who: &'static str,
    key: String,
    may: fn(Permission) -> Expected,
}

/// Everybody whose rights are not those of a role alone: by grants, by a team, by the scope or the end of a key.
async fn callers(inside: &Inside) -> Vec<Other> {
    let database = inside.database.client().await.unwrap();
    let sql = async |text: String| database.batch_execute(&text).await.unwrap();
    let user = |name: &str| format!("(select id from users where name = '{name}')");
    let grant = |name: &str, selector: &str, role: &str| {
        format!(
            "insert into grants (id, org_id, user_id, selector, role) values ('{}', '{HOME}', {}, '{selector}', '{role}')",
            Uuid::now_v7(),
            user(name)
        )
    };
    let mut all = Vec::new();
    let mut add =
        |who: &'static str, key: String, may: fn(Permission) -> Expected| all.push(Other { who, key, may });

    let key = inside.member(HOME, "tagged", Role::Viewer).await;
    sql(grant("tagged", "tag:media", "operator")).await;
    add("a viewer who is operator on a tag", key, |permission| {
        admitted_if(Role::Viewer.may(permission) || permission.is_about_containers())
    });

    let key = inside.member(HOME, "narrowed", Role::Operator).await;
    sql(grant("narrowed", "*", "viewer")).await;
    add("an operator who is viewer everywhere", key, |permission| {
        // The guard cannot know which containers it will be about: the service function refuses each of them.
        admitted_if(Role::Operator.may(permission))
    });

    let key = inside.member(HOME, "mate", Role::Viewer).await;
    let (team, schedule, share) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    sql(format!(
        "insert into teams (id, org_id, name) values ('{team}', '{HOME}', 'mates'); \
         insert into team_members (team_id, org_id, user_id) values ('{team}', '{HOME}', {}); \
         insert into schedules (id, org_id, name, enabled, timezone, triggers, steps, acts_for, anchor_at) \
         values ('{schedule}', '{HOME}', 'shared', false, 'UTC', '[]', '[]', {}, now()); \
         insert into shares (id, org_id, team_id, schedule_id) values ('{share}', '{HOME}', '{team}', '{schedule}')",
        user("mate"),
        user("mate")
    ))
    .await;
    add("a viewer with whom a schedule is shared", key, |permission| {
        admitted_if(Role::Viewer.may(permission) || permission.comes_with_a_schedule())
    });

    let key = inside.member(HOME, "deputy", Role::Owner).await;
    sql(format!(
        "update api_keys set scope = 'operate' where user_id = {}",
        user("deputy")
    ))
    .await;
    add("an owner's key that operates", key, |permission| {
        admitted_if(Role::Operator.may(permission) && permission.scope() <= Scope::Operate)
    });

    let key = inside.member(HOME, "root", Role::Viewer).await;
    sql("update users set is_server_admin = true where name = 'root'".to_owned()).await;
    add("a viewer who looks after the server", key, |permission| {
        admitted_if(Role::Viewer.may(permission) || permission.needs() == Needs::ServerAdmin)
    });

    let key = inside.member(HOME, "late", Role::Owner).await;
    sql(format!(
        "update api_keys set expires_at = now() where user_id = {}",
        user("late")
    ))
    .await;
    add("a key that has expired", key, |_| Expected::Unknown);

    let key = inside.member(HOME, "locked", Role::Owner).await;
    sql("update users set disabled_at = now() where name = 'locked'".to_owned()).await;
    add("a disabled account", key, |_| Expected::Unknown);

    let strict = inside.other_org().await;
    let key = inside.member(&strict, "bare", Role::Owner).await;
    sql(format!(
        "update orgs set second_factor_required = true where id = '{strict}'"
    ))
    .await;
    add(
        "an owner without the second factor that is asked for",
        key,
        |permission| match permission.needs() {
            Needs::Role(_) => Expected::SecondFactor,
            Needs::ServerAdmin => Expected::SecondFactor,
            Needs::Nothing | Needs::SignIn => Expected::Admitted,
        },
    );
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let inside = Inside::start().await;
    let owner = inside.member(HOME, "owner", Role::Owner).await;
    let database = inside.database.client().await.unwrap();
    database
        .execute(
            "update users set is_server_admin = true where name = 'owner'",
            &[],
        )
        .await
        .unwrap();
    let mut asked = 0;
    for route in inside.server.table() {
        let about_one = route.path.contains("{id}") && route.kind == RouteKind::Api;
        if !about_one || !matches!(route.method, Method::GET | Method::DELETE) {
            continue;
        }
        // By its name, and not by an id that nobody has: that is no id at all.
        for id in [Uuid::now_v7().to_string(), "nonsense".to_owned()] {
            let when = if route.path.ends_with("/move") {
                "?at=2030-01-01T00:00:00Z"
            } else {
                ""
            };
            let path = route.path.replace("{id}", &id).replace("{name}", "nothing") + when;
            let answer = inside.answer(route.method.clone(), &path, Some(&owner)).await;
            let by_browser = answer.status == 403 && answer.code() == "session_needed";
            assert!(
                answer.status == 404 || by_browser,
                "{} {path}: {answer:?}",
                route.method
            );
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked} routes are about one thing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_finds_nothing_of_ours() {
    let inside = Inside::start().await;
    let ours = inside.member(HOME, "ours", Role::Owner).await;
    let theirs = inside
        .member(&inside.other_org().await, "theirs", Role::Owner)
        .await;
    let create = |path: &'static str, body: serde_json::Value| {
        Answer::of(inside.request(Method::POST, path, Some(&ours)).json(&body))
    };
    let host = create(
        "/api/v1/hosts",
        serde_json::json!({ "name": "nas", "url": "unix:///nonexistent.sock" }),
    )
    .await;
    assert_eq!(host.status, 201, "{host:?}");
    let schedule = create(
        "/api/v1/schedules",
        serde_json::json!({
            "name": "nightly", "enabled": true, "timezone": "Europe/Berlin",
            "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
            "steps": [{ "action": { "type": "restart" }, "target": "name:web" }],
        }),
    )
    .await;
    assert_eq!(schedule.status, 201, "{schedule:?}");
    let id = |answer: &Answer| answer.json()["id"].as_str().unwrap().to_owned();
    let window = serde_json::json!({
        "name": "freeze", "window": { "type": "weekly", "start": "22:00", "duration": "8h" },
    });
    let blackout = create("/api/v1/blackouts", window.clone()).await;
    assert_eq!(blackout.status, 201, "{blackout:?}");
    let invited = create("/api/v1/invitations", serde_json::json!({ "role": "viewer" })).await;
    assert_eq!(invited.status, 201, "{invited:?}");
    let new = serde_json::from_value(serde_json::json!({ "name": "ours", "scope": "read" })).unwrap();
    let key = inside.own_key(&ours, new).await.key.id.to_string();
    let member = create(
        "/api/v1/members",
        serde_json::json!({ "name": "ada", "role": "viewer" }),
    )
    .await;
    assert_eq!(member.status, 201, "{member:?}");
    let team = create("/api/v1/teams", serde_json::json!({ "name": "media" })).await;
    let grant = create(
        "/api/v1/grants",
        serde_json::json!({ "team_id": id(&team), "selector": "host:nas", "role": "operator" }),
    )
    .await;
    assert_eq!(grant.status, 201, "{grant:?}");
    let share = create(
        "/api/v1/shares",
        serde_json::json!({ "kind": "schedule", "object_id": id(&schedule), "team_id": id(&team) }),
    )
    .await;
    assert_eq!(share.status, 201, "{share:?}");
    let within = |answer: &Answer, of: &str| answer.json()[of]["id"].as_str().unwrap().to_owned();
    session(&inside, "ours").await;
    let sessions = inside
        .answer(Method::GET, "/api/v1/sessions", Some(&ours))
        .await
        .json();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let known = [
        ("/api/v1/hosts/", id(&host)),
        ("/api/v1/schedules/", id(&schedule)),
        ("/api/v1/blackouts/", id(&blackout)),
        ("/api/v1/invitations/", within(&invited, "invitation")),
        ("/api/v1/api-keys/", key),
        ("/api/v1/members/", within(&member, "member")),
        ("/api/v1/sessions/", session),
        ("/api/v1/teams/", id(&team)),
        ("/api/v1/grants/", id(&grant)),
        ("/api/v1/shares/", id(&share)),
        ("/api/v1/orgs/", HOME.to_owned()),
    ];

    let mut asked = HashSet::new();
    for route in inside.server.table() {
        for (prefix, id) in &known {
            let Some(rest) = route.path.strip_prefix(prefix) else {
                continue;
            };
            // Others, such as `export`, are about no single one.
            let Some(tail) = rest.strip_prefix("{id}") else {
                continue;
            };
            let when = if tail == "/move" && route.method == Method::DELETE {
                "?at=2030-01-01T00:00:00Z"
            } else {
                ""
            };
            let path = format!("{prefix}{id}{tail}{when}");
            let mut request = inside.request(route.method.clone(), &path, Some(&theirs));
            if tail == "/pause" {
                request = request.json(&serde_json::json!({ "until": "2999-01-01T00:00:00Z" }));
            } else if *prefix == "/api/v1/hosts/" {
                if !matches!(route.method, Method::GET | Method::DELETE) {
                    let whole = serde_json::json!({ "name": "mine", "url": "tcp://127.0.0.1:1" });
                    let nothing = serde_json::json!({});
                    request = request.json(if route.method == Method::PUT {
                        &whole
                    } else {
                        &nothing
                    });
                }
            } else if *prefix == "/api/v1/blackouts/" {
                request = request.json(&window);
            } else if tail == "/move" || tail == "/skip" {
                let (at, to) = ("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z");
                request = match (tail, &route.method) {
                    ("/move", &Method::POST) => request.json(&serde_json::json!({ "at": at, "to": to })),
                    (_, &Method::POST) => request.json(&serde_json::json!({ "at": at })),
                    _ => request,
                };
            } else if route.method == Method::PATCH {
                let body = match *prefix {
                    "/api/v1/members/" => serde_json::json!({ "role": "viewer" }),
                    _ => serde_json::json!({ "name": "theirs" }),
                };
                request = request.json(&body);
            } else if matches!(route.method, Method::POST | Method::PUT) {
                request = request.json(&serde_json::json!({
                    "name": "nightly", "enabled": true, "timezone": "UTC", "version": 1,
                    "triggers": [{ "type": "interval", "every": "5m" }],
                    "steps": [{ "action": { "type": "restart" }, "target": "name:web" }],
                }));
            }
            let answer = Answer::of(request).await;
            assert_eq!(answer.status, 404, "{} {path}: {answer:?}", route.method);
            asked.insert(prefix);
        }
    }
    assert_eq!(asked.len(), known.len());
    for path in [
        "/api/v1/hosts",
        "/api/v1/schedules",
        "/api/v1/invitations",
        "/api/v1/teams",
        "/api/v1/grants",
        "/api/v1/shares",
        "/api/v1/runs",
        "/api/v1/containers",
    ] {
        let list = inside.answer(Method::GET, path, Some(&theirs)).await.json();
        assert_eq!(list["total"], 0, "{path}: {list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_holds_every_server_function_and_every_page() {
    let inside = Inside::start().await;
    let table = inside.server.table();
    let functions: HashSet<&str> = table
        .iter()
        .filter(|route| route.kind == RouteKind::ServerFunction)
        .map(|route| route.path.as_str())
        .collect();
    let real: HashSet<&str> = server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    assert_eq!(functions, real);
    assert!(
        table
            .iter()
            .any(|route| route.kind == RouteKind::Page && route.path == "/")
    );
    // What is open to all is a short list that somebody decided on.
    let open: Vec<&str> = table
        .iter()
        .filter(|route| route.permission == Permission::Public && route.kind != RouteKind::Asset)
        .map(|route| route.path.as_str())
        .collect();
    for path in open {
        let decided = [
            "/health",
            "/health/ready",
            "/api/version",
            "/api/v1/openapi.json",
            "/api/docs",
            "/api/docs/",
            "/api/docs/{file}",
            "/api/v1/calendar/{token}",
            "/api/v1/hooks/{token}",
            "/sign-in",
            "/setup",
            "/invite",
            "/sign-in/code",
            "/auth/{slug}/start",
            "/auth/{slug}/callback",
            "/_fn/auth/code",
            "/_fn/auth/step",
            "/_fn/auth/begin-passkey-sign-in",
            "/_fn/auth/passkey-sign-in",
            "/_fn/auth/begin-passkey-step",
            "/_fn/auth/passkey-step",
            "/reset",
            "/_fn/auth/join",
            "/_fn/auth/reset",
            "/_fn/auth/reset-for",
            "/_fn/auth/welcome",
            "/_fn/auth/sign-in",
            "/_fn/auth/set-up",
            "/_fn/auth/state",
        ];
        assert!(decided.contains(&path), "{path} is open to everybody");
    }
}

async fn read_only_key(inside: &Inside, name: &str) -> String {
    let key = control::auth::api_keys::create(inside.control(), name, "read only")
        .await
        .unwrap();
    let database = inside.database.client().await.unwrap();
    database
        .execute("update api_keys set scope = 'read' where name = 'read only'", &[])
        .await
        .unwrap();
    secrecy::ExposeSecret::expose_secret(&key).to_owned()
}

async fn session(inside: &Inside, name: &str) -> String {
    control::auth::set_password(inside.control(), name, "correct horse battery".into())
        .await
        .unwrap();
    let client = control::auth::Client::default();
    let session = control::auth::sign_in(inside.control(), name, "correct horse battery".into(), &client)
        .await
        .unwrap();
    format!(
        "chrontainer={}",
        secrecy::ExposeSecret::expose_secret(&session.token)
    )
}
