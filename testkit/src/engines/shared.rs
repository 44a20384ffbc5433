//! The engine that all tests of a run share.

use super::{
    api::EngineApi,
    docker,
    generation::Generation,
    image,
    lease::{Lease, home},
};
use nix::fcntl::{Flock, FlockArg};
use std::{fs::File, path::PathBuf, time::Duration};

/// How long it stays after its last user, in seconds: the next test program starts meanwhile.
const LINGER: u32 = 20;

/// Its socket, and the hold on it.
pub(super) async fn join(generation: Generation) -> (PathBuf, Lease) {
    let name = generation.shared_name();
    let turn = tokio::task::spawn_blocking(move || {
        let file = File::create(home().join(format!("{name}.lock"))).expect("the lock's file");
        Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .expect("a lock")
    });
    // One at a time: the first starts it, the others find it.
    let _turn = turn.await.expect("waiting for a lock does not panic");
    let root = home().join(format!("engine-{name}"));
    for _ in 0..600 {
        if let Some(lease) = Lease::join(&root) {
            let socket = docker::socket(&root);
            if EngineApi::new(socket.clone()).answers().await {
                return (socket, lease);
            }
            lease.reap();
        }
        if !root.exists() {
            let lease = Lease::create(name, LINGER);
            // It outlives this process: the keeper ends it.
            drop(docker::spawn(&root, generation).await);
            let socket = docker::socket(&root);
            image::import(&EngineApi::new(socket.clone())).await;
            return (socket, lease);
        }
        // The last one is being ended.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "{} is neither usable nor gone after a minute: remove it",
        root.display()
    );
}
