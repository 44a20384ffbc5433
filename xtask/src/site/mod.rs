//! The browser side, from source to files that the server sends: `<target>/site`, or `<target>/site-release`.

mod css;
mod program;
mod publish;
mod wasm;

use crate::{Result, workspace};
use publish::{Published, Site};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use wasm::Parts;

/// The site's name: `output_name` of leptos' options, and the `name` in the workspace's metadata.
const NAME: &str = "chrontainer";

/// What Fleet may load over the wire when it is the first page: script, program, its own part, style, font.
const FIRST_LOAD: usize = 500_000;

/// How the browser side is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build; larger and slower.
    Dev,
    /// What people download: optimised for size twice, compressed as far as brotli goes.
    Release,
}

impl Profile {
    fn cargo(self) -> &'static str {
        match self {
            Self::Dev => "wasm-dev",
            Self::Release => "wasm-release",
        }
    }

    fn dir(self) -> &'static str {
        match self {
            Self::Dev => "site",
            Self::Release => "site-release",
        }
    }
}

/// Builds what changed and prints the sizes; prints one line when nothing did.
pub fn build(profile: Profile) -> Result<()> {
    let started = Instant::now();
    let module = wasm::compile(profile)?;
    let compiled = started.elapsed();

    let root = workspace::target_dir().join(profile.dir());
    let style = workspace::root().join("style");
    let stamp = workspace::target_dir().join(format!("{}.stamp", profile.dir()));
    let seen = fingerprint(&[&module, &style, &std::env::current_exe()?])?;
    if root.join("hash.txt").exists() && fs::read_to_string(&stamp).is_ok_and(|old| old == seen) {
        println!("site: nothing changed ({})", seconds(started.elapsed()));
        return Ok(());
    }

    let parts = wasm::split(
        &module,
        workspace::target_dir().join("wasm-parts").join(profile.cargo()),
        NAME,
    )?;
    wasm::bindgen(&parts, NAME, profile)?;
    if profile == Profile::Release {
        wasm::optimise(&parts, &format!("{NAME}_bg.wasm"))?;
    }
    let shrunk = started.elapsed();

    let mut site = Site::new(root, profile);
    program::publish(&parts, NAME, &mut site)?;
    site.add_hashed(NAME, "css", css::bundle(&style.join("main.css"))?.as_bytes())?;
    site.add_dir(&style.join("assets"), Path::new(""))?;
    site.finish()?;
    // Last, so that a build that was interrupted is done again.
    fs::write(&stamp, seen)?;

    print_sizes(&site);
    print_first_loads(&site, &parts);
    println!(
        "site: cargo {}, split, wasm-bindgen and wasm-opt {}, files {}",
        seconds(compiled),
        seconds(shrunk - compiled),
        seconds(started.elapsed() - shrunk)
    );
    Ok(())
}

fn print_sizes(site: &Site) {
    println!("{:<76} {:>11} {:>11}", "file", "bytes", "brotli");
    for file in &site.files {
        let brotli = file.brotli.map_or("-".to_string(), |size| size.to_string());
        println!("{:<76} {:>11} {:>11}", file.name, file.raw, brotli);
    }
}

/// What the first page of each kind loads over the wire: what every page needs, and the parts that it names. Says
/// whether Fleet, where people begin, stays within its aim.
fn print_first_loads(site: &Site, parts: &Parts) {
    let wire = |file: &Published| file.brotli.unwrap_or(file.raw);
    let every: usize = site.files.iter().filter(|file| file.first).map(wire).sum();
    for (id, stems) in &parts.prefetch {
        let is_named = |file: &&Published| {
            let is_part = |stem| file.name.starts_with(&format!("pkg/{stem}."));
            stems.iter().any(is_part)
        };
        let first = every + site.files.iter().filter(is_named).map(wire).sum::<usize>();
        let group = id.rsplit_once('_').map_or(id.as_str(), |(name, _)| name);
        let aim = if group == "fleet" {
            let missed = if first > FIRST_LOAD { ", MISSED" } else { "" };
            format!(" of {FIRST_LOAD}{missed}")
        } else {
            String::new()
        };
        println!(
            "{:<76} {:>11} {first:>11}{aim}",
            format!("first load of {group}"),
            ""
        );
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f32())
}

/// Sizes and times of change of every file: enough to know that nothing changed, without reading megabytes.
fn fingerprint(paths: &[&Path]) -> Result<String> {
    let mut text = String::new();
    let mut left: Vec<PathBuf> = paths.iter().rev().map(|path| path.to_path_buf()).collect();
    while let Some(path) = left.pop() {
        let about =
            fs::metadata(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if about.is_dir() {
            let mut inside: Vec<PathBuf> = fs::read_dir(&path)?.flatten().map(|entry| entry.path()).collect();
            inside.sort();
            left.extend(inside);
        } else {
            let changed = about
                .modified()?
                .duration_since(SystemTime::UNIX_EPOCH)?
                .as_nanos();
            text.push_str(&format!("{} {} {changed}\n", path.display(), about.len()));
        }
    }
    Ok(text)
}
