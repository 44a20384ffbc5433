use std::fmt;

use url::{Position, Url};

/// The address people use: an `http` or `https` origin. It decides links, Origin checks, cookies and passkeys.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let allowed =
            "write the address people use, such as https://chrontainer.example.org or http://nas.local:3000";
        let url = Url::parse(text).map_err(|error| format!("it is no URL ({error}); {allowed}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("its scheme must be http or https; {allowed}"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("it must not hold a user or password; {allowed}"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(format!(
                "Chrontainer answers at the root of its host, so nothing may follow the host; {allowed}"
            ));
        }
        Ok(Self(url))
    }

    /// `https://host[:port]` without a slash at the end, as browsers write it in the `Origin` header.
    pub fn origin(&self) -> &str {
        &self.0[..Position::BeforePath]
    }

    /// The host without its port: what passkeys are bound to.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether browsers reach the server over TLS, so that cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.origin())
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
