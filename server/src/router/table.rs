//! The only way a route comes to be: with its permission, and noted in the table that the permission test walks.

use super::{
    fallback,
    guard::{Rule, guard},
};
use crate::state::AppState;
use axum::{
    Router,
    handler::Handler,
    middleware::from_fn_with_state,
    routing::{MethodFilter, on},
};
use domain::auth::Permission;
use http::Method;

/// What a route answers with; decides how a refusal looks and how long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// JSON; a refusal is `{"error":…}`.
    Api,
    /// An endless answer.
    Stream,
    /// A server function; a refusal is a bare problem.
    ServerFunction,
    /// A page; who is not signed in is sent to sign in.
    Page,
    /// A file of the interface, open to all.
    Asset,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    pub method: Method,
    /// As axum writes it, with `{names}`.
    pub path: String,
    pub permission: Permission,
    pub kind: RouteKind,
}

/// Every route of the server.
pub type RouteTable = Vec<RouteEntry>;

/// A router that is being put together.
pub struct Routes {
    router: Router<AppState>,
    table: RouteTable,
    state: AppState,
}

impl Routes {
    pub(super) fn new(state: AppState) -> Self {
        Self {
            router: Router::new(),
            table: RouteTable::new(),
            state,
        }
    }

    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// A call of the REST API. The handler runs only for those who have the permission.
    #[must_use]
    pub fn guarded<H, T>(self, method: Method, path: &str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(RouteKind::Api, method, path, permission, handler)
    }

    /// As [`Routes::guarded`], for the other kinds.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that makes routes")]
    pub fn add<H, T>(
        mut self,
        kind: RouteKind,
        method: Method,
        path: &str,
        permission: Permission,
        handler: H,
    ) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let Ok(filter) = MethodFilter::try_from(method.clone()) else {
            tracing::error!(%method, path, "there are no routes for this method");
            return self;
        };
        let rule = Rule {
            kind,
            permission,
            state: self.state.clone(),
        };
        self.router = self.router.route(
            path,
            on(filter, handler).route_layer(from_fn_with_state(rule, guard)),
        );
        self.table.push(RouteEntry {
            method,
            path: path.to_owned(),
            permission,
            kind,
        });
        self
    }

    pub(super) fn finish(self) -> (Router<AppState>, RouteTable) {
        let router = self
            .router
            .fallback(fallback::nothing_here)
            .method_not_allowed_fallback(fallback::another_method);
        (router, self.table)
    }
}
