//! Schedules as a file: what applying one changes.

use crate::{ids::ScheduleId, triggers::WebhookSecrets};
use serde::{Deserialize, Serialize};

/// The one format of files; see docs/FORMAT.md.
pub const FORMAT: &str = "chrontainer/v1";

/// What applying a file changes, or would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplyReport {
    /// Nothing was done: this is what would be.
    pub dry_run: bool,
    pub created: u32,
    pub updated: u32,
    pub deleted: u32,
    pub unchanged: u32,
    /// Schedules that cannot be taken; while there are any, nothing is done.
    pub invalid: u32,
    pub changes: Vec<Change>,
}

/// What becomes of one schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    pub name: String,
    pub kind: ChangeKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ScheduleId>,
    /// What changes, line by line of the file; empty where nothing does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<DiffLine>,
    /// What is wrong, and with which field: `schedules[2].steps[0].target`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was made for its webhook by the very request that this answers; never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookSecrets>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Create,
    Update,
    Delete,
    Unchanged,
    Invalid,
}

/// One line, as it stays, goes or comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffLine {
    pub sign: Sign,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    Same,
    Removed,
    Added,
}

/// The lines of two texts: those that stay in both, and between them what goes before what comes.
pub fn diff(before: &str, after: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // longest[i][j]: how many lines old[i..] and new[j..] have in common.
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let mut lines = Vec::with_capacity(old.len().max(new.len()));
    let mut push = |sign, text: &str| {
        lines.push(DiffLine {
            sign,
            text: text.to_owned(),
        });
    };
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            push(Sign::Same, old[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || i < old.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1]
        {
            push(Sign::Removed, old[i]);
            i += 1;
        } else {
            push(Sign::Added, new[j]);
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Without what comes it is the old text, without what goes the new one.
        #[test]
        fn both_texts_are_in_the_difference(old in "[ab\n]{0,30}", new in "[ab\n]{0,30}") {
            let lines = diff(&old, &new);
            let of = |unwanted: Sign| -> Vec<&str> {
                lines.iter().filter(|line| line.sign != unwanted).map(|line| line.text.as_str()).collect()
            };
            prop_assert_eq!(of(Sign::Added), old.lines().collect::<Vec<_>>());
            prop_assert_eq!(of(Sign::Removed), new.lines().collect::<Vec<_>>());
            prop_assert!(old != new || lines.iter().all(|line| line.sign == Sign::Same));
        }
    }
}
