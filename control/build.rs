//! The migrations are part of the program, and nothing else tells cargo that one was added.

#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
