//! One stylesheet from `style/main.css` and what it imports, minified.

use crate::Result;
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};
use std::path::Path;

/// Bundles and minifies. No browser targets are given: the design asks for browsers that know `light-dark()`,
/// `oklch()`, nesting and `@layer`, and fallbacks for others would only make the file larger and the colours wrong.
pub fn bundle(main: &Path) -> Result<String> {
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler
        .bundle(main)
        .map_err(|error| format!("{}: {error}", main.display()))?;
    sheet
        .minify(MinifyOptions::default())
        .map_err(|error| format!("{}: {error}", main.display()))?;
    let printed = sheet.to_css(PrinterOptions {
        minify: true,
        ..PrinterOptions::default()
    })?;
    Ok(printed.code)
}
