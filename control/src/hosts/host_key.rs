//! Host keys of SSH: a new one is shown to a person before anything is sent to the host, a changed one is refused.

use super::settings::Settings;
use crate::error::Result;
use domain::errors::{ErrorClass, Problem};
use engine::{HostKey, Options, Step, StepError, StepName, diagnose};
use futures::StreamExt;
use std::time::Duration;

/// How long a host may take to show its key before it is saved without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks an SSH host for its key and holds it against the one that a person has confirmed. A host that does not answer
/// now is saved as it is: nothing is sent to it before its key fits.
///
/// # Errors
/// 409 `host_key_unknown` and `host_key_changed` with the fingerprints.
pub(super) async fn confirm(settings: &mut Settings) -> Result<()> {
    let Some(ssh) = settings.shown.ssh.clone() else {
        return Ok(());
    };
    match asked(settings).await {
        Some(Shown::Confirmed(key)) => {
            if let (Some(ssh), Some(key)) = (&mut settings.shown.ssh, key) {
                // Of several that are pinned it is the one that counts.
                let same = ssh.fingerprint.as_ref() == Some(&key.fingerprint);
                let before = ssh.algorithm.take().filter(|_| same);
                (ssh.fingerprint, ssh.algorithm) = (Some(key.fingerprint), key.algorithm.or(before));
            }
            Ok(())
        }
        Some(Shown::Refused(error)) => Err(refusal(error, ssh.fingerprint).into()),
        None => Ok(()),
    }
}

enum Shown {
    /// A pinned one.
    Confirmed(Option<HostKey>),
    Refused(StepError),
}

/// What the host shows. No key, password or agent is used: the steps after the host key are not waited for.
async fn asked(settings: &Settings) -> Option<Shown> {
    let mut bare = settings.transport();
    if let Some(ssh) = &mut bare.ssh {
        (ssh.private_key, ssh.passphrase, ssh.password, ssh.use_agent) = (None, None, None, false);
    }
    let looking = async {
        let mut steps = std::pin::pin!(diagnose(bare, Options::default()));
        while let Some(step) = steps.next().await {
            if step.step == StepName::HostKey {
                return Some(shown(step));
            }
        }
        None
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .ok()
        .flatten()
        .flatten()
}

fn shown(step: Step) -> Option<Shown> {
    match step.error {
        None => Some(Shown::Confirmed(step.found.parse().ok())),
        Some(error) if matches!(error.code, "host_key_unknown" | "host_key_changed") => {
            Some(Shown::Refused(error))
        }
        Some(_) => None,
    }
}

fn refusal(error: StepError, pinned: Option<String>) -> Problem {
    let mut problem = Problem::new(ErrorClass::Conflict, error.code, error.message);
    if let Some(presented) = error.presented {
        problem = problem.with("fingerprint", presented.fingerprint);
        if let Some(algorithm) = presented.algorithm {
            problem = problem.with("algorithm", algorithm);
        }
    }
    if error.code == "host_key_changed" {
        let confirmed = error.confirmed.first().map(|key| key.fingerprint.clone());
        problem = problem.with("pinned", confirmed.or(pinned));
    }
    problem
}
