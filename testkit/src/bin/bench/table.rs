//! What was measured, as a Markdown table.

use std::fmt;

/// Lines of a table, and below it what the numbers were measured on.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<(String, String, String)>,
}

impl Table {
    /// One line: what, how much, and what was aimed at.
    pub fn add(&mut self, what: impl Into<String>, value: impl Into<String>, aim: impl Into<String>) {
        self.lines.push((what.into(), value.into(), aim.into()));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ("measured".to_owned(), "value".to_owned(), "aim".to_owned());
        let all = || std::iter::once(&head).chain(&self.lines);
        let width = |of: fn(&(String, String, String)) -> &String| {
            all().map(|line| of(line).chars().count()).max().unwrap_or(0)
        };
        let widths = [
            width(|line| &line.0),
            width(|line| &line.1),
            width(|line| &line.2),
        ];
        for (number, line) in all().enumerate() {
            writeln!(
                f,
                "| {:3$} | {:>4$} | {:>5$} |",
                line.0, line.1, line.2, widths[0], widths[1], widths[2]
            )?;
            if number == 0 {
                writeln!(
                    f,
                    "|{:-<3$}|{:->4$}:|{:->5$}:|",
                    "",
                    "",
                    "",
                    widths[0] + 2,
                    widths[1] + 1,
                    widths[2] + 1
                )?;
            }
        }
        write!(f, "\n{}", machine())
    }
}

/// Processors, memory, build.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = read("/proc/meminfo");
    let gib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or_default()
        / (1024 * 1024);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?");
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    format!("{count} × {model}, {gib} GiB, load {load} at the end, {build} build of the bench")
}
