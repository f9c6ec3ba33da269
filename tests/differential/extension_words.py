"""Random uses of every match and target: each option with good values, values at the edges and nonsense.

The option tables say which options there are and what type their values have; ``_VALUES`` adds what a type alone does
not tell. Mistakes are meant: options before their ``-m``, twice, with ``!``, without a value, of another extension.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from pyiptables.extensions import find_match, find_target, names
from pyiptables.xtables.marks import TOS_NAMES
from pyiptables.xtables.option import Extension, Option
from pyiptables.xtables.values import UInt, UIntRange

#: Need something outside the state (modules that few kernels have, conntrack helpers and timeouts, BPF programs).
LEFT_OUT = {"ipvs", "LED", "SECMARK", "IDLETIMER", "standard", "set", "SET", "nfacct", "CLUSTERIP", "object-pinned"}

_NONSENSE = ("", "x", "-1", "0x", "1.5", "1 2", " 1", "1 ", "+1", "00", "010", "0x10", "99999999999999999999", "1:", ":1", ":", "2:1", "1:2:3",
             "1,2", "1/", "/1", "1/2/3", "!", "any", "ä", "a" * 40, "1-2", "-", "4294967296", "18446744073709551615")  # fmt: skip
_PORTS = ("0", "1", "65535", "65536", "http", "ssh", "domain", "1:1", "1:2", "2:1", ":", "1:", ":1024", "0:65535", "http:ssh", "ssh:http", "nosuch",
          "1-2", "1:2:3", "070000", "22x")  # fmt: skip
_MULTI = ("1", "1,2", "1:2", "1:2,3", "1,2:3,4", "3,2,1", "ssh,http", "1:65535", "0", "65536", "1,", ",1", "2:1", ",".join(map(str, range(1, 16))),
          ",".join(map(str, range(1, 17))), ",".join([f"{n}:{n + 1}" for n in range(1, 8)]) + ",99", ",".join([f"{n}:{n + 1}" for n in range(1, 10)]), "1:2:3")  # fmt: skip
ADDRESSES = {
    4: ("1.2.3.4", "10.0.0.0/8", "10.1.2.3/24", "0.0.0.0/0", "1.2.3.4/32", "1.2.3.4/0", "1.2.3.4/33", "1.2.3.4/255.255.0.0", "1.2.3.4/255.0.255.0",
        "1.2", "1", "0x7f.1", "localhost", "256.1.1.1", "1.2.3.4/", "::1", "1.2.3.4,5.6.7.8", "255.255.255.255", "224.0.0.1"),
    6: ("::1", "2001:db8::/32", "2001:db8::1/64", "::/0", "::1/128", "::1/0", "::1/129", "::1/ffff::", "::1/ff:0:ff::", "localhost", "1.2.3.4", "fe80::1%lo",
        "::ffff:1.2.3.4", ":::", "::1/", "2001:DB8::A", "::1,::2", "ff02::1"),
}  # fmt: skip
_RANGES = {
    4: ("1.2.3.4", "1.2.3.4-1.2.3.9", "1.2.3.9-1.2.3.4", "1.2.3.4-", "-1.2.3.4", "1.2.3.4-x", "1.2.3.0/24", "1.2.3.4:80", "1.2.3.4:80-90", "1.2.3.4-1.2.3.9:80",
        "1.2.3.4-1.2.3.9:80-90/100", ":80", ":80-90", ":90-80", "1.2.3.4:0", "1.2.3.4:65536", ":http", "1.2.3.4:http-https", "", "x", "1.2.3.4:80-90/70", "0.0.0.0",
        "1.2.3.4:", "1.2.3.4:80-"),
    6: ("::1", "::1-::9", "::9-::1", "::1-", "-::1", "::1-x", "::/64", "[::1]:80", "[::1]:80-90", "[::1-::9]:80", "[::1]-[::9]:80", "[::1]", "[::1", ":80", "[]:80",
        "", "x", "[::1]:80-90/100", "::1:80", "[::1]:0", "[::1]:65536", "2001:db8::1-2001:db8::ff"),
}  # fmt: skip
_RATES = ("1", "5/s", "5/sec", "5/second", "3/min", "3/minute", "10/h", "10/hour", "7/d", "7/day", "0/s", "10000/s", "10001/s", "1/x", "/s", "1/", "x", "3/minutes",
          "400/min", "1000000/s", "5000000/s", "1/day", "512kb/s", "1mb/s", "16mb/sec", "10b/s", "1kb/min", "1kb", "0b/s", "4294967295/s")  # fmt: skip
_STATES = ("NEW", "INVALID", "ESTABLISHED", "RELATED", "UNTRACKED", "NEW,ESTABLISHED", "RELATED,ESTABLISHED", "new", "SNAT", "DNAT", "NEW,SNAT,DNAT", "NEW,", ",NEW",
           "NEW,NEW", "FOO", "ALL", "NEW,RELATED,INVALID,ESTABLISHED,UNTRACKED", "INVAL", "est")  # fmt: skip
_DATES = ("2020", "2020-02", "2020-02-29", "2021-02-29", "2020-01-01T", "2020-01-01T00:00:00", "2020-12-31T23:59:59", "2020-1-1T1:2:3", "2038-01-19T03:14:07",
          "2038-01-20", "1970-01-01", "1969-12-31", "2020-13", "2020-00", "2020-01-32", "2020-01-01T24:00", "2020-01-01T12:60", "2020-01-01 00:00", "2105-01-01", "x")  # fmt: skip
_TIMES = (
    "00:00",
    "23:59",
    "23:59:59",
    "24:00",
    "12:60",
    "12:30:60",
    "1:2",
    "1:2:3",
    "001:02",
    "12",
    "12:",
    "x",
    "08:00",
    "00:00:00",
    "012:30",
)
_SECONDS = (
    "250ms",
    "500ms",
    "1s",
    "1sec",
    "2s",
    "10us",
    "1000000us",
    "8s",
    "9s",
    "0",
    "1",
    "0.5s",
    "x",
    "250",
    "1usecs",
    "1msecs",
    "125ms",
    "4s",
    "1.5sec",
)
_OPTS = ("0", "0:1", "1:2,3", "255", "256", "255:254", "1:256", "1:2,3:4,5:6", "x", "1:", ":1", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17")  # fmt: skip

#: Values by option, or by extension and option where a name means different things.
_VALUES: dict[Any, Any] = {
    "ctstate": _STATES, "state": _STATES,
    "ctstatus": ("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "EXPECTED,ASSURED", "none", "ASSURED,NONE", "x", "ASSURED,", "CONFIRMED,SEEN_REPLY,EXPECTED"),
    "ctdir": ("ORIGINAL", "REPLY", "original", "x", "ORIG"),
    "ctexpire": ("0", "10", "10:20", "20:10", ":10", "10:", "4294967295", "4294967296", "x", "5:5"),
    "src-range": _RANGES, "dst-range": _RANGES, "to-destination": _RANGES, "to-source": _RANGES, "to": ADDRESSES,
    "to-ports": ("1", "80-90", "90-80", "0", "65535", "65536", "http", "80:90", "80-", "-80", "x", "http-https", "80-80", "80-90/70"),
    "limit": _RATES, "hashlimit-upto": _RATES, "hashlimit-above": _RATES,
    "hashlimit-burst": ("1", "5", "0", "10000", "10001", "1000000", "1mb", "512kb", "10b", "x", "4294967295", "4294967296", "1gb", "5x"),
    "hashlimit-mode": ("srcip", "dstip", "srcport", "dstport", "srcip,dstip", "srcip,srcport,dstip,dstport", "srcip,", "x", "dstport,srcip", "srcip,srcip"),
    "hashlimit-name": ("foo", "a b", "x" * 14, "x" * 15, "x" * 255, "x" * 256, "a/b", ".", ""),
    "hashlimit-rate-interval": ("1", "60", "3600", "86400", "3601", "1s", "1m", "1h", "1d", "0", "x", "-1", "12"),
    "limit-burst": ("1", "5", "0", "10000", "10001", "x", "-1", "4294967295"),
    "source-ports": _MULTI, "destination-ports": _MULTI, "ports": _MULTI,
    ("tcp", "source-port"): _PORTS, ("tcp", "destination-port"): _PORTS, ("sctp", "source-port"): _PORTS, ("sctp", "destination-port"): _PORTS,
    "tcp-flags": ("ALL NONE", "SYN SYN", "SYN,ACK SYN", "FIN,SYN,RST,ACK SYN", "ALL ALL", "NONE NONE", "syn Ack", "SYN", "SYN,ACK", "FOO SYN", "SYN FOO", "SYN, SYN",
                  "URG,PSH URG", "ALL SYN,ACK,FIN", "ACK,ACK ACK", "0 0", "ALL,SYN SYN", "NONE ALL"),
    "tcp-option": ("0", "1", "5", "255", "256", "x", "-1", "0x5"),
    "chunk-types": ("all INIT", "any DATA:UBE", "only DATA", "all ALL", "any NONE", "all DATA,INIT", "any DATA:Ube", "any ABORT:Tt", "any SHUTDOWN_COMPLETE:t", "only INIT:B",
                    "foo INIT", "all FOO", "all", "any DATA:", "any DATA:UU", "any DATA:Uu", "all INIT,INIT_ACK,SACK,HEARTBEAT", "any asconf", "all DATA:I", "any I_DATA:U"),
    "reject-with": ("icmp-port-unreachable", "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-net-prohibited", "icmp-host-prohibited",
                    "icmp-admin-prohibited", "tcp-reset", "tcp-rst", "port-unreach", "net-unreach", "icmp6-no-route", "no-route", "icmp6-adm-prohibited", "adm-prohibited",
                    "icmp6-addr-unreachable", "addr-unreach", "icmp6-port-unreachable", "policy-fail", "reject-route", "icmp6-policy-fail", "icmp6-reject-route", "echo-reply",
                    "host-unreach", "proto-unreach", "net-prohib", "host-prohib", "admin-prohib", "icmp", "foo", "TCP-RESET", "help", "icmp-adm", "tcp"),
    "weekdays": ("Mon", "Mon,Tue", "1,2", "Sat,Sun", "0", "7", "8", "Mo", "mon", "Monday", "Mon,", "x", "Mon,Tue,Wed,Thu,Fri,Sat,Sun", "Mon-Fri", "M", "Su,We"),
    "monthdays": ("1", "31", "0", "32", "1,2,3", "1,", "1st,2nd,23rd", "x", "31,1", "15th", ",1", "1-5", "1,x"),
    "datestart": _DATES, "datestop": _DATES, "timestart": _TIMES, "timestop": _TIMES,
    "uid-owner": ("0", "root", "nobody", "1000", "1000-2000", "2000-1000", "4294967294", "4294967295", "nosuch", "1-", "-1", "0-0", "root-5"),
    "gid-owner": ("0", "root", "nogroup", "1000", "1000-2000", "2000-1000", "4294967294", "4294967295", "nosuch", "1-", "-1"),
    "header": ("none", "hop", "dst", "route", "frag", "auth", "esp", "prot", "proto", "hop-by-hop", "ipv6-opts", "ipv6-route", "ipv6-frag", "ah", "hop,dst", "0", "43", "60",
               "255", "51", "x", "hop,", "hop,hop", "none,frag,auth", "HOP"),
    "genre": ("Linux", "Windows", "unknown", "x" * 31, "x" * 32, ""),
    "dst-opts": _OPTS, "hbh-opts": _OPTS,
    "rt-0-addrs": ("::1", "::1,::2", "x", "::1,", ",".join(["::1"] * 16), ",".join(["::1"] * 17), "1.2.3.4", "::1/64"),
    "label": ("foo", "0", "1", "127", "128", "bar", "x"),
    ("IDLETIMER", "label"): ("foo", "x" * 27, "x" * 28, ""),
    "comment": ("hello", "a b", "x" * 255, "x" * 256, "", '"', "\\", "it's", "-x", "!", "ü"),
    "log-prefix": ("p", "a b", "x" * 28, "x" * 29, "x" * 30, "", "a\nb", '"', "it's", "p: ", "\\"),
    "nflog-prefix": ("p", "a b", "x" * 63, "x" * 64, "", "a\nb", '"'),
    "log-level": ("0", "7", "8", "emerg", "debug", "panic", "warn", "error", "err", "crit", "DEBUG", "x", "notice", "info", "4"),
    "algo": ("bm", "kmp", "bm ", "BM", "fsm", "x" * 15, "x" * 16, ""),
    ("string", "string"): ("foo", "a b", "", "x" * 127, "x" * 128, "x" * 129, '"', "\\", "|41|", "it's", "é", "!"),
    "hex-string": ("|41 42|", "|414|", "a|42|c", "|4|", "|41", "41|", "", "|zz|", "\\|", "|00|", "|0d 0a|", "foo", "a\\bc", "|41|" * 128, "|41|" * 129, "||"),
    "from": ("0", "1", "65535", "65536", "x"), ("string", "to"): ("0", "1", "65535", "65536", "x"),
    "u32": ("0=1", "0&0xff=1", "0>>22&0x3c@4=0x1:0x2", "6&0xFF=1&&4&0x1FFF=0", "0=1:2,3:4", "x", "0", "0=", "0>>=1", "0>>33=1", "0<<1=0", "0 & 1 = 2", "0=2:1", "&&", "0=1&&",
            "4294967295=1", "4294967296=1", "0=" + ",".join(["1"] * 10), "0=" + ",".join(["1"] * 11), "&&".join(["0=1"] * 11), "&&".join(["0=1"] * 10), "0@0@0=1", "-1=0", "!0=1", "0x0=0x0"),
    "path": ("/a", "a", "", "/" + "x" * 510, "/x y", "/user.slice"),
    "cgroup": ("0", "1", "0x100001", "4294967295", "4294967296", "x"),
    "bytecode": ("1,6 0 0 65535", "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0", "0,", "2,6 0 0 65535", "1,6 0 0", "x", "", "1,6 0 0 65535,", "65,", "1,0 0 0 0", "1,6 0 0 65535,6 0 0 0", "1, 6 0 0 1"),
    "physdev-in": ("eth0", "br+", "+", "", "x" * 15, "x" * 16, "a b"), "physdev-out": ("eth0", "br+", "+", "", "x" * 15, "x" * 16),
    "src-group": ("0", "1", "0x1/0xf", "1/", "x", "4294967295", "4294967296", "1/0"), "dst-group": ("0", "1", "0x1/0xf", "x", "1/0xffffffff"),
    "realm": ("0", "1", "0x1/0x2", "cosmos", "unknown", "x", "1/", "4294967295", "4294967296", "0xf/0xffffffff"),
    "helper": ("ftp", "sip", "x" * 28, "x" * 29, "x" * 30, "", "ftp-21"),
    ("helper", "helper"): ("ftp", "sip", "x" * 28, "x" * 29, "x" * 30, "", "ftp-21"),
    "ctevents": ("new", "new,related", "destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark", "x", "new,", "NEW", ""), "expevents": ("new", "x", "new,new", "NEW"),
    "zone": ("0", "1", "65535", "65536", "mark", "x"), "zone-orig": ("0", "1", "65535", "65536", "mark", "x"), "zone-reply": ("0", "1", "65536", "mark", "x"),
    "hmark-tuple": ("src", "dst", "sport", "dport", "spi", "ct", "src,dst", "src,dst,sport,dport", "ct,src", "x", "src,", "sport,spi", "", "proto", "src,dst,proto"),
    "set-class": ("0:0", "1:2", "ffff:ffff", "10000:1", "1:10000", "1", "x", "1:", ":1", "a:b", "1:2:3", "0x1:0x2"),
    "strip-options": ("mss", "wscale", "sack", "sack-permitted", "timestamp", "md5", "1,2,3", "mss,wscale", "255", "256", "0", "x", "mss,", "0,1", "254,3"),
    "set-dscp-class": ("CS0", "cs1", "EF", "AF11", "AF44", "BE", "x", "BF"), "dscp-class": ("CS0", "cs1", "EF", "AF11", "AF44", "BE", "x"),
    "dir": ("in", "out", "fwd", "x"), "pol": ("none", "ipsec", "x"), ("policy", "mode"): ("transport", "tunnel", "beet", "x"),
    "proto": ("esp", "ah", "ipcomp", "50", "tcp", "x"),
    ("statistic", "mode"): ("random", "nth", "x", "rand"), "probability": ("0", "1", "0.5", "0.1", "0.3333333333", "1.1", "-0.1", "x", "1e-9", ".5", "5e-1", "0.00001", "0.99999999"),
    "every": ("0", "1", "2", "4294967295", "x"), "packet": ("0", "1", "2", "4294967295", "x"),
    ("AUDIT", "type"): ("accept", "drop", "reject", "ACCEPT", "x"),
    "rateest-name": ("foo", "x" * 15, "x" * 16), "rateest-interval": _SECONDS, "rateest-ewmalog": _SECONDS,
    "rateest1": ("foo", "nosuch"), "rateest2": ("foo", "nosuch"), "rateest-bps1": ("", "1mbit", "1", "8kbit", "x"), "rateest-pps1": ("", "1", "x"),
    "rateest-bps2": ("", "1mbit", "1gbps", "x"), "rateest-pps2": ("", "5", "x"),
    ("recent", "name"): ("foo", "a b", "x" * 199, "x" * 200, "x" * 201, "a/b", ""),
    "mask": ADDRESSES, "gateway": ADDRESSES, "on-ip": ADDRESSES, "oif": ("eth0", "", "x" * 15, "x" * 16),
    "src-pfx": ADDRESSES, "dst-pfx": ADDRESSES,
    "hashmode": ("sourceip", "sourceip-sourceport", "x"),
    "led-delay": ("inf", "0", "50", "x"),
    "set-mss": ("0", "1", "536", "1460", "65495", "65496", "65535", "65536", "x", "1460:1500"),
    "timeout": ("0", "1", "foo", "x"), "reqid": ("0", "1", "4294967295"),
    "wscale": ("0", "7", "14", "15", "255", "256"),
}  # fmt: skip

_FIT = {
    "CHECKSUM": "mangle",
    "DSCP": "mangle",
    "ECN": "mangle",
    "TOS": "mangle",
    "TTL": "mangle",
    "HL": "mangle",
    "TPROXY": "mangle",
    "CT": "raw",
    "NOTRACK": "raw",
}


def _edges(low: int, high: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys([str(low), str(low + 1), str(high), str(high + 1), str(max(low - 1, 0)), hex(high), str(high // 2)]))


@cache
def values(extension: str, option: Option, family: int) -> tuple[str, ...]:
    """Interesting values of an option; two words where it takes two."""
    found = _VALUES.get((extension, option.name), _VALUES.get(option.name))
    if isinstance(found, dict):
        return tuple(found[family])
    if found is not None:
        return tuple(found)
    kind = option.type
    name = type(kind).__name__
    if isinstance(kind, UInt):
        return _edges(kind.low, kind.high)
    if isinstance(kind, UIntRange):
        low, high = kind.low, kind.high
        return (
            *_edges(low, high),
            f"{low}:{high}",
            f"{low + 1}:",
            f":{high - 1}",
            ":",
            f"{high}:{low}",
            f"{low + 1}:{low + 1}",
            f"{low}:{high + 1}",
            "1:2:3",
        )
    if name in ("Port", "PortRange"):
        return _PORTS
    if name == "MarkMask":
        return ("0", "1", "0x1/0xf", "1/0", "0/0", "0xffffffff", "0x100000000", "1/0x100000000", "1/", "x", "7/7", "010")
    if name == "TosMask":
        return (*TOS_NAMES, "minimize-delay", "0x10", "0x10/0x3f", "255", "256", "1/256", "x", "0", "0/0", "8/8")
    if name in ("HostMask", "Host"):
        return ADDRESSES[family]
    if name in ("PrefixMask", "PrefixLength"):
        return ("0", "1", "8", "24", "32", "33", "64", "128", "129", "255.255.0.0", "255.0.255.0", "ffff::", "x", "-1")
    if name == "EtherMac":
        return (
            "00:11:22:33:44:55",
            "0:1:2:3:4:5",
            "AA:BB:CC:DD:EE:FF",
            "00-11-22-33-44-55",
            "00:11:22:33:44",
            "x",
            "00:11:22:33:44:5g",
            "001:1:2:3:4:5",
        )
    if name == "ProtocolNumber":
        return ("tcp", "udp", "icmp", "6", "0", "255", "256", "all", "x", "TCP", "ipv6-icmp", "sctp", "esp")
    words = kind.words
    if words:
        return (
            *words,
            ",".join(words[:2]),
            ",".join(words[1:4]),
            words[0].lower(),
            words[-1].upper(),
            words[0][:3],
            f"{words[0]},",
            "8/0",
            "8",
            "255",
            "256",
            "3/1",
            "3/256",
            "1:3",
        )
    return ("foo", "1", "x" * 15, "x" * 16, "x" * 31, "x" * 32)


@st.composite
def option_words(draw: st.DrawFn, extension: str, option: Option, family: int) -> list[str]:
    """One option with its value: mostly sound."""
    words: list[str] = []
    invert = draw(st.integers(0, 2 if option.invert else 25)) == 0
    if invert:
        words.append("!")
    name = draw(st.sampled_from((option.name, option.name, option.name, *option.aliases)))
    if not draw(st.integers(0, 20)) and len(name) > 4:
        name = name[: draw(st.integers(len(name) - 3, len(name)))]
    if not option.type.takes_argument and option.name[:11] not in ("rateest-bps", "rateest-pps"):
        return [*words, f"--{name}"]
    if draw(st.integers(0, 40)) == 0:
        return [*words, f"--{name}"]
    value = draw(st.sampled_from(values(extension, option, family)))
    if draw(st.integers(0, 9)) == 0:
        value = draw(st.sampled_from(_NONSENSE))
    if option.name in ("tcp-flags", "chunk-types", "match-set", "set", "add-set"):
        return [*words, f"--{name}", *value.split(" ")]
    if draw(st.integers(0, 12)) == 0:
        return [*words, f"--{name}={value}"]
    if draw(st.integers(0, 60)) == 0:
        return [f"--{name}", "!", value]
    return [*words, f"--{name}", value]


@cache
def _all(kind: str, family: int) -> tuple[type[Extension], ...]:
    find = find_match if kind == "match" else find_target
    found = [find(name, family) for name in names(kind, family) if name not in LEFT_OUT]
    return tuple([extension for extension in found if extension is not None])


@st.composite
def extension_words(draw: st.DrawFn, kind: str, family: int) -> list[str]:
    """``-m name`` or ``-j name`` with options, most of the time what it needs."""
    extension = draw(st.sampled_from(_all(kind, family)))
    options = [option for option in extension.options if option.name not in LEFT_OUT]
    chosen = [option for option in options if option.mandatory and draw(st.integers(0, 15))]
    if options:
        chosen += draw(st.lists(st.sampled_from(options), max_size=3 if draw(st.booleans()) else 1, unique=draw(st.integers(0, 8)) != 0))
    if draw(st.integers(0, 3)):
        chosen = list(dict.fromkeys(chosen))
    if draw(st.booleans()):
        chosen = draw(st.permutations(chosen))
    groups = [draw(option_words(extension.name, option, family)) for option in chosen]
    lead = ["-m" if kind == "match" else "-j", extension.name]
    if kind == "match" and draw(st.integers(0, 30)) == 0:
        lead.insert(0, "!")
    at = 0 if draw(st.integers(0, 25)) else draw(st.integers(0, len(groups)))
    groups.insert(at, lead)
    words = [word for group in groups for word in group]
    if extension.protocols and draw(st.integers(0, 9)):
        number = extension.protocols[0]
        words = [*(["!"] if draw(st.integers(0, 20)) == 0 else []), "-p", str(number), *words]
        if draw(st.integers(0, 5)) == 0 and "-m" in words:
            # The match may come by the protocol alone.
            at = words.index("-m")
            del words[at : at + 2]
    return words


@st.composite
def extension_rules(draw: st.DrawFn, family: int) -> list[str]:
    """One or two matches and perhaps a target, their words in any order."""
    groups = draw(st.lists(extension_words("match", family), max_size=2))
    if not groups or draw(st.integers(0, 2)) == 0:
        groups.append(draw(extension_words("target", family)))
        if draw(st.booleans()):
            groups.reverse()
    elif draw(st.booleans()):
        groups.append(["-j", draw(st.sampled_from(("ACCEPT", "DROP", "RETURN", "a", "LOG", "REJECT")))])
    words = [word for group in groups for word in group]
    if draw(st.integers(0, 4)) == 0:
        more = draw(
            st.sampled_from(
                (
                    ["-p", "tcp"],
                    ["-p", "udp"],
                    ["!", "-p", "tcp"],
                    ["-i", "eth0"],
                    ["-o", "eth1"],
                    ["-s", ADDRESSES[family][0]],
                    ["-f"],
                    ["-p", "icmp"],
                    ["-p", "all"],
                )
            )
        )
        words = [*more, *words] if draw(st.booleans()) else [*words, *more]
    return words
