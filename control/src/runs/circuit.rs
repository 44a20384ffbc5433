//! Hosts that are known not to answer. Each is asked once for everybody, so that runs on it hold no place that runs on
//! other hosts need, and none is refused that could be done because its host has just come back.

use domain::ids::HostId;
use engine::{Engine, EngineError};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// For how long an answer counts.
const FRESH: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Circuits(Mutex<HashMap<HostId, Arc<Circuit>>>);

/// The last answer of one host; whoever asks holds it, and the others wait for what it says.
type Circuit = tokio::sync::Mutex<Option<Asked>>;

struct Asked {
    at: Instant,
    answer: Result<(), EngineError>,
}

impl Circuits {
    /// A sign of life of a host that was found not to answer.
    ///
    /// # Errors
    /// Why it still does not.
    pub async fn ask(&self, host: HostId, engine: &Engine) -> Result<(), EngineError> {
        let circuit = self.0.lock().entry(host).or_default().clone();
        let mut last = circuit.lock().await;
        if let Some(asked) = last.as_ref().filter(|asked| asked.at.elapsed() < FRESH) {
            return asked.answer.clone();
        }
        let answer = engine.ping().await;
        *last = Some(Asked {
            at: Instant::now(),
            answer: answer.clone(),
        });
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Options;

    #[tokio::test]
    async fn a_silent_host_is_asked_once_for_everybody() {
        // It takes connections and never answers.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("tcp://{}", silent.local_addr().unwrap()).parse().unwrap();
        let engine = Engine::connect(&url, Options::deadline(Duration::from_millis(300)));
        let (circuits, host) = (Circuits::default(), HostId::new());
        let begun = Instant::now();
        let asked = (0..100).map(|_| circuits.ask(host, &engine));
        let answers = futures::future::join_all(asked).await;
        assert!(answers.iter().all(Result::is_err));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
