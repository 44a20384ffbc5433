//! Who is at the other end. Only trusted proxies are believed when they say that somebody else asked.

use crate::{settings::PublicUrl, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use control::auth::Client;
use http::{HeaderMap, header};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The other end of the TCP connection; the listener puts it into each request.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress {
    pub address: SocketAddr,
    /// Whether it speaks TLS to us.
    pub encrypted: bool,
}

/// What is known of the other end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    pub client: Client,
    /// The host (and port) that the browser asked for.
    pub host: Option<String>,
    /// Whether the browser speaks TLS, to us or to a proxy before us.
    pub encrypted: bool,
}

pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<PeerAddress>().copied();
    let settings = &state.settings;
    let peer = Peer::of(
        request.headers(),
        connection,
        &settings.trusted_proxies,
        settings.public_url.as_ref(),
    );
    request.extensions_mut().insert(peer);
    next.run(request).await
}

impl Peer {
    /// Whether the browser reaches us without leaving its machine, as browsers tell by the name that they use: nobody is on
    /// the way then, and they call it a secure context.
    pub fn is_on_this_machine(&self) -> bool {
        let Some(host) = &self.host else { return false };
        let name = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    fn of(
        headers: &HeaderMap,
        connection: Option<PeerAddress>,
        trusted: &[IpNet],
        public_url: Option<&PublicUrl>,
    ) -> Self {
        let address = connection.map(|connection| connection.address.ip());
        let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(&ip.to_canonical()));
        let proxied = address.as_ref().is_some_and(is_trusted);
        let (mut ip, mut host) = (address, text(headers, header::HOST.as_str()));
        let mut encrypted = connection.is_some_and(|connection| connection.encrypted);
        if proxied {
            // Each proxy adds whom it saw at the end, so the nearest one that nobody vouches for is the client.
            ip = forwarded_for(headers).find(|ip| !is_trusted(ip)).or(address);
            if let Some(scheme) = last(headers, "x-forwarded-proto") {
                encrypted = scheme == "https";
            }
            host = last(headers, "x-forwarded-host").or(host);
        }
        if let Some(public) = public_url.filter(|url| url.is_https()) {
            // A proxy that we were not told to trust still gives itself away by the names that browsers use.
            let origin = public.origin();
            let by_name = |name: &Option<String>| {
                name.as_ref()
                    .is_some_and(|name| origin.strip_prefix("https://") == Some(name.as_str()))
            };
            encrypted |= by_name(&host) || text(headers, header::ORIGIN.as_str()).as_deref() == Some(origin);
        }
        Self {
            client: Client {
                address: ip.map(|ip| ip.to_canonical().to_string()),
                user_agent: text(headers, header::USER_AGENT.as_str()),
            },
            host,
            encrypted,
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// The last of a list: what the nearest proxy said.
fn last(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    Some(value.rsplit(',').next()?.trim().to_ascii_lowercase())
}

/// The addresses of X-Forwarded-For from the nearest on; what cannot be read ends the list, because nothing behind
/// it can be believed.
fn forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = IpAddr> {
    let mut words: Vec<String> = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        words.extend(
            value
                .to_str()
                .unwrap_or("?")
                .split(',')
                .map(|word| word.trim().to_owned()),
        );
    }
    words.into_iter().rev().map_while(|word| {
        word.parse::<IpAddr>()
            .ok()
            .or_else(|| word.parse::<SocketAddr>().ok().map(|address| address.ip()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn peer(address: &str, trusted: &[&str], headers: &[(&str, &str)], public: Option<&str>) -> Peer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let public = public.map(|url| {
            let vars = [("CHRONTAINER_PUBLIC_URL".into(), url.into())];
            Settings::from_vars(vars, false).unwrap().public_url.unwrap()
        });
        let connection = address.parse().ok().map(|ip: IpAddr| PeerAddress {
            address: (ip, 40_000).into(),
            encrypted: false,
        });
        Peer::of(&map, connection, &trusted, public.as_ref())
    }

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        let forged = [
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "a"),
        ];
        let seen = peer("198.51.100.7", &["10.0.0.0/8"], &forged, None);
        assert_eq!(seen.client.address.as_deref(), Some("198.51.100.7"));
        assert!(!seen.encrypted);
        assert_eq!(seen.host, None);
    }

    #[test]
    fn the_nearest_address_that_no_proxy_vouches_for_is_the_client() {
        let headers = [
            ("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("host", "inside:3000"),
            ("x-forwarded-host", "chrontainer.example.org"),
        ];
        let seen = peer("::ffff:10.0.0.2", &["10.0.0.0/8"], &headers, None);
        assert_eq!(seen.client.address.as_deref(), Some("203.0.113.9"));
        assert!(seen.encrypted);
        assert_eq!(seen.host.as_deref(), Some("chrontainer.example.org"));
    }

    #[test]
    fn a_browser_on_this_machine_says_so_by_the_name_it_uses() {
        for (host, here) in [
            ("localhost:3000", true),
            ("nas.localhost", true),
            ("127.0.0.1:3000", true),
            ("[::1]:3000", true),
            ("[::1]", true),
            ("192.168.1.5:3000", false),
            ("localhost.example.org", false),
            ("[2001:db8::1]:3000", false),
        ] {
            let seen = peer("127.0.0.1", &[], &[("host", host)], None);
            assert_eq!(seen.is_on_this_machine(), here, "{host}");
        }
    }

    #[test]
    fn what_cannot_be_read_ends_the_list() {
        let headers = [("x-forwarded-for", "203.0.113.9, unknown, 10.1.1.1")];
        let seen = peer("10.0.0.2", &["10.0.0.0/8"], &headers, None);
        assert_eq!(seen.client.address.as_deref(), Some("10.0.0.2"));
    }

    #[test]
    fn an_https_public_url_means_tls_for_those_who_use_it() {
        let public = Some("https://chrontainer.example.org");
        let by_host = peer("127.0.0.1", &[], &[("host", "chrontainer.example.org")], public);
        assert!(by_host.encrypted);
        let by_origin = [
            ("host", "127.0.0.1:3000"),
            ("origin", "https://chrontainer.example.org"),
        ];
        assert!(peer("127.0.0.1", &[], &by_origin, public).encrypted);
        let on_the_lan = [
            ("host", "192.168.1.5:3000"),
            ("origin", "http://192.168.1.5:3000"),
        ];
        assert!(!peer("192.168.1.9", &[], &on_the_lan, public).encrypted);
    }
}
