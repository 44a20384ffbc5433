//! Finds the engine of this machine.

use crate::{
    client::{Engine, Options},
    error::{EngineError, Unreachable},
    transport::EngineUrl,
};
use std::time::Duration;

/// How long one place may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why no engine was found, as sentences for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEngine {
    /// Whoever sets `DOCKER_HOST` means that engine and no other.
    #[error("DOCKER_HOST is `{docker_host}`, so that alone was tried. {reason}")]
    Named { docker_host: String, reason: String },
    #[error("DOCKER_HOST is not set, so the usual sockets were tried: {}. None answers.{}", .tried.join(", "), after(.reasons))]
    Nowhere {
        tried: Vec<String>,
        /// Of those that are there.
        reasons: Vec<String>,
    },
}

fn after(reasons: &[String]) -> String {
    reasons.iter().map(|reason| format!(" {reason}")).collect()
}

/// The engine of `DOCKER_HOST` when that is set, else the first of the usual sockets that answers a ping within two
/// seconds: Docker's, Podman's, the user's own, Docker Desktop's and Colima's.
///
/// # Errors
/// What was tried, and why it did not answer.
pub async fn find_local() -> Result<EngineUrl, NoEngine> {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    match var("DOCKER_HOST") {
        Some(docker_host) => named(docker_host).await,
        None => usual(sockets(var("XDG_RUNTIME_DIR"), var("HOME"))).await,
    }
}

async fn named(docker_host: String) -> Result<EngineUrl, NoEngine> {
    let url: EngineUrl = match docker_host.parse() {
        Ok(url) => url,
        Err(error) => {
            let reason = error.to_string();
            return Err(NoEngine::Named { docker_host, reason });
        }
    };
    first_of(vec![url]).await.map_err(|errors| NoEngine::Named {
        docker_host,
        reason: errors.iter().map(ToString::to_string).collect(),
    })
}

async fn usual(sockets: Vec<EngineUrl>) -> Result<EngineUrl, NoEngine> {
    let tried = sockets.iter().map(ToString::to_string).collect();
    first_of(sockets).await.map_err(|errors| {
        // That a socket is missing goes without saying.
        let there = |error: &&EngineError| {
            !matches!(
                error,
                EngineError::Unreachable {
                    why: Unreachable::NoSocket,
                    ..
                }
            )
        };
        let reasons = errors.iter().filter(there).map(ToString::to_string).collect();
        NoEngine::Nowhere { tried, reasons }
    })
}

/// The usual sockets, likeliest first.
fn sockets(runtime: Option<String>, home: Option<String>) -> Vec<EngineUrl> {
    let mut paths = vec![
        "/var/run/docker.sock".to_owned(),
        "/run/podman/podman.sock".to_owned(),
    ];
    if let Some(runtime) = runtime {
        paths.push(format!("{runtime}/docker.sock"));
        paths.push(format!("{runtime}/podman/podman.sock"));
    }
    if let Some(home) = home {
        paths.push(format!("{home}/.docker/run/docker.sock"));
        paths.push(format!("{home}/.colima/default/docker.sock"));
    }
    // A directory that makes no socket's path (relative, too long) is passed over.
    paths
        .iter()
        .filter_map(|path| format!("unix://{path}").parse().ok())
        .collect()
}

/// The first of these that answers a ping within two seconds. All are asked at once; the order decides.
///
/// # Errors
/// Why each did not answer, in their order.
pub async fn first_of(places: Vec<EngineUrl>) -> Result<EngineUrl, Vec<EngineError>> {
    let asked = places.into_iter().map(async |url| {
        let answer = Engine::connect(&url, Options::deadline(PATIENCE)).ping().await;
        answer.map(|_| url)
    });
    let mut errors = Vec::new();
    for answer in futures::future::join_all(asked).await {
        match answer {
            Ok(url) => return Ok(url),
            Err(error) => errors.push(error),
        }
    }
    Err(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(urls: &[EngineUrl]) -> Vec<String> {
        urls.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_usual_sockets_are_docker_s_first_and_the_user_s_own_after() {
        assert_eq!(
            texts(&sockets(Some("/run/user/7".into()), Some("/home/a".into()))),
            [
                "unix:///var/run/docker.sock",
                "unix:///run/podman/podman.sock",
                "unix:///run/user/7/docker.sock",
                "unix:///run/user/7/podman/podman.sock",
                "unix:///home/a/.docker/run/docker.sock",
                "unix:///home/a/.colima/default/docker.sock",
            ]
        );
        assert_eq!(sockets(Some("relative".into()), None).len(), 2);
    }

    #[tokio::test]
    async fn docker_host_is_tried_alone() {
        let error = named("unix:///nowhere/docker.sock".to_owned()).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("DOCKER_HOST is `unix:///nowhere/docker.sock`, so that alone was tried."),
            "{text}"
        );
        assert!(
            text.contains("There is no socket at /nowhere/docker.sock"),
            "{text}"
        );

        // An address that cannot be used does not lead to another engine than the one that was meant.
        let error = named("https://nas".to_owned()).await.unwrap_err();
        assert!(error.to_string().contains("by `https://`"), "{error}");
    }

    #[tokio::test]
    async fn what_was_tried_is_said_with_the_reasons_of_those_that_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let silent = dir.path().join("docker.sock");
        // A socket that nobody listens on any more.
        drop(std::os::unix::net::UnixListener::bind(&silent).unwrap());
        let urls = [
            format!("unix://{}", silent.display()),
            "unix:///nowhere.sock".to_owned(),
        ];
        let error = usual(urls.iter().map(|url| url.parse().unwrap()).collect())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "DOCKER_HOST is not set, so the usual sockets were tried: {}, {}. None answers. Nothing answers on the \
                 socket {}: the engine is not running. Start it (for Docker: systemctl start docker).",
                urls[0],
                urls[1],
                silent.display()
            )
        );
    }
}
