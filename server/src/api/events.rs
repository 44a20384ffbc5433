//! `GET /api/v1/events`: what happens, as server-sent events.
//!
//! Events of the database carry their position as `id:`. A client that comes back with `Last-Event-ID` gets what it
//! missed, or `reset` when that is too much. A stream ends when its session or key does, and first at shutdown.

use crate::{
    error::ApiResult,
    extract::{Caller, From},
    router::{RouteKind, Routes},
    session::Credential,
    state::AppState,
};
use axum::{
    Extension,
    extract::State,
    response::sse::{Event as SseEvent, KeepAlive, Sse},
};
use chrono::Utc;
use control::{
    auth::Client,
    events::{HubEvent, Position},
};
use domain::{
    auth::{Actor, Permission, Via},
    events::Event,
    ids::SessionId,
};
use futures::{Stream, stream};
use http::{HeaderMap, Method};
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a stream asks whether it may go on: the session may have ended on another server.
const RECHECK: Duration = Duration::from_secs(60);
/// How soon a browser comes back after the stream broke.
const RETRY: Duration = Duration::from_secs(2);

pub fn routes(routes: Routes) -> Routes {
    routes.add(
        RouteKind::Stream,
        Method::GET,
        "/api/v1/events",
        Permission::EventsRead,
        events,
    )
}

/// Everything that happens in the organisation, as server-sent events: `container_changed`, `run_changed`, … with an [`Event`]
/// each. `Last-Event-ID` gives what was missed since, or `reset` when that is too much.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(("last-event-id" = Option<String>, Header, description = "The `id` of the last event that was received")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn events(
    State(state): State<AppState>,
    Caller(actor): Caller,
    From(client): From,
    Extension(credential): Extension<Credential>,
    headers: HeaderMap,
) -> ApiResult<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>> {
    // Subscribed before the past is read, so that nothing falls between; what comes twice is left out by position.
    let live = state.control.events().subscribe();
    let ended = state.control.session_ends().subscribe();
    let mut first = VecDeque::from([SseEvent::default().retry(RETRY).comment("connected")]);
    let mut last = state.control.events().position();
    if let Some(id) = headers.get("last-event-id").and_then(|id| id.to_str().ok()) {
        let missed = match id.parse::<Position>() {
            Ok(after) => {
                state
                    .control
                    .events()
                    .resume(&state.control, actor.org_id, after)
                    .await?
            }
            Err(_) => None,
        };
        match missed {
            Some(missed) => {
                for event in &missed {
                    last = last.max(event.position.unwrap_or(last));
                    first.extend(written(event));
                }
            }
            None => first.push_back(reset()),
        }
    }
    // Sets the browser's Last-Event-ID even if nothing happens before the stream breaks.
    first.push_back(SseEvent::default().id(last.to_string()));

    let mut recheck = interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck.reset();
    metrics::gauge!("chrontainer_event_streams").increment(1.0);
    let open = Open {
        state,
        session: match actor.via {
            Via::Session { id } => Some(id),
            _ => None,
        },
        actor,
        client,
        credential,
        live,
        ended,
        first,
        last,
        recheck,
    };
    let stream = stream::unfold(open, async |mut open| {
        let event = open.next().await?;
        Some((Ok(event), open))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// An open stream.
struct Open {
    state: AppState,
    actor: Actor,
    session: Option<SessionId>,
    client: Client,
    credential: Credential,
    live: Receiver<Arc<HubEvent>>,
    ended: Receiver<SessionId>,
    first: VecDeque<SseEvent>,
    /// Events of the database up to here were sent.
    last: Position,
    recheck: Interval,
}

impl Open {
    /// The next event to send; nothing ends the stream.
    async fn next(&mut self) -> Option<SseEvent> {
        if let Some(event) = self.first.pop_front() {
            return Some(event);
        }
        loop {
            tokio::select! {
                biased;
                () = self.state.streams.cancelled() => return None,
                ended = self.ended.recv() => match ended {
                    Ok(session) if Some(session) == self.session => return None,
                    Ok(_) => {}
                    // Too many ended at once to say which.
                    Err(RecvError::Lagged(_)) => self.still_allowed().await?,
                    Err(RecvError::Closed) => return None,
                },
                _ = self.recheck.tick() => self.still_allowed().await?,
                event = self.live.recv() => match event {
                    Ok(event) => {
                        if let Some(event) = self.mine(&event) {
                            return Some(event);
                        }
                    }
                    Err(RecvError::Lagged(_)) => return Some(reset()),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// What is of another organisation, or was sent already, is left out.
    fn mine(&mut self, event: &HubEvent) -> Option<SseEvent> {
        if event.org_id != self.actor.org_id {
            return None;
        }
        if let Some(position) = event.position {
            if position <= self.last {
                return None;
            }
            self.last = position;
        }
        written(event)
    }

    async fn still_allowed(&mut self) -> Option<()> {
        match self.credential.check(&self.state.control, &self.client).await {
            Ok(actor) => {
                self.actor = actor.filter(|actor| actor.may(Permission::EventsRead))?;
                Some(())
            }
            // A database that is away for a moment ends no stream; the next look decides.
            Err(_) => Some(()),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("chrontainer_event_streams").decrement(1.0);
    }
}

fn written(event: &HubEvent) -> Option<SseEvent> {
    let sse = SseEvent::default().event(event.event.name()).data(event.text()?);
    Some(match event.position {
        Some(position) => sse.id(position.to_string()),
        None => sse,
    })
}

fn reset() -> SseEvent {
    let event = Event::Reset { at: Utc::now() };
    // A time always is JSON.
    let data = serde_json::to_string(&event).unwrap_or_default();
    SseEvent::default().event(event.name()).data(data)
}
