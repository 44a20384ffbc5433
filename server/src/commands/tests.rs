//! docs/OPERATIONS.md tells of every command and every setting, and of no other.

use super::Arguments;
use crate::settings::Settings;
use clap::{Command, CommandFactory, Parser};
use std::collections::BTreeSet;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    std::fs::read_to_string(path).expect("the page")
}

/// The commands that do something, with all their words.
fn leaves(command: &Command, words: &str, found: &mut Vec<(String, Command)>) {
    let mut below = command.get_subcommands().peekable();
    if below.peek().is_none() {
        found.push((words.to_owned(), command.clone()));
    }
    for command in below {
        leaves(command, &format!("{words} {}", command.get_name()), found);
    }
}

#[test]
fn the_page_has_every_command_with_its_options_and_an_example() {
    let page = page();
    let mut commands = Vec::new();
    leaves(&Arguments::command(), "chrontainer-server", &mut commands);
    assert!(commands.len() >= 8, "{commands:?}");
    for (words, command) in &commands {
        let row = page
            .lines()
            .find_map(|line| {
                let rest = line.strip_prefix("| `")?.strip_prefix(words.as_str())?;
                rest.starts_with(['`', ' ']).then_some(rest)
            })
            .unwrap_or_else(|| panic!("no row for {words}"));
        for option in command.get_arguments().filter_map(|argument| argument.get_long()) {
            assert!(
                row.contains(&format!("--{option} ")),
                "{words} has --{option}: {row}"
            );
        }
        let example = format!("    {words}");
        assert!(
            page.lines().any(|line| line.starts_with(&example)),
            "no example of {words}"
        );
    }
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `chrontainer-server"));
    assert_eq!(rows.count(), commands.len(), "a row for each command");
}

#[test]
fn the_examples_are_ones_that_the_program_takes() {
    let page = page();
    let lines = page.lines().filter_map(|line| line.strip_prefix("    "));
    for example in lines.filter(|line| line.starts_with("chrontainer-server")) {
        if let Err(error) = Arguments::try_parse_from(example.split_whitespace()) {
            panic!("{example}: {error}");
        }
    }
}

#[test]
fn the_page_has_every_setting_with_its_default() {
    let page = page();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `CHRONTAINER_"))
        .map(|line| {
            line.split(" | ")
                .map(|cell| cell.trim_matches(['|', ' ', '`']))
                .collect()
        })
        .collect();
    let told: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let known: BTreeSet<&str> = Settings::reference().iter().map(|setting| setting.name).collect();
    assert_eq!(told, known);
    for setting in Settings::reference() {
        let row = rows.iter().find(|row| row[0] == setting.name).expect("a row");
        // A directory depends on who runs it, and what is in brackets is a sentence.
        if !setting.default.starts_with(['(', '$']) && setting.name != "CHRONTAINER_SITE_ROOT" {
            assert_eq!(row[1], setting.default, "{}", setting.name);
        }
    }
}
