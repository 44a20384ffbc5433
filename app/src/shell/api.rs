//! Server functions of the frame: the counts beside the navigation, what is next, what is wrong.

use crate::error::AppError;
use chrono::{DateTime, Utc};
use domain::ids::{RunId, ScheduleId};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the frame shows of everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub containers: u64,
    pub schedules: u64,
    pub hosts: u64,
    /// Names of the hosts that do not answer.
    pub offline: Vec<String>,
    pub open_runs: u64,
    /// The one open run, if it is only one.
    pub open_run: Option<RunId>,
    /// How many of the latest runs went wrong since Activity was last looked at, or in the last 24 hours.
    pub failed: u64,
    pub next_up: Option<NextUp>,
}

/// How many of the latest runs are looked at for failures.
#[cfg(feature = "ssr")]
const LATEST: u32 = 50;

/// When Activity was last looked at, in milliseconds since 1970: a preference of the browser.
pub const SEEN: &str = "seen";

/// The counts of the frame.
#[server(endpoint = "shell/overview", client = crate::client::Browser, output = crate::codec::Answer, input = server_fn::codec::GetUrl)]
pub async fn overview() -> Result<Counts, AppError> {
    use control::{containers, hosts, pages::ListQuery, runs, schedules};
    use domain::{hosts::HostStatus, pages::PAGE_MAX, runs::RunState};

    let (control, actor) = crate::context::signed_in()?;
    let page = |limit| ListQuery {
        limit: Some(limit),
        cursor: None,
    };
    let fleet = containers::ContainerQuery {
        limit: 1,
        ..Default::default()
    };
    let fleet = containers::list(&control, &actor, fleet).await?;
    let hosts = hosts::list(&control, &actor, page(PAGE_MAX)).await?;
    let of_schedules = schedules::ScheduleQuery {
        page: page(1),
        ..Default::default()
    };
    let schedules = schedules::list(&control, &actor, of_schedules).await?;
    let of_runs = |state, limit| runs::RunQuery {
        state,
        page: page(limit),
        ..Default::default()
    };
    let running = runs::list(&control, &actor, of_runs(Some(RunState::Running), 1)).await?;
    let queued = runs::list(&control, &actor, of_runs(Some(RunState::Queued), 1)).await?;
    let latest = runs::list(&control, &actor, of_runs(None, LATEST)).await?;
    let day_ago = jiff::Timestamp::now().as_millisecond() - 86_400_000;
    let seen = super::cookie(SEEN).and_then(|seen| seen.parse().ok());
    let since = seen.unwrap_or(day_ago).max(day_ago);
    let wrong = |run: &&domain::runs::RunSummary| {
        matches!(
            run.status,
            RunState::Failed | RunState::Partial | RunState::Unknown | RunState::Missed
        ) && run.finished_at.is_some_and(|at| at.timestamp_millis() > since)
    };
    Ok(Counts {
        containers: fleet.counts.total,
        schedules: schedules.total,
        hosts: hosts.total,
        offline: hosts
            .items
            .into_iter()
            .filter(|host| host.status == HostStatus::Offline)
            .map(|host| host.name)
            .collect(),
        open_runs: running.total + queued.total,
        open_run: running.items.first().map(|run| run.id),
        failed: latest.items.iter().filter(wrong).count() as u64,
        next_up: control.fleet().next_planned(actor.org_id).map(|next| NextUp {
            id: next.schedule_id,
            name: next.name,
            at: next.next_at,
        }),
    })
}

/// Containers, hosts and schedules by name, and what can be done to them, for the palette.
#[server(endpoint = "shell/find", client = crate::client::Browser, output = crate::codec::Answer, input = server_fn::codec::GetUrl)]
pub async fn find(text: String) -> Result<Found, AppError> {
    use crate::containers::words;
    use control::{containers, pages::ListQuery, schedules};

    let (control, actor) = crate::context::signed_in()?;
    // "restart im" is something to do with what is called im…
    let (verb, name) = verb(&text);
    let of_containers = containers::ContainerQuery {
        query: name.to_owned(),
        limit: 8,
        ..Default::default()
    };
    // Half a selector, while it is typed, finds nothing; that is no error here.
    let containers = containers::list(&control, &actor, of_containers).await;
    let containers = containers.map(|page| page.items).unwrap_or_default();
    let mut acts = Vec::new();
    if let Some(verb) = verb {
        let label = words::label(verb);
        acts.extend(
            containers
                .iter()
                .filter(|container| words::verbs(container.state).contains(&verb))
                .take(5)
                .map(|container| FoundAct {
                    text: format!("{label} {}", container.name),
                    about: container.host.name.clone(),
                    verb: verb.to_owned(),
                    target: format!("id:{}", container.id),
                }),
        );
        let stack =
            control::containers::complete(&control, &actor, &format!("stack:{name}"), usize::MAX).await?;
        acts.extend(
            stack
                .items
                .into_iter()
                .filter(|_| !name.is_empty())
                .take(2)
                .map(|stack| FoundAct {
                    text: format!("{label} the stack {}", stack.text.trim_matches('"')),
                    about: stack.about,
                    verb: verb.to_owned(),
                    target: format!("stack:{}", stack.text),
                }),
        );
    }
    let wanted = name.to_lowercase();
    let hosts = control
        .fleet()
        .host_names(actor.org_id)
        .into_iter()
        .filter(|host| !wanted.is_empty() && host.name.to_lowercase().contains(&wanted))
        .take(4)
        .map(|host| FoundHost {
            href: format!("/hosts/{}", host.id),
            name: host.name,
        })
        .collect();
    let of_schedules = schedules::ScheduleQuery {
        query: text,
        page: ListQuery {
            limit: Some(5),
            cursor: None,
        },
        ..Default::default()
    };
    let schedules = schedules::list(&control, &actor, of_schedules).await?;
    Ok(Found {
        acts,
        hosts,
        containers: containers
            .into_iter()
            .map(|container| FoundContainer {
                href: format!("/containers/{}", container.id),
                plan: words::plan_href(std::slice::from_ref(&container)),
                about: container.host.name,
                name: container.name,
            })
            .collect(),
        schedules: schedules
            .items
            .into_iter()
            .map(|schedule| FoundSchedule {
                href: format!("/schedules/{}", schedule.id),
                about: schedule.sentence,
                name: schedule.name,
            })
            .collect(),
    })
}

/// The verb that a text begins with, and the rest.
#[cfg(feature = "ssr")]
fn verb(text: &str) -> (Option<&'static str>, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let verb = ["start", "stop", "restart", "pause", "unpause"]
        .into_iter()
        .find(|verb| {
            first.eq_ignore_ascii_case(verb)
                || first.eq_ignore_ascii_case(crate::containers::words::label(verb))
        });
    match verb {
        Some(verb) => (Some(verb), rest.trim()),
        None => (None, text),
    }
}

/// The next fire of any schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextUp {
    pub id: ScheduleId,
    pub name: String,
    pub at: DateTime<Utc>,
}

/// What the palette found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub acts: Vec<FoundAct>,
    pub containers: Vec<FoundContainer>,
    pub hosts: Vec<FoundHost>,
    pub schedules: Vec<FoundSchedule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundContainer {
    pub name: String,
    pub about: String,
    pub href: String,
    /// Where a schedule for it is made.
    pub plan: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundSchedule {
    pub name: String,
    pub about: String,
    pub href: String,
}

/// Something to do, to what the target picks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundAct {
    pub text: String,
    pub about: String,
    pub verb: String,
    pub target: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundHost {
    pub name: String,
    /// The list of its containers.
    pub href: String,
}
