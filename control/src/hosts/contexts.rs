//! Hosts out of `docker context`s: the server's own, or an export that was uploaded.

use super::change::add;
use crate::{Control, error::Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    auth::{Actor, Permission},
    errors::Problem,
    hosts::{Change, ContextImport, Hidden, HostDraft, ImportOutcome, ImportedContext, SshDraft, TlsDraft},
};
use engine::{
    TransportSettings,
    contexts::{Context, in_directory, in_export},
};
use secrecy::ExposeSecret;
use std::path::PathBuf;

/// Adds a host for each context, or only says what would be added. One that is known already stays as it is.
///
/// # Errors
/// 403; 422 for an export that is none.
pub async fn import_contexts(
    control: &Control,
    actor: &Actor,
    import: ContextImport,
) -> Result<Vec<ImportedContext>> {
    actor.require(Permission::HostsManage)?;
    let found = match &import.export {
        Some(export) => vec![uploaded(export)?],
        None => tokio::task::spawn_blocking(own)
            .await
            .map_err(|error| crate::Error::Internal(error.to_string()))?,
    };
    let mut answers = Vec::new();
    for context in found {
        let wanted = import.names.as_ref();
        if wanted.is_some_and(|names| !names.contains(&context.name)) {
            continue;
        }
        answers.push(one(control, actor, context, import.dry_run).await?);
    }
    Ok(answers)
}

async fn one(control: &Control, actor: &Actor, context: Context, dry_run: bool) -> Result<ImportedContext> {
    let mut answer = ImportedContext {
        name: context.name.clone(),
        description: context.description,
        url: context.host,
        outcome: ImportOutcome::Found,
        host_id: None,
        code: None,
        message: None,
    };
    let failed = |mut answer: ImportedContext, outcome, code: &str, message: String| {
        (answer.outcome, answer.code, answer.message) = (outcome, Some(code.to_owned()), Some(message));
        answer
    };
    let settings = match context.settings {
        Ok(settings) => settings,
        Err(error) => {
            return Ok(failed(
                answer,
                ImportOutcome::Failed,
                error.code(),
                error.to_string(),
            ));
        }
    };
    answer.url = settings.url.to_string();
    if dry_run {
        return Ok(answer);
    }
    // An SSH host is added without its key: its card shows the fingerprint, and waits for a person there.
    match add(control, actor, draft(&context.name, &settings), false).await {
        Ok(host) => {
            (answer.outcome, answer.host_id) = (ImportOutcome::Added, Some(host.id));
            Ok(answer)
        }
        Err(crate::Error::Problem(problem)) => {
            let outcome = match problem.code.as_str() {
                "name_taken" | "host_exists" => ImportOutcome::Known,
                _ => ImportOutcome::Failed,
            };
            Ok(failed(answer, outcome, &problem.code, problem.message))
        }
        Err(other) => Err(other),
    }
}

fn draft(name: &str, settings: &TransportSettings) -> HostDraft {
    let tls = match &settings.tls {
        Some(tls) => Change::Set(TlsDraft {
            ca: Change::Set(Hidden::new(&tls.ca)),
            cert: tls
                .cert
                .as_ref()
                .map_or(Change::Keep, |cert| Change::Set(Hidden::new(cert))),
            key: tls
                .key
                .as_ref()
                .map_or(Change::Keep, |key| Change::Set(Hidden::new(key.expose_secret()))),
        }),
        None => Change::Keep,
    };
    let ssh = match &settings.ssh {
        Some(ssh) => Change::Set(SshDraft {
            use_agent: Some(ssh.use_agent),
            ..SshDraft::default()
        }),
        None => Change::Keep,
    };
    HostDraft {
        tls,
        ssh,
        ..HostDraft::new(name, settings.url.to_string())
    }
}

fn uploaded(export: &str) -> Result<Context, Problem> {
    let packed: String = export.split_ascii_whitespace().collect();
    let tar = STANDARD.decode(packed).map_err(|_| {
        Problem::invalid(
            "context_export_invalid",
            "export",
            "The export is not base64. Send the file of `docker context export NAME`, encoded in base64.",
        )
    })?;
    in_export(&tar).map_err(|error| Problem::invalid(error.code(), "export", error.to_string()))
}

/// The contexts of the account that this server runs as.
fn own() -> Vec<Context> {
    let configured = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker"));
    match configured.or_else(usual) {
        Some(directory) => in_directory(&directory),
        None => Vec::new(),
    }
}
