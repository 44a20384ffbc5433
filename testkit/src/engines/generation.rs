//! Generations of Docker. The machine's own is the oldest; newer ones are unpacked by `./dev setup test`.

use std::path::PathBuf;

/// A generation of Docker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// The machine's own: Debian 12 has 20.10 (API 1.41).
    Docker20,
    /// 26.1 (API 1.45).
    Docker26,
    /// 28.5 (API 1.51).
    Docker28,
}

impl Generation {
    pub const ALL: [Self; 3] = [Self::Docker20, Self::Docker26, Self::Docker28];

    /// The version's beginning.
    pub fn version(self) -> &'static str {
        match self {
            Self::Docker20 => "20.10",
            Self::Docker26 => "26.1",
            Self::Docker28 => "28.5",
        }
    }

    pub(super) fn shared_name(self) -> &'static str {
        match self {
            Self::Docker20 => "shared",
            Self::Docker26 => "shared-26",
            Self::Docker28 => "shared-28",
        }
    }

    /// Where its programs are, for those that are not the machine's own.
    fn programs(self) -> Option<PathBuf> {
        if self == Self::Docker20 {
            return None;
        }
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("chrontainer/engines").join(self.version()).join("bin"))
    }

    pub(super) fn program(self) -> Option<String> {
        Some(self.programs()?.join("dockerd").display().to_string())
    }

    /// Its own containerd first; runc is the machine's, as newer ones need a newer C library.
    pub(super) fn environment(self) -> Vec<(&'static str, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let own = self
            .programs()
            .map(|programs| format!("{}:{path}:/usr/sbin", programs.display()));
        own.map(|path| ("PATH", path)).into_iter().collect()
    }

    /// Whether it can be started here.
    ///
    /// # Panics
    /// In CI, where it must.
    #[allow(
        clippy::print_stderr,
        reason = "a skipped test says so where its output is looked for"
    )]
    pub(super) fn is_here(self) -> bool {
        let root = nix::unistd::geteuid().is_root();
        let here = root
            && self
                .program()
                .is_none_or(|program| PathBuf::from(program).exists());
        if !here {
            let why = if root {
                "its programs are missing: run ./dev setup test"
            } else {
                "starting it takes root"
            };
            assert!(
                std::env::var_os("CI").is_none(),
                "Docker {}: {why}",
                self.version()
            );
            eprintln!("SKIPPED: Docker {}: {why}", self.version());
        }
        here
    }
}
