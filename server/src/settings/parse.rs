//! The values that are not paths. Every error says what is allowed, without a full stop at its end.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use domain::durations::{DurationError, HumanDuration};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use super::LogFormat;

pub(super) fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 3000))
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let text = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"))
        .unwrap_or(text.to_owned());
    text.parse().map_err(|_| {
        "write an address and a port, such as 127.0.0.1:3000, 0.0.0.0:3000 for every network, or [::]:3000".to_owned()
    })
}

pub(super) fn between<T: FromStr + PartialOrd + std::fmt::Display + Copy>(
    least: T,
    most: T,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| match text.parse() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("write a whole number from {least} to {most}")),
    }
}

pub(super) fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
}

/// A reader for durations such as `90s`, `5m`, `12h` or `7d` within the given bounds.
pub(super) fn duration(least: Duration, most: Duration) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let value: HumanDuration = text
            .parse()
            .map_err(|error: DurationError| error.message.trim_end_matches('.').to_owned())?;
        let value = value.get();
        if (least..=most).contains(&value) {
            return Ok(value);
        }
        // Both bounds are our own and far below the longest a HumanDuration can be.
        let show = |bound: Duration| {
            HumanDuration::try_from(bound)
                .map(|bound| bound.to_string())
                .unwrap_or_default()
        };
        Err(format!(
            "write a duration from {} to {}, such as 90s, 5m, 12h or 7d",
            show(least),
            show(most)
        ))
    }
}

/// Networks or single addresses, separated by commas or spaces.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    text.split([',', ' ', '\n'])
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                format!(
                    "`{word}` is no network; write networks such as 10.0.0.0/8 or fd00::/8, or single addresses, \
                     separated by commas"
                )
            })
        })
        .collect()
}

/// The notices of Postgres tell at every start that what the migrations make is there already.
pub(super) const DEFAULT_LOG: &str = "info,sqlx::postgres::notice=warn";

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "{error}; write a level (error, warn, info, debug, trace) or a filter such as info,server=debug"
        )),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".to_owned()),
    }
}
