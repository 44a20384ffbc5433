//! Commands about people, straight on the database: who can run them owns the machine.

use super::Failure;
use crate::{
    postgres::{ClusterOptions, attach},
    serve::open_control,
    settings::Settings,
};
use control::{Control, secrets::SealKey};
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;

pub async fn create_key(settings: &Settings, user: &str, name: &str) -> Result<(), Failure> {
    let key = with_control(settings, async |control| {
        control::auth::api_keys::create(control, user, name).await
    })
    .await?;
    println!("{}", key.expose_secret());
    Ok(())
}

pub async fn reset(
    settings: &Settings,
    name: &str,
    file: Option<&Path>,
    without_second_factor: bool,
) -> Result<(), Failure> {
    let (password, made) = match file {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("The file {} cannot be read: {error}.", file.display()))?;
            (SecretString::from(text.trim_end_matches(['\r', '\n'])), false)
        }
        None => (control::auth::random_password(), true),
    };
    let new = password.clone();
    with_control(settings, async |control| {
        control::auth::set_password_and(control, name, new, without_second_factor).await
    })
    .await?;
    println!("{name} has a new password, and every session of theirs has ended.");
    if made {
        println!("{}", password.expose_secret());
    }
    Ok(())
}

pub async fn verify_audit(settings: &Settings) -> Result<(), Failure> {
    let verdicts = with_control(settings, async |control| control::audit::verify(control).await).await?;
    let mut broken = 0;
    for verdict in verdicts {
        println!(
            "{}: {} lines are chained, {} wait.",
            verdict.org, verdict.links, verdict.waiting
        );
        if let Some(from) = &verdict.from {
            println!(
                "  The lines until {} went by retention; the last link of theirs is {}, {}.",
                from.until.format("%Y-%m-%d %H:%M:%S UTC"),
                from.seq,
                from.hash()
            );
        }
        if let Some(head) = verdict.head {
            println!("  The chain holds up to {head}.");
        }
        if let Some(why) = verdict.broken {
            println!("  It is broken: {why}");
            broken += 1;
        }
    }
    if broken > 0 {
        return Err("The audit log was tampered with.".into());
    }
    Ok(())
}

/// Opens the database, does it, and lets go. Such commands seal nothing.
async fn with_control<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Control) -> control::Result<T>,
) -> Result<T, Failure> {
    with_control_and_key(settings, SealKey::random(), work).await
}

/// The same with the key of the sealed secrets.
pub async fn with_control_and_key<T>(
    settings: &Settings,
    key: SealKey,
    work: impl AsyncFnOnce(&Control) -> control::Result<T>,
) -> Result<T, Failure> {
    let (spec, attached) = match &settings.database {
        Some(spec) => (spec.clone(), None),
        None => {
            let attached = attach(&ClusterOptions::from(settings)).await?;
            (attached.spec.clone(), Some(attached))
        }
    };
    let opened = open_control(settings, &spec, key).await;
    let done = match opened {
        Ok(control) => {
            let done = work(&control)
                .await
                .map_err(|error| Failure::from(error.into_problem().message));
            control.db().close();
            done
        }
        Err(error) => Err(error.into()),
    };
    if let Some(attached) = attached {
        attached.stop().await?;
    }
    done
}
