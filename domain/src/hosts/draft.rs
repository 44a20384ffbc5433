//! What is sent to add, change or test a host.

use super::{Change, Hidden};
use serde::{Deserialize, Serialize};

/// What is sent to add a host, or to replace one (`PUT`).
///
/// Secrets are never answered, so what is left out of `tls` and `ssh` stays as it is stored, and `null` removes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HostDraft {
    pub name: String,
    /// `unix:///var/run/docker.sock`, `tcp://nas:2375`, `tcp://vps:2376` with `tls`, or `ssh://pi@10.0.0.5:22`, which may
    /// name the socket there: `ssh://pi@nas/var/run/docker.sock`.
    pub url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Whether it is connected at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// No scheduled work and no alerts.
    #[serde(default)]
    pub maintenance: bool,
    /// Its containers' labels make schedules, which act for whoever allows it.
    #[serde(default)]
    pub label_schedules: bool,
    /// Where its published ports are reached, if not at the host of the url: a name or an IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `null` takes TLS away.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<TlsDraft>))]
    pub tls: Change<TlsDraft>,
    /// `null` forgets everything about signing in over SSH.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<SshDraft>))]
    pub ssh: Change<SshDraft>,
    /// The fingerprint of the SSH host key that a person has compared: `SHA256:…`. It is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_fingerprint: Option<String>,
    /// The version that was changed; another one is answered with 409 `stale_version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

fn yes() -> bool {
    true
}

impl HostDraft {
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            tags: Vec::new(),
            note: String::new(),
            enabled: true,
            maintenance: false,
            label_schedules: false,
            address: None,
            tls: Change::Keep,
            ssh: Change::Keep,
            accept_fingerprint: None,
            version: None,
        }
    }
}

/// What is sent to change some of a host (`PATCH`), or to test a connection. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HostPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_schedules: Option<bool>,
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub address: Change<String>,
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<TlsDraft>))]
    pub tls: Change<TlsDraft>,
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<SshDraft>))]
    pub ssh: Change<SshDraft>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

impl From<HostDraft> for HostPatch {
    fn from(draft: HostDraft) -> Self {
        Self {
            name: Some(draft.name),
            url: Some(draft.url),
            tags: Some(draft.tags),
            note: Some(draft.note),
            enabled: Some(draft.enabled),
            maintenance: Some(draft.maintenance),
            label_schedules: Some(draft.label_schedules),
            address: draft.address.map_or(Change::Clear, Change::Set),
            tls: draft.tls,
            ssh: draft.ssh,
            accept_fingerprint: draft.accept_fingerprint,
            version: draft.version,
        }
    }
}

/// Mutual TLS: the host is trusted for this CA alone, and shown this certificate. Texts in PEM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TlsDraft {
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub ca: Change<Hidden>,
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub cert: Change<Hidden>,
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub key: Change<Hidden>,
}

/// How to sign in over SSH: with a private key, with the server's own agent, or with a password.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SshDraft {
    /// A private key in OpenSSH's or PEM form.
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub private_key: Change<Hidden>,
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub passphrase: Change<Hidden>,
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub password: Change<Hidden>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_agent: Option<bool>,
    /// Where the `docker` program is on a host without a socket that may be opened, such as a NAS; found by itself
    /// without it.
    #[serde(skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub docker_path: Change<String>,
    /// The text of an OpenSSH `known_hosts` file that holds this host: the keys that it names are pinned instead of those
    /// that were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_out_stays_and_null_removes() {
        let draft: HostDraft = serde_json::from_value(json!({
            "name": "nas", "url": "ssh://admin@10.0.0.5:22/var/run/docker.sock",
            "ssh": { "private_key": "secret-key", "passphrase": null, "docker_path": null },
        }))
        .unwrap();
        let Change::Set(ssh) = draft.ssh.clone() else {
            panic!("ssh was sent")
        };
        assert_eq!(ssh.private_key, Change::Set(Hidden::new("secret-key")));
        assert_eq!((ssh.passphrase, ssh.password), (Change::Clear, Change::Keep));
        assert!(draft.enabled && !draft.maintenance);
        assert!(!format!("{draft:?}").contains("secret-key"));
        // What the browser sends is read as it was meant.
        let sent = serde_json::to_value(&draft).unwrap();
        assert!(sent["ssh"]["passphrase"].is_null() && sent["ssh"].get("password").is_none());
        assert_eq!(serde_json::from_value::<HostDraft>(sent).unwrap(), draft);
    }

    #[test]
    fn a_word_that_nobody_knows_is_refused() {
        for body in [
            json!({ "name": "nas", "url": "tcp://nas", "color": 1 }),
            json!({ "name": "nas", "url": "tcp://nas", "ssh": { "privatekey": "x" } }),
        ] {
            assert!(serde_json::from_value::<HostDraft>(body).is_err());
        }
        assert!(serde_json::from_value::<HostPatch>(json!({ "urls": 1 })).is_err());
    }
}
