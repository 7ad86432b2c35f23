//! Which IP addresses may be reached: global unicast alone.
//!
//! Owns one table of every special-purpose block (IANA's IPv4 and IPv6 registries, multicast, reserved space, and one
//! cloud's metadata address). Pure. An IPv4 address that is embedded in an IPv6 address counts as itself; forms of
//! embedding that nobody needs are refused whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

struct Block4(Ipv4Addr, u32, &'static str);
struct Block6(Ipv6Addr, u32, &'static str);

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u32, what: &'static str) -> Block4 {
    Block4(Ipv4Addr::new(a, b, c, d), bits, what)
}

const fn v6(s: [u16; 8], bits: u32, what: &'static str) -> Block6 {
    let [a, b, c, d, e, f, g, h] = s;
    Block6(Ipv6Addr::new(a, b, c, d, e, f, g, h), bits, what)
}

/// IANA's IPv4 Special-Purpose Address Registry, multicast, reserved space, and Azure's host address.
const SPECIAL_V4: &[Block4] = &[
    v4(0, 0, 0, 0, 8, "this network (RFC 791)"),
    v4(10, 0, 0, 0, 8, "private (RFC 1918)"),
    v4(100, 64, 0, 0, 10, "shared (RFC 6598)"),
    v4(127, 0, 0, 0, 8, "loopback (RFC 1122)"),
    v4(168, 63, 129, 16, 32, "cloud metadata (Azure)"),
    v4(169, 254, 0, 0, 16, "link-local (RFC 3927)"),
    v4(172, 16, 0, 0, 12, "private (RFC 1918)"),
    v4(192, 0, 0, 0, 24, "protocol assignments (RFC 6890)"),
    v4(192, 0, 2, 0, 24, "documentation (RFC 5737)"),
    v4(192, 31, 196, 0, 24, "AS112 (RFC 7535)"),
    v4(192, 52, 193, 0, 24, "multicast tunnels (RFC 7450)"),
    v4(192, 88, 99, 0, 24, "6to4 relays (RFC 7526)"),
    v4(192, 168, 0, 0, 16, "private (RFC 1918)"),
    v4(192, 175, 48, 0, 24, "AS112 (RFC 7534)"),
    v4(198, 18, 0, 0, 15, "benchmarks (RFC 2544)"),
    v4(198, 51, 100, 0, 24, "documentation (RFC 5737)"),
    v4(203, 0, 113, 0, 24, "documentation (RFC 5737)"),
    v4(224, 0, 0, 0, 4, "multicast (RFC 5771)"),
    v4(240, 0, 0, 0, 4, "reserved or broadcast (RFC 1112, RFC 8190)"),
];

/// IANA's IPv6 Special-Purpose Address Registry and what embeds IPv4. What lies outside 2000::/3 is refused anyway;
/// it is listed so that an error can name it.
const SPECIAL_V6: &[Block6] = &[
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified (RFC 4291)"),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback (RFC 4291)"),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4-compatible (RFC 4291)"),
    v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, "IPv4-translated (RFC 7915)"),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "local IPv4 translation (RFC 8215)"),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard (RFC 6666)"),
    v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "dummy prefix (RFC 9780)"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo (RFC 4380)"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "protocol assignments (RFC 2928)"),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation (RFC 3849)"),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4 (RFC 3056)"),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "AS112 (RFC 7534)"),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation (RFC 9637)"),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing (RFC 9602)"),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local (RFC 4193)"),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local (RFC 4291)"),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local (RFC 3879)"),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast (RFC 4291)"),
];

/// The only space out of which global unicast addresses are given.
const GLOBAL_UNICAST_V6: Block6 = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, "global unicast (RFC 4291)");

/// What `address` is set aside for, or `None` when it is global unicast.
///
/// An operator's network may translate IPv4 under a prefix of its own (RFC 6052, section 2.2); nothing in the address
/// shows that, so such a network must filter by itself.
pub fn special_purpose(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let covers = |block: &&Block4| (address.to_bits() ^ block.0.to_bits()).leading_zeros() >= block.1;
    SPECIAL_V4.iter().find(covers).map(|block| block.2)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let covers = |block: &&Block6| (address.to_bits() ^ block.0.to_bits()).leading_zeros() >= block.1;
    // SECURITY: the kernel connects to ::ffff:a.b.c.d over IPv4, a translator to 64:ff9b::a.b.c.d, a site's router to
    // an ISATAP address: the IPv4 address inside is the one that counts.
    let embedded = Ipv4Addr::from_bits(address.to_bits() as u32);
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => return special_v4(embedded),
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] if special_v4(embedded).is_some() => return special_v4(embedded),
        _ => {}
    }
    // SECURITY: everything outside 2000::/3 is refused, whether the table names it or not.
    let outside = (!covers(&&GLOBAL_UNICAST_V6)).then_some("not global unicast (RFC 4291)");
    SPECIAL_V6.iter().find(covers).map(|block| block.2).or(outside)
}

#[cfg(test)]
mod tests {
    use url::{Host, Url};

    use super::*;

    fn check(text: &str) -> Option<&'static str> {
        special_purpose(text.parse().unwrap_or_else(|_| panic!("{text} is no address")))
    }

    fn host_of(text: &str) -> IpAddr {
        match Url::parse(&format!("http://{text}/")).map(|url| url.host().map(|host| host.to_owned())) {
            Ok(Some(Host::Ipv4(address))) => address.into(),
            Ok(Some(Host::Ipv6(address))) => address.into(),
            other => panic!("{text} is no address but {other:?}"),
        }
    }

    #[test]
    fn u01_every_spelling_of_loopback_and_of_zero_is_one_address() {
        for text in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "127.0.0.01",
            "017700000001",
            "127.0.0.1.",
            "１２７.０.０.１",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
            "%31%32%37.0.0.1",
            "0x7f.0x0.0x0.0x1",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(special_purpose(host_of(text)), Some("loopback (RFC 1122)"), "{text}");
        }
        for text in ["0", "0.0.0.0", "0x0", "00", "0.0"] {
            assert_eq!(special_purpose(host_of(text)), Some("this network (RFC 791)"), "{text}");
        }
    }

    #[test]
    fn u02_every_ipv4_block_is_refused_to_its_borders_and_not_beyond() {
        for Block4(network, bits, what) in SPECIAL_V4 {
            let first = network.to_bits();
            let last = first | u32::MAX.checked_shr(*bits).unwrap_or(0);
            assert_eq!(first & !u32::MAX.checked_shr(*bits).unwrap_or(0), first, "{what} has host bits");
            for inside in [first, first + (last - first) / 2, last] {
                assert_eq!(special_v4(Ipv4Addr::from_bits(inside)), Some(*what), "{}", Ipv4Addr::from_bits(inside));
            }
        }
        for outside in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.1.255",
            "192.0.3.0",
            "192.31.195.255",
            "192.31.197.0",
            "192.52.192.255",
            "192.52.194.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "192.175.47.255",
            "192.175.49.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "8.8.8.8",
            "1.1.1.1",
        ] {
            assert_eq!(check(outside), None, "{outside}");
        }
        for named in ["100.100.100.200", "169.254.169.254", "255.255.255.255", "192.0.0.9", "198.19.255.255"] {
            assert!(check(named).is_some(), "{named}");
        }
    }

    #[test]
    fn u03_every_ipv6_block_is_refused_to_its_borders_and_not_beyond() {
        for Block6(network, bits, what) in SPECIAL_V6 {
            let first = network.to_bits();
            let rest = u128::MAX.checked_shr(*bits).unwrap_or(0);
            assert_eq!(first & !rest, first, "{what} has host bits");
            for inside in [first, first | rest] {
                assert!(special_v6(Ipv6Addr::from_bits(inside)).is_some(), "{}", Ipv6Addr::from_bits(inside));
            }
        }
        for inside in [
            "::1",
            "::",
            "fe80::1",
            "fe90::",
            "febf::",
            "fec0::",
            "fc00::",
            "fd12:3456::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::",
            "100::1",
            "2001::",
            "2001:1ff:ffff::",
            "2001:20::1",
            "4000::",
            "1fff:ffff::",
            "8000::1",
            "e000::1",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(check(inside).is_some(), "{inside}");
        }
        for outside in [
            "2001:200::",
            "2001:db7:ffff::1",
            "2001:db9::",
            "2003::",
            "2001:ffff::1",
            "2600::",
            "2620:4f:7fff::1",
            "2620:4f:8001::",
            "2a00:1450:4001:80b::200e",
            "2606:4700:4700::1111",
            "3ffe:ffff::1",
            "3fff:1000::",
            "2000::1",
        ] {
            assert_eq!(check(outside), None, "{outside}");
        }
        assert!("fe80::1%eth0".parse::<IpAddr>().is_err() && Url::parse("http://[fe80::1%25eth0]/").is_err());
    }

    #[test]
    fn u04_an_ipv4_address_inside_an_ipv6_address_counts() {
        for text in [
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "0:0:0:0:0:ffff:a9fe:a9fe",
            "::ffff:0:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::7f00:1",
            "64:ff9b:1:a00:1::",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001:0:4136:e378:8000:63bf:80ff:fffe",
            "2001:0:7f00:1::",
            "2a00:1450:4001:80b:0:5efe:10.0.0.1",
            "2a00:1450:4001:80b:200:5efe:169.254.169.254",
            // A translated public address is still translated by a mechanism that nobody needs.
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(check(text).is_some(), "{text}");
        }
        for text in ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00:1450:4001:80b:0:5efe:8.8.8.8"] {
            assert_eq!(check(text), None, "{text}");
        }
    }
}
