use super::*;

#[test]
fn says_what_is_wrong_and_where() {
    for (text, code, field, wrong, part) in [
        ("", "empty", None, "", "Write five fields"),
        ("   ", "empty", None, "   ", "Write five fields"),
        (
            "5 5",
            "field_count",
            None,
            "5 5",
            "The expression has 2 fields. Write five",
        ),
        (
            "5",
            "field_count",
            None,
            "5",
            "The expression has 1 field. Write five",
        ),
        (
            "0 3 * * * * 2027",
            "field_count",
            None,
            "2027",
            "years are not supported",
        ),
        (
            "@reboot",
            "unknown_alias",
            None,
            "@reboot",
            "Write @hourly, @daily",
        ),
        ("@every 5m", "unknown_alias", None, "@every", "interval trigger"),
        ("@foo", "unknown_alias", None, "@foo", "Write @hourly, @daily"),
        ("@daily 3", "field_count", None, "3", "Remove what follows it"),
        (
            "0 25 * * *",
            "out_of_range",
            Some(CronField::Hour),
            "25",
            "The hour 25 is not between 0 and 23.",
        ),
        (
            "60 0 * * *",
            "out_of_range",
            Some(CronField::Minute),
            "60",
            "The minute 60 is not between 0 and 59.",
        ),
        (
            "0 0 0 * *",
            "out_of_range",
            Some(CronField::DayOfMonth),
            "0",
            "The day of the month 0 is not between 1 and 31.",
        ),
        (
            "0 0 1,32 * *",
            "out_of_range",
            Some(CronField::DayOfMonth),
            "32",
            "between 1 and 31",
        ),
        (
            "0 0 * 13 *",
            "out_of_range",
            Some(CronField::Month),
            "13",
            "The month 13 is not between 1 and 12.",
        ),
        (
            "0 0 * * 8",
            "out_of_range",
            Some(CronField::Weekday),
            "8",
            "(0 and 7 are Sunday)",
        ),
        (
            "77 0 0 * * 1",
            "out_of_range",
            Some(CronField::Second),
            "77",
            "The second 77 is not between 0 and 59.",
        ),
        (
            "99999999999999999999 * * * *",
            "out_of_range",
            Some(CronField::Minute),
            "99999999999999999999",
            "not between",
        ),
        (
            "0 0 * * 1#6",
            "out_of_range",
            Some(CronField::Weekday),
            "6",
            "1#2 for the second Monday",
        ),
        (
            "0 0 L-31 * *",
            "out_of_range",
            Some(CronField::DayOfMonth),
            "L-31",
            "1 to 30",
        ),
        (
            "*/0 * * * *",
            "bad_step",
            Some(CronField::Minute),
            "0",
            "never moves on",
        ),
        (
            "*/90 * * * *",
            "bad_step",
            Some(CronField::Minute),
            "90",
            "interval trigger",
        ),
        (
            "*/ * * * *",
            "bad_step",
            Some(CronField::Minute),
            "*/",
            "whole number after the slash",
        ),
        (
            "1/2/3 * * * *",
            "bad_step",
            Some(CronField::Minute),
            "1/2/3",
            "whole number after the slash",
        ),
        (
            "1,,2 * * * *",
            "syntax",
            Some(CronField::Minute),
            ",",
            "Remove the comma",
        ),
        (
            "0 1, * * *",
            "syntax",
            Some(CronField::Hour),
            ",",
            "Remove the comma",
        ),
        (
            "0 ,1 * * *",
            "syntax",
            Some(CronField::Hour),
            ",",
            "Remove the comma",
        ),
        (
            "0 5- * * *",
            "syntax",
            Some(CronField::Hour),
            "5-",
            "A value is missing in the hour field. Write 0 to 23.",
        ),
        (
            "0 -5 * * *",
            "syntax",
            Some(CronField::Hour),
            "-5",
            "A value is missing",
        ),
        (
            "0 /5 * * *",
            "syntax",
            Some(CronField::Hour),
            "/5",
            "A value is missing",
        ),
        (
            "0 0 * * #2",
            "syntax",
            Some(CronField::Weekday),
            "#2",
            "A value is missing",
        ),
        (
            "*-5 * * * *",
            "syntax",
            Some(CronField::Minute),
            "*",
            "stands alone",
        ),
        (
            "0.5 * * * *",
            "syntax",
            Some(CronField::Minute),
            "0.5",
            "0.5 is no minute. Write 0 to 59.",
        ),
        (
            "0 0 * foo *",
            "unknown_name",
            Some(CronField::Month),
            "foo",
            "1 to 12 or jan to dec",
        ),
        (
            "0 0 * * mo",
            "unknown_name",
            Some(CronField::Weekday),
            "mo",
            "sun to sat",
        ),
        (
            "mon 0 * * *",
            "unknown_name",
            Some(CronField::Minute),
            "mon",
            "Write 0 to 59.",
        ),
        (
            "é * * * *",
            "syntax",
            Some(CronField::Minute),
            "é",
            "é is no minute",
        ),
        (
            "? 0 * * *",
            "misplaced",
            Some(CronField::Minute),
            "?",
            "Write * in the minute field",
        ),
        (
            "0 0 * ? *",
            "misplaced",
            Some(CronField::Month),
            "?",
            "Write * in the month field",
        ),
        (
            "0 0 * * L",
            "misplaced",
            Some(CronField::Weekday),
            "L",
            "Write 5L",
        ),
        (
            "0 0 1-L * *",
            "misplaced",
            Some(CronField::DayOfMonth),
            "L",
            "L, L-3, LW or 15W",
        ),
        (
            "0 0 1#2 * *",
            "misplaced",
            Some(CronField::DayOfMonth),
            "1#2",
            "L, L-3, LW or 15W",
        ),
        (
            "0 0 * * 15W",
            "misplaced",
            Some(CronField::Weekday),
            "15W",
            "5L or 1#2",
        ),
        (
            "0 0 32W * *",
            "misplaced",
            Some(CronField::DayOfMonth),
            "32W",
            "Before W one day from 1 to 31",
        ),
        (
            "0 L * * *",
            "misplaced",
            Some(CronField::Hour),
            "L",
            "belong to the day fields",
        ),
    ] {
        let error = text.parse::<CronExpression>().expect_err(text);
        assert_eq!(
            (error.kind.code(), error.field, &text[error.start..error.end]),
            (code, field, wrong),
            "{text}: {error}"
        );
        assert!(error.message.contains(part), "{text}: {error}");
        assert_eq!(serde_json::to_value(error.kind).expect("JSON"), code);
    }
    let long = format!("0 0 * * {}", "1,".repeat(300));
    assert_eq!(
        long.parse::<CronExpression>().expect_err("too long").kind,
        CronErrorKind::TooLong
    );
}

#[test]
fn points_at_the_right_one_of_equal_parts() {
    let error = "5 25 5 25 *".parse::<CronExpression>().expect_err("hour 25");
    assert_eq!(
        (error.start, error.end, error.field),
        (2, 4, Some(CronField::Hour))
    );
    let error = " 0  0 * 1-25 *".parse::<CronExpression>().expect_err("month 25");
    assert_eq!(
        (error.start, error.end, error.field),
        (10, 12, Some(CronField::Month))
    );
}

#[test]
fn serves_the_api() {
    let problem = "0 25 * * *"
        .parse::<CronExpression>()
        .expect_err("hour 25")
        .problem("triggers.0.expression");
    assert_eq!(
        (problem.code.as_str(), problem.class.status()),
        ("invalid_cron", 422)
    );
    assert_eq!(problem.message, "The hour 25 is not between 0 and 23.");
    let expected = serde_json::json!({
        "field": "triggers.0.expression", "cron_field": "hour", "reason": "out_of_range", "start": 2, "end": 4
    });
    assert_eq!(problem.details, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn any_text_is_read_or_refused_within_its_bounds(text in "([0-9*/,#LWlw?@-]{1,4}|mon|jan|é|\u{3000}| ){1,12}|\\PC{0,20}") {
        match text.parse::<CronExpression>() {
            Ok(cron) => {
                prop_assert_eq!(parse(&cron.to_string()), cron.clone());
                prop_assert!(!cron.describe().is_empty());
                prop_assert_eq!(cron.never_fires(), cron.next_local(at("2026-01-01 00:00:00")).is_none());
            }
            Err(error) => prop_assert!(text.get(error.start..error.end).is_some(), "{:?} {:?}", text, error),
        }
    }
}
