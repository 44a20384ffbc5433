//! Where requests of schedules may go. Addresses of the server's own networks are closed unless its admin opens them:
//! whoever writes a schedule must not reach what only the server can reach (other machines' admin pages, a cloud's
//! metadata).

use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// What an admin has opened: networks, addresses and host names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAllow {
    nets: Vec<IpNet>,
    hosts: Vec<String>,
}

impl FromStr for HttpAllow {
    type Err = String;

    /// Reads `10.0.0.0/8, 192.168.1.5, hooks.lan`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut allow = Self::default();
        for part in text
            .split([',', ' '])
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            if let Ok(net) = part.parse::<IpNet>() {
                allow.nets.push(net);
            } else if let Ok(address) = part.parse::<IpAddr>() {
                allow.nets.push(address.into());
            } else if part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
            {
                allow.hosts.push(part.to_ascii_lowercase());
            } else {
                return Err(format!(
                    "{part} is neither a network (10.0.0.0/8), an address, nor a host's name"
                ));
            }
        }
        Ok(allow)
    }
}

impl HttpAllow {
    /// Whether a request for this host may go to this address.
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        is_public(address)
            || self
                .hosts
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(host))
            || self.nets.iter().any(|net| net.contains(&plain(address)))
    }
}

/// An IPv4 address that is written as an IPv6 one is the same address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// The special blocks of RFC 6890 are not public.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
        || address.is_documentation();
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // NAT64 and 6to4 lead to the IPv4 address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0xdb8, ..] => false,
        // Only this block is given out as public (2000::/3).
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allow: &str, host: &str, address: &str) -> bool {
        let allow: HttpAllow = allow.parse().unwrap();
        allow.permits(host, address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_open() {
        for closed in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:a00:1::",
            "2001:db8::1",
        ] {
            assert!(!permits("", "x", closed), "{closed}");
        }
        for open in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(permits("", "x", open), "{open}");
        }
    }

    #[test]
    fn an_admin_opens_networks_and_hosts() {
        assert!(permits("10.0.0.0/8", "x", "10.1.2.3"));
        assert!(permits("10.0.0.0/8", "x", "::ffff:10.1.2.3"));
        assert!(!permits("10.0.0.0/8", "x", "192.168.0.1"));
        assert!(permits("hooks.lan, 192.168.1.5", "HOOKS.lan", "192.168.9.9"));
        assert!(permits("hooks.lan, 192.168.1.5", "x", "192.168.1.5"));
        assert!("10.0.0.0/8 a/b".parse::<HttpAllow>().is_err());
    }
}
