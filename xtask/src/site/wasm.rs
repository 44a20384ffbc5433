//! The browser's program: cargo, the split into parts that load when needed, wasm-bindgen, wasm-opt.

use super::Profile;
use crate::commands::{output, visible};
use crate::{Result, workspace};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
/// The main part, before wasm-bindgen.
const MAIN: &str = "main-unbound.wasm";
/// The link file's name with a place for its hash, as leptos expects it.
pub const LINK: &str = "__wasm_split.______________________.js";

/// Compiles the `frontend` crate and returns the module that rustc wrote.
pub fn compile(profile: Profile) -> Result<PathBuf> {
    let target = workspace::target_dir();
    let (mut cargo, target) = if rustup_has_target()? {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // Apart: a library of another compilation does not mix.
        let mut target = target;
        if profile == Profile::Release && sysroot()?.join("lib/rustlib/src/rust/library/std").is_dir() {
            cargo.env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
            target = target.join("own-std");
            smallest(&mut cargo);
        }
        (cargo, target)
    } else {
        debian_cargo(target.join("debian"))?
    };
    cargo
        .current_dir(workspace::root())
        .args([
            "rustc",
            "--quiet",
            "--package",
            "frontend",
            "--lib",
            "--target",
            TARGET,
            "--profile",
            profile.cargo(),
        ])
        .arg("--target-dir")
        .arg(&target)
        // The split needs to know what refers to what; only the last link step has to keep that.
        .args(["--", "-Clink-args=--emit-relocs"]);
    visible(&mut cargo)?;
    Ok(target.join(TARGET).join(profile.cargo()).join("frontend.wasm"))
}

fn rustup_has_target() -> Result<bool> {
    // An answer to "what if rustup could fetch nothing", for trying the other path on a machine that could.
    if std::env::var_os("XTASK_WASM_COMPILER").is_some_and(|value| value == "debian") {
        return Ok(false);
    }
    let lib = output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    Ok(Path::new(lib.trim()).is_dir())
}

fn sysroot() -> Result<PathBuf> {
    Ok(output(Command::new("rustc").args(["--print", "sysroot"]))?
        .trim()
        .into())
}

/// Where its source is at hand the standard library is built too, for size, and nothing of what a panic or `{:?}` would print is
/// kept: what people download becomes a fifth smaller. A panic then only says `unreachable`, and a build for development
/// says which.
fn smallest(cargo: &mut Command) {
    cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size")
        .env("CARGO_UNSTABLE_PANIC_IMMEDIATE_ABORT", "true")
        .args(["--config", "profile.wasm-release.panic=\"immediate-abort\""])
        .args([
            "--config",
            "build.rustflags=[\"-Zlocation-detail=none\", \"-Zfmt-debug=none\"]",
        ]);
}

/// Debian's own compiler, where rustup can fetch no target: it ships the standard library's source, so that is built
/// first. The whole wasm side then comes from that compiler, since libraries of two compilers do not mix; hence the
/// separate target directory.
fn debian_cargo(target: PathBuf) -> Result<(Command, PathBuf)> {
    let missing = || format!("the Rust target {TARGET} is missing; run ./dev setup");
    let (cargo, rustc) = (Path::new("/usr/bin/cargo"), Path::new("/usr/bin/rustc"));
    if !cargo.exists() || !rustc.exists() || !Path::new("/usr/lib/rustlib/src/rust/library/std").exists() {
        return Err(missing().into());
    }
    let mut command = Command::new(cargo);
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", rustc)
        .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            debian_linker().ok_or_else(missing)?,
        )
        // Set by the cargo that runs us, and meant for its own compiler.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env_remove("RUSTDOC");
    Ok((command, target))
}

/// The newest `wasm-ld`: an old one (14) writes relocations of new LLVM's data that nothing can read.
fn debian_linker() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib").ok()?.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok()?;
        Some((version, entry.path().join("bin/wasm-ld")))
    });
    versions
        .filter(|(_, linker)| linker.exists())
        .max()
        .map(|(_, linker)| linker)
}

/// What `split` and `bindgen` made.
pub struct Parts {
    /// Where they are: `<name>.js`, `<name>_bg.wasm`, the link file, the parts and `snippets/`.
    pub dir: PathBuf,
    /// The file names of the parts that load when needed.
    pub lazy: Vec<String>,
    /// For each lazy function, the parts it needs: leptos names them in the page, so that they load early.
    pub prefetch: BTreeMap<String, Vec<String>>,
}

/// Cuts the module at every `#[lazy]` function, and writes the JavaScript that joins the parts. A module with lazy
/// functions does not run unless it was cut.
pub fn split(module: &Path, dir: PathBuf, name: &str) -> Result<Parts> {
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    let bytes =
        std::fs::read(module).map_err(|error| format!("cannot read {}: {error}", module.display()))?;
    let (main, script, link) = (dir.join(MAIN), format!("./{name}.js"), format!("./{LINK}"));
    let mut options = wasm_split_cli_support::Options::new(&bytes);
    options.output_dir = &dir;
    options.main_out_path = &main;
    options.main_module = &script;
    options.link_name = &link;
    let made = wasm_split_cli_support::transform(options).map_err(|error| format!("splitting: {error:#}"))?;
    let mut lazy: Vec<String> = made
        .split_modules
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    lazy.sort();
    Ok(Parts {
        dir,
        lazy,
        prefetch: made.prefetch_map.into_iter().collect(),
    })
}

/// Writes the JavaScript around the main part.
pub fn bindgen(parts: &Parts, name: &str, profile: Profile) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(parts.dir.join(MAIN))
        .out_name(name)
        .typescript(false)
        // The parts share the main one's memory, table and functions by the linker's names.
        .keep_lld_exports(true)
        .demangle(false)
        // The page names the module, with its hash; a default would be a second, wrong name.
        .omit_default_module_path(true)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(profile == Profile::Release);
    let made = bindgen.web(true).and_then(|bindgen| bindgen.generate(&parts.dir));
    made.map_err(|error| format!("wasm-bindgen: {error:#}").into())
}

/// Below this many bytes wasm-opt takes longer to start than it can save anybody.
const WORTHWHILE: u64 = 8 * 1024;

/// Shrinks the main part and every larger lazy one in place. Debian's wasm-opt (108) breaks what current rustc writes:
/// the page then never hydrates. So it is npm's binaryen, in the version that `xtask/package-lock.json` names.
pub fn optimise(parts: &Parts, main: &str) -> Result<()> {
    let program = workspace::root().join("xtask/node_modules/.bin/wasm-opt");
    if !program.exists() {
        return Err("wasm-opt is missing; run ./dev setup".into());
    }
    let mut modules = Vec::new();
    for name in parts.lazy.iter().map(String::as_str).chain([main]) {
        let module = parts.dir.join(name);
        let size = std::fs::metadata(&module)?.len();
        if size >= WORTHWHILE {
            modules.push((size, module));
        }
    }
    // It works on one core, so each takes the largest that is left.
    modules.sort();
    let left = Mutex::new(modules);
    let workers = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers)
            .map(|_| scope.spawn(|| shrink_all(&program, &left)))
            .collect();
        for worker in working {
            worker.join().map_err(|_| "a thread beside wasm-opt panicked")??;
        }
        Ok(())
    })
}

/// Takes one after the other until none is left; a thread's error has to be plain text.
fn shrink_all(program: &Path, left: &Mutex<Vec<(u64, PathBuf)>>) -> std::result::Result<(), String> {
    loop {
        let next = left.lock().map_err(|error| error.to_string())?.pop();
        match next {
            Some((_, module)) => shrink(program, &module).map_err(|error| error.to_string())?,
            None => return Ok(()),
        }
    }
}

fn shrink(program: &Path, module: &Path) -> Result<()> {
    let features = [
        "bulk-memory",
        "multivalue",
        "mutable-globals",
        "nontrapping-float-to-int",
        "reference-types",
        "sign-ext",
    ];
    let mut command = Command::new(program);
    command
        .arg("-Oz")
        .args(features.map(|name| format!("--enable-{name}")))
        .arg(module)
        .arg("-o")
        .arg(module);
    output(&mut command).map(drop)
}
