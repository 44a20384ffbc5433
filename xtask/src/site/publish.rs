//! Writing the site: hashed names, the list of hashes that leptos reads, brotli beside each file.

use super::Profile;
use crate::Result;
use brotli::enc::BrotliEncoderParams;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One published file and its sizes in bytes.
pub struct Published {
    pub name: String,
    pub raw: usize,
    pub brotli: Option<usize>,
    /// Whether every first page loads it.
    pub first: bool,
}

/// A site being written to `root`; what an earlier build left there goes in `finish`.
pub struct Site {
    root: PathBuf,
    quality: i32,
    kept: BTreeSet<PathBuf>,
    hashes: String,
    pub files: Vec<Published>,
}

impl Site {
    pub fn new(root: PathBuf, profile: Profile) -> Self {
        // Quality 11 takes seconds per megabyte and pays off over every download; 4 is quick enough not to notice.
        let quality = if profile == Profile::Release { 11 } else { 4 };
        Self {
            root,
            quality,
            kept: BTreeSet::new(),
            hashes: String::new(),
            files: Vec::new(),
        }
    }

    /// Adds `pkg/<name>.<hash>.<extension>`, under a hash of its own, and its line in the hash file.
    pub fn add_hashed(&mut self, name: &str, extension: &str, bytes: &[u8]) -> Result<()> {
        let hash = hash([bytes]);
        self.hash_line(extension, &hash);
        self.add(Path::new("pkg").join(format!("{name}.{hash}.{extension}")), bytes)
    }

    /// Adds a line that tells leptos the hash in a file's name.
    pub fn hash_line(&mut self, what: &str, hash: &str) {
        self.hashes.push_str(&format!("{what}: {hash}\n"));
    }

    /// Adds one file at a path below the root.
    pub fn add(&mut self, path: PathBuf, bytes: &[u8]) -> Result<()> {
        let full = self.root.join(&path);
        replace(&full, bytes)?;
        let mut brotli = None;
        if compresses(&path) {
            let mut packed = full.clone().into_os_string();
            packed.push(".br");
            let packed = PathBuf::from(packed);
            let small = compress(bytes, self.quality)?;
            brotli = Some(small.len());
            replace(&packed, &small)?;
            self.kept.insert(packed);
        }
        let name = path.display().to_string();
        let lazy = ["__wasm_split_manifest", "chunk_", "split_", "snippets"]
            .iter()
            .any(|part| name.contains(part));
        let first = (name.starts_with("pkg/") && !lazy) || name.ends_with(".woff2");
        self.files.push(Published {
            name,
            raw: bytes.len(),
            brotli,
            first,
        });
        self.kept.insert(full);
        Ok(())
    }

    /// Adds every file below `from` under the same relative path.
    pub fn add_dir(&mut self, from: &Path, below: &Path) -> Result<()> {
        let mut entries: Vec<_> = match fs::read_dir(from) {
            Ok(entries) => entries.collect::<std::io::Result<_>>()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(format!("cannot read {}: {error}", from.display()).into()),
        };
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            let below = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.add_dir(&entry.path(), &below)?;
            } else {
                self.add(below, &fs::read(entry.path())?)?;
            }
        }
        Ok(())
    }

    /// Writes `hash.txt`, which leptos reads to find the names, and removes what no longer belongs here.
    pub fn finish(&mut self) -> Result<()> {
        let list = self.root.join("hash.txt");
        replace(&list, self.hashes.as_bytes())?;
        self.kept.insert(list);
        sweep(&self.root, &self.kept)
    }
}

/// The first 96 bits of a SHA-256 over all of it: far from any chance of two builds sharing a name.
pub fn hash<'a>(contents: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for bytes in contents {
        hasher.update(bytes);
    }
    hasher
        .finalize()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A reader sees the old file or the new one, never half of one.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut temporary = path.to_path_buf().into_os_string();
    temporary.push(".new");
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| format!("cannot write {}: {error}", path.display()).into())
}

fn compresses(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(
        extension,
        Some("js" | "wasm" | "css" | "svg" | "json" | "webmanifest" | "txt" | "ico")
    )
}

fn compress(bytes: &[u8], quality: i32) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams {
        quality,
        lgwin: 22,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &params)?;
    Ok(packed)
}

fn sweep(dir: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            sweep(&path, kept)?;
        } else if !kept.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
