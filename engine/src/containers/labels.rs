//! Labels within bounds: every page and snapshot carries them, and an engine sets no limit.

use std::collections::BTreeMap;

/// How long a label's value may be, in bytes; what is longer is cut.
const VALUE: usize = 16 * 1024;
/// How long its key may be, in bytes; a longer one is left out.
const KEY: usize = 1024;
/// How many labels of a container are kept.
const COUNT: usize = 1000;

pub(super) fn bounded(labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let sound = |(key, value): &(String, String)| key.len() <= KEY && value.len() <= VALUE;
    if labels.len() <= COUNT
        && labels
            .iter()
            .all(|(key, value)| key.len() <= KEY && value.len() <= VALUE)
    {
        return labels;
    }
    labels
        .into_iter()
        .filter(|(key, _)| key.len() <= KEY)
        .take(COUNT)
        .map(|label| {
            if sound(&label) {
                label
            } else {
                (label.0, cut(label.1))
            }
        })
        .collect()
}

fn cut(value: String) -> String {
    let mut value = super::inspect::shortened(value, VALUE);
    value.push('…');
    // The rest of a label of megabytes is given back.
    value.shrink_to_fit();
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_megabytes_is_cut_and_the_others_stay() {
        let labels = BTreeMap::from([
            ("huge".to_owned(), "ä".repeat(3_000_000)),
            ("k".repeat(2000), "gone".to_owned()),
            ("small".to_owned(), "<b>kept as it is</b>".to_owned()),
        ]);
        let labels = bounded(labels);
        assert_eq!(labels.len(), 2);
        assert!(labels["huge"].len() <= VALUE + 4 && labels["huge"].ends_with('…'));
        assert_eq!(labels["small"], "<b>kept as it is</b>");
        let many = (0..2000).map(|n| (format!("{n:04}"), String::new())).collect();
        assert_eq!(bounded(many).len(), COUNT);
    }
}
