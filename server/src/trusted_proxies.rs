//! The proxies whose word about a request is believed.
//!
//! Anybody can send `X-Forwarded-For`. It is believed only from the proxies of `--trusted-proxy`, and of what these pass on,
//! only the part that they wrote themselves: each proxy adds the address that it saw at the end.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let wrong =
            || format!("“{text}” is not an address or a network; use one such as 127.0.0.1 or 10.0.0.0/8");
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(longest), str::parse).map_err(|_| wrong())?;
        if bits > longest {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    fn contains(self, other: IpAddr) -> bool {
        let same = |one: u128, other: u128, length: u32| {
            (one ^ other).checked_shr(length - u32::from(self.bits)).unwrap_or(0) == 0
        };
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => same(one.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// The proxies whose word is believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(Arc<[Network]>);

impl TrustedProxies {
    pub(crate) fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Removes what nobody can vouch for from a request's headers, and returns the client's address. It is `None` if it is
    /// unknown: a proxy did not say it, or a proxy on this machine is not among the trusted ones.
    pub(crate) fn admit(&self, peer: IpAddr, headers: &mut HeaderMap) -> Option<IpAddr> {
        if !self.contains(peer) {
            for name in [FOR, PROTO, HOST, header::FORWARDED] {
                headers.remove(name);
            }
            return Some(peer.to_canonical()).filter(|peer| !peer.is_loopback());
        }
        let hops = hops(headers);
        let (trusted, client) = self.client(&hops);
        for name in [PROTO, HOST] {
            keep_only(headers, &name, trusted);
        }
        client
    }

    /// Returns the number of trusted proxies that the request went through, and the address that the first of them saw.
    fn client(&self, hops: &[Option<IpAddr>]) -> (usize, Option<IpAddr>) {
        let beyond = hops.iter().rev().take_while(|hop| hop.is_some_and(|hop| self.contains(hop))).count();
        // If all are trusted, the client is one of our own machines.
        let client = hops.len().checked_sub(beyond + 1).map_or(hops.first(), |place| hops.get(place));
        (beyond + 1, client.copied().flatten())
    }
}

/// The addresses that the request came through, as the proxies wrote them, the last proxy's word last.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let listed = |name: &HeaderName| values(headers, name);
    if headers.contains_key(FOR) {
        return listed(&FOR).iter().map(|hop| address(hop)).collect();
    }
    listed(&header::FORWARDED).iter().map(|hop| address(forwarded_for(hop)?)).collect()
}

/// The entries of a header that lists some, over all of its lines.
fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(|entry| entry.trim().to_owned()).collect()
}

/// Keeps the entry that the first trusted proxy wrote: the last but `trusted - 1`, or the first if there are fewer.
fn keep_only(headers: &mut HeaderMap, name: &HeaderName, trusted: usize) {
    let entries = values(headers, name);
    headers.remove(name);
    let entry = entries.get(entries.len().saturating_sub(trusted));
    if let Some(value) = entry.and_then(|entry| HeaderValue::from_str(entry).ok()) {
        headers.insert(name.clone(), value);
    }
}

/// The value of `for` in an element of `Forwarded` (RFC 7239).
fn forwarded_for(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    Some(value.trim_matches('"'))
}

/// An address, perhaps in brackets or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(inner) => inner.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(&[PROXY.parse().unwrap(), "2001:db8::/32".parse().unwrap()])
    }

    /// The client's address, and the scheme and host that are left.
    fn admit(peer: &str, sent: &[(&str, &str)]) -> (String, String, String) {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(HeaderName::from_str(name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let client = proxies().admit(peer.parse().unwrap(), &mut headers);
        let left = |name| values(&headers, &name).join("+");
        (client.map(|client| client.to_string()).unwrap_or_default(), left(PROTO), left(HOST))
    }

    fn client(peer: &str, sent: &[(&str, &str)]) -> String {
        admit(peer, sent).0
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_asks() {
        let forged = [
            ("x-forwarded-for", "192.0.2.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
        ];
        let stranger = |address: &str| (address.to_owned(), String::new(), String::new());
        assert_eq!(admit("203.0.113.7", &forged), stranger("203.0.113.7"));
        assert_eq!(admit("127.0.0.1", &forged), stranger(""), "perhaps a proxy that we were not told of");
        let told = ("192.0.2.9".to_owned(), "https".to_owned(), "evil.example".to_owned());
        assert_eq!(admit(PROXY, &forged), told);
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy() {
        for (list, expected) in [
            ("6.6.6.6, 192.0.2.9", "192.0.2.9"),
            ("6.6.6.6, 192.0.2.9, 10.0.0.1", "192.0.2.9"),
            ("192.0.2.9, 2001:db8::5", "192.0.2.9"),
            ("10.0.0.1", "10.0.0.1"),
            ("192.0.2.9:4711", "192.0.2.9"),
            ("[2a00::1]:4711", "2a00::1"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            ("192.0.2.9, unknown", ""),
            ("", ""),
        ] {
            assert_eq!(client(PROXY, &[("x-forwarded-for", list)]), expected, "{list}");
        }
        let two_lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.9")];
        assert_eq!(client(PROXY, &two_lines), "192.0.2.9");
        assert_eq!(client(PROXY, &[]), "", "the proxy did not say");
    }

    #[test]
    fn the_standard_header_is_understood() {
        for (forwarded, expected) in [
            ("for=192.0.2.9;proto=https", "192.0.2.9"),
            ("for=6.6.6.6, proto=https; For=\"[2a00::1]:80\"", "2a00::1"),
            ("for=_hidden", ""),
        ] {
            assert_eq!(client(PROXY, &[("forwarded", forwarded)]), expected, "{forwarded}");
        }
    }

    #[test]
    fn of_several_entries_the_one_of_the_first_trusted_proxy_counts() {
        let sent = |chain, proto| admit(PROXY, &[("x-forwarded-for", chain), ("x-forwarded-proto", proto)]).1;
        assert_eq!(sent("192.0.2.9", "http, https"), "https", "the client's own word comes first");
        assert_eq!(sent("192.0.2.9, 10.0.0.1", "https, http"), "https", "two proxies");
        assert_eq!(sent("192.0.2.9, 10.0.0.1", "https"), "https");
    }

    #[test]
    fn networks_are_read_and_compared() {
        for wrong in ["", "a", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let has = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(has("10.0.0.0/8", "10.255.1.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("0.0.0.0/0", "192.0.2.1") && !has("0.0.0.0/0", "::1"));
        assert!(has("::/0", "2001:db8::1") && has("::1", "::1") && !has("::1", "::2"));
        assert!(has("127.0.0.1", "::ffff:127.0.0.1"));
    }
}
