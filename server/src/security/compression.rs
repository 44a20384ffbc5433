//! Which answers are worth compressing.

use http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::compression::{
    CompressionLayer, DefaultPredicate,
    predicate::{And, Predicate},
};

/// By the start of their type. Pictures and event streams are left out by the library itself.
const PACKED: [&str; 6] = [
    "font/woff",
    "audio/",
    "video/",
    "application/gzip",
    "application/zip",
    "application/zstd",
];

/// gzip alone: brotli is for the files that the build compressed once, and its encoder holds megabytes.
pub fn layer() -> CompressionLayer<And<DefaultPredicate, impl Predicate>> {
    CompressionLayer::new()
        .no_br()
        .no_deflate()
        .no_zstd()
        .compress_when(DefaultPredicate::new().and(is_loose))
}

/// What is compressed in itself would only cost time, at every request anew.
fn is_loose(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    !PACKED.iter().any(|packed| kind.starts_with(packed))
}
