//! The program `chrontainer-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: libraries below disagree about the default, and one that must choose by itself would panic.
    // It fails only when one is installed already, which is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    server::commands::run()
}
