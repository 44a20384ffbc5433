//! Server functions about containers.

use crate::error::AppError;
use domain::{
    containers::{Container, ContainerPage, NextRun},
    ids::{ContainerId, ViewId},
    loads::ContainerLoad,
    marks::Marks,
    pages::Page,
    runs::RunSummary,
    selectors::Suggestions,
    views::{Shown, View},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::GetUrl;

/// The part of the fleet that a page shows; from memory, never waiting for an engine.
#[server(endpoint = "containers/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list(shown: Shown, offset: u32, limit: u32) -> Result<ContainerPage, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::list(&control, &actor, question(shown, offset, limit)).await?)
}

#[cfg(feature = "ssr")]
fn question(shown: Shown, offset: u32, limit: u32) -> control::containers::ContainerQuery {
    control::containers::ContainerQuery {
        query: shown.query,
        host: None,
        favourites: shown.favourites,
        group: shown.group,
        closed: shown.closed,
        sort: shown.sort,
        descending: shown.descending,
        offset,
        limit,
    }
}

/// One container, by our id or the engine's.
#[server(endpoint = "containers/get", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn get(id: String) -> Result<Container, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::get(&control, &actor, &id).await?)
}

/// The digests under which registries know the image of a container, as its engine knows them: `nginx@sha256:…`.
#[server(endpoint = "containers/image", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn image(id: ContainerId) -> Result<Vec<String>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::image_digests(&control, &actor, &id.to_string()).await?)
}

/// What is planned for it: the next time of every schedule that touches it.
#[server(endpoint = "containers/plans", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn plans(id: String) -> Result<Vec<NextRun>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::plans(&control, &actor, &id).await?)
}

/// The latest runs that worked on it.
#[server(endpoint = "containers/runs", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn runs(id: ContainerId) -> Result<Page<RunSummary>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::runs::RunQuery {
        container: Some(id),
        page: control::pages::ListQuery {
            limit: Some(10),
            cursor: None,
        },
        ..Default::default()
    };
    Ok(control::runs::list(&control, &actor, query).await?)
}

/// Does something to one container: a run, recorded before anything happens. The same key twice is one run.
#[server(endpoint = "containers/act", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn act(id: String, verb: String, key: String) -> Result<RunSummary, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let action = domain::actions::Action::from_verb(&verb).ok_or_else(|| {
        domain::errors::Problem::invalid("unknown_action", "verb", format!("\"{verb}\" is no action."))
    })?;
    Ok(control::containers::act(&control, &actor, &id, action, Some(&key)).await?)
}

/// Which of the page's containers an action is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BulkChoice {
    /// These; or, when there are none, all that the page shows.
    pub ids: Vec<ContainerId>,
    pub shown: Shown,
}

/// Does something to many containers: one run. The same key twice is one run.
#[server(endpoint = "containers/bulk", client = crate::client::Browser, output = crate::codec::Answer, input = server_fn::codec::Json)]
pub async fn bulk(choice: BulkChoice, verb: String, key: String) -> Result<RunSummary, AppError> {
    use control::containers::BulkTargets;
    let (control, actor) = crate::context::signed_in()?;
    let action = domain::actions::Action::from_verb(&verb).ok_or_else(|| {
        domain::errors::Problem::invalid("unknown_action", "verb", format!("\"{verb}\" is no action."))
    })?;
    let targets = if choice.ids.is_empty() {
        BulkTargets::Search(question(choice.shown, 0, 1))
    } else {
        BulkTargets::Ids(choice.ids.iter().map(ToString::to_string).collect())
    };
    Ok(control::containers::bulk(&control, &actor, action, targets, Some(&key)).await?)
}

/// Replaces the tags, written between commas, and the note.
#[server(endpoint = "containers/set-marks", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn set_marks(id: String, tags: String, note: String) -> Result<Marks, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let tags: Vec<String> = tags
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect();
    // Both are looked at before either is changed.
    domain::marks::checked_note(&note)?;
    control::containers::set_tags(&control, &actor, &id, &tags).await?;
    Ok(control::containers::set_note(&control, &actor, &id, &note).await?)
}

/// Makes a container a favourite, or no longer.
#[server(endpoint = "containers/favour", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn favour(id: ContainerId, is: bool) -> Result<Marks, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::favour(&control, &actor, &id.to_string(), is).await?)
}

/// What could stand at the cursor, which is a place in the text's bytes.
#[server(endpoint = "containers/complete", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn complete(text: String, cursor: usize) -> Result<Suggestions, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::complete(&control, &actor, &text, cursor).await?)
}

/// Looks at containers for a while, and gets what they use.
#[server(endpoint = "containers/watch", client = crate::client::Browser, output = crate::codec::Answer, input = server_fn::codec::Json)]
pub async fn watch(ids: Vec<ContainerId>) -> Result<Vec<ContainerLoad>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::watch(&control, &actor, &ids).await?)
}

#[server(endpoint = "views/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn views() -> Result<Page<View>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::views::list(&control, &actor).await?)
}

/// Keeps what the page shows under a name; the name's view is replaced when there is one.
#[server(endpoint = "views/save", client = crate::client::Browser, output = crate::codec::Answer, input = server_fn::codec::Json)]
pub async fn save_view(name: String, show: Shown) -> Result<View, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let all = control::views::list(&control, &actor).await?.items;
    let same = all
        .iter()
        .find(|view| view.owner.is_none() && view.name.to_lowercase() == name.trim().to_lowercase());
    let draft = domain::views::ViewDraft {
        name,
        show,
        version: None,
    };
    Ok(match same {
        Some(view) => control::views::update(&control, &actor, view.id, draft).await?,
        None => control::views::create(&control, &actor, draft).await?,
    })
}

#[server(endpoint = "views/delete", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete_view(id: ViewId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::views::delete(&control, &actor, id).await?)
}
