//! `control/src/schema.rs` is what the migrations make: applied to a throw-away Postgres, read back from its
//! catalogue. Own code rather than diesel's command line tool, which takes minutes to compile and needs libpq.

mod cluster;
mod render;

use crate::{Result, workspace};
use cluster::Cluster;
use std::path::PathBuf;

/// Applies every migration and writes the file.
pub fn write() -> Result<()> {
    let text = fresh()?;
    let path = path();
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        println!("{} is up to date", path.display());
        return Ok(());
    }
    std::fs::write(&path, text)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Applies every migration and prints the file's text.
pub fn print() -> Result<()> {
    print!("{}", fresh()?);
    Ok(())
}

/// Fails when the file is stale, or when undoing and redoing every migration ends elsewhere.
pub fn check() -> Result<()> {
    let steps = migrations()?;
    let cluster = Cluster::start()?;
    for step in &steps {
        cluster.run_file(&step.join("up.sql"))?;
    }
    let made = render::render(&cluster)?;
    let kept = std::fs::read_to_string(path()).unwrap_or_default();
    if made != kept {
        let line = made.lines().zip(kept.lines()).take_while(|(a, b)| a == b).count() + 1;
        return Err(format!(
            "control/src/schema.rs is not what the migrations make (first difference in line {line}); run cargo xtask schema"
        )
        .into());
    }
    for step in steps.iter().rev() {
        cluster.run_file(&step.join("down.sql"))?;
    }
    let left = render::render(&cluster)?;
    if left.contains("table!") {
        return Err(format!("after every down.sql these tables are left:\n{left}").into());
    }
    for step in &steps {
        cluster.run_file(&step.join("up.sql"))?;
    }
    if render::render(&cluster)? != made {
        return Err("the migrations make another schema the second time, after every down.sql".into());
    }
    println!(
        "schema: {} migrations, up, down and up again; schema.rs matches",
        steps.len()
    );
    Ok(())
}

fn fresh() -> Result<String> {
    let cluster = Cluster::start()?;
    for step in migrations()? {
        cluster.run_file(&step.join("up.sql"))?;
    }
    render::render(&cluster)
}

fn path() -> PathBuf {
    workspace::root().join("control/src/schema.rs")
}

/// The directories of the migrations, oldest first (their names begin with a number or date).
fn migrations() -> Result<Vec<PathBuf>> {
    let dir = workspace::root().join("migrations");
    let mut found: Vec<PathBuf> = std::fs::read_dir(&dir)
        .map_err(|error| format!("cannot read {}: {error}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("up.sql").exists())
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(format!("{} holds no migration", dir.display()).into());
    }
    Ok(found)
}
