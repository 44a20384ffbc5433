//! Figures about runs in words.

use crate::components::time::duration;

/// "96.4 %"; all of them only when it is all of them.
pub fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).floor();
    if tenths % 10.0 == 0.0 {
        format!("{:.0} %", tenths / 10.0)
    } else {
        format!("{:.1} %", tenths / 10.0)
    }
}

/// "1 run", "12 runs"
pub fn runs(count: u64) -> String {
    match count {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    }
}

/// A time that was measured: "340 ms", "4.2 s"
pub fn took(millis: f64) -> String {
    duration(millis.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_is_not_all() {
        let shares = [1.0, 0.9999, 0.964_5, 0.5, 0.0];
        assert_eq!(shares.map(percent), ["100 %", "99.9 %", "96.4 %", "50 %", "0 %"]);
    }

    #[test]
    fn one_is_one() {
        assert_eq!((runs(1), runs(0)), ("1 run".to_owned(), "0 runs".to_owned()));
        assert_eq!(took(339.6), "340 ms");
    }
}
