//! Named points at which a test can hit the server: `CHRONTAINER_TEST_KILL_AT=intent` dies at the first pass, as `kill -9`
//! would, `intent:3` at the third; `CHRONTAINER_TEST_STOP_AT=intent` stops there, as a machine that is suspended does, until
//! somebody sends SIGCONT. Not compiled into releases.

/// Dies or stops here when the environment says so.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    use std::sync::OnceLock;
    static KILL: OnceLock<Option<Point>> = OnceLock::new();
    static STOP: OnceLock<Option<Point>> = OnceLock::new();
    if Point::of(&KILL, "CHRONTAINER_TEST_KILL_AT", name) {
        tracing::warn!(point = name, "killed by the test");
        std::process::abort();
    }
    if Point::of(&STOP, "CHRONTAINER_TEST_STOP_AT", name) {
        tracing::warn!(point = name, "stopped by the test");
        let me = std::process::id().to_string();
        // It returns once the process goes on.
        let _stopped = std::process::Command::new("kill").args(["-STOP", &me]).status();
        tracing::warn!(point = name, "goes on");
    }
}

#[cfg(debug_assertions)]
struct Point {
    name: String,
    pass: usize,
    passed: std::sync::atomic::AtomicUsize,
}

#[cfg(debug_assertions)]
impl Point {
    /// Whether this very pass is the one that the variable names.
    fn of(wanted: &std::sync::OnceLock<Option<Self>>, variable: &str, name: &str) -> bool {
        let wanted = wanted.get_or_init(|| {
            let text = std::env::var(variable).ok()?;
            let (name, pass) = text.split_once(':').unwrap_or((&text, "1"));
            Some(Self {
                name: name.to_owned(),
                pass: pass.parse().ok()?,
                passed: Default::default(),
            })
        });
        wanted.as_ref().is_some_and(|wanted| {
            wanted.name == name
                && wanted.passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == wanted.pass
        })
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &str) {}
