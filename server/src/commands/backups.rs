//! Commands about dumps of the private database.

use super::Failure;
use crate::{
    postgres::{self, ClusterOptions, Dump},
    settings::Settings,
};
use std::path::Path;

pub async fn now(settings: &Settings) -> Result<(), Failure> {
    refuse_other_database(settings)?;
    let dump = postgres::backup_now(&ClusterOptions::from(settings)).await?;
    print(&dump);
    Ok(())
}

pub fn list(settings: &Settings) -> Result<(), Failure> {
    refuse_other_database(settings)?;
    for dump in postgres::dumps(&ClusterOptions::from(settings).backups()) {
        print(&dump);
    }
    Ok(())
}

pub async fn restore(settings: &Settings, dump: &Path) -> Result<(), Failure> {
    refuse_other_database(settings)?;
    let restored = postgres::restore(&ClusterOptions::from(settings), dump).await?;
    println!(
        "Restored into {} (PostgreSQL {}).",
        restored.dir.display(),
        restored.major
    );
    if let Some(kept) = restored.kept {
        println!("The database before is kept in {}.", kept.display());
    }
    Ok(())
}

fn refuse_other_database(settings: &Settings) -> Result<(), Failure> {
    match settings.database {
        None => Ok(()),
        Some(_) => Err(
            "CHRONTAINER_DATABASE_URL is set: that database is backed up and restored with its own tools, \
                        such as pg_dump."
                .into(),
        ),
    }
}

fn print(dump: &Dump) {
    println!(
        "{}  {}  {} bytes",
        dump.taken.format("%Y-%m-%d %H:%M:%S UTC"),
        dump.path.display(),
        dump.bytes
    );
}
