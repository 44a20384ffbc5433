//! The next times in UTC against croniter's, as [`make.py`](make.py) has written them down.

use super::*;

/// croniter gives up after this many years; what it does not find may still come.
const LOOKED_AHEAD: TimeDelta = TimeDelta::days(44 * 365);

#[test]
fn six_thousand_expressions_agree_with_croniter() {
    let zone = Zone::utc();
    let (mut lines, mut fires) = (0, 0);
    for line in include_str!("cases.txt").lines() {
        let mut parts = line.split('\t');
        let mut part = || parts.next().unwrap_or_else(|| panic!("{line}"));
        let (expression, start, gaps) = (cron(part()), part(), part());
        let start: i64 = start.parse().unwrap_or_else(|_| panic!("{line}"));
        let mut at = DateTime::from_timestamp(start, 0).expect("a time");
        let mut found = expression.upcoming(&zone, at).take(4);
        for gap in gaps.split(' ') {
            let next = found.next();
            if gap == "never" {
                assert!(
                    next.is_none_or(|next| next > at + LOOKED_AHEAD),
                    "{line}: {next:?}, and nothing by croniter"
                );
                break;
            }
            at += TimeDelta::seconds(gap.parse().unwrap_or_else(|_| panic!("{line}")));
            assert_eq!(next, Some(at), "{line}");
            fires += 1;
        }
        lines += 1;
    }
    assert!(lines == 6000 && fires > 15_000, "{lines} lines, {fires} fires");
}
