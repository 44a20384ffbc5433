//! The forecast above the list: what will run where, and what gets into its way.

mod agenda;
pub mod api;
mod calendar;
mod card;
mod dialog;
mod lanes;
mod table;
mod words;

pub use card::ForecastCard;

/// How far ahead one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Day,
    Week,
    Month,
}

impl Range {
    const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As addresses write it.
    fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    fn from_word(word: Option<&str>) -> Self {
        Self::ALL
            .into_iter()
            .find(|range| Some(range.word()) == word)
            .unwrap_or(Self::Day)
    }

    /// What a forecast was asked for.
    fn of(forecast: &domain::forecast::Forecast) -> Self {
        match (forecast.to - forecast.from).num_days() {
            ..=1 => Self::Day,
            2..=8 => Self::Week,
            _ => Self::Month,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
        }
    }

    fn days(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
        }
    }

    /// "the next 24 h"
    fn span(self) -> &'static str {
        match self {
            Self::Day => "the next 24 h",
            Self::Week => "7 days",
            Self::Month => "30 days",
        }
    }
}
