//! Finds the engine of this machine.

use crate::{
    client::{Engine, Options},
    transport::EngineUrl,
};
use std::{path::Path, time::Duration};

/// How long one candidate may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where this machine's engine may be, likeliest first: `DOCKER_HOST` when it is set and sound, Docker's socket,
/// Podman's, the user's own, Docker Desktop's and Colima's. Only those that can be reached by a known transport.
pub fn candidates() -> Vec<EngineUrl> {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    candidates_from(var("DOCKER_HOST"), var("XDG_RUNTIME_DIR"), var("HOME"))
}

fn candidates_from(
    docker_host: Option<String>,
    runtime: Option<String>,
    home: Option<String>,
) -> Vec<EngineUrl> {
    let mut texts: Vec<String> = Vec::new();
    texts.extend(docker_host);
    texts.push("unix:///var/run/docker.sock".to_owned());
    texts.push("unix:///run/podman/podman.sock".to_owned());
    if let Some(runtime) = runtime {
        texts.push(format!("unix://{runtime}/docker.sock"));
        texts.push(format!("unix://{runtime}/podman/podman.sock"));
    }
    if let Some(home) = home {
        texts.push(format!("unix://{home}/.docker/run/docker.sock"));
        texts.push(format!("unix://{home}/.colima/default/docker.sock"));
    }
    let mut found: Vec<EngineUrl> = Vec::new();
    for url in texts.iter().filter_map(|text| text.parse().ok()) {
        if !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

/// The first candidate that answers a ping within two seconds. All are asked at once; the order decides.
pub async fn find_local() -> Option<EngineUrl> {
    first_of(candidates()).await
}

/// The first of these that answers a ping within two seconds.
pub async fn first_of(candidates: Vec<EngineUrl>) -> Option<EngineUrl> {
    let asked = candidates.into_iter().filter(exists).map(|url| async move {
        let answer = Engine::connect(&url, Options::deadline(PATIENCE)).ping().await;
        if let Err(error) = &answer {
            tracing::debug!(engine.url = %url, %error, "a candidate for the local engine does not answer");
        }
        answer.is_ok().then_some(url)
    });
    futures::future::join_all(asked)
        .await
        .into_iter()
        .flatten()
        .next()
}

fn exists(url: &EngineUrl) -> bool {
    match url {
        EngineUrl::Unix { path } => Path::new(path).exists(),
        EngineUrl::Tcp { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_host_comes_first_and_nothing_twice() {
        let urls = |host: &str| -> Vec<String> {
            candidates_from(
                Some(host.into()),
                Some("/run/user/7".into()),
                Some("/home/a".into()),
            )
            .iter()
            .map(ToString::to_string)
            .collect()
        };
        assert_eq!(urls("tcp://nas:2375")[0], "tcp://nas:2375");
        assert_eq!(urls("unix:///run/podman/podman.sock").len(), 6);
        // What DOCKER_HOST says in a transport that is not there yet is passed over, not an end.
        assert_eq!(urls("ssh://pi@nas")[0], "unix:///var/run/docker.sock");
        assert!(urls("").contains(&"unix:///run/user/7/podman/podman.sock".to_owned()));
    }
}
