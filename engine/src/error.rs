//! What can go wrong with an engine, as sentences a person can act on.

use crate::transport::TransportError;
use std::time::Duration;

/// Why an operation on an engine failed. Its `Display` is a sentence for people; [`EngineError::code`] is for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No connection came about: the engine never saw the request.
    #[error("{}", unreachable_sentence(.at, .why))]
    Unreachable { at: String, why: Unreachable },
    /// TLS or SSH stood in the way: the engine never saw the request.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The engine took the connection and did not answer in time; it may still carry the request out.
    #[error(
        "The engine did not answer within {} when asked to {operation}. It may be overloaded or stuck; look at the \
         engine's own log, and try again.",
        seconds(.after)
    )]
    Timeout {
        operation: &'static str,
        after: Duration,
    },
    /// The engine said no, in its own words.
    #[error("The engine refused to {operation}: {message}")]
    Refused {
        operation: &'static str,
        status: u16,
        message: String,
    },
    /// What was asked for does not exist on the engine (HTTP 404).
    #[error("The engine could not {operation}: {message}")]
    NotFound {
        operation: &'static str,
        message: String,
    },
    /// The object's state does not allow it, or a name is taken (HTTP 409).
    #[error("The engine could not {operation}: {message}")]
    Conflict {
        operation: &'static str,
        message: String,
    },
    /// The connection ended before the answer did; the engine may still have carried the request out.
    #[error(
        "The connection to the engine broke while it was asked to {operation}: the engine was stopped or restarted, \
         or the network was cut. It is tried again by itself."
    )]
    Gone { operation: &'static str },
    /// What answers there does not speak the Docker API.
    #[error("What answers there is not a Docker or Podman engine: {what}. Check the address.")]
    Protocol { what: String },
    /// The engine's API is older than what is needed.
    #[error(
        "The engine speaks API {found}, and at least {needed} (Docker 20.10) is needed. Update the engine."
    )]
    TooOld { found: String, needed: String },
    /// The answer is larger than is accepted.
    #[error(
        "The engine's answer was larger than {} MiB when asked to {operation}, and was not read to its end. Look for \
         a container with an enormous label or health output on it.",
        .limit / (1024 * 1024)
    )]
    TooLarge { operation: &'static str, limit: usize },
    /// An id or name that no engine accepts; it was not sent.
    #[error(
        "`{id}` cannot be a container's id or name: only letters, digits, `_`, `.` and `-` are allowed. Correct it."
    )]
    BadId { id: String },
}

/// Why no connection came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// Nothing listens there.
    Refused,
    /// The socket's file does not exist.
    NoSocket,
    /// The operating system forbids this process to open the socket.
    Permission,
    /// Connecting took longer than allowed.
    TimedOut,
    /// The host's name has no address.
    NameUnknown,
    /// The network or the host cannot be reached.
    NoRoute,
    /// What the operating system said.
    Other(String),
}

impl EngineError {
    /// A stable word for programs; sentences may change, these do not.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable {
                why: Unreachable::Permission,
                ..
            } => "engine_permission_denied",
            Self::Unreachable { .. } => "engine_unreachable",
            Self::Transport(error) => error.code(),
            Self::Timeout { .. } => "engine_timeout",
            Self::Refused { .. } => "engine_refused",
            Self::NotFound { .. } => "container_not_found",
            Self::Conflict { .. } => "engine_conflict",
            Self::Gone { .. } => "engine_gone",
            Self::Protocol { .. } => "engine_protocol",
            Self::TooOld { .. } => "engine_too_old",
            Self::TooLarge { .. } => "engine_answer_too_large",
            Self::BadId { .. } => "container_id_invalid",
        }
    }

    /// A finer word than [`EngineError::code`], where there is one: why an engine is unreachable.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable { why, .. } => match why {
                Unreachable::Refused => "connection_refused",
                Unreachable::NoSocket => "socket_missing",
                Unreachable::Permission => "socket_permission",
                Unreachable::TimedOut => "connection_timed_out",
                Unreachable::NameUnknown => "name_unknown",
                Unreachable::NoRoute => "no_route",
                Unreachable::Other(_) => "engine_unreachable",
            },
            other => other.code(),
        }
    }

    /// Whether the same call may succeed later without anyone changing anything here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Gone { .. } => true,
            Self::Refused { status, .. } => matches!(status, 429 | 502..=504),
            Self::Transport(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Whether the engine may have done, or may still do, what was asked although this error came back.
    /// Such an outcome must be looked up on the engine and never guessed.
    pub fn outcome_unknown(&self) -> bool {
        matches!(
            self,
            Self::Timeout { .. } | Self::Gone { .. } | Self::Protocol { .. } | Self::TooLarge { .. }
        )
    }

    /// The engine's own words, where it said any.
    pub fn engine_message(&self) -> Option<&str> {
        match self {
            Self::Refused { message, .. }
            | Self::NotFound { message, .. }
            | Self::Conflict { message, .. } => Some(message),
            _ => None,
        }
    }

    pub(crate) fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol { what: what.into() }
    }

    /// Reads why connecting failed out of the operating system's error.
    pub(crate) fn connecting(at: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let text = error.to_string();
        let why = match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Unreachable::Refused,
            ErrorKind::NotFound => Unreachable::NoSocket,
            ErrorKind::PermissionDenied => Unreachable::Permission,
            ErrorKind::TimedOut => Unreachable::TimedOut,
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => Unreachable::NoRoute,
            // The resolver's errors have no kind of their own; this is how the standard library words them.
            _ if text.contains("failed to lookup address") => Unreachable::NameUnknown,
            _ => Unreachable::Other(text),
        };
        Self::Unreachable {
            at: at.to_owned(),
            why,
        }
    }
}

fn unreachable_sentence(at: &str, why: &Unreachable) -> String {
    match why {
        Unreachable::Refused if at.starts_with('/') => format!(
            "Nothing answers on the socket {at}: the engine is not running. Start it (for Docker: systemctl start docker)."
        ),
        Unreachable::Refused => format!(
            "{at} refused the connection: no engine listens on that port. Check the port, and that the engine is \
             exposed there."
        ),
        Unreachable::NoSocket => format!(
            "There is no socket at {at}: the engine is not running, or its socket is elsewhere. Start the engine or \
             correct the path."
        ),
        Unreachable::Permission => format!(
            "This process may not open {at}. Add its user to the docker group (usermod -aG docker USER) and start it \
             again, or let it use a socket of its own."
        ),
        Unreachable::TimedOut => format!(
            "Connecting to {at} took too long: the machine is off, or a firewall drops the connection. Check that it \
             is on and that the port is open."
        ),
        Unreachable::NameUnknown => {
            format!(
                "The name in {at} has no address. Check its spelling and the name server, or write an IP address."
            )
        }
        Unreachable::NoRoute => {
            format!(
                "There is no way to {at}: the machine is off or in another network. Check the address and the network."
            )
        }
        Unreachable::Other(text) => {
            format!("Connecting to {at} failed: {text}. Check the address and the engine.")
        }
    }
}

fn seconds(duration: &Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn each_reason_says_what_to_do() {
        for (kind, code, hint) in [
            (
                ErrorKind::ConnectionRefused,
                "engine_unreachable",
                "systemctl start docker",
            ),
            (ErrorKind::NotFound, "engine_unreachable", "correct the path"),
            (
                ErrorKind::PermissionDenied,
                "engine_permission_denied",
                "usermod -aG docker",
            ),
            (ErrorKind::TimedOut, "engine_unreachable", "firewall"),
        ] {
            let error = EngineError::connecting("/var/run/docker.sock", &Error::from(kind));
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(hint), "{error}");
            assert!(error.is_transient() && !error.outcome_unknown());
        }
    }

    #[test]
    fn an_unanswered_request_has_an_unknown_outcome() {
        let error = EngineError::Timeout {
            operation: "stop the container",
            after: Duration::from_millis(1500),
        };
        assert!(error.outcome_unknown());
        assert!(
            error
                .to_string()
                .contains("within 1.5 s when asked to stop the container"),
            "{error}"
        );
    }
}
