//! The network.

use std::fs;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::Found;

/// Time limit for a connection.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Something accepts connections at this host and port.
pub(super) fn accepts(address: &str) -> Found {
    let addresses: Vec<_> = match address.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Found::NotYet(format!("{address} cannot be looked up: {error}.")),
    };
    let mut why = "it has no address".to_owned();
    for found in addresses {
        match TcpStream::connect_timeout(&found, TIMEOUT) {
            Ok(_) => return Found::Well(format!("{address} accepts connections.")),
            Err(error) => why = error.to_string(),
        }
    }
    Found::NotYet(format!("{address} accepts no connection: {why}."))
}

/// The name of a host has an address.
pub(super) fn resolves(host: &str) -> Found {
    match (host, 0).to_socket_addrs() {
        Ok(mut found) => found.next().map_or_else(
            || Found::NotYet(format!("{host} has no address.")),
            |address| Found::Well(format!("{host} is {}.", address.ip())),
        ),
        Err(error) => Found::NotYet(format!("{host} cannot be looked up: {error}.")),
    }
}

/// There is a route to everywhere, by either protocol.
pub(super) fn has_default_route() -> Found {
    let read = |name: &str| fs::read_to_string(format!("/proc/net/{name}"));
    let (four, six) = (read("route"), read("ipv6_route"));
    if let (Err(why), Err(_)) = (&four, &six) {
        return Found::Well(format!("The routes cannot be read, so nothing is known: {why}."));
    }
    let way = four.iter().find_map(|text| default_of_four(text)).map(|way| format!("{way}, IPv4"));
    let way =
        way.or_else(|| six.iter().find_map(|text| default_of_six(text)).map(|way| format!("{way}, IPv6")));
    way.map_or_else(
        || Found::NotYet("There is no default route: this host reaches its own networks only.".to_owned()),
        |way| Found::Well(format!("There is a default route ({way}).")),
    )
}

/// The interface of the default route in `/proc/net/route`: a head, then per route the interface, destination, gateway,
/// flags, three counts and mask, numbers in hexadecimal. Flag 1 is “up”, 0x200 “reject” (linux/route.h).
fn default_of_four(text: &str) -> Option<&str> {
    text.lines().skip(1).find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let [interface, to, _, flags, _, _, _, mask, ..] = columns.as_slice() else { return None };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        (*to == "00000000" && *mask == "00000000" && flags & 1 == 1 && flags & 0x200 == 0)
            .then_some(*interface)
    })
}

/// The same in `/proc/net/ipv6_route`: destination, length of its prefix, six columns, flags, interface. The kernel always
/// has a route to everywhere that rejects, through `lo`.
fn default_of_six(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let [to, length, _, _, _, _, _, _, flags, interface] = columns.as_slice() else { return None };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let everywhere = to.bytes().all(|digit| digit == b'0') && *length == "00";
        (everywhere && flags & 1 == 1 && flags & 0x200 == 0 && *interface != "lo").then_some(*interface)
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// From Linux 6.12.
    const FOUR: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
         eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
         eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
    const SIX: &str = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
         00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n\
         00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
         00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

    #[test]
    fn a_default_route_is_found() {
        assert_eq!(default_of_four(FOUR), Some("eth0"));
        let without = FOUR.replace("00000000\t010011AC", "00000A0A\t010011AC");
        assert_eq!(default_of_four(&without), None);
        assert_eq!(default_of_six(SIX), None, "the one that rejects is none");
        let with = format!(
            "{SIX}{0} 00 {0} 00 fe80000000000000000000000000ffff 00000400 00000001 00000000 00000003 wlan0\n",
            "0".repeat(32)
        );
        assert_eq!(default_of_six(&with), Some("wlan0"));
    }

    #[test]
    fn a_port_that_is_open_and_one_that_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(matches!(accepts(&address), Found::Well(_)));
        drop(listener);
        assert!(matches!(accepts(&address), Found::NotYet(why) if why.contains("accepts no connection")));
        assert!(matches!(accepts("no.port.at.all"), Found::NotYet(_)));
    }

    #[test]
    fn names_that_exist_and_names_that_do_not() {
        assert!(matches!(resolves("localhost"), Found::Well(_)));
        // A name that never exists (RFC 6761, 6.4).
        assert!(
            matches!(resolves("backstay.invalid"), Found::NotYet(why) if why.contains("cannot be looked up"))
        );
    }
}
