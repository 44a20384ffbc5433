//! What the page shows is in its address: the search, the order, the groups and the columns. A link to it shows the same.

use crate::shell::{cookie, set_cookie};
use domain::{
    containers::{ContainerSort, Grouping},
    views::{Column, Shown},
};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate, hooks::use_query_map};

/// The columns that a person has chosen, kept in the browser; the server must know them before it makes the page.
const COLUMNS: &str = "columns";

/// The page's address.
#[derive(Clone, Copy)]
pub struct Place {
    shown: Memo<Shown>,
    /// Those of the browser, for addresses that name none.
    chosen: RwSignal<Vec<Column>>,
    pub columns: Memo<Vec<Column>>,
    go: StoredValue<Box<dyn Fn(&str)>, LocalStorage>,
}

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
        let shown = Memo::new(move |_| query.with(|query| Shown::from_pairs(|key| query.get_str(key))));
        let kept = cookie(COLUMNS).map(|words| Column::read(&words.replace('.', ",")));
        let chosen = RwSignal::new(kept.unwrap_or_else(|| Column::USUAL.to_vec()));
        let columns = Memo::new(move |_| {
            shown
                .with(|shown| shown.columns.clone())
                .unwrap_or_else(|| chosen.get())
        });
        Self {
            shown,
            chosen,
            columns,
            go: StoredValue::new_local(Box::new(go)),
        }
    }

    pub fn get(&self) -> Shown {
        self.shown.get()
    }

    pub fn get_untracked(&self) -> Shown {
        self.shown.get_untracked()
    }

    /// What decides which lines are read: all but the columns.
    pub fn lines(&self) -> Shown {
        Shown {
            columns: None,
            ..self.shown.get()
        }
    }

    pub fn query(&self) -> String {
        self.shown.with(|shown| shown.query.clone())
    }

    pub fn query_untracked(&self) -> String {
        self.shown.with_untracked(|shown| shown.query.clone())
    }

    /// Shows something else, without a new entry in the browser's history.
    pub fn go(&self, shown: &Shown) {
        let path = shown.address();
        self.go.with_value(|go| go(&path));
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        let before = self.get_untracked();
        let mut shown = before.clone();
        change(&mut shown);
        if shown != before {
            self.go(&shown);
        }
    }

    pub fn search(&self, query: &str) {
        self.change(|shown| shown.query = query.to_owned());
    }

    /// Sorts by a column; the same one again turns the order round.
    pub fn sort(&self, sort: ContainerSort) {
        // The busiest, largest and longest running are what one looks for.
        let largest = matches!(sort, ContainerSort::Cpu | ContainerSort::Memory);
        self.change(|shown| {
            shown.descending = if shown.sort == sort {
                !shown.descending
            } else {
                largest
            };
            shown.sort = sort;
        });
    }

    pub fn group(&self, group: Grouping) {
        self.change(|shown| {
            shown.group = group;
            shown.closed.clear();
        });
    }

    /// Closes a group or opens it again; the empty name is that of what has none.
    pub fn fold(&self, name: &str) {
        self.change(|shown| {
            let before = shown.closed.len();
            shown.closed.retain(|closed| closed != name);
            if shown.closed.len() == before {
                shown.closed.push(name.to_owned());
            }
        });
    }

    pub fn only_favourites(&self, only: bool) {
        self.change(|shown| shown.favourites = only);
    }

    /// Shows a column or leaves it out, and keeps the choice.
    pub fn toggle_column(&self, column: Column) {
        let now = self.columns.get_untracked();
        let wanted = |other: &&Column| now.contains(other) != (**other == column);
        let columns: Vec<Column> = Column::ALL.iter().filter(wanted).copied().collect();
        // A comma is not for cookies.
        set_cookie(COLUMNS, &Column::write(&columns).replace(',', "."));
        self.chosen.set(columns.clone());
        self.change(|shown| {
            if shown.columns.is_some() {
                shown.columns = Some(columns);
            }
        });
    }

    /// Adds a term to the search, or takes it out again.
    pub fn toggle(&self, term: &str) {
        let key = term.split(':').next().unwrap_or_default();
        let mut terms = terms(&self.query_untracked());
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
