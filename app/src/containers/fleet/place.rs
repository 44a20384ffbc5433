//! What the page shows is in its address: the search and the order. A link to it shows the same.

use crate::containers::words::encode;
use domain::containers::ContainerSort;
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate, hooks::use_query_map};

/// The search and the order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    pub query: String,
    pub sort: ContainerSort,
    pub descending: bool,
}

/// The page's address.
#[derive(Clone, Copy)]
pub struct Place(Memo<Shown>, StoredValue<Box<dyn Fn(&str)>, LocalStorage>);

const SORTS: &[(&str, ContainerSort)] = &[
    ("name", ContainerSort::Name),
    ("image", ContainerSort::Image),
    ("stack", ContainerSort::Stack),
    ("host", ContainerSort::Host),
    ("state", ContainerSort::State),
    ("uptime", ContainerSort::Uptime),
    ("next_run", ContainerSort::NextRun),
];

impl Place {
    pub fn from_url() -> Self {
        let query = use_query_map();
        let navigate = use_navigate();
        let go = move |path: &str| {
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..Default::default()
            };
            navigate(path, options);
        };
        let shown = Memo::new(move |_| {
            query.with(|query| {
                let sort = query.get_str("sort").unwrap_or_default();
                let (word, descending) = match sort.strip_prefix('-') {
                    Some(word) => (word, true),
                    None => (sort, false),
                };
                let sort = SORTS.iter().find(|(known, _)| *known == word);
                Shown {
                    query: query.get_str("q").unwrap_or_default().to_owned(),
                    sort: sort.map(|(_, sort)| *sort).unwrap_or_default(),
                    descending,
                }
            })
        });
        Self(shown, StoredValue::new_local(Box::new(go)))
    }

    pub fn get(&self) -> Shown {
        self.0.get()
    }

    pub fn get_untracked(&self) -> Shown {
        self.0.get_untracked()
    }

    pub fn query(&self) -> String {
        self.0.with(|shown| shown.query.clone())
    }

    pub fn query_untracked(&self) -> String {
        self.0.with_untracked(|shown| shown.query.clone())
    }

    /// Shows something else, without a new entry in the browser's history.
    fn go(&self, shown: &Shown) {
        let mut parts = Vec::new();
        if !shown.query.is_empty() {
            parts.push(format!("q={}", encode(&shown.query)));
        }
        if shown.sort != ContainerSort::default() || shown.descending {
            let word = SORTS
                .iter()
                .find(|(_, sort)| *sort == shown.sort)
                .map_or("name", |(word, _)| word);
            parts.push(format!("sort={}{word}", if shown.descending { "-" } else { "" }));
        }
        let path = if parts.is_empty() {
            "/".to_owned()
        } else {
            format!("/?{}", parts.join("&"))
        };
        self.1.with_value(|go| go(&path));
    }

    pub fn search(&self, query: &str) {
        let shown = self.get_untracked();
        if shown.query != query {
            self.go(&Shown {
                query: query.to_owned(),
                ..shown
            });
        }
    }

    /// Sorts by a column; the same one again turns the order round.
    pub fn sort(&self, sort: ContainerSort) {
        let shown = self.get_untracked();
        let descending = shown.sort == sort && !shown.descending;
        self.go(&Shown {
            sort,
            descending,
            ..shown
        });
    }

    /// Adds a term to the search, or takes it out again.
    pub fn toggle(&self, term: &str) {
        let shown = self.get_untracked();
        let key = term.split(':').next().unwrap_or_default();
        let mut terms = terms(&shown.query);
        let held = terms.iter().any(|known| known == term);
        // One value of a key at a time: chips choose, typing combines.
        terms.retain(|known| !known.starts_with(&format!("{key}:")));
        if !held {
            terms.push(term.to_owned());
        }
        self.search(&terms.join(" "));
    }
}

/// The terms of a search, blanks inside quotes kept.
pub fn terms(query: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for letter in query.chars() {
        if letter.is_whitespace() && !quoted {
            terms.push(String::new());
            continue;
        }
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = letter == '\\' && !escaped;
        if let Some(last) = terms.last_mut() {
            last.push(letter);
        }
    }
    terms.retain(|term| !term.is_empty());
    terms
}

#[cfg(test)]
mod tests {
    use super::terms;

    #[test]
    fn blanks_in_quotes_part_nothing() {
        assert_eq!(
            terms(" host:nas  name:\"my app\" web "),
            ["host:nas", "name:\"my app\"", "web"]
        );
        assert!(terms("  ").is_empty());
    }
}
