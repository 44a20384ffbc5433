//! Views of the fleet: what its page shows, as an address that can be shared and under a name that is kept.

use crate::{
    containers::{ContainerSort, Grouping},
    errors::Problem,
    ids::ViewId,
    selectors::Selector,
};
use serde::{Deserialize, Serialize};

/// The longest name of a view, in characters.
pub const LONGEST_NAME: usize = 60;

/// A column of the list that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Column {
    Host,
    Stack,
    Image,
    State,
    Cpu,
    Memory,
    Ports,
    Tags,
    Next,
}

impl Column {
    /// All of them, from left to right.
    pub const ALL: &[Self] = &[
        Self::Host,
        Self::Stack,
        Self::Image,
        Self::State,
        Self::Cpu,
        Self::Memory,
        Self::Ports,
        Self::Tags,
        Self::Next,
    ];

    /// What is shown when nothing was chosen.
    pub const USUAL: &[Self] = &[
        Self::Host,
        Self::State,
        Self::Cpu,
        Self::Memory,
        Self::Ports,
        Self::Next,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Stack => "stack",
            Self::Image => "image",
            Self::State => "state",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Ports => "ports",
            Self::Tags => "tags",
            Self::Next => "next",
        }
    }

    /// Columns from their words between commas; words of another release are left out.
    pub fn read(words: &str) -> Vec<Self> {
        let named: Vec<&str> = words.split(',').collect();
        let wanted = |column: &&Self| named.contains(&column.as_str());
        Self::ALL.iter().filter(wanted).copied().collect()
    }

    pub fn write(columns: &[Self]) -> String {
        let words: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
        words.join(",")
    }
}

/// What the page shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Shown {
    /// The search, in the language of selectors; bare words match names anywhere.
    pub query: String,
    pub sort: ContainerSort,
    pub descending: bool,
    pub group: Grouping,
    /// Groups whose lines are left out, by name; the empty one is for what has none.
    pub closed: Vec<String>,
    /// Only the favourites of whoever looks.
    pub favourites: bool,
    /// The columns beside the name; nothing for those the person has chosen for themselves.
    pub columns: Option<Vec<Column>>,
}

impl Shown {
    /// From the pairs of an address' query; what means nothing is left at its default.
    pub fn from_pairs<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let sort = get("sort").unwrap_or_default();
        let (word, descending) = match sort.strip_prefix('-') {
            Some(word) => (word, true),
            None => (sort, false),
        };
        let group = get("group").unwrap_or_default();
        Self {
            query: get("q").unwrap_or_default().to_owned(),
            sort: ContainerSort::ALL
                .iter()
                .find(|sort| sort.as_str() == word)
                .copied()
                .unwrap_or_default(),
            descending,
            group: Grouping::ALL
                .iter()
                .find(|grouping| grouping.as_str() == group)
                .copied()
                .unwrap_or_default(),
            closed: get("closed").map(names).unwrap_or_default(),
            favourites: get("fav").is_some(),
            columns: get("cols").map(Column::read),
        }
    }

    /// The page's address: `/?q=stack:media&group=host`.
    pub fn address(&self) -> String {
        let mut parts = Vec::new();
        if !self.query.is_empty() {
            parts.push(format!("q={}", encode(&self.query)));
        }
        if self.favourites {
            parts.push("fav=1".to_owned());
        }
        if self.sort != ContainerSort::default() || self.descending {
            let minus = if self.descending { "-" } else { "" };
            parts.push(format!("sort={minus}{}", self.sort.as_str()));
        }
        if self.group != Grouping::None {
            parts.push(format!("group={}", self.group.as_str()));
        }
        if !self.closed.is_empty() {
            let names: Vec<String> = self.closed.iter().map(|name| shielded(name)).collect();
            parts.push(format!("closed={}", encode(&names.join(","))));
        }
        if let Some(columns) = &self.columns {
            parts.push(format!("cols={}", Column::write(columns)));
        }
        if parts.is_empty() {
            "/".to_owned()
        } else {
            format!("/?{}", parts.join("&"))
        }
    }
}

/// A name without the comma that parts it from others.
fn shielded(name: &str) -> String {
    name.replace('%', "%25").replace(',', "%2C")
}

/// The names between commas.
fn names(text: &str) -> Vec<String> {
    text.split(',')
        .map(|name| name.replace("%2C", ",").replace("%25", "%"))
        .collect()
}

/// Percent-encodes a value of a query.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:,*".contains(&byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// A view to be kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ViewDraft {
    pub name: String,
    #[serde(default)]
    pub show: Shown,
    /// The version that was changed; another one on the server is refused. Nothing replaces whatever there is.
    #[serde(default)]
    pub version: Option<i32>,
}

impl ViewDraft {
    /// With its name trimmed.
    ///
    /// # Errors
    /// `name_invalid`; `invalid_selector` with the place.
    pub fn checked(mut self) -> Result<Self, Problem> {
        self.name = self.name.trim().to_owned();
        let length = self.name.chars().count();
        if length == 0 || length > LONGEST_NAME || self.name.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "name_invalid",
                "name",
                "A view needs a name of 1 to 60 letters, such as Media on the NAS.",
            ));
        }
        self.show.query = self.show.query.trim().to_owned();
        Selector::parse_search(&self.show.query).map_err(|error| error.problem("show.query"))?;
        Ok(self)
    }
}

/// A saved view of one person, who may share it with teams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct View {
    pub id: ViewId,
    pub name: String,
    pub show: Shown,
    /// The page's address that shows it, for anybody who may see the fleet.
    pub address: String,
    pub version: i32,
    /// Whose it is, when it is somebody else's and was shared with a team of one's own. Only they change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The teams that it is shared with.
    #[serde(default)]
    pub teams: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Shown {
        let query = address.strip_prefix("/?").unwrap_or_default().to_owned();
        let decoded: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), decode(value)))
            .collect();
        Shown::from_pairs(|key| {
            decoded
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value.as_str())
        })
    }

    fn decode(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let hex: Vec<u8> = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_address_reads_back_what_it_was_made_from() {
        for query in ["", "web", "host:nas name:\"my app\" -tag:büro&co=1"] {
            for &sort in ContainerSort::ALL {
                for &group in Grouping::ALL {
                    for columns in [None, Some(Vec::new()), Some(Column::USUAL.to_vec())] {
                        let shown = Shown {
                            query: query.to_owned(),
                            sort,
                            descending: group == Grouping::Host,
                            group,
                            closed: match group {
                                Grouping::None => Vec::new(),
                                Grouping::Tag => vec![String::new()],
                                _ => vec!["a, b".to_owned(), String::new(), "100 %2C&".to_owned()],
                            },
                            favourites: sort == ContainerSort::Cpu,
                            columns,
                        };
                        assert_eq!(read(&shown.address()), shown, "{}", shown.address());
                    }
                }
            }
        }
    }

    #[test]
    fn words_are_those_of_json() {
        for sort in ContainerSort::ALL {
            assert_eq!(serde_json::to_value(sort).unwrap(), sort.as_str());
        }
        for group in Grouping::ALL {
            assert_eq!(serde_json::to_value(group).unwrap(), group.as_str());
        }
        for column in Column::ALL {
            assert_eq!(serde_json::to_value(column).unwrap(), column.as_str());
        }
    }

    #[test]
    fn nonsense_in_an_address_is_left_out() {
        assert_eq!(read("/?sort=moon&group=sun&cols=stars").columns, Some(Vec::new()));
        assert_eq!(read("/?sort=moon").sort, ContainerSort::Name);
        assert_eq!(read("/"), Shown::default());
    }

    #[test]
    fn a_view_has_a_name_and_a_search_that_can_be_read() {
        let draft = |name: &str, query: &str| {
            ViewDraft {
                name: name.to_owned(),
                show: Shown {
                    query: query.to_owned(),
                    ..Shown::default()
                },
                version: None,
            }
            .checked()
        };
        assert_eq!(
            draft(" Media ", " stack:media ").unwrap().show.query,
            "stack:media"
        );
        assert_eq!(draft(" ", "").unwrap_err().code, "name_invalid");
        assert_eq!(draft(&"x".repeat(61), "").unwrap_err().code, "name_invalid");
        let problem = draft("Media", "stac:media").unwrap_err();
        assert_eq!(problem.details["field"], "show.query");
    }
}
