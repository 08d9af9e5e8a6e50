//! Which addresses a name may stand for.
//!
//! A granted name says whom the owner means, not where: whoever answers for the name could point
//! it into the owner's own network. So an address of the open network is fine, any other only where
//! the owner's rule itself names it. Never: a name that is looked up here, an address that is let
//! through because it is not known.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::NetOrigin;

/// Which addresses a connection to an origin may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRule {
    /// Exactly this one: the origin is an address.
    Exactly(IpAddr),
    /// The machine itself: the origin is `localhost`.
    Loopback,
    /// The open network: the origin is a name.
    Open,
}

/// Why an address is not of the open network, as a word for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed(&'static str);

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl AddressRule {
    /// The rule of an origin, by the host that it names.
    #[must_use]
    pub fn of(origin: &NetOrigin) -> Self {
        let host = origin.host().trim_matches(['[', ']']);
        if let Ok(address) = host.parse::<IpAddr>() {
            Self::Exactly(address)
        } else if host == "localhost" {
            Self::Loopback
        } else {
            Self::Open
        }
    }

    /// Whether a connection may have this address.
    ///
    /// # Errors
    /// What kind of address it is instead.
    pub fn check(self, address: IpAddr) -> Result<(), Closed> {
        match self {
            Self::Exactly(named) if named == address => Ok(()),
            Self::Exactly(_) => Err(Closed("another address than the one that is named")),
            Self::Loopback if address.to_canonical().is_loopback() => Ok(()),
            Self::Loopback => Err(Closed("not this machine")),
            Self::Open => match address {
                IpAddr::V4(address) => open_v4(address),
                IpAddr::V6(address) => open_v6(address),
            },
        }
    }
}

/// Blocks of IPv4 that are not of the open network, with their length (IANA IPv4 Special-Purpose
/// Address Registry, and RFC 1112).
const CLOSED_V4: [(Ipv4Addr, u32, &str); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by a provider"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

fn open_v4(address: Ipv4Addr) -> Result<(), Closed> {
    let within = |block: Ipv4Addr, length: u32| {
        let mask = u32::MAX << (32 - length);
        address.to_bits() & mask == block.to_bits()
    };
    let closed = CLOSED_V4
        .iter()
        .find(|(block, length, _)| within(*block, *length));
    closed.map_or(Ok(()), |(_, _, word)| Err(Closed(word)))
}

/// The only block that is given out as global unicast (RFC 4291, section 2.4).
const GLOBAL: (u128, u32) = (0x2000_u128 << 112, 3);

/// Blocks inside of it that are not of the open network (IANA IPv6 Special-Purpose Address
/// Registry).
const CLOSED_V6: [(u128, u32, &str); 3] = [
    (0x2001_u128 << 112, 23, "reserved"),
    (0x2001_0db8_u128 << 96, 32, "for documentation"),
    (0x3fff_u128 << 112, 20, "for documentation"),
];

/// Blocks whose addresses hold one of IPv4: mapped, translated (well-known prefix), 6to4. What
/// counts is where they lead; for each the number of bits before it.
const CARRIERS: [(u128, u32, u32); 3] = [
    (0xffff_u128 << 32, 96, 96),
    (0x0064_ff9b_u128 << 96, 96, 96),
    (0x2002_u128 << 112, 16, 16),
];

fn open_v6(address: Ipv6Addr) -> Result<(), Closed> {
    let bits = address.to_bits();
    let within = |block: u128, length: u32| bits & (u128::MAX << (128 - length)) == block;
    if let Some((_, _, before)) = CARRIERS
        .iter()
        .find(|(block, length, _)| within(*block, *length))
    {
        let inside = (bits >> (96 - before)) & u128::from(u32::MAX);
        return open_v4(Ipv4Addr::from_bits(u32::try_from(inside).unwrap_or(0)));
    }
    if !within(GLOBAL.0, GLOBAL.1) {
        let word = match address {
            _ if address.is_loopback() => "loopback",
            _ if address.is_unspecified() => "unspecified",
            _ if address.is_multicast() => "multicast",
            _ if within(0xfe80_u128 << 112, 10) => "link-local",
            _ if within(0xfc00_u128 << 112, 7) => "private",
            _ => "reserved",
        };
        return Err(Closed(word));
    }
    let closed = CLOSED_V6
        .iter()
        .find(|(block, length, _)| within(*block, *length));
    closed.map_or(Ok(()), |(_, _, word)| Err(Closed(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(rule: AddressRule, address: &str) -> String {
        let checked = rule.check(address.parse().unwrap());
        checked.map_or_else(|closed| closed.to_string(), |()| "open".to_owned())
    }

    #[test]
    fn a_name_stands_for_the_open_network_only() {
        for (address, expected) in [
            ("93.184.215.14", "open"),
            ("9.255.255.255", "open"),
            ("11.0.0.0", "open"),
            ("100.63.255.255", "open"),
            ("172.32.0.0", "open"),
            ("198.20.0.0", "open"),
            ("223.255.255.255", "open"),
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.1.2.3", "private"),
            ("100.64.0.1", "shared by a provider"),
            ("100.127.255.255", "shared by a provider"),
            ("127.0.0.1", "loopback"),
            ("127.255.0.1", "loopback"),
            // The metadata service of every large provider.
            ("169.254.169.254", "link-local"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.170", "reserved"),
            ("192.168.1.1", "private"),
            ("198.19.0.1", "for benchmarks"),
            ("203.0.113.9", "for documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.250", "multicast"),
            ("255.255.255.255", "reserved"),
            ("2606:4700::1", "open"),
            ("2001:4860:4860::8888", "open"),
            ("::1", "loopback"),
            ("::", "unspecified"),
            ("fe80::1", "link-local"),
            ("fd00:ec2::254", "private"),
            ("fc00::1", "private"),
            ("ff02::1", "multicast"),
            ("2001::1", "reserved"),
            ("2001:db8::1", "for documentation"),
            ("3fff::1", "for documentation"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:169.254.169.254", "link-local"),
            ("::ffff:93.184.215.14", "open"),
            ("::127.0.0.1", "reserved"),
            ("64:ff9b::10.0.0.1", "private"),
            ("64:ff9b::93.184.215.14", "open"),
            ("64:ff9b:1::1", "reserved"),
            ("2002:7f00:1::1", "loopback"),
            ("2002:a00:1::1", "private"),
            ("4000::1", "reserved"),
        ] {
            assert_eq!(said(AddressRule::Open, address), expected, "{address}");
        }
    }

    #[test]
    fn an_address_or_this_machine_must_be_named_by_the_origin() {
        let rule = |origin: &str| AddressRule::of(&origin.parse().unwrap());
        assert_eq!(rule("https://api.example.org"), AddressRule::Open);
        assert_eq!(rule("https://localhost.example.org"), AddressRule::Open);
        // Names that a resolver takes for addresses.
        assert_eq!(rule("http://127.1"), AddressRule::Open);
        assert_eq!(rule("http://2130706433"), AddressRule::Open);
        for (origin, address, expected) in [
            ("http://127.0.0.1:8080", "127.0.0.1", true),
            ("http://127.0.0.1:8080", "127.0.0.2", false),
            ("http://169.254.169.254", "169.254.169.254", true),
            ("http://[::1]", "::1", true),
            ("http://[::1]", "127.0.0.1", false),
            ("http://localhost:1", "127.0.0.1", true),
            ("http://LOCALHOST", "::1", true),
            ("http://localhost", "::ffff:127.0.0.1", true),
            ("http://localhost", "10.0.0.1", false),
            ("http://localhost", "93.184.215.14", false),
        ] {
            let checked = rule(origin).check(address.parse().unwrap());
            assert_eq!(checked.is_ok(), expected, "{origin} {address}");
        }
    }
}
