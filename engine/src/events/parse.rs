//! One event: Docker's words, and Podman's for the same things.

use domain::containers::Health;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Something that happened to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineEvent {
    /// The engine's clock, in nanoseconds since 1970.
    pub time_nano: i64,
    /// The container's id on the engine.
    pub engine_id: String,
    pub action: EventAction,
    /// All that the engine says of it, labels included.
    pub attributes: BTreeMap<String, String>,
}

/// What happened; events that change nothing about a container (exec, attach, top, …) are not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventAction {
    Create,
    Start,
    Die,
    Stop,
    Kill,
    Pause,
    Unpause,
    Rename,
    Destroy,
    Health(Option<Health>),
    Oom,
    Restart,
    Update,
}

impl EventAction {
    /// Docker's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::Die => "die",
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Unpause => "unpause",
            Self::Rename => "rename",
            Self::Destroy => "destroy",
            Self::Health(_) => "health_status",
            Self::Oom => "oom",
            Self::Restart => "restart",
            Self::Update => "update",
        }
    }

    fn read(text: &str, attributes: &BTreeMap<String, String>) -> Option<Self> {
        let (word, detail) = text.split_once(':').unwrap_or((text, ""));
        Some(match word.trim() {
            "create" => Self::Create,
            "start" => Self::Start,
            "die" | "died" => Self::Die,
            "stop" => Self::Stop,
            "kill" => Self::Kill,
            "pause" => Self::Pause,
            "unpause" => Self::Unpause,
            "rename" => Self::Rename,
            "destroy" | "remove" => Self::Destroy,
            "health_status" => {
                let word = if detail.is_empty() {
                    attributes.get("health_status")
                } else {
                    None
                };
                Self::Health(Health::from_engine(word.map_or(detail.trim(), String::as_str)))
            }
            "oom" => Self::Oom,
            "restart" => Self::Restart,
            "update" => Self::Update,
            _ => return None,
        })
    }
}

impl EngineEvent {
    /// The container's name at that time.
    pub fn name(&self) -> Option<&str> {
        self.attribute("name")
    }

    pub fn image(&self) -> Option<&str> {
        self.attribute("image")
    }

    /// The exit code that a `die` tells.
    pub fn exit_code(&self) -> Option<i64> {
        self.attribute("exitCode")
            .or_else(|| self.attribute("containerExitCode"))?
            .parse()
            .ok()
    }

    /// The name before a rename, without the leading slash.
    pub fn old_name(&self) -> Option<&str> {
        self.attribute("oldName").map(|name| name.trim_start_matches('/'))
    }

    fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "Action")]
    action: Option<String>,
    #[serde(rename = "Actor")]
    actor: Option<Actor>,
    #[serde(rename = "timeNano")]
    time_nano: Option<i64>,
    time: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Actor {
    #[serde(rename = "ID")]
    id: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

/// What a line of the stream held.
pub(super) enum Line {
    Event(EngineEvent),
    /// Sound, but of no interest.
    Other,
    Rubbish,
}

pub(super) fn line(text: &[u8]) -> Line {
    let Ok(raw) = serde_json::from_slice::<Raw>(text) else {
        return Line::Rubbish;
    };
    let (Some(kind), Some(action)) = (raw.kind, raw.action) else {
        return Line::Rubbish;
    };
    if kind != "container" {
        return Line::Other;
    }
    let Some(Actor {
        id: Some(engine_id),
        attributes,
    }) = raw.actor
    else {
        return Line::Rubbish;
    };
    let Some(time_nano) = raw.time_nano.or_else(|| raw.time?.checked_mul(1_000_000_000)) else {
        return Line::Rubbish;
    };
    let attributes = attributes.unwrap_or_default();
    match EventAction::read(&action, &attributes) {
        Some(action) => Line::Event(EngineEvent {
            time_nano,
            engine_id,
            action,
            attributes,
        }),
        None => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Option<EngineEvent> {
        match line(text.as_bytes()) {
            Line::Event(event) => Some(event),
            _ => None,
        }
    }

    #[test]
    fn dockers_events_are_read() {
        let die = event(
            r#"{"status":"die","id":"8c","Type":"container","Action":"die","Actor":{"ID":"8c","Attributes":
            {"exitCode":"137","image":"x:1","name":"web"}},"scope":"local","time":1795353111,"timeNano":1795353111112814765}"#,
        )
        .expect("an event");
        assert_eq!(
            (die.action, die.exit_code(), die.name()),
            (EventAction::Die, Some(137), Some("web"))
        );
        assert_eq!(die.time_nano, 1795353111112814765);
        let health =
            event(r#"{"Type":"container","Action":"health_status: unhealthy","Actor":{"ID":"8c"},"time":5}"#)
                .expect("an event");
        assert_eq!(health.action, EventAction::Health(Some(Health::Unhealthy)));
        assert_eq!(health.time_nano, 5_000_000_000);
    }

    #[test]
    fn podmans_events_are_read() {
        let gone = event(
            r#"{"status":"remove","id":"ba","Type":"container","Action":"remove","Actor":{"ID":"ba","Attributes":
            {"containerExitCode":"0","name":"p"}},"time":1,"timeNano":1000000001}"#,
        )
        .expect("an event");
        assert_eq!((gone.action, gone.exit_code()), (EventAction::Destroy, Some(0)));
    }

    #[test]
    fn rubbish_is_told_from_the_uninteresting() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            r#"{"Type":"container"}"#,
            r#"{"Type":"container","Action":"die","time":1}"#,
        ] {
            assert!(matches!(line(text.as_bytes()), Line::Rubbish), "{text}");
        }
        assert!(matches!(
            line(br#"{"Type":"network","Action":"connect"}"#),
            Line::Other
        ));
        let exec = br#"{"Type":"container","Action":"exec_start: /bin/sh","Actor":{"ID":"8c"},"time":1}"#;
        assert!(matches!(line(exec), Line::Other));
    }
}
