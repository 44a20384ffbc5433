//! Where things are kept, and the defaults for that.

use std::path::{Path, PathBuf};

use super::LONGEST_RUNTIME_DIR;

/// What decides the default directories.
#[derive(Clone, Debug, Default)]
pub(super) struct Home {
    pub root: bool,
    pub home: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub runtime: Option<PathBuf>,
}

impl Home {
    pub fn data_dir(&self) -> PathBuf {
        match (&self.data, &self.home) {
            // Root's own home is closed to the user Postgres runs as, so root gets the system's place.
            _ if self.root => PathBuf::from("/var/lib/chrontainer"),
            (Some(data), _) if data.is_absolute() => data.join("chrontainer"),
            (_, Some(home)) => home.join(".local/share/chrontainer"),
            _ => PathBuf::from("/var/lib/chrontainer"),
        }
    }

    pub fn runtime_dir(&self) -> PathBuf {
        if self.root {
            return PathBuf::from("/run/chrontainer");
        }
        self.runtime
            .as_ref()
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join("chrontainer"))
            .filter(|directory| directory.as_os_str().len() <= LONGEST_RUNTIME_DIR)
            .unwrap_or_else(|| PathBuf::from(format!("/tmp/chrontainer-{}", nix::unistd::geteuid())))
    }
}

/// A path, made absolute; it need not exist yet.
pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    std::path::absolute(text).map_err(|error| format!("the path cannot be made absolute ({error})"))
}

pub(super) fn existing_directory(text: &str) -> Result<PathBuf, String> {
    let path = directory(text)?;
    if path.is_dir() {
        Ok(path)
    } else {
        Err(
            "there is no such directory; write the one that holds initdb and postgres, such as \
             /usr/lib/postgresql/15/bin"
                .to_owned(),
        )
    }
}

pub(super) fn runtime_dir(text: &str) -> Result<PathBuf, String> {
    let path = directory(text)?;
    let length = path.as_os_str().len();
    if length <= LONGEST_RUNTIME_DIR {
        Ok(path)
    } else {
        Err(format!(
            "it has {length} bytes and may have {LONGEST_RUNTIME_DIR}, because the path of a unix socket is limited to \
             107; write a shorter one such as /run/chrontainer"
        ))
    }
}

/// Where leptos' own variable says, else `site` beside the program, else what a package installs, else what `./dev`
/// builds.
pub(super) fn site_root() -> PathBuf {
    if let Some(root) = std::env::var_os("LEPTOS_SITE_ROOT").filter(|root| !root.is_empty()) {
        return PathBuf::from(root);
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("site")));
    beside
        .into_iter()
        .chain([PathBuf::from("/usr/share/chrontainer/site")])
        .find(|directory| directory.is_dir())
        .unwrap_or_else(|| Path::new("target").join("site"))
}
