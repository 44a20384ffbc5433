//! Publishing the browser's program: its files name each other, so all of them carry one hash, of everything in them.

use super::publish::{Site, hash};
use super::wasm::{LINK, Parts};
use crate::Result;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const MANIFEST: &str = "__wasm_split_manifest";
/// How the link file fetches a part, and what does it instead.
const FETCH: &str = "fetch(new URL(";
const FETCH_PART: &str = "fetchPart(new URL(";
const PART: &str = include_str!("part.js");

/// Adds the script, the main part, the link file, the lazy parts and the list of what each lazy function needs.
pub fn publish(parts: &Parts, name: &str, site: &mut Site) -> Result<()> {
    let read = |file: &str| {
        let path = parts.dir.join(file);
        fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let text =
        |file: &str| read(file).and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string()));
    let script = text(&format!("{name}.js"))?;
    let main = read(&format!("{name}_bg.wasm"))?;
    let link = text(LINK)?;
    let lazy: Vec<(&str, Vec<u8>)> = parts
        .lazy
        .iter()
        .map(|file| Ok((file.strip_suffix(".wasm").unwrap_or(file), read(file)?)))
        .collect::<Result<_>>()?;

    let contents = [script.as_bytes(), &main, link.as_bytes(), PART.as_bytes()];
    let hash = hash(
        contents
            .into_iter()
            .chain(lazy.iter().map(|(_, bytes)| bytes.as_slice())),
    );
    let hashed_link = LINK.replace("______________________", &hash);

    // Only the addresses change: the same text as a key of the imports is the name that the program itself asks for.
    let script = script.replace(
        &format!("from \"./{LINK}\""),
        &format!("from \"./{hashed_link}\""),
    );
    let mut link = link.replace(
        &format!("from \"./{name}.js\""),
        &format!("from \"./{name}.{hash}.js\""),
    );
    for (stem, _) in &lazy {
        link = link.replace(
            &format!("\"./{stem}.wasm\""),
            &format!("\"./{stem}.{hash}.wasm\""),
        );
    }
    if !lazy.is_empty() && !link.contains(FETCH) {
        return Err("the link file fetches its parts in another way than it used to".into());
    }
    link = link.replace(FETCH, FETCH_PART) + PART;
    let prefetch: BTreeMap<&str, Vec<String>> = parts
        .prefetch
        .iter()
        .map(|(id, stems)| {
            (
                id.as_str(),
                stems.iter().map(|stem| format!("{stem}.{hash}")).collect(),
            )
        })
        .collect();

    let pkg = Path::new("pkg");
    site.add(pkg.join(format!("{name}.{hash}.js")), script.as_bytes())?;
    site.add(pkg.join(format!("{name}.{hash}.wasm")), &main)?;
    site.add(pkg.join(&hashed_link), link.as_bytes())?;
    for (stem, bytes) in &lazy {
        site.add(pkg.join(format!("{stem}.{hash}.wasm")), bytes)?;
    }
    site.add(
        pkg.join(format!("{MANIFEST}.{hash}.json")),
        serde_json::to_string(&prefetch)?.as_bytes(),
    )?;
    site.add_dir(&parts.dir.join("snippets"), &pkg.join("snippets"))?;
    for what in ["js", "wasm", "split", "manifest"] {
        site.hash_line(what, &hash);
    }
    Ok(())
}
