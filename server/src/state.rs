//! What every handler can reach.

use crate::{
    metrics::Metrics,
    router::{Renderer, Site},
    security::{Peer, Rates},
    settings::Settings,
};
use axum::extract::FromRef;
use control::Control;
use leptos::config::LeptosOptions;
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// Calls of one webhook in a minute. A flood would only fill the history with skipped runs.
const HOOK_CALLS: u32 = 60;

/// The state of the router; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

pub struct Inner {
    pub control: Control,
    pub settings: Settings,
    /// The built interface.
    pub site: Site,
    pub renderer: Renderer,
    pub metrics: Metrics,
    /// How often each key, session and address has asked.
    pub rates: Rates,
    /// How often each webhook was called.
    pub hook_rates: Rates,
    /// Cancelled first at shutdown: endless answers end then.
    pub streams: CancellationToken,
    /// Once somebody owns the installation it stays so, and the question is not asked again.
    set_up: AtomicBool,
}

impl AppState {
    pub fn new(
        control: Control,
        settings: Settings,
        (site, renderer): (Site, Renderer),
        metrics: Metrics,
    ) -> Self {
        Self(Arc::new(Inner {
            control,
            rates: Rates::new(settings.rate_limit),
            hook_rates: Rates::new(HOOK_CALLS),
            settings,
            site,
            renderer,
            metrics,
            streams: CancellationToken::new(),
            set_up: AtomicBool::new(false),
        }))
    }

    /// The address under which this browser knows the server, without a slash at its end: the public one, or what it asked for.
    pub fn origin(&self, peer: &Peer) -> Option<String> {
        if let Some(public) = &self.settings.public_url {
            return Some(public.origin().to_owned());
        }
        let scheme = if peer.encrypted { "https" } else { "http" };
        let url = url::Url::parse(&format!("{scheme}://{}", peer.host.as_deref()?)).ok()?;
        // A host that is more than a host is nobody's address.
        (url.path() == "/" && url.username().is_empty() && url.query().is_none())
            .then(|| url.origin().ascii_serialization())
    }

    /// Whether nobody owns this installation yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn setup_needed(&self) -> control::Result<bool> {
        if self.set_up.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let needed = control::auth::setup_needed(&self.control).await?;
        self.set_up.store(!needed, Ordering::Relaxed);
        Ok(needed)
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.site.options.clone()
    }
}

impl FromRef<AppState> for Control {
    fn from_ref(state: &AppState) -> Self {
        state.control.clone()
    }
}
