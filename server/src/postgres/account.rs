//! Whom Postgres runs as, and the directories it needs.
//!
//! An ordinary user runs it as themselves. Root hands it to the owner of the existing cluster, else to the account
//! `chrontainer`, else to `postgres`, which Debian's package makes. An account of its own is the better choice where
//! other databases run as `postgres`, because who is `postgres` can read this cluster.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::Path,
    process::Stdio,
};

use nix::unistd::{Gid, Group, Uid, User};
use tokio::process::Command;

use super::{ClusterError, Programs};

#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub uid: Uid,
    pub gid: Gid,
    drops: bool,
}

impl Account {
    /// Chooses the account, and makes the directory of the clusters its own.
    pub fn prepare(root: &Path) -> Result<Self, ClusterError> {
        let me = Uid::effective();
        let owner = fs::symlink_metadata(root)
            .ok()
            .map(|metadata| (metadata.uid(), metadata.gid()));
        if !me.is_root() {
            if let Some((owner, _)) = owner.filter(|(owner, _)| *owner != me.as_raw()) {
                return Err(ClusterError::NotOurs {
                    path: root.to_owned(),
                    owner,
                    uid: me.as_raw(),
                });
            }
            let account = Self {
                uid: me,
                gid: Gid::effective(),
                drops: false,
            };
            account.private_dir(root)?;
            return Ok(account);
        }
        if let Some((uid, gid)) = owner.filter(|(owner, _)| *owner != 0) {
            return Ok(Self {
                uid: Uid::from_raw(uid),
                gid: Gid::from_raw(gid),
                drops: true,
            });
        }
        let named = |name| {
            User::from_name(name)
                .ok()
                .flatten()
                .filter(|user: &User| !user.uid.is_root())
        };
        let user = named("chrontainer")
            .or_else(|| named("postgres"))
            .ok_or(ClusterError::NoAccount)?;
        let account = Self {
            uid: user.uid,
            gid: user.gid,
            drops: true,
        };
        account.private_dir(root)?;
        // Root owns it when it was copied by root, with everything in it.
        if owner.is_some() {
            account
                .own_tree(root)
                .map_err(|source| ClusterError::io("change the owner of", root, source))?;
        }
        Ok(account)
    }

    /// A directory only this account and root can enter.
    pub fn private_dir(&self, path: &Path) -> Result<(), ClusterError> {
        let make = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            self.own(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        };
        make().map_err(|source| ClusterError::io("make", path, source))
    }

    /// Makes a path this account's.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        if !self.drops {
            return Ok(());
        }
        std::os::unix::fs::lchown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
    }

    fn own_tree(&self, path: &Path) -> io::Result<()> {
        self.own(path)?;
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.own_tree(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// A program run as this account, in `dir`, in its own process group: a Ctrl-C at the terminal is for the server.
    pub fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = quiet_command(program);
        command.current_dir(dir).process_group(0);
        if self.drops {
            // The standard library drops root's supplementary groups with this.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Whether the system knows a name for this account.
    pub fn has_name(&self) -> bool {
        User::from_uid(self.uid).ok().flatten().is_some() && Group::from_gid(self.gid).is_ok()
    }
}

/// A program without our terminal and without `PG…` variables, which would change what Postgres' tools do.
pub(super) fn quiet_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    // Messages are read by people and by our log reader, in English.
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// A directory of the server that another account must be able to pass: root's is open to pass, not to list.
pub(super) fn shared_dir(path: &Path) -> Result<(), ClusterError> {
    let me = Uid::effective();
    let mode = if me.is_root() { 0o711 } else { 0o700 };
    let failed = |source| ClusterError::io("make", path, source);
    // Parents get the usual mode: they may be anyone's, such as ~/.local/share.
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other.map_err(failed)?,
    }
    // In a public place such as /tmp somebody else may have made it, to see what we put into it. What is root's and lets
    // us in was meant for us.
    let owner = fs::metadata(path).map_err(failed)?.uid();
    if owner != me.as_raw() && owner != 0 && !me.is_root() {
        return Err(ClusterError::NotOurs {
            path: path.to_owned(),
            owner,
            uid: me.as_raw(),
        });
    }
    Ok(())
}

/// Gives what root has just made to whom the directory around it belongs: in the container a command is often root's,
/// and the server that is not must go on writing there. Root's own directories stay root's.
pub(super) fn hand_over(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent().filter(|_| Uid::effective().is_root()) else {
        return Ok(());
    };
    let around = fs::metadata(parent)?;
    let made = fs::symlink_metadata(path)?;
    if around.uid() == 0 || made.uid() != 0 {
        return Ok(());
    }
    // Not what a link points at, which the other account could choose.
    std::os::unix::fs::lchown(path, Some(around.uid()), Some(around.gid()))
}

/// Checks by trying that the account can reach a directory, and names what is in its way.
pub(super) async fn check_reach(
    account: Account,
    programs: &Programs,
    path: &Path,
) -> Result<(), ClusterError> {
    let program = programs.path("postgres");
    let tried = account
        .command(&program, path)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .await;
    match tried {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && account.drops => {
            let closed = |directory: &&Path| {
                fs::metadata(directory).is_ok_and(|metadata| {
                    let bit = match metadata {
                        ref m if m.uid() == account.uid.as_raw() => 0o100,
                        ref m if m.gid() == account.gid.as_raw() => 0o010,
                        _ => 0o001,
                    };
                    metadata.mode() & bit == 0
                })
            };
            let blocked = path.ancestors().filter(closed).last().unwrap_or(path);
            Err(ClusterError::Blocked {
                blocked: blocked.to_owned(),
                uid: account.uid.as_raw(),
            })
        }
        Err(source) => Err(ClusterError::io("run", &program, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_root_makes_belongs_to_the_owner_of_the_directory_around_it() {
        let dir = tempfile::tempdir().unwrap();
        let backups = dir.path().join("backups");
        let dump = backups.join("a.dump");
        fs::create_dir(&backups).unwrap();
        fs::write(&dump, "x").unwrap();
        let owners = |path: &Path| {
            let metadata = fs::symlink_metadata(path).unwrap();
            (metadata.uid(), metadata.gid())
        };
        let ours = owners(&backups);
        hand_over(&backups).unwrap();
        assert_eq!(owners(&backups), ours, "root's own directories stay root's");
        if !Uid::effective().is_root() {
            return;
        }
        std::os::unix::fs::lchown(dir.path(), Some(4321), Some(1234)).unwrap();
        hand_over(&backups).unwrap();
        hand_over(&dump).unwrap();
        assert_eq!((owners(&backups), owners(&dump)), ((4321, 1234), (4321, 1234)));
    }
}
