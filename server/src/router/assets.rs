//! Files of the built interface. What is not in it when the server starts is not served.

use super::{RouteKind, Routes};
use crate::{error::ApiError, extract::not_found, state::AppState};
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use domain::auth::Permission;
use http::{HeaderValue, Method, header};
use tower::ServiceExt;
use tower_http::services::ServeDir;

pub fn routes(mut routes: Routes) -> Routes {
    let entries = std::fs::read_dir(&routes.state().site.root);
    for entry in entries.into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let known = |kind: std::fs::FileType| kind.is_dir() || kind.is_file();
        // Compressed copies are chosen by the Accept-Encoding of a request, never by name.
        if name.starts_with('.')
            || name.ends_with(".br")
            || name == "hash.txt"
            || !entry.file_type().is_ok_and(known)
        {
            continue;
        }
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let path = if is_dir {
            format!("/{name}/{{*path}}")
        } else {
            format!("/{name}")
        };
        routes = routes.add(RouteKind::Asset, Method::GET, &path, Permission::Public, file);
    }
    routes
}

async fn file(State(state): State<AppState>, request: Request) -> Response {
    let caching = caching(request.uri().path());
    let files = ServeDir::new(&state.site.root)
        .precompressed_br()
        .append_index_html_on_directories(false);
    match files.oneshot(request).await {
        Ok(response) if response.status().is_success() || response.status().is_redirection() => {
            let mut response = response.map(Body::new);
            response.headers_mut().insert(header::CACHE_CONTROL, caching);
            response
        }
        _ => ApiError::from(not_found()).into_response(),
    }
}

/// A name with a hash never means another content.
fn caching(path: &str) -> HeaderValue {
    let hashed = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .split('.')
        .any(|part| part.len() == 24 && part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    HeaderValue::from_static(if hashed {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hashed_name_is_kept_for_ever() {
        assert!(
            caching("/pkg/chrontainer.0123456789abcdef01234567.js")
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        for path in [
            "/favicon.svg",
            "/pkg/chrontainer.js",
            "/pkg/snippets/app-0123456789abcdef/inline0.js",
        ] {
            assert!(!caching(path).to_str().unwrap().contains("immutable"), "{path}");
        }
    }
}
