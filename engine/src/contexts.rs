//! `docker context`s as settings: those of a user's own `~/.docker`, and an export (`docker context export`, a tar).

use crate::transport::{EngineUrl, SshSettings, TlsSettings, TransportSettings, UrlError};
use secrecy::SecretString;
use serde::Deserialize;
use std::{collections::HashMap, path::Path};

/// The largest file and the largest export that are read, in bytes.
const FILE_LIMIT: usize = 256 * 1024;
const EXPORT_LIMIT: usize = 2 * 1024 * 1024;
/// How many contexts of a directory are read.
const CONTEXTS: usize = 200;

/// A context, and the settings that come of it.
#[derive(Clone, Debug)]
pub struct Context {
    pub name: String,
    pub description: String,
    /// The address as the context has it, for people.
    pub host: String,
    pub settings: Result<TransportSettings, ContextError>,
}

/// Why a context makes no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    #[error("This is no export of a docker context: {0}. Make one with: docker context export NAME")]
    NoExport(String),
    #[error("The context has no docker endpoint, so there is nothing to connect to.")]
    NoEndpoint,
    #[error("Its address cannot be used. {0}")]
    Url(#[from] UrlError),
    #[error(
        "The context does not check the engine's certificate (SkipTLSVerify), and here it is always checked. Make a context \
         with the engine's CA."
    )]
    Unverified,
    #[error("The context's client certificate is there without its key, or the key without its certificate.")]
    HalfCertificate,
}

impl ContextError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoExport(_) => "context_export_invalid",
            Self::NoEndpoint => "context_no_endpoint",
            Self::Url(error) => error.code(),
            Self::Unverified => "context_unverified",
            Self::HalfCertificate => "context_half_certificate",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    name: String,
    #[serde(default)]
    metadata: HashMap<String, serde_json::Value>,
    #[serde(default)]
    endpoints: HashMap<String, Endpoint>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Endpoint {
    #[serde(rename = "Host")]
    host: String,
    #[serde(rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The files beside a context's `meta.json`.
#[derive(Default)]
struct Files {
    ca: Option<String>,
    cert: Option<String>,
    key: Option<SecretString>,
}

/// The contexts of a docker directory (`~/.docker`), by name. What cannot be read is passed over.
pub fn in_directory(docker: &Path) -> Vec<Context> {
    let contexts = docker.join("contexts");
    let Ok(entries) = std::fs::read_dir(contexts.join("meta")) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .take(CONTEXTS)
        .filter_map(|entry| {
            let meta = file(&entry.path().join("meta.json"))?;
            let meta: Meta = serde_json::from_str(&meta).ok()?;
            // A context's secrets lie under the same name as its description.
            let tls = contexts.join("tls").join(entry.file_name()).join("docker");
            let files = Files {
                ca: file(&tls.join("ca.pem")),
                cert: file(&tls.join("cert.pem")),
                key: file(&tls.join("key.pem")).map(SecretString::from),
            };
            Some(context(meta, files))
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The context in an export.
///
/// # Errors
/// `NoExport` when it is not one.
pub fn in_export(tar: &[u8]) -> Result<Context, ContextError> {
    if tar.len() > EXPORT_LIMIT {
        return Err(ContextError::NoExport("it is larger than 2 MiB".to_owned()));
    }
    let mut meta = None;
    let mut files = Files::default();
    for (name, content) in entries(tar)? {
        let text = || std::str::from_utf8(content).ok().map(str::to_owned);
        match name.trim_start_matches("./") {
            "meta.json" => meta = text(),
            "tls/docker/ca.pem" => files.ca = text(),
            "tls/docker/cert.pem" => files.cert = text(),
            "tls/docker/key.pem" => files.key = text().map(SecretString::from),
            _ => {}
        }
    }
    let meta = meta.ok_or_else(|| ContextError::NoExport("it holds no meta.json".to_owned()))?;
    let meta: Meta = serde_json::from_str(&meta)
        .map_err(|error| ContextError::NoExport(format!("its meta.json cannot be read ({error})")))?;
    Ok(context(meta, files))
}

fn context(meta: Meta, files: Files) -> Context {
    let endpoint = meta.endpoints.get("docker");
    let description = meta.metadata.get("Description").and_then(|text| text.as_str());
    Context {
        description: description.unwrap_or_default().to_owned(),
        host: endpoint.map(|endpoint| endpoint.host.clone()).unwrap_or_default(),
        settings: settings(endpoint, files),
        name: meta.name,
    }
}

fn settings(endpoint: Option<&Endpoint>, files: Files) -> Result<TransportSettings, ContextError> {
    let endpoint = endpoint
        .filter(|endpoint| !endpoint.host.is_empty())
        .ok_or(ContextError::NoEndpoint)?;
    let url: EngineUrl = endpoint.host.parse()?;
    let tls = match (&url, files) {
        (
            EngineUrl::Tcp { .. },
            Files {
                ca: Some(ca),
                cert,
                key,
            },
        ) => {
            if cert.is_some() != key.is_some() {
                return Err(ContextError::HalfCertificate);
            }
            Some(TlsSettings { ca, cert, key })
        }
        (EngineUrl::Tcp { .. }, files) if endpoint.skip_tls_verify || files.cert.is_some() => {
            return Err(ContextError::Unverified);
        }
        _ => None,
    };
    // The docker command signs in as the user's own ssh does: by agent, mostly.
    let ssh = matches!(url, EngineUrl::Ssh { .. }).then(|| SshSettings {
        use_agent: true,
        ..SshSettings::default()
    });
    Ok(TransportSettings { url, tls, ssh })
}

fn file(path: &Path) -> Option<String> {
    let small = std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= FILE_LIMIT as u64);
    if small {
        std::fs::read_to_string(path).ok()
    } else {
        None
    }
}

const BLOCK: usize = 512;

/// The plain files of a tar (POSIX's, as Go writes it: what a context's export needs, and no more).
fn entries(tar: &[u8]) -> Result<Vec<(String, &[u8])>, ContextError> {
    let broken = || ContextError::NoExport("it is no whole tar file".to_owned());
    let mut rest = tar;
    let mut found = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(BLOCK) {
        if head.iter().all(|&byte| byte == 0) {
            return Ok(found);
        }
        if head.get(257..262) != Some(b"ustar") {
            return Err(broken());
        }
        let name = text(head.get(..100).unwrap_or_default());
        let size = usize::from_str_radix(text(head.get(124..136).unwrap_or_default()).trim(), 8);
        let size = size.map_err(|_| broken())?;
        let padded = size.div_ceil(BLOCK).checked_mul(BLOCK).ok_or_else(broken)?;
        let content = after.get(..size).ok_or_else(broken)?;
        if matches!(head.get(156), Some(b'0' | 0)) {
            found.push((name, content));
        }
        rest = after.get(padded..).unwrap_or_default();
    }
    if found.is_empty() {
        Err(broken())
    } else {
        Ok(found)
    }
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS: &str = r#"{"Name":"vps","Metadata":{"Description":"in Finland"},
        "Endpoints":{"docker":{"Host":"tcp://vps.example:2376","SkipTLSVerify":false}}}"#;

    fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut all = Vec::new();
        for (name, content) in files {
            let mut head = [0u8; BLOCK];
            head[..name.len()].copy_from_slice(name.as_bytes());
            head[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            head[156] = b'0';
            head[257..262].copy_from_slice(b"ustar");
            all.extend_from_slice(&head);
            all.extend_from_slice(content.as_bytes());
            all.resize(all.len().div_ceil(BLOCK) * BLOCK, 0);
        }
        all.resize(all.len() + 2 * BLOCK, 0);
        all
    }

    #[test]
    fn an_export_becomes_settings() {
        let files = [
            ("meta.json", TLS),
            ("tls/docker/ca.pem", "CA"),
            ("tls/docker/cert.pem", "CERT"),
            ("tls/docker/key.pem", "KEY"),
        ];
        let context = in_export(&tar(&files)).expect("a context");
        assert_eq!(
            (context.name.as_str(), context.description.as_str()),
            ("vps", "in Finland")
        );
        let settings = context.settings.expect("settings");
        assert_eq!(settings.url.to_string(), "tcp://vps.example:2376");
        let tls = settings.tls.expect("certificates");
        assert_eq!((tls.ca.as_str(), tls.cert.as_deref()), ("CA", Some("CERT")));
        assert!(!format!("{tls:?}").contains("KEY"));

        let half = in_export(&tar(&files[..3])).expect("a context").settings;
        assert_eq!(half.expect_err("no key").code(), "context_half_certificate");
    }

    #[test]
    fn what_is_no_export_is_told_as_such() {
        for bad in [
            &b"PK\x03\x04"[..],
            &[1; 2000],
            &tar(&[("other", "x")]),
            &tar(&[("meta.json", "{")]),
        ] {
            assert_eq!(
                in_export(bad).expect_err("no export").code(),
                "context_export_invalid"
            );
        }
        let cut = tar(&[("meta.json", TLS)]);
        assert!(in_export(&cut[..600]).is_err());
    }

    #[test]
    fn a_directory_of_contexts_is_read_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |path: &str, content: &str| {
            let path = dir.path().join("contexts").join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            std::fs::write(path, content).expect("a file");
        };
        write("meta/aa/meta.json", TLS);
        write("tls/aa/docker/ca.pem", "CA");
        write(
            "meta/bb/meta.json",
            r#"{"Name":"nas","Metadata":{},"Endpoints":{"docker":{"Host":"ssh://admin@nas"}}}"#,
        );
        write(
            "meta/cc/meta.json",
            r#"{"Name":"open","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://x:2376","SkipTLSVerify":true}}}"#,
        );
        write(
            "meta/dd/meta.json",
            r#"{"Name":"pipe","Endpoints":{"docker":{"Host":"npipe:////./pipe/docker"}}}"#,
        );
        write("meta/ee/meta.json", "rubbish");
        let found = in_directory(dir.path());
        let results: Vec<_> = found
            .iter()
            .map(|one| {
                (
                    one.name.as_str(),
                    one.settings
                        .as_ref()
                        .map_err(ContextError::code)
                        .map(|s| s.url.to_string()),
                )
            })
            .collect();
        assert_eq!(
            results,
            [
                ("nas", Ok("ssh://admin@nas:22/var/run/docker.sock".to_owned())),
                ("open", Err("context_unverified")),
                ("pipe", Err("transport_unsupported")),
                ("vps", Ok("tcp://vps.example:2376".to_owned())),
            ]
        );
        let nas = found[0].settings.as_ref().expect("settings");
        assert!(nas.ssh.as_ref().is_some_and(|ssh| ssh.use_agent));
        assert!(in_directory(Path::new("/nowhere")).is_empty());
    }
}
