//! Keeping the table in docs/PERFORMANCE.md.

use std::path::PathBuf;
use testkit::postgres::Result;

/// Around the results; the rest of the page is written by people.
const BEGIN: &str = "<!-- results: written by ./dev bench --save -->\n";
const END: &str = "<!-- end of the results -->";

/// Replaces the results on the page and says where that is.
pub fn results(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PERFORMANCE.md"));
    let page = std::fs::read_to_string(&path)?;
    let found = page
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = found else {
        return Err(format!("{} has lost the marks around its results", path.display()).into());
    };
    std::fs::write(&path, format!("{before}{BEGIN}\n{text}\n{END}{after}"))?;
    Ok(path.canonicalize()?)
}
