use std::fmt;

use serde::Serialize;

/// What a term is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    Name,
    Host,
    Stack,
    Service,
    Image,
    State,
    Health,
    Label,
    Tag,
    Container,
    Id,
    Port,
}

impl Key {
    /// All of them, the most used first.
    pub const ALL: [Self; 12] = [
        Self::Name,
        Self::Host,
        Self::Stack,
        Self::Service,
        Self::Image,
        Self::State,
        Self::Health,
        Self::Label,
        Self::Tag,
        Self::Container,
        Self::Id,
        Self::Port,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Host => "host",
            Self::Stack => "stack",
            Self::Service => "service",
            Self::Image => "image",
            Self::State => "state",
            Self::Health => "health",
            Self::Label => "label",
            Self::Tag => "tag",
            Self::Container => "container",
            Self::Id => "id",
            Self::Port => "port",
        }
    }

    /// One line for completion lists.
    pub fn help(self) -> &'static str {
        match self {
            Self::Name => "Name of the container",
            Self::Host => "Name of the host",
            Self::Stack => "Compose project",
            Self::Service => "Compose service",
            Self::Image => "Image, with or without its tag",
            Self::State => "running, exited, paused …",
            Self::Health => "healthy, unhealthy, starting, none",
            Self::Label => "Label, as key or key=value",
            Self::Tag => "Your own tag",
            Self::Container => "Exactly one container, as host/name",
            Self::Id => "Id, or the start of the engine's id",
            Self::Port => "Published port",
        }
    }

    /// The values to choose from, where they are known beforehand.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::State => &[
                "running",
                "exited",
                "paused",
                "restarting",
                "created",
                "removing",
                "dead",
                "unknown",
            ],
            Self::Health => &["healthy", "unhealthy", "starting", "none"],
            _ => &[],
        }
    }

    /// In any case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|key| key.as_str().eq_ignore_ascii_case(text))
    }

    /// What to write instead of a key that does not exist.
    pub(super) fn hint(unknown: &str) -> String {
        let lower = unknown.to_lowercase();
        let meant = match lower.as_str() {
            "names" => Some("name"),
            "node" | "server" | "machine" | "engine" | "hosts" => Some("host"),
            "project" | "compose" | "stacks" | "group" | "app" => Some("stack"),
            "status" => Some("state"),
            "is" => Some("state or health"),
            "img" | "repo" => Some("image"),
            "env" | "annotation" => Some("label"),
            _ => None,
        };
        let begun = || {
            Self::ALL
                .map(Self::as_str)
                .into_iter()
                .find(|key| lower.len() > 1 && key.starts_with(&lower))
        };
        let near = || {
            let closest = Self::ALL
                .map(|key| (distance(key.as_str(), &lower), key.as_str()))
                .into_iter()
                .min();
            closest
                .filter(|(far, key)| *far <= 2 && *far < key.len())
                .map(|(_, key)| key)
        };
        let all = Self::ALL.map(Self::as_str).join(", ");
        match meant.or_else(begun).or_else(near) {
            Some(key) => format!("Did you mean {key}? The keys are {all}."),
            None => format!("The keys are {all}."),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many letters must be added, removed or replaced (Levenshtein); far for long texts.
pub(super) fn distance(left: &str, right: &str) -> usize {
    if right.len() > 24 {
        return usize::MAX;
    }
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut corner = line;
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = corner + usize::from(letter != *other);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
