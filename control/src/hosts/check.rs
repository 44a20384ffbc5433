//! Testing a connection, before and after it is saved: each step as it is done.

use super::{queries, settings::Settings};
use crate::{Control, error::Result};
use domain::{
    auth::{Actor, Permission},
    errors::Problem,
    hosts::{HostPatch, TestState, TestStep},
    ids::{HostId, OrgId},
};
use engine::{Engine, Options, Step, StepName};
use futures::{Stream, StreamExt, stream};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Goes the whole way to an engine. With an id, what the patch leaves out is as it is stored. Nothing is changed;
/// dropping the stream ends it.
///
/// # Errors
/// 403; 404; 422 with the field.
pub async fn test(
    control: &Control,
    actor: &Actor,
    id: Option<HostId>,
    patch: HostPatch,
) -> Result<impl Stream<Item = TestStep> + Send + use<>> {
    actor.require(Permission::HostsManage)?;
    let settings = match id {
        Some(id) => {
            let mut conn = control.db().conn().await?;
            let row = queries::find(&mut conn, actor.org_id, id)
                .await?
                .ok_or_else(|| Problem::not_found("host"))?;
            Settings::read_or_forget(&mut conn, control, &row)
                .await?
                .changed(&patch)?
        }
        None => {
            let url = patch.url.as_deref().ok_or_else(|| {
                Problem::invalid(
                    "url_missing",
                    "url",
                    "There is no address to test. Send url, such as ssh://pi@nas.",
                )
            })?;
            Settings::new(url)?.changed(&patch)?
        }
    };
    let transport = settings.transport();
    let arrived = Arc::new(AtomicBool::new(true));
    let on_the_way = arrived.clone();
    let steps = engine::diagnose(transport.clone(), Options::default()).map(move |step| {
        if step.error.is_some() {
            on_the_way.store(false, Ordering::Relaxed);
        }
        told(step)
    });
    let (control, org) = (control.clone(), actor.org_id);
    // After the last step, where there was an engine: whether it is one that is here already.
    let last = stream::once(async move {
        if arrived.load(Ordering::Relaxed) {
            twin(&control, org, id, transport).await
        } else {
            None
        }
    });
    Ok(steps.chain(last.filter_map(std::future::ready)).boxed())
}

fn told(step: Step) -> TestStep {
    let name = match serde_json::to_value(step.step) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    };
    let ms = Some(step.took_ms.try_into().unwrap_or(u32::MAX));
    match step.error {
        None => TestStep {
            message: passed(step.step, &step.found),
            step: name,
            state: TestState::Passed,
            ms,
            code: None,
            fingerprint: None,
            pinned: None,
        },
        Some(error) => TestStep {
            step: name,
            state: TestState::Failed,
            ms,
            message: error.message,
            code: Some(error.code.to_owned()),
            fingerprint: error.presented.map(|key| key.fingerprint),
            pinned: error.confirmed.first().map(|key| key.fingerprint.clone()),
        },
    }
}

/// What went well, in a few words.
fn passed(step: StepName, found: &str) -> String {
    let what = match step {
        StepName::Settings => "Certificates and keys can be read",
        StepName::Resolve => "The name has an address",
        StepName::Connect => "Reached",
        StepName::Certificate => "The certificate is of this CA",
        StepName::HostKey => "The host key is the pinned one",
        StepName::SignIn => "Signed in",
        StepName::Socket => "The engine's socket is reached",
        StepName::Ping => "The engine answers",
        StepName::Version => "It is",
        StepName::Permission => "Containers may be listed",
    };
    match (step, found.is_empty()) {
        (_, true) => what.to_owned(),
        (StepName::Connect | StepName::Version, false) => format!("{what} {found}"),
        (_, false) => format!("{what}: {found}"),
    }
}

/// Another host that is the same engine, said as a warning.
async fn twin(
    control: &Control,
    org: OrgId,
    id: Option<HostId>,
    transport: engine::TransportSettings,
) -> Option<TestStep> {
    let facts = Engine::open(transport, Options::default())
        .ok()?
        .facts()
        .await
        .ok()?;
    if facts.engine_id.is_empty() {
        return None;
    }
    let mut conn = control.db().conn().await.ok()?;
    let others = queries::same_engine(&mut conn, org, &facts.engine_id, id)
        .await
        .ok()?;
    let other = others.first()?;
    Some(TestStep {
        step: "duplicate".to_owned(),
        state: TestState::Warning,
        ms: None,
        message: format!(
            "This is the same engine as {other}, which is here already. Its containers would be listed twice."
        ),
        code: Some("engine_known".to_owned()),
        fingerprint: None,
        pinned: None,
    })
}
