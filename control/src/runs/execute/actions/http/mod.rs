//! A request. Where it goes is decided after the name's addresses are known, and again at every redirect; the
//! connection goes to the very address that was looked at.

mod client;

use super::{super::faults, Cut, Done, Job, Stop, unknown};
use client::{Answer, Request};
use domain::{actions::Http, runs::TargetState};
use std::time::Duration;
use tokio::time::Instant;

/// A request takes this long at most, unless its step says less.
const LONGEST: Duration = Duration::from_secs(60);
/// What of an answer is kept for the log and the next step, in bytes.
const KEPT: usize = 64 * 1024;

pub(super) async fn run(job: &Job<'_>, http: &Http) -> Result<Done, Stop> {
    if job.target.intent.is_some() && !http.method.is_safe() {
        return Ok(unknown(
            "The request may have arrived. Look at what it is for before it is made again.",
        ));
    }
    let url = http.url.trim();
    let shown = job.mask.hide(url.split(['?', '#']).next().unwrap_or_default());
    let intended = job
        .intend(None, None, format!("{} {shown}.", http.method.as_str()))
        .await?;
    faults::point("http_intent");
    if let Some(done) = job.go(intended).await? {
        return Ok(done);
    }
    let request = match Request::new(http) {
        Ok(request) => request,
        Err(why) => return Ok(Done::failed(job.mask.hide(&why)).for_good()),
    };
    let begun = Instant::now();
    let allow = &job.executor.control.options().http_allow;
    let answer = tokio::select! {
        biased;
        cut = job.cut() => return match cut {
            Cut::Lost => Err(Stop::Lost),
            Cut::Cancelled => Ok(Done::of(TargetState::Cancelled, "The run was cancelled during the request; it may have arrived.")),
            Cut::Late => Ok(Done::of(TargetState::TimedOut, job.late("The request may have arrived."))),
        },
        answer = tokio::time::timeout(LONGEST, client::send(request, allow)) => answer,
    };
    faults::point("http_answered");
    Ok(match answer {
        Err(_) => Done::of(
            TargetState::TimedOut,
            format!("{shown} did not answer within {} s.", LONGEST.as_secs()),
        ),
        Ok(Err(error)) if error.is_refusal => Done::failed(job.mask.hide(&error.message)).for_good(),
        Ok(Err(error)) => Done::failed(job.mask.hide(&error.message)),
        Ok(Ok(answer)) => answered(job, http, &answer, begun).await?,
    })
}

async fn answered(job: &Job<'_>, http: &Http, answer: &Answer, begun: Instant) -> Result<Done, Stop> {
    let body = job.mask.hide(&String::from_utf8_lossy(&answer.body));
    let kept: String = body.chars().take(KEPT).collect();
    let lines: Vec<_> = kept
        .lines()
        .take(1000)
        .map(|text| job.line("stdout", text))
        .collect();
    if !lines.is_empty() {
        job.log(&lines).await?;
    }
    let words = format!(
        "Answered {} in {:.1} s.",
        answer.status,
        begun.elapsed().as_secs_f64()
    );
    let done = if http.expects(answer.status) {
        Done::well(words)
    } else {
        let expected = match http.expect.as_slice() {
            [] => "a status from 200 to 299".to_owned(),
            list => list.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
        };
        Done::failed(format!(
            "The answer was {}, and {expected} is expected.",
            answer.status
        ))
    };
    Ok(Done {
        exit_code: Some(answer.status.into()),
        output: Some(kept.trim_end().to_owned()),
        ..done
    })
}
