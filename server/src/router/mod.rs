//! Every route of the server, each with its permission.

mod assets;
mod context;
mod fallback;
mod guard;
mod pages;
mod renderer;
mod server_functions;
mod sign_in;
mod site;
mod table;

pub use fallback::refusal;
pub use renderer::Renderer;
pub use site::Site;
pub use table::{RouteEntry, RouteKind, RouteTable, Routes};

use crate::{security, state::AppState};
use axum::Router;

/// The whole router, and the table of what it holds.
pub fn build(state: &AppState) -> (Router, RouteTable) {
    let routes = Routes::new(state.clone());
    let routes = crate::health::routes(routes);
    let routes = crate::metrics::routes(routes);
    let routes = crate::api::routes(routes);
    let routes = server_functions::routes(routes);
    let routes = assets::routes(routes);
    let routes = sign_in::routes(routes);
    let routes = pages::routes(routes);
    let (router, table) = routes.finish();
    (security::around(router, state).with_state(state.clone()), table)
}
