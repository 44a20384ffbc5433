//! `GET /api/v1/events`.

use super::inside::{HOME, Inside};
use axum::http::Method;
use control::events::{Kind, Topic, publish};
use domain::{
    auth::Role,
    events::Event,
    ids::{HostId, OrgId},
};
use std::time::{Duration, Instant};
use testkit::server::PASSWORD;
use tokio::time::timeout;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(10);

/// A stream that is being read.
struct Reader {
    response: reqwest::Response,
    text: String,
}

impl Reader {
    async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/event-stream")
        );
        let mut reader = Self {
            response,
            text: String::new(),
        };
        reader.until("connected").await;
        reader
    }

    /// Reads until the text was seen; returns everything up to there.
    async fn until(&mut self, wanted: &str) -> String {
        let found = timeout(LIMIT, async {
            loop {
                if let Some(at) = self.text.find(wanted)
                    && let Some(end) = self.text[at..].find("\n\n")
                {
                    let rest = self.text.split_off(at + end + 2);
                    return std::mem::replace(&mut self.text, rest);
                }
                let chunk = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("{wanted} did not come, only {:?}", self.text))
    }

    /// Waits for the stream's end.
    async fn end(mut self) -> String {
        timeout(LIMIT, async {
            while let Ok(Some(chunk)) = self.response.chunk().await {
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
        .expect("the stream ends");
        self.text
    }
}

fn last_id(text: &str) -> String {
    text.lines()
        .rev()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned()
}

async fn publish_deletion(inside: &Inside, org: &str) -> Uuid {
    let id = Uuid::now_v7();
    let mut conn = inside.control().db().conn().await.unwrap();
    publish(&mut conn, org.parse().unwrap(), Kind::ScheduleDeleted, id)
        .await
        .unwrap();
    inside.control().wake(Topic::Events);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_at_once_and_only_ones_own() {
    let inside = Inside::start().await;
    let key = inside.member(HOME, "viewer", Role::Viewer).await;
    let other = inside.other_org().await;
    let mut reader = Reader::open(inside.request(Method::GET, "/api/v1/events", Some(&key))).await;

    let theirs = publish_deletion(&inside, &other).await;
    let hidden = HostId::new();
    let hub = inside.control().events();
    hub.send_live(other.parse().unwrap(), Event::HostRemoved { id: hidden });
    let seen = HostId::new();
    hub.send_live(OrgId::HOME, Event::HostRemoved { id: seen });
    let live = reader.until(&seen.to_string()).await;
    assert!(live.contains("event: host_removed\n"), "{live}");
    assert!(!live.contains(&hidden.to_string()));

    let begun = Instant::now();
    let ours = publish_deletion(&inside, HOME).await;
    let stored = reader.until(&ours.to_string()).await;
    // How soon exactly is measured by the bench, on a machine that does nothing else.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(
        stored.contains("event: schedule_deleted\n") && stored.contains("\nid: "),
        "{stored}"
    );
    assert!(!stored.contains(&theirs.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_gets_what_it_missed() {
    let inside = Inside::start().await;
    let key = inside.member(HOME, "viewer", Role::Viewer).await;
    let open = |id: &str| {
        Reader::open(
            inside
                .request(Method::GET, "/api/v1/events", Some(&key))
                .header("last-event-id", id),
        )
    };
    let mut reader = Reader::open(inside.request(Method::GET, "/api/v1/events", Some(&key))).await;
    let first = publish_deletion(&inside, HOME).await;
    let id = last_id(&reader.until(&first.to_string()).await);
    drop(reader);

    let missed = [
        publish_deletion(&inside, HOME).await,
        publish_deletion(&inside, HOME).await,
    ];
    // Wait until this server has read them, as it would have in a real absence.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut reader = open(&id).await;
    let text = reader.until(&missed[1].to_string()).await;
    assert!(
        text.contains(&missed[0].to_string()) && !text.contains(&first.to_string()),
        "{text}"
    );
    let next = publish_deletion(&inside, HOME).await;
    let text = reader.until(&next.to_string()).await;
    assert!(
        !text.contains(&missed[1].to_string()),
        "nothing comes twice: {text}"
    );

    for id in ["nonsense", "1-1"] {
        let mut reader = open(id).await;
        assert!(reader.until("\"reset\"").await.contains("event: reset\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_session_and_no_other() {
    let inside = Inside::start().await;
    inside.member(HOME, "ada", Role::Viewer).await;
    control::auth::set_password(inside.control(), "ada", PASSWORD.into())
        .await
        .unwrap();
    let client = control::auth::Client::default();
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let session = control::auth::sign_in(inside.control(), "ada", PASSWORD.into(), &client)
            .await
            .unwrap();
        let cookie = format!(
            "chrontainer={}",
            secrecy::ExposeSecret::expose_secret(&session.token)
        );
        let request = inside
            .request(Method::GET, "/api/v1/events", None)
            .header("cookie", cookie);
        sessions.push((session.actor, Reader::open(request).await));
    }
    let (_, mut stays) = sessions.pop().unwrap();
    let (leaves, ends) = sessions.pop().unwrap();
    control::auth::sign_out(inside.control(), &leaves).await.unwrap();
    ends.end().await;
    let seen = HostId::new();
    inside
        .control()
        .events()
        .send_live(OrgId::HOME, Event::HostRemoved { id: seen });
    stays.until(&seen.to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_first_at_shutdown() {
    let inside = Inside::start().await;
    let key = inside.member(HOME, "viewer", Role::Viewer).await;
    let reader = Reader::open(inside.request(Method::GET, "/api/v1/events", Some(&key))).await;
    let begun = Instant::now();
    let (stopped, _) = tokio::join!(inside.server.stop(), reader.end());
    stopped.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
