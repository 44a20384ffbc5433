//! What a browser downloads.

use crate::report::{Report, Unit};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};

/// Asked for by the issue of the first load, over the wire.
const FIRST_LOAD: f64 = 500e3;

/// Where the release of the browser side is, if it was built.
pub fn root() -> Option<PathBuf> {
    let root = match std::env::var_os("CHRONTAINER_SITE_ROOT") {
        Some(root) => root.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site-release"),
    };
    root.join("hash.txt").is_file().then_some(root)
}

/// A private server that sends it, or plain pages where it was not built.
pub fn server() -> TestServerOptions {
    let options = TestServerOptions::private();
    match root() {
        Some(root) => options.env("CHRONTAINER_SITE_ROOT", root.display().to_string()),
        None => options,
    }
}

/// The sizes of the files that the Fleet page names in its head or that its script imports at once, and of all files.
pub async fn measure(report: &mut Report) -> Result<()> {
    let Some(root) = root() else {
        for name in ["first load of Fleet", "everything the browser may load"] {
            report.note(name, "not built (./dev bench builds it)");
        }
        return Ok(());
    };
    let server = TestServer::start(server()).await?;
    let mut browser = server.sign_in().await?;
    let page = browser.open("/").await;
    if page.status != 200 {
        return Err(format!("the Fleet page was answered with {}", page.status).into());
    }
    let files = files(&root)?;
    let first = first_load(&root, &page.text, &files)?;
    let sum = |names: &mut dyn Iterator<Item = &String>| {
        names
            .filter_map(|name| files.get(name))
            .fold((0, 0), |(raw, wire), size| (raw + size.raw, wire + size.wire))
    };
    let (raw, wire) = sum(&mut first.iter());
    let page_size = page.text.len();
    let bytes = |size: usize| size as f64;
    report.add("first load of Fleet, raw", Unit::Kilobytes, bytes(raw));
    report.add_at_most(
        "first load of Fleet, brotli",
        Unit::Kilobytes,
        bytes(wire),
        FIRST_LOAD,
    );
    for (kind, name) in [
        ("js", "script"),
        ("wasm", "program"),
        ("css", "style"),
        ("woff2", "font"),
    ] {
        let (_, wire) = sum(&mut first.iter().filter(|file| has_extension(file, kind)));
        report.add(&format!("… of it {name}, brotli"), Unit::Kilobytes, bytes(wire));
    }
    report.add(
        "the Fleet page itself, empty, raw",
        Unit::Kilobytes,
        bytes(page_size),
    );
    let (raw, wire) = sum(&mut files.keys());
    report.add(
        "everything the browser may load, raw",
        Unit::Kilobytes,
        bytes(raw),
    );
    report.add(
        "everything the browser may load, brotli",
        Unit::Kilobytes,
        bytes(wire),
    );
    Ok(())
}

/// Bytes of a file, and bytes that are sent for it.
struct Size {
    raw: usize,
    wire: usize,
}

/// All files by the path under which they are served, without the first slash.
fn files(root: &Path) -> Result<BTreeMap<String, Size>> {
    let mut files = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            if name == "hash.txt" || has_extension(&name, "br") {
                continue;
            }
            let length = |path: &Path| -> Result<usize> { Ok(usize::try_from(path.metadata()?.len())?) };
            let raw = length(&path)?;
            let mut packed = path.into_os_string();
            packed.push(".br");
            // Sent as it is where the build made no smaller copy.
            let wire = length(Path::new(&packed)).unwrap_or(raw);
            files.insert(name, Size { raw, wire });
        }
    }
    Ok(files)
}

/// Files that the page names, what the scripts among them import, and the fonts that the styles name: without them
/// nothing works or looks right. What is loaded on the way to another page is not among them.
fn first_load(root: &Path, page: &str, files: &BTreeMap<String, Size>) -> Result<Vec<String>> {
    let mut first: Vec<String> = Vec::new();
    let mut texts = vec![page.to_owned()];
    while let Some(text) = texts.pop() {
        for name in files.keys() {
            let file = name.rsplit('/').next().unwrap_or(name);
            let is_part = ["js", "wasm", "css", "woff2"]
                .iter()
                .any(|kind| has_extension(name, kind));
            if !is_part || first.contains(name) || !names(&text, file) {
                continue;
            }
            first.push(name.clone());
            if has_extension(name, "js") || has_extension(name, "css") {
                texts.push(statically_named(&std::fs::read_to_string(root.join(name))?));
            }
        }
    }
    Ok(first)
}

/// What a script or a style needs before it can begin: its `import … from` lines, or its `url(…)`.
fn statically_named(text: &str) -> String {
    text.split([';', '\n', '}'])
        .filter(|part| (part.contains("from") && part.contains("import")) || part.contains("url("))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a text names a file, and not one whose name only begins or ends like it.
fn names(text: &str, file: &str) -> bool {
    text.match_indices(file).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + file.len()..].chars().next();
        let is_more =
            |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        !is_more(before) && !is_more(after)
    })
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}
