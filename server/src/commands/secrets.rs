//! `secrets rotate`: a new key for everything that is sealed.

use super::{Failure, accounts::with_control_and_key};
use crate::settings::Settings;
use control::secrets::{self, SealKey};
use std::path::{Path, PathBuf};

/// Makes a new key, seals everything with it, and puts it in the place of the old one, which is kept beside it. What was
/// interrupted is finished by doing it again.
pub async fn rotate(settings: &Settings, force: bool) -> Result<(), Failure> {
    let path = settings
        .secret_key_file
        .clone()
        .unwrap_or_else(|| settings.data_dir.join("secret.key"));
    let old = SealKey::load(&path)?;
    let next = beside(&path, "new");
    let new = SealKey::load_or_create(&next)?;
    let kept = beside(&path, &format!("old-{}", old.id()));
    let outcome = with_control_and_key(settings, old.clone(), async |control| {
        secrets::rotate(control, &new, force).await
    })
    .await?;
    replace(&path, &next, &kept)?;
    println!(
        "{} sealed with the new key {} in {}.",
        match outcome.sealed {
            1 => "1 secret is".to_owned(),
            n => format!("{n} secrets are"),
        },
        new.id(),
        path.display()
    );
    println!(
        "The old key {} is kept in {}: delete it when no backup needs it any more.",
        old.id(),
        kept.display()
    );
    if outcome.lost > 0 {
        println!(
            "{} secrets do not open with the old key either and stay as they are: enter those again.",
            outcome.lost
        );
    }
    println!("Give the new key to every server of this database, and start them again.");
    Ok(())
}

fn beside(path: &Path, word: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(word);
    path.with_file_name(name)
}

/// The old key is linked to its new name before the new one takes its place: there is a key at every moment.
fn replace(path: &Path, next: &Path, kept: &Path) -> Result<(), Failure> {
    let told = |error: std::io::Error| {
        format!(
            "The secrets are sealed with the key in {}, which could not be moved to {}: {error}. Move it there by hand.",
            next.display(),
            path.display()
        )
    };
    if !kept.exists() {
        std::fs::copy(path, kept).map_err(told)?;
    }
    Ok(std::fs::rename(next, path).map_err(told)?)
}
