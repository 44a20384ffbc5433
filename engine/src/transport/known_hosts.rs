//! OpenSSH's `known_hosts`: the keys that a person already confirmed elsewhere.

use super::HostKey;
use russh::keys::{Algorithm, HashAlg, PublicKey, parse_public_key_base64};
use std::fmt::Write as _;

/// How many lines are read: what is uploaded is not trusted to be small.
const LINES: usize = 100_000;

/// What such a file says of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownHosts {
    /// Its keys, newest line last.
    pub keys: Vec<HostKey>,
    /// Keys of it that must not be trusted any more.
    pub revoked: Vec<HostKey>,
    /// How many lines hold a key, of whichever host.
    pub lines: usize,
}

/// Reads the keys of one host out of such a file's text. Hashed names, patterns and `[host]:port` are understood; revoked
/// keys and certificate authorities are left out.
pub fn known_hosts(text: &str, host: &str, port: u16) -> KnownHosts {
    let mut found = KnownHosts::default();
    for line in text.lines().take(LINES) {
        let mut words = line.split_ascii_whitespace();
        let Some(first) = words.next().filter(|word| !word.starts_with('#')) else {
            continue;
        };
        let (marker, hosts) = match first.strip_prefix('@') {
            Some(marker) => (Some(marker), words.next()),
            None => (None, Some(first)),
        };
        let (Some(hosts), Some(_algorithm), Some(key)) = (hosts, words.next(), words.next()) else {
            continue;
        };
        let Ok(key) = parse_public_key_base64(key) else {
            continue;
        };
        found.lines += 1;
        if !matches(hosts, host, port) {
            continue;
        }
        let key = host_key(&key);
        match marker {
            None if !found.keys.contains(&key) => found.keys.push(key),
            Some("revoked") => found.revoked.push(key),
            _ => {}
        }
    }
    let revoked = &found.revoked;
    found.keys.retain(|key| !revoked.contains(key));
    found
}

pub(super) fn host_key(key: &PublicKey) -> HostKey {
    HostKey {
        algorithm: Some(algorithm(&key.algorithm())),
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
    }
}

/// A key's type; RSA has several ways to sign, and one type.
pub(super) fn algorithm(algorithm: &Algorithm) -> String {
    match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
        other => other.as_str().to_owned(),
    }
}

fn matches(hosts: &str, host: &str, port: u16) -> bool {
    let mut name = String::new();
    let _ = if port == 22 {
        write!(name, "{host}")
    } else {
        write!(name, "[{host}]:{port}")
    };
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return hashed_is(hashed, &name);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            // An exception decides at once.
            Some(exception) if pattern_is(exception, &name) => return false,
            Some(_) => {}
            None => found = found || pattern_is(pattern, &name),
        }
    }
    found
}

/// `SALT|HASH`, both base64: HMAC-SHA1 of the name.
fn hashed_is(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else {
        return false;
    };
    let (Some(salt), Some(hash)) = (base64(salt), base64(hash)) else {
        return false;
    };
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    ring::hmac::verify(&key, name.as_bytes(), &hash).is_ok()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text).ok()
}

/// `*` is any text, `?` any character; names have no case.
fn pattern_is(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || Some(&c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, reach)) => {
                    star = Some((at, reach + 1));
                    p = at + 1;
                    n = reach + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|&c| c == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const PRINT: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";

    fn prints(text: &str, host: &str, port: u16) -> Vec<String> {
        known_hosts(text, host, port)
            .keys
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn names_patterns_and_ports() {
        let text =
            format!("# a note\n\nnas,10.0.0.5 {KEY} comment\n[nas]:2222 {KEY}\n*.lan,!evil.lan {KEY}\n");
        let one = [format!("ssh-ed25519 {PRINT}")];
        for (host, port) in [
            ("nas", 22),
            ("10.0.0.5", 22),
            ("NAS", 22),
            ("nas", 2222),
            ("pi.lan", 22),
        ] {
            assert_eq!(prints(&text, host, port), one, "{host}:{port}");
        }
        for (host, port) in [("nas", 23), ("evil.lan", 22), ("lan", 22), ("nas2", 22)] {
            assert!(prints(&text, host, port).is_empty(), "{host}:{port}");
        }
    }

    #[test]
    fn hashed_names_are_found() {
        // As `ssh-keygen -H` writes it for the name `nas`.
        let salt = b"0123456789abcdefghij";
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
        let hash = ring::hmac::sign(&key, b"nas");
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let text = format!(
            "|1|{}|{} {KEY}\n",
            STANDARD.encode(salt),
            STANDARD.encode(hash.as_ref())
        );
        assert_eq!(prints(&text, "nas", 22).len(), 1);
        assert!(prints(&text, "pi", 22).is_empty());
    }

    #[test]
    fn revoked_keys_authorities_and_rubbish_are_left_out() {
        let text = format!(
            "nas {KEY}\n@revoked nas {KEY}\n@cert-authority * {KEY}\nnas ssh-ed25519 rubbish\nnas\n|1|x {KEY}\n"
        );
        assert!(prints(&text, "nas", 22).is_empty());
        let found = known_hosts(&text, "nas", 22);
        assert_eq!((found.revoked.len(), found.lines), (1, 4));
        assert_eq!(
            known_hosts("-----BEGIN X-----\nabc def ghi\n", "nas", 22).lines,
            0
        );
    }
}
