//! Making a cluster, so that a kill in the middle leaves either all of it or nothing that counts.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{ClusterError, DATABASE, Programs, account::Account, config};

/// The directory a cluster is made in before it gets its name.
pub(super) fn draft_of(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".new-{}", std::process::id()));
    dir.with_file_name(name)
}

/// Whether a name is such a draft, left by a server that was killed while it made it.
pub(super) fn is_draft(name: &str) -> bool {
    name.contains(".new-")
}

/// Makes the cluster `dir`, which must not exist.
pub(super) async fn create(account: Account, programs: &Programs, dir: &Path) -> Result<(), ClusterError> {
    let draft = draft_of(dir);
    make(account, programs, &draft).await?;
    rename(&draft, dir)
}

/// Makes a cluster in place; the caller renames it once it is what it should be.
pub(super) async fn make(account: Account, programs: &Programs, draft: &Path) -> Result<(), ClusterError> {
    let program = programs.path("initdb");
    account.private_dir(draft)?;
    // It works in the draft, so that the next start finds and ends it if we are killed meanwhile.
    let mut command = account.command(&program, draft);
    let names = Names::give(account, draft, &mut command)?;
    let made = command
        .args([
            "--locale=C",
            "--encoding=UTF8",
            "--data-checksums",
            "--auth=trust",
            "--username",
            DATABASE,
        ])
        .arg("-D")
        .arg(draft)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| ClusterError::io("run", &program, source))?;
    drop(names);
    if !made.status.success() {
        let message = String::from_utf8_lossy(&made.stderr).trim().to_owned();
        return Err(ClusterError::Program { program, message });
    }
    let conf = draft.join("postgresql.conf");
    File::options()
        .append(true)
        .open(&conf)
        .and_then(|mut file| {
            file.write_all(config::INCLUDE.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .map_err(|source| ClusterError::io("write", &conf, source))
}

/// Renames and makes sure that the new name survives a power cut.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), ClusterError> {
    fs::rename(from, to)
        .and_then(|()| File::open(to.parent().unwrap_or(to))?.sync_all())
        .map_err(|source| ClusterError::io("make", to, source))
}

/// Names for an account the system has no name for (a container started with `--user 1234`): initdb insists on one.
struct Names(Option<PathBuf>);

impl Names {
    fn give(account: Account, draft: &Path, command: &mut Command) -> Result<Self, ClusterError> {
        if account.has_name() {
            return Ok(Self(None));
        }
        let Some(library) = library() else {
            return Err(ClusterError::NoName {
                uid: account.uid.as_raw(),
            });
        };
        let mut dir = draft.as_os_str().to_owned();
        dir.push("-names");
        let dir = PathBuf::from(dir);
        account.private_dir(&dir)?;
        let (passwd, group) = (dir.join("passwd"), dir.join("group"));
        let (uid, gid) = (account.uid, account.gid);
        fs::write(&passwd, format!("{DATABASE}:x:{uid}:{gid}::/:/bin/false\n"))
            .and_then(|()| account.own(&passwd))
            .and_then(|()| fs::write(&group, format!("{DATABASE}:x:{gid}:\n")))
            .and_then(|()| account.own(&group))
            .map_err(|source| ClusterError::io("write", &dir, source))?;
        command
            .env("LD_PRELOAD", library)
            .env("NSS_WRAPPER_PASSWD", passwd)
            .env("NSS_WRAPPER_GROUP", group);
        Ok(Self(Some(dir)))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        if let Some(dir) = &self.0 {
            // What stays is removed with the drafts at the next start.
            let _gone = fs::remove_dir_all(dir);
        }
    }
}

fn library() -> Option<PathBuf> {
    let below = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    std::iter::once(PathBuf::from("/usr/lib"))
        .chain(below)
        .map(|directory| directory.join("libnss_wrapper.so"))
        .find(|library| library.exists())
}
