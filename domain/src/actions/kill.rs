//! Sending a signal.

use super::Kind;
use crate::errors::Problem;
use serde::{Deserialize, Serialize};

/// Sends a signal to a container's main process. Whether it ends the container is up to the process, except for
/// `SIGKILL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// `SIGTERM`, `HUP`, `9`; `SIGKILL` when absent.
    #[serde(default = "sigkill")]
    pub signal: String,
}

fn sigkill() -> String {
    "SIGKILL".to_owned()
}

impl Default for Kill {
    fn default() -> Self {
        Self { signal: sigkill() }
    }
}

impl Kill {
    /// The name in full and in capitals: `SIGHUP`; a number stays one.
    pub fn signal(&self) -> String {
        let signal = self.signal.trim().to_ascii_uppercase();
        if signal.starts_with("SIG") || signal.bytes().all(|byte| byte.is_ascii_digit()) {
            signal
        } else {
            format!("SIG{signal}")
        }
    }

    /// Whether the process has no say.
    pub fn is_final(&self) -> bool {
        matches!(self.signal().as_str(), "SIGKILL" | "9")
    }
}

impl Kind for Kill {
    const VERB: &'static str = "kill";
    const LABEL: &'static str = "Kill";

    fn refused_on_itself(&self) -> bool {
        true
    }

    fn goes_backwards(&self) -> bool {
        true
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        let signal = self.signal();
        let numbered = signal.bytes().all(|byte| byte.is_ascii_digit());
        let known = if numbered {
            signal
                .parse::<u8>()
                .is_ok_and(|number| (1..=64).contains(&number))
        } else {
            signal.len() <= 16
                && signal.bytes().all(|byte| {
                    byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-')
                })
        };
        if known {
            return Ok(());
        }
        Err(Problem::invalid(
            "signal_invalid",
            &format!("{field}.signal"),
            "This is no signal. Signals are names such as SIGTERM or HUP, or numbers from 1 to 64.",
        ))
    }

    fn detail(&self) -> Option<String> {
        Some(self.signal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_written_in_one_way() {
        for (text, signal) in [
            ("hup", "SIGHUP"),
            (" SIGTERM ", "SIGTERM"),
            ("9", "9"),
            ("rtmin+1", "SIGRTMIN+1"),
        ] {
            let kill = Kill {
                signal: text.to_owned(),
            };
            assert_eq!(kill.signal(), signal);
            kill.check("a").unwrap();
        }
        for bad in ["", "0", "65", "SIG TERM", "term;ls"] {
            let kill = Kill {
                signal: bad.to_owned(),
            };
            assert!(kill.check("a").is_err(), "{bad}");
        }
        assert!(Kill::default().is_final());
    }
}
