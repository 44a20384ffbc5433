//! The built interface on disk: where it is, and which build it is.

use leptos::config::{Env, LeptosOptions};
use sha2::{Digest, Sha256};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const NAME: &str = "chrontainer";
/// The list of hashed names that the build writes.
const HASHES: &str = "hash.txt";

/// The built interface.
#[derive(Clone, Debug)]
pub struct Site {
    pub root: PathBuf,
    pub options: LeptosOptions,
    /// Changes with every build of the interface.
    pub build: Arc<str>,
}

impl Site {
    /// Looks at what was built. Without it pages still come, only plain, and the log says so.
    pub fn open(root: &Path) -> Self {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let list = root.join(HASHES);
        let hashes = match std::fs::read(&list) {
            Ok(hashes) => Some(hashes),
            Err(error) => {
                tracing::warn!(
                    "The interface was not found in {} ({error}), so pages have neither style nor script. Build it with \
                     `./dev run`, or name its directory with CHRONTAINER_SITE_ROOT.",
                    root.display()
                );
                None
            }
        };
        let digest = Sha256::new()
            .chain_update(env!("CARGO_PKG_VERSION"))
            .chain_update(hashes.as_deref().unwrap_or_default())
            .finalize();
        let build: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let options = LeptosOptions::builder()
            .output_name(NAME)
            .site_root(root.to_string_lossy().into_owned())
            .site_pkg_dir("pkg")
            .env(Env::PROD)
            .hash_file(list.to_string_lossy().into_owned().into())
            // Without the list leptos would not render at all.
            .hash_files(hashes.is_some())
            .build();
        Self {
            root,
            options,
            build: build.into(),
        }
    }
}
