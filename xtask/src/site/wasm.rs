//! The browser's program: cargo, wasm-bindgen, wasm-opt.

use super::Profile;
use crate::commands::{output, visible};
use crate::{Result, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
/// wasm-bindgen's own name for the module; the published files carry the site's name and a hash.
pub const STEM: &str = "frontend";

/// Compiles the `frontend` crate and returns the module that rustc wrote.
pub fn compile(profile: Profile) -> Result<PathBuf> {
    let target = workspace::target_dir();
    let (mut cargo, target) = if rustup_has_target()? {
        (
            Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
            target,
        )
    } else {
        debian_cargo(target.join("debian"))?
    };
    cargo
        .current_dir(workspace::root())
        .args([
            "build",
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
        .arg(&target);
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

/// Debian's own compiler, where rustup can fetch no target: it ships the standard library's source, so that is built
/// first. The whole wasm side then comes from that compiler, since libraries of two compilers do not mix; hence the
/// separate target directory.
fn debian_cargo(target: PathBuf) -> Result<(Command, PathBuf)> {
    let (cargo, rustc) = (Path::new("/usr/bin/cargo"), Path::new("/usr/bin/rustc"));
    if !cargo.exists() || !rustc.exists() || !Path::new("/usr/lib/rustlib/src/rust/library/std").exists() {
        return Err(format!("the Rust target {TARGET} is missing; run ./dev setup").into());
    }
    let mut command = Command::new(cargo);
    command
        .arg("-Zbuild-std=std,panic_abort")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", rustc)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld")
        // Set by the cargo that runs us, and meant for its own compiler.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env_remove("RUSTDOC");
    Ok((command, target))
}

/// Writes `frontend.js`, `frontend_bg.wasm` and `snippets/` to `out`.
pub fn bindgen(module: &Path, out: &Path, profile: Profile) -> Result<()> {
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name(STEM)
        .typescript(false)
        // The page names the module, with its hash; a default would be a second, wrong name.
        .omit_default_module_path(true)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(profile == Profile::Release);
    let made = bindgen.web(true).and_then(|bindgen| bindgen.generate(out));
    made.map_err(|error| format!("wasm-bindgen: {error:#}").into())
}

/// Shrinks the module in place. Debian's wasm-opt (108) breaks what current rustc writes: the page then never
/// hydrates. So it is npm's binaryen, in the version that `xtask/package-lock.json` names.
pub fn optimise(module: &Path) -> Result<()> {
    let program = workspace::root().join("xtask/node_modules/.bin/wasm-opt");
    if !program.exists() {
        return Err("wasm-opt is missing; run ./dev setup run".into());
    }
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
    output(&mut command).map(|_| ())
}
