//! One line of the log in words.

use crate::components::{
    State, Status, icon,
    time::{Ago, At},
};
use domain::audit::AuditLine;
use leptos::prelude::*;

/// What was done: "made an invitation". What has no words here keeps its own name.
fn words(action: &str) -> String {
    let known = match action {
        "session.begin" => "signed in",
        "session.end" => "ended a session",
        "session.end_others" => "ended all other sessions of",
        "session.switch" => "went to",
        "setup.complete" => "set up Chrontainer as",
        "user.password_change" => "changed the password of",
        "user.password_reset" => "set a new password for",
        "user.reset_link" => "made a link for a new password of",
        "user.second_factor_on" => "turned on the second factor of",
        "user.second_factor_off" => "turned off the second factor of",
        "user.second_factor_cleared" => "took away the second factor of",
        "user.password_first" => "set the first password of",
        "session.prove" => "gave a wrong password for",
        "passkey.create" => "made the passkey",
        "passkey.rename" => "renamed the passkey",
        "passkey.delete" => "removed the passkey",
        "passkey.refused" => "was refused with the passkey",
        "passkey.copied" => "was refused with a copy of the passkey",
        "session.second_factor" => "gave a wrong code for",
        "user.disable" => "kept from signing in",
        "user.enable" => "let sign in again",
        "member.add" => "added",
        "member.role" => "changed the role of",
        "member.remove" => "removed",
        "invitation.create" => "made an invitation for",
        "invitation.accept" => "took up the invitation as",
        "invitation.withdraw" => "took back the invitation for",
        "api_key.create" => "made the API key",
        "api_key.revoke" => "revoked the API key",
        "grant.create" => "granted a role to",
        "grant.delete" => "took back a role of",
        "org.create" => "made the organisation",
        "retention.update" => "changed",
        "org.rename" => "renamed the organisation",
        "run.start" => "started",
        "run.cancel" => "cancelled",
        "schedule.run" => "ran the schedule",
        "schedule.skip" => "skipped the next run of",
        "schedule.unskip" => "took back the skip of",
        "schedule.enable" => "resumed the schedule",
        "schedule.disable" => "paused the schedule",
        "secret.put" => "stored the secret",
        "secret.use" => "used the secret",
        "container.exec" => "ran a command in",
        "host.share" => "shared the host",
        "host.unshare" => "shares no longer the host",
        "schedule.share" => "shared the schedule",
        "schedule.unshare" => "shares no longer the schedule",
        "view.share" => "shared the view",
        "view.unshare" => "shares no longer the view",
        "audit.export" => "exported the audit log of",
        "audit.trim" => "deleted old lines of the audit log of",
        "provider.test" => "tried out the provider",
        "org.join" => "joined, as a server administrator,",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    match action.split_once('.') {
        Some((kind, verb)) => {
            let past = match verb {
                "create" => "made",
                "update" | "change" => "changed",
                "delete" => "deleted",
                other => other,
            };
            format!("{past} the {}", kind.replace('_', " "))
        }
        None => action.to_owned(),
    }
}

fn outcome(word: &str) -> Option<State> {
    match word {
        "refused" => Some(State::new("failed", "Refused")),
        "failed" => Some(State::new("warning", "Failed")),
        _ => None,
    }
}

fn way(via: &str) -> &'static str {
    match via {
        "session" => "by browser",
        "api_key" => "by API key",
        "basic" => "by name and password",
        "run" => "by a run",
        "console" => "on the server's machine",
        _ => "by itself",
    }
}

/// A change, field by field: what was before and what is after.
fn details(line: &AuditLine) -> AnyView {
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let part = |name: &'static str, value: &Option<serde_json::Value>| {
        value
            .as_ref()
            .map(|value| view! { <div><h3>{name}</h3><pre class="mono">{pretty(value)}</pre></div> })
    };
    if line.before.is_none() && line.after.is_none() {
        return ().into_any();
    }
    view! {
        <details>
            <summary>"What changed"</summary>
            <div class="change">{part("Before", &line.before)}{part("After", &line.after)}</div>
        </details>
    }
    .into_any()
}

pub fn line(line: AuditLine) -> AnyView {
    let history = line
        .object_id
        .as_ref()
        .map(|id| format!("/settings/audit?object={}:{id}", line.object_kind));
    let name = line.object_name.clone().filter(|name| !name.is_empty());
    let object = match (name, history) {
        (Some(name), Some(href)) => {
            view! { <a class="link" href=href title="Everything about it">{name}</a> }.into_any()
        }
        (Some(name), None) => name.into_any(),
        (None, _) => ().into_any(),
    };
    let address = line.address.clone().map(|address| format!(" from {address}"));
    view! {
        <li>
            <span class="when"><span class="a"><At at=line.at seconds=true /></span><span class="a"><Ago at=line.at /></span></span>
            <div class="name">
                <span class="what"><b>{line.actor.clone()}</b>" "{words(&line.action)}" "{object}</span>
                <span class="s">{way(&line.via)}{address}</span>
                {details(&line)}
            </div>
            <span class="end">{outcome(&line.outcome).map(|state| view! { <Status state /> })}</span>
        </li>
    }
    .into_any()
}

/// Where nothing was found.
pub fn nothing() -> AnyView {
    view! {
        <div class="empty">
            {icon("history")}
            <h2>"Nothing fits"</h2>
            <p>"Every change and every sign-in is kept here. Try fewer filters."</p>
            <div class="row"><a class="btn" href="/settings/audit">"Show all"</a></div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_reads_as_a_sentence() {
        assert_eq!(words("member.role"), "changed the role of");
        assert_eq!(words("host.create"), "made the host");
        assert_eq!(words("team.change"), "changed the team");
        assert_eq!(words("blackout.archive"), "archive the blackout");
    }
}
