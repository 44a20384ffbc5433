//! Where initdb and postgres are, and whom they run as.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::{Gid, Uid, User};

use super::{Error, Result, USER};

/// Postgres refuses to run as root, so root hands the cluster to the account Debian's package makes.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub uid: Uid,
    pub gid: Gid,
    pub drops: bool,
}

impl Account {
    pub fn current() -> Result<Self> {
        let uid = Uid::effective();
        if !uid.is_root() {
            return Ok(Self {
                uid,
                gid: Gid::effective(),
                drops: false,
            });
        }
        let user = User::from_name("postgres")?.ok_or(
            "tests run as root need the account `postgres`; run ./dev setup, or apt install postgresql",
        )?;
        Ok(Self {
            uid: user.uid,
            gid: user.gid,
            drops: true,
        })
    }

    /// A directory that only this account (and root) can enter.
    pub fn private_dir(&self, path: &Path) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)?;
        self.own(path)
    }

    /// Makes a path this account's.
    pub fn own(&self, path: &Path) -> Result<()> {
        if self.drops {
            std::os::unix::fs::chown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))?;
        }
        Ok(())
    }

    /// A command that runs as this account, in its own process group, without our terminal.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        if self.drops {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }
}

/// The newest installed server's programs; Debian keeps them out of `PATH`.
pub fn directory() -> Result<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max();
    if let Some((_, bin)) = debian {
        return Ok(bin);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|directory| directory.join("initdb").exists())
        .ok_or_else(|| Error::from("no PostgreSQL server is installed; run ./dev setup"))
}

/// Makes a cluster in `data` (about a second), which must be absent or empty.
pub fn initdb(account: Account, data: &Path) -> Result<()> {
    let made = account
        .command(&directory()?.join("initdb"))
        .args([
            "--no-sync",
            "--auth=trust",
            "--locale=C",
            "--encoding=UTF8",
            "--username",
            USER,
            "-D",
        ])
        .arg(data)
        .output()?;
    if made.status.success() {
        Ok(())
    } else {
        Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr)).into())
    }
}
