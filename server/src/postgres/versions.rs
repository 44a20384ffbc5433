//! Which cluster is used with which version of Postgres.
//!
//! A cluster only runs with programs of its own major version. When those are gone and newer ones are there, its newest
//! dump is restored into a new cluster beside it, if that dump holds everything: it was the last thing the old cluster
//! did. Otherwise the start is refused, because what happened since the dump would silently be lost.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    ClusterError, Programs,
    backups::{self, Dump},
};

/// A file beside a cluster that names the dump taken right before its last stop. Removed at every start.
const FINAL_DUMP: &str = "final-dump";

/// What a start has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Use { dir: PathBuf, programs: Programs },
    Create { dir: PathBuf, programs: Programs },
    Upgrade { dump: PathBuf, programs: Programs },
}

/// Looks at the clusters in `root`, their dumps and the installed versions (newest first).
pub(super) fn plan(root: &Path, backups: &Path, installed: &[Programs]) -> Result<Plan, ClusterError> {
    let newest = installed.first().cloned().ok_or(ClusterError::NoPostgres {
        searched: String::new(),
    })?;
    let Some((major, dir)) = current(root)? else {
        return match leftovers(root, backups) {
            None => Ok(Plan::Create {
                dir: root.join(newest.major.to_string()),
                programs: newest,
            }),
            Some(found) => Err(ClusterError::Unclear {
                root: root.to_owned(),
                found,
                newest: backups::dumps(backups)
                    .last()
                    .map_or_else(|| "none".to_owned(), |dump| dump.path.display().to_string()),
            }),
        };
    };
    if let Some(programs) = installed.iter().find(|programs| programs.major == major) {
        return Ok(Plan::Use {
            dir,
            programs: programs.clone(),
        });
    }
    if newest.major > major
        && let Some(dump) = final_dump(&dir, backups)
    {
        return Ok(Plan::Upgrade {
            dump,
            programs: newest,
        });
    }
    Err(ClusterError::WrongMajor {
        installed: list(installed),
        data: major,
        advice: advice(&dir, backups, newest.major > major),
        dir,
    })
}

/// The cluster in use: the one of the newest major version.
pub(super) fn current(root: &Path) -> Result<Option<(u32, PathBuf)>, ClusterError> {
    let mut newest: Option<(u32, PathBuf)> = None;
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().parse::<u32>().is_err() {
            continue;
        }
        let version = entry.path().join("PG_VERSION");
        let text =
            fs::read_to_string(&version).map_err(|source| ClusterError::io("read", &version, source))?;
        let major = text
            .trim()
            .parse()
            .map_err(|_| ClusterError::BadVersion { path: version })?;
        if newest.as_ref().is_none_or(|(other, _)| major > *other) {
            newest = Some((major, entry.path()));
        }
    }
    Ok(newest)
}

/// Notes, right before the stop, that `dump` holds everything. Without the note the start of a newer version is refused.
pub(super) fn note_final_dump(dir: &Path, dump: &Dump) {
    if let Err(error) = super::write_whole(
        &dir.with_extension(FINAL_DUMP),
        &dump.path.display().to_string(),
        None,
    ) {
        tracing::warn!("{error}");
    }
}

/// From now on the database changes, so no dump holds everything.
pub(super) fn clear_final_dump(dir: &Path) {
    let path = dir.with_extension(FINAL_DUMP);
    if path.exists()
        && let Err(error) = fs::remove_file(&path)
    {
        tracing::error!(
            "{} must be removed by hand, it is no longer true: {error}",
            path.display()
        );
    }
}

fn final_dump(dir: &Path, backups: &Path) -> Option<PathBuf> {
    let noted = PathBuf::from(fs::read_to_string(dir.with_extension(FINAL_DUMP)).ok()?);
    // By its name, so that it is found when the data directory was moved.
    let path = backups.join(noted.file_name()?);
    path.is_file().then_some(path)
}

fn advice(dir: &Path, backups: &Path, newer: bool) -> String {
    let known = backups::dumps(backups);
    match known.last() {
        Some(dump) if newer => format!(
            ", start Chrontainer with both versions installed and stop it: it then takes a dump the newer version \
             starts from. Or restore the newest dump, of {}, and accept that what happened until {} is lost: \
             `chrontainer-server restore --dump {}`.",
            dump.taken,
            last_write(dir),
            dump.path.display()
        ),
        _ => ".".to_owned(),
    }
}

/// When the cluster last wrote: what it writes first and last are its log of changes and its control file.
fn last_write(dir: &Path) -> String {
    let modified = |path: PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let changes = fs::read_dir(dir.join("pg_wal"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let newest = changes
        .chain([dir.join("global/pg_control")])
        .filter_map(modified)
        .max();
    newest.map_or_else(
        || "an unknown time".to_owned(),
        |time: SystemTime| backups::show(time),
    )
}

/// What shows that a database was here before: then an empty one is not made silently.
fn leftovers(root: &Path, backups: &Path) -> Option<PathBuf> {
    let replaced = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().contains(".replaced-"))
        .map(|entry| entry.path());
    replaced.or_else(|| (!backups::dumps(backups).is_empty()).then(|| backups.to_owned()))
}

fn list(installed: &[Programs]) -> String {
    let majors: Vec<String> = installed
        .iter()
        .map(|programs| format!("PostgreSQL {}", programs.major))
        .collect();
    majors.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn cluster(&self, major: u32) -> PathBuf {
            let dir = self.0.path().join("postgres").join(major.to_string());
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("PG_VERSION"), format!("{major}\n")).unwrap();
            dir
        }

        fn dump(&self, name: &str) -> Dump {
            let path = self.0.path().join("backups").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            Dump::from_path(&path).unwrap()
        }

        fn plan(&self, majors: &[u32]) -> Result<Plan, ClusterError> {
            let installed: Vec<_> = majors.iter().map(|major| programs(*major)).collect();
            plan(
                &self.0.path().join("postgres"),
                &self.0.path().join("backups"),
                &installed,
            )
        }
    }

    fn programs(major: u32) -> Programs {
        Programs {
            bin: format!("/bin/{major}").into(),
            major,
        }
    }

    #[test]
    fn nothing_yet_means_the_newest_version() {
        let place = Place::new();
        let dir = place.0.path().join("postgres/17");
        assert_eq!(
            place.plan(&[17, 15]).unwrap(),
            Plan::Create {
                dir,
                programs: programs(17)
            }
        );
    }

    #[test]
    fn a_cluster_keeps_its_version_while_that_is_installed() {
        let place = Place::new();
        let dir = place.cluster(15);
        assert_eq!(
            place.plan(&[17, 15]).unwrap(),
            Plan::Use {
                dir,
                programs: programs(15)
            }
        );
    }

    #[test]
    fn a_dump_that_holds_everything_moves_to_the_newer_version() {
        let place = Place::new();
        let dir = place.cluster(15);
        let dump = place.dump("chrontainer-20261122-030000Z.dump");
        note_final_dump(&dir, &dump);
        assert_eq!(
            place.plan(&[17]).unwrap(),
            Plan::Upgrade {
                dump: dump.path,
                programs: programs(17)
            }
        );
        clear_final_dump(&dir);
        assert!(matches!(place.plan(&[17]), Err(ClusterError::WrongMajor { .. })));
    }

    #[test]
    fn an_older_dump_needs_a_decision() {
        let place = Place::new();
        place.cluster(15);
        let text = place.plan(&[17]).unwrap_err().to_string();
        assert!(
            text.contains("made by PostgreSQL 15, and only PostgreSQL 17 is installed"),
            "{text}"
        );
        assert!(text.contains("apt install postgresql-15"), "{text}");
        assert!(!text.contains("--dump"), "{text}");

        place.dump("chrontainer-20261121-030000Z.dump");
        let text = place.plan(&[17]).unwrap_err().to_string();
        assert!(text.contains("of 2026-11-21 03:00:00 UTC"), "{text}");
        assert!(text.contains("chrontainer-server restore --dump"), "{text}");
    }

    #[test]
    fn data_of_a_newer_version_is_refused() {
        let place = Place::new();
        place.cluster(18);
        let text = place.plan(&[17, 15]).unwrap_err().to_string();
        assert!(
            text.contains("only PostgreSQL 17 and PostgreSQL 15 is installed"),
            "{text}"
        );
        assert!(text.ends_with("(`apt install postgresql-18`)."), "{text}");
    }

    #[test]
    fn an_empty_database_never_replaces_a_lost_one() {
        let place = Place::new();
        place.dump("chrontainer-20261121-030000Z.dump");
        let text = place.plan(&[15]).unwrap_err().to_string();
        assert!(
            text.contains("Nothing was made") && text.contains("20261121-030000Z"),
            "{text}"
        );

        let place = Place::new();
        fs::create_dir_all(place.0.path().join("postgres/15.replaced-20261122")).unwrap();
        assert!(matches!(place.plan(&[15]), Err(ClusterError::Unclear { .. })));
    }
}
