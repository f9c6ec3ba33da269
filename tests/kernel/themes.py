"""Random scenarios around one theme each, whose rules and packets are made for one another.

The generator's random rules seldom meet: a hairpin needs a DNAT, a masquerade and a packet for both. Here the rules of a
theme come first, some random ones follow them, and the packets are those the theme is about.
"""

from __future__ import annotations

from collections.abc import Callable

import words
from generator import BUILTIN, Json, Maker

from pyiptables.tools.load import load

Rules = dict[str, list[str]]

_NEAR, _FAR = "eth0", "eth1"


class Themed(Maker):
    """Makes the case of one theme."""

    def themed(self, name: str) -> Json:
        theme = self.r.choice(THEMES)
        rules, packets, host = theme(self)
        return {
            "name": f"{name}-{theme.__name__}", "family": self.family, "rules": self.mixed(rules), "counters": True,
            "host": host, "packets": packets, **({"delay_ms": 12} if any("connlimit" in rule for found in rules.values() for rule in found) else {}),
        }  # fmt: skip

    # -- rules -------------------------------------------------------------------------------------------
    def mixed(self, rules: Rules) -> str:
        """The theme's rules (``table CHAIN`` → rules), with random ones after them now and then."""
        tables = dict.fromkeys(place.split()[0] for place in rules)
        if self.chance(0.3):
            tables.setdefault(self.r.choice(list(BUILTIN)))
        lines = []
        for table in tables:
            lines.append(f"*{table}")
            lines += [f":{chain} ACCEPT [0:0]" for chain in BUILTIN[table]]
            users = [place.split()[1] for place in rules if place.startswith(f"{table} ") and place.split()[1] not in BUILTIN[table]]
            lines += [f":{user} - [0:0]" for user in users]
            for chain in BUILTIN[table]:
                found = list(rules.get(f"{table} {chain}", ()))
                if self.chance(0.25):
                    found.insert(self.r.randrange(len(found) + 1), self.bland(table, chain))
                lines += [f"-A {chain} {rule}" for rule in found]
            lines += [f"-A {user} {rule}" for user in users for rule in rules[f"{table} {user}"]]
            lines.append("COMMIT")
        return "\n".join(lines) + "\n"

    def bland(self, table: str, chain: str) -> str:
        """A random rule that lets the packet go on."""
        return f"{self._conditions_without_protocol(table, chain)} -j LOG".strip()

    def _conditions_without_protocol(self, table: str, chain: str) -> str:
        return self.match(table, chain) if self.chance(0.5) else f"-s {self.address()}"

    def match(self, table: str, chain: str | None) -> str:
        return self.r.choice([self.match_ctstate, self.match_ctother, self.match_mark, self.match_length, self.match_connmark])(
            table, chain
        )

    def states(self) -> str:
        return f"-m conntrack --ctstate {self.r.choice(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'SNAT', 'DNAT', 'UNTRACKED'])} -j LOG"

    def seen(self) -> Rules:
        """Rules that write down what the filter table sees of the connection."""
        return {f"filter {chain}": [self.states(), self.states()] for chain in BUILTIN["filter"] if self.chance(0.5)}

    # -- packets -----------------------------------------------------------------------------------------
    def talk(self, first: Json, at: int = 0) -> list[Json]:
        """A conversation that begins with ``first`` (which has no transport header yet)."""
        kind = self.r.choice(["tcp", "udp", "udp", "echo"])
        if kind == "tcp":
            first |= {"proto": "tcp", "sport": 4000, "dport": 80, "seq": 1000}
            script: list[Json] = [
                {"reply_to": at, "flags": "SYN,ACK", "seq": 5000, "ack": 1001},
                {**first, "flags": "ACK", "seq": 1001, "ack": 5001},
                {**first, "flags": "PSH,ACK", "seq": 1001, "ack": 5001, "payload_len": 20},
                {"reply_to": at, "flags": "ACK", "seq": 5001, "ack": 1021},
            ]
        else:
            more = {"proto": "udp", "sport": 4000, "dport": 80} if kind == "udp" else {"proto": self.w.icmp, "icmp_id": 7, "icmp_seq": 1}
            first |= more
            script = [{"reply_to": at}, dict(first), {"reply_to": at}]
        packets = [dict(first), *script[: self.r.randrange(len(script) + 1)]]
        for _ in range(self.r.choice([0, 1, 1, 2])):
            number = self.r.randrange(len(packets))
            packets.insert(self.r.randrange(number + 1, len(packets) + 1), {"complaint": at + number})
        return self.complained(packets, at)

    def complained(self, packets: list[Json], at: int) -> list[Json]:
        """Put ICMP errors where ``complaint`` asks for them; references were made for packets without them."""
        found: list[Json] = []
        for packet in packets:
            found.append(
                self.error(packet["complaint"] if packet["complaint"] < at + len(found) else at) if "complaint" in packet else packet
            )
        return found

    def client(self) -> str:
        return self.r.choice(self.w.a)

    def server(self) -> str:
        return self.r.choice(self.w.b)

    def own(self) -> str:
        return self.r.choice(self.w.fw)

    def quiet(self) -> Json:
        """A host on which the case itself plays the local services."""
        return {"stack_replies": False}

    def to(self, address: str) -> str:
        return f"{self.w.bracket(address)}:{self.r.choice([80, 8080, 7])}" if self.chance(0.3) else ""

    def destination(self, address: str, option: str, target: str) -> str:
        port = self.to(address)
        return f"-p udp -j {target} {option} {port}" if port else f"-j {target} {option} {address}"


Theme = Callable[[Themed], tuple[Rules, list[Json], Json]]


def hairpin(m: Themed) -> tuple[Rules, list[Json], Json]:
    """A client reaches its own neighbour by the public address."""
    public, inside = m.w.fw[-1], m.w.a[1]
    rules = m.seen() | {
        "nat PREROUTING": [f"-d {public} {m.destination(inside, '--to-destination', 'DNAT')}"],
        "nat POSTROUTING": [
            m.r.choice([f"-o {_NEAR} -j MASQUERADE", f"-d {inside} -j SNAT --to-source {m.w.fw[0]}", f"-s {m.w.a[0]} -j LOG"])
        ],
    }
    return rules, m.talk({"from": "a", "src": m.w.a[0], "dst": public}), m.host() if m.chance(0.3) else {}


def to_itself(m: Themed) -> tuple[Rules, list[Json], Json]:
    """DNAT and REDIRECT to the host itself; its INPUT may translate the source."""
    rules = m.seen() | {
        "nat PREROUTING": [m.r.choice([f"-j DNAT --to-destination {m.own()}", "-j REDIRECT", "-p udp -j REDIRECT --to-ports 53"])]
    }
    if m.chance(0.4):
        rules["nat INPUT"] = [f"-j SNAT --to-source {m.r.choice(m.w.a + m.w.b)}"]
    side = m.r.choice(["a", "b"])
    packet = {"from": side, "src": m.client() if side == "a" else m.server(), "dst": m.r.choice(m.w.a + m.w.b + m.w.fw)}
    return rules, m.talk(packet), m.quiet() if m.chance(0.6) else {}


def both_ways(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Source and destination translated; answers and errors come back through both."""
    rules = m.seen() | {
        "nat PREROUTING": [m.destination(m.server(), "--to-destination", "DNAT")],
        "nat POSTROUTING": [m.r.choice([f"-o {_FAR} -j MASQUERADE", m.destination(m.own(), "--to-source", "SNAT")])],
    }
    return rules, m.talk({"from": "a", "src": m.client(), "dst": m.r.choice(m.w.b + m.w.fw[-1:])}), {}


def netmap(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Whole networks translated, host bits kept."""
    inside, outside = ("10.0.0.0/29", "10.0.1.0/29") if m.family == 4 else ("fd00::/112", "fd00:0:0:1::/112")
    rules = m.seen() | {
        "nat POSTROUTING": [f"-s {inside} -j NETMAP --to {outside}"],
        "nat PREROUTING": [f"-d {outside} -i {_NEAR} -j NETMAP --to {outside if m.chance(0.5) else inside}"],
    }
    if m.chance(0.5):
        rules["nat OUTPUT"] = [f"-d {inside} -j NETMAP --to {outside}"]
    if m.chance(0.5):
        return rules, m.talk({"from": "fw", "src": m.own(), "dst": m.r.choice(m.w.a + m.w.b)}), {}
    return rules, m.talk({"from": "a", "src": m.client(), "dst": m.server()}), {}


def untracked(m: Themed) -> tuple[Rules, list[Json], Json]:
    """One direction, or both, kept from connection tracking."""
    proto = m.r.choice(["", "-p udp ", f"-s {m.w.a[0]} "])
    rules = m.seen() | {"raw PREROUTING": [f"{proto}-j CT --notrack"]}
    if m.chance(0.4):
        rules["raw OUTPUT"] = ["-j CT --notrack"]
    if m.chance(0.5):
        rules["nat POSTROUTING"] = ["-j MASQUERADE"]
    if m.chance(0.4):
        rules["filter FORWARD"] = ["-m conntrack --ctstate UNTRACKED -j REJECT"]
    return rules, m.talk({"from": "a", "src": m.r.choice(m.w.a[:2]), "dst": m.r.choice(m.w.b + m.w.fw)}), {}


def zones(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Connections kept apart by zone, in one or both directions."""
    how = m.r.choice(["--zone 3", "--zone-orig 3", "--zone-reply 4", "--zone mark", "--zone-orig mark"])
    rules = m.seen() | {"raw PREROUTING": [f"{m.r.choice(['', '-i eth0 ', '-p udp '])}-j CT {how}"]}
    if "mark" in how:
        rules["raw PREROUTING"].insert(0, f"-i {m.r.choice([_NEAR, _FAR])} -j MARK --set-mark 9")
    if m.chance(0.5):
        rules["raw PREROUTING"].append(f"-i {_FAR} -j CT {m.r.choice(['--zone 3', '--zone 4', '--zone-reply 4'])}")
    if m.chance(0.5):
        rules["nat POSTROUTING"] = [m.r.choice(["-j MASQUERADE", f"-j SNAT --to-source {m.own()}"])]
    packets = m.talk({"from": "a", "src": m.client(), "dst": m.r.choice(m.w.b + m.w.fw)})
    if m.chance(0.4):
        packets += m.talk({"from": "b", "src": m.w.b[0], "dst": m.w.a[0]}, len(packets))
    return rules, packets, {}


def marks(m: Themed) -> tuple[Rules, list[Json], Json]:
    """A mark saved with the connection, restored on later packets; routes may follow it."""
    rules = {
        "mangle PREROUTING": ["-j CONNMARK --restore-mark", "-m mark --mark 0x1 -j ACCEPT", f"-i {m.r.choice([_NEAR, _FAR])} -j MARK --set-mark {m.r.choice(['0x1', '0x4'])}",
                              m.r.choice(["-j CONNMARK --save-mark", "-m mark ! --mark 0 -j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0"])],
        "mangle OUTPUT": [m.r.choice(["-j CONNMARK --restore-mark", "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf", "-p udp -j MARK --or-mark 0x4"])],
        "mangle POSTROUTING": [m.r.choice(["-m connmark --mark 0x1 -j LOG", "-m connmark --mark 0x10/0xf0 -j CONNMARK --xor-mark 0x3", "-j CONNMARK --and-mark 0x1"])],
    } | m.seen()  # fmt: skip
    if m.chance(0.4):
        rules["nat POSTROUTING"] = ["-j MASQUERADE"]
    if m.chance(0.4):
        rules["filter INPUT"] = ["-m connmark --mark 0x1 -j REJECT"]
    packet = m.r.choice(
        [{"from": "a", "src": m.client(), "dst": m.r.choice(m.w.b + m.w.fw)}, {"from": "fw", "src": m.own(), "dst": m.server()}]
    )
    host = m.host()
    if m.chance(0.5):
        via = ("10.0.0.3" if m.family == 4 else "fd00::3", _NEAR)
        host["rules"] = ["fwmark 1 table 100"]
        host["routes"] = ["default via 10.0.1.2 dev eth1", "192.0.2.0/24 via 10.0.0.2 dev eth0", "default via fd00:0:0:1::2 dev eth1",
                          "2001:db8:a::/48 via fd00::2 dev eth0", f"default via {via[0]} dev {via[1]} table 100"]  # fmt: skip
    return rules, m.talk(packet), host


def local(m: Themed) -> tuple[Rules, list[Json], Json]:
    """The host talks to itself: everything goes through lo, with translations on the way."""
    rules = m.seen()
    if m.chance(0.6):
        rules["nat OUTPUT"] = [
            m.r.choice(["-p udp -j REDIRECT --to-ports 53", m.destination(m.own(), "--to-destination", "DNAT"), "-j REDIRECT"])
        ]
    if m.chance(0.4):
        rules["nat INPUT"] = [f"-j SNAT --to-source {m.own()}"]
    if m.chance(0.4):
        rules["nat POSTROUTING"] = [m.r.choice(["-j MASQUERADE", f"-j SNAT --to-source {m.own()}"])]
    if m.chance(0.4):
        rules["raw OUTPUT"] = [m.r.choice(["-j CT --notrack", "-j MARK --set-mark 1", "-j CT --zone 2"])]
    if m.chance(0.3):
        rules["filter INPUT"] = ["-i lo -j REJECT"]
    both = [*m.w.fw, m.w.lo]
    return rules, m.talk({"from": "fw", "src": m.r.choice(both), "dst": m.r.choice(both)}), m.r.choice([{}, m.quiet()])


def expiring(m: Themed) -> tuple[Rules, list[Json], Json]:
    """TTL at its end, set or lowered by rules; the errors go back through the translation."""
    name, option = ("TTL", "ttl") if m.family == 4 else ("HL", "hl")
    rules = m.seen()
    if m.chance(0.6):
        chain = m.r.choice(["PREROUTING", "FORWARD", "POSTROUTING", "INPUT", "OUTPUT"])
        rules[f"mangle {chain}"] = [f"-j {name} --{option}-{m.r.choice(['set 1', 'set 2', 'dec 1', 'dec 63', 'inc 1', 'inc 255'])}"]
    if m.chance(0.5):
        rules["nat PREROUTING"] = [f"-j DNAT --to-destination {m.server()}"]
    if m.chance(0.5):
        rules["nat POSTROUTING"] = ["-j MASQUERADE"]
    packets = m.talk(
        {"from": m.r.choice(["a", "fw"]), "src": m.client(), "dst": m.r.choice(m.w.b + m.w.fw), "ttl": m.r.choice([1, 1, 2, 64])}
    )
    if packets[0]["from"] == "fw":
        packets[0]["src"] = m.own()
    return rules, packets, {}


def unbelievable(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Sources that routing does not believe, sysctls that make it more or less credulous."""
    sysctl: dict[str, int] = {}
    for key in ("rp_filter", "accept_local", "route_localnet", "src_valid_mark"):
        if m.chance(0.4):
            sysctl[f"net.ipv4.conf.{m.r.choice(['all', _NEAR, _FAR])}.{key}"] = m.r.choice([0, 1, 2]) if key == "rp_filter" else 1
    rules = m.seen()
    if m.chance(0.3):
        rules["raw PREROUTING"] = [f"-m rpfilter{m.r.choice(['', ' --loose', ' --invert', ' --accept-local', ' --validmark'])} -j LOG"]
    if m.chance(0.4):
        rules["nat PREROUTING"] = [f"-j DNAT --to-destination {m.r.choice([m.w.lo, m.server(), m.own()])}"]
    if m.chance(0.3):
        rules["mangle PREROUTING"] = ["-j MARK --set-mark 1"]
    side = m.r.choice(["a", "b"])
    source = m.r.choice([*m.w.a, *m.w.b, *m.w.fw, "127.0.0.9" if m.family == 4 else "fe80::9"])
    packet = {"from": side, "src": source, "dst": m.r.choice([*m.w.a, *m.w.b, *m.w.fw, m.w.lo if m.family == 4 else "fd00::"])}
    host: Json = {"sysctl": sysctl}
    if m.chance(0.3):
        host["rules"] = ["fwmark 1 table 100"]
    return rules, m.talk(packet), host


def tcp_machine(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Segments in any order, from both sides, with numbers around the window."""
    r, speller = m.r, Speller(m)
    spellings = ["{!}--ctexpire {0|0:10|11:61|62:125|290:300|301:}", "{!}--ctstatus {ASSURED|SEEN_REPLY|CONFIRMED}", "{!}--ctstate {NEW|ESTABLISHED|INVALID}", "--ctdir {ORIGINAL|REPLY}"]  # fmt: skip
    counted = "-m connbytes {!}--connbytes {1|2|3:4|60:130|200:|:300} --connbytes-dir {original|reply|both} --connbytes-mode {packets|bytes|avgpkt}"
    rules = m.seen()
    for chain in ("FORWARD", "INPUT", "OUTPUT", "POSTROUTING", "PREROUTING"):
        found = [f"-m conntrack {speller.spell(r.choice(spellings))} -j LOG" for _ in range(r.choice([1, 2]))]
        rules[f"mangle {chain}"] = [*found, f"{speller.spell(counted)} -j LOG"]
    if m.chance(0.15):
        where = r.choice(["filter FORWARD", "filter INPUT", "filter OUTPUT"])
        rules[where] = [
            r.choice(
                [
                    "-p tcp -m tcp --tcp-flags PSH PSH -j REJECT --reject-with tcp-reset",
                    "-m conntrack --ctstate INVALID -j DROP",
                    "-p tcp -m tcp --tcp-flags FIN FIN -j REJECT",
                    "-m conntrack --ctstate NEW -p tcp -m tcp ! --syn -j DROP",
                ]
            )
        ]
    sides, src, dst = r.choice(
        [(("a", "b"), m.client(), m.server())] * 3 + [(("a", "fw"), m.client(), m.w.fw[0]), (("fw", "b"), m.w.fw[0], m.w.b[0])]
    )
    there = {"from": sides[0], "src": src, "dst": dst, "proto": "tcp", "sport": 4000, "dport": 80}
    back = {"from": sides[1], "src": dst, "dst": src, "proto": "tcp", "sport": 80, "dport": 4000}
    sequence = [r.choice([1000, 1000, 0, 2**32 - 30]), r.choice([5000, 5000, 2**31, 2**32 - 5])]
    packets: list[Json] = []
    flags = ["SYN", "SYN,ACK", "ACK", "ACK", "PSH,ACK", "FIN,ACK", "RST", "RST,ACK", "FIN", ""]
    weights = [3, 3, 4, 4, 4, 2, 1, 1, 0.3, 0.2]
    opening = r.choice([[], [], [(0, "SYN"), (1, "SYN,ACK"), (0, "ACK")], [(0, "SYN"), (1, "SYN,ACK"), (0, "ACK")], [(0, "SYN"), (1, "SYN"), (0, "SYN,ACK")], [(0, "SYN"), (0, "SYN"), (1, "ACK"), (0, "RST")], [(0, "ACK"), (1, "ACK")], [(0, "SYN"), (1, "RST,ACK")]])  # fmt: skip
    for number in range(r.randrange(2, 18)):
        way, flag = opening[number] if number < len(opening) else (r.randrange(2), r.choices(flags, weights)[0])
        if packets and m.chance(0.1):
            packets.append(dict(r.choice(packets)))
            continue
        packet = {**(there, back)[way], "flags": flag, "seq": sequence[way], "ack": sequence[1 - way] if "ACK" in flag else 0}
        size = r.choice([0, 20]) if "ACK" in flag and "SYN" not in flag and "RST" not in flag else 0
        if size:
            packet["payload_len"] = size
        if m.chance(0.12):
            packet[r.choice(["seq", "ack"])] += r.choice([-70000, -1, 1, 500, 70000, 10_000_000])
        if m.chance(0.03):
            packet[r.choice(["seq", "ack"])] = 0
        packet["seq"] %= 1 << 32
        packet["ack"] %= 1 << 32
        if m.chance(0.1):
            packet["window"] = r.choice([0, 100, 1000])
        if "SYN" in flag and m.chance(0.4):
            packet["tcp_options"] = r.choice(
                [
                    "01030307",
                    "04020000",
                    "020405b401030307",
                    "0101080a0000000100000000",
                    "0402030e",
                    "0303ff",
                    "020405b40402080a00000001000000000103030a",
                ]
            )
        elif "ACK" in flag and m.chance(0.1):
            packet["tcp_options"] = (
                "0101050a"
                + ((packet["ack"] + 10) % 2**32).to_bytes(4, "big").hex()
                + ((packet["ack"] + r.choice([20, 90000])) % 2**32).to_bytes(4, "big").hex()
            )
        packets.append(packet)
        sequence[way] = (sequence[way] + size + ("SYN" in flag or "FIN" in flag)) % (1 << 32)
    sysctl = {}
    for key in ("loose", "be_liberal", "ignore_invalid_rst"):
        if m.chance(0.15):
            sysctl[f"net.netfilter.nf_conntrack_tcp_{key}"] = int(key != "loose")
    return rules, packets, {"sysctl": sysctl, **(m.quiet() if "fw" in sides else {})}


def limits(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Rules that remember: their memory carries over the packets of several flows."""
    r = m.r
    name = f"h{r.randrange(1 << 30)}"
    wide = "24" if m.family == 4 else "64"
    stateful = [
        f"-m hashlimit --hashlimit-upto {r.choice(['1/hour', '2/hour'])} --hashlimit-burst {r.choice([1, 2, 3])} --hashlimit-mode {r.choice(['srcip', 'dstip', 'srcip,dstport', 'srcip,srcport,dstip,dstport'])} --hashlimit-name {name}",
        f"-m hashlimit --hashlimit-above 1/hour --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-srcmask {wide} --hashlimit-name {name}x",
        f"-m limit --limit 1/hour --limit-burst {r.choice([1, 2, 3])}",
        f"-m recent {m.invert()}--set --name {name} --rsource",
        f"-m recent {m.invert()}{r.choice(['--rcheck', '--update'])} --seconds 100 --hitcount {r.choice([1, 2, 3])} --name {name} --rsource",
        f"-m recent --remove --name {name} --rsource",
        f"-m recent --rcheck --rttl --name {name} --rsource",
        f"-m quota {m.invert()}--quota {r.choice([60, 130, 500])}",
        f"-m statistic --mode nth --every {r.choice([2, 3])} --packet {r.choice([0, 1])}",
        f"-m connbytes --connbytes {r.choice(['2', '1:2', '100:'])} --connbytes-mode {r.choice(['packets', 'bytes', 'avgpkt'])} --connbytes-dir {r.choice(['original', 'reply', 'both'])}",
    ]  # fmt: skip
    rules: Rules = {}
    for chain in ("FORWARD", "INPUT", "OUTPUT"):
        rules[f"filter {chain}"] = [
            f"{match} -j {r.choice(['LOG', 'LOG', 'ACCEPT', 'DROP', 'REJECT'])}" for match in r.sample(stateful, r.choice([1, 2, 3]))
        ]
    packets: list[Json] = []
    for _ in range(r.choice([2, 3, 4])):
        side = r.choice(["a", "a", "fw"])
        packets += m.talk({"from": side, "src": m.own() if side == "fw" else m.client(), "dst": r.choice(m.w.b + m.w.fw[:1])}, len(packets))
    return rules, packets, {}


def many_connections(m: Themed) -> tuple[Rules, list[Json], Json]:
    """connlimit counts the connections that are left."""
    r = m.r
    how = f"--connlimit-{r.choice(['above', 'upto'])} {r.choice([0, 1, 2])} --connlimit-mask {r.choice([0, 24, 32])} --connlimit-{r.choice(['saddr', 'daddr'])}"
    rules = {"filter FORWARD": [f"-m connlimit {how} -j {r.choice(['LOG', 'DROP'])}"]}
    packets = []
    for number in range(r.randrange(2, 7)):
        packet: Json = {"from": "a", "src": m.client(), "dst": m.server(), "proto": "udp", "sport": 4000 + number // 2, "dport": 53}
        if m.chance(0.4):
            packet |= {"proto": "tcp", "flags": r.choice(["SYN", "SYN", "RST", "ACK"])}
        packets.append(packet)
    return rules, packets, {}


def far_jumps(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Chains calling chains, by jump and goto, with RETURN in all depths."""
    r = m.r
    table = r.choice(["filter", "mangle", "raw"])
    names = [f"c{number}" for number in range(5)]
    rules: Rules = {}
    for at, name in enumerate(names):
        rules[f"{table} {name}"] = []
        for _ in range(r.choice([0, 1, 2, 3])):
            target = r.choice(
                [
                    "-j RETURN",
                    "-j ACCEPT",
                    "-j LOG",
                    "-m comment --comment x -j RETURN",
                    *(f"-{r.choice('jg')} {other}" for other in names[at + 1 :] * 2),
                ]
            )
            rules[f"{table} {name}"].append(f"{r.choice(['', '', '-p tcp ', f'-s {m.w.a[0]} '])}{target}")
    for chain in BUILTIN[table]:
        rules[f"{table} {chain}"] = [
            f"{r.choice(['', '-p udp '])}-{r.choice('jjg')} {r.choice(names)}" for _ in range(r.choice([1, 2, 3]))
        ] + ["-j RETURN"] * r.choice([0, 1])
    return rules, m.talk({"from": "a", "src": m.client(), "dst": r.choice(m.w.b + m.w.fw)}), {}


def rejecting(m: Themed) -> tuple[Rules, list[Json], Json]:
    """REJECT wherever it can stand, behind translations; its answers meet rules of their own."""
    r = m.r
    kinds = (
        ["icmp-port-unreachable", "icmp-host-prohibited", "icmp-proto-unreachable"]
        if m.family == 4
        else ["icmp6-port-unreachable", "icmp6-no-route", "icmp6-policy-fail", "icmp6-reject-route"]
    )
    rules: Rules = {f"mangle {chain}": [m.states()] for chain in ("OUTPUT", "POSTROUTING") if m.chance(0.5)}
    for chain in BUILTIN["filter"]:
        if m.chance(0.7):
            how = "-p tcp -j REJECT --reject-with tcp-reset" if m.chance(0.5) else f"-j REJECT --reject-with {r.choice(kinds)}"
            state = m.r.choice(["", "-m conntrack --ctstate NEW ", "-m conntrack ! --ctstate NEW "])
            rules[f"filter {chain}"] = [state + how]
    if m.chance(0.4):
        rules["nat PREROUTING"] = [f"-j DNAT --to-destination {r.choice(m.w.b + m.w.fw)}"]
    if m.chance(0.4):
        rules["nat POSTROUTING"] = ["-j MASQUERADE"]
    if m.chance(0.2):
        rules["raw PREROUTING"] = ["-j CT --notrack"]
    side = r.choice(["a", "fw"])
    return rules, m.talk({"from": side, "src": m.own() if side == "fw" else m.client(), "dst": r.choice(m.w.b + m.w.fw)}), {}


def prefixes(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Prefix translation without connections, inside ICMPv6 errors too."""
    if m.family == 4:
        return netmap(m)
    rules = m.seen() | {
        "mangle POSTROUTING": ["-s fd00::/64 -o eth1 -j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8:1::/64"],
        "mangle PREROUTING": ["-d 2001:db8:1::/64 -i eth1 -j DNPT --src-pfx 2001:db8:1::/64 --dst-pfx fd00::/64"],
    }
    if m.chance(0.5):
        rules["raw PREROUTING"] = ["-j CT --notrack"]
    return rules, m.talk({"from": "a", "src": m.r.choice(m.w.a[:2]), "dst": m.server()}), {}


def odd_targets(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Targets that change a packet without deciding about it."""
    r = m.r
    choices = [
        "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu", "-p tcp -j TCPOPTSTRIP --strip-options mss,sack-permitted",
        "-j CHECKSUM --checksum-fill", "-j CLASSIFY --set-class 1:2", "-j AUDIT --type accept", "-j NFLOG --nflog-group 5",
        "-j DSCP --set-dscp-class EF", "-j TOS --set-tos 0x10", "-j TOS --xor-tos 0x18",
        "-p tcp -j ECN --ecn-tcp-remove" if m.family == 4 else "-j DSCP --set-dscp 1",
        "-j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-offset 100 --hmark-rnd 7", "-j HMARK --hmark-tuple sport,dport,ct --hmark-mod 7 --hmark-rnd 1",
        "-j NFQUEUE --queue-num 3 --queue-bypass", "-j IDLETIMER --timeout 600 --label pyipt", "-j RATEEST --rateest-name pyipt --rateest-interval 250ms --rateest-ewmalog 500ms",
    ]  # fmt: skip
    rules = {
        f"mangle {chain}": r.sample([c for c in choices if "CLASSIFY" not in c or chain in ("FORWARD", "OUTPUT", "POSTROUTING")], 2)
        for chain in ("PREROUTING", "FORWARD", "OUTPUT", "POSTROUTING", "INPUT")
        if m.chance(0.5)
    }
    rules["filter FORWARD"] = [
        r.choice(
            [
                "-p tcp -m tcpmss --mss 500:1400 -j LOG",
                "-m dscp --dscp-class EF -j LOG",
                "-m length --length 0:44 -j LOG",
                "-m tos --tos 0x10 -j LOG",
            ]
        )
    ]
    packets = m.talk({"from": r.choice(["a", "fw"]), "src": m.client(), "dst": r.choice(m.w.b + m.w.fw), "tos": r.choice([0, 0, 3, 0x10])})
    if packets[0]["from"] == "fw":
        packets[0]["src"] = m.own()
    if packets[0]["proto"] == "tcp":
        packets[0] |= r.choice([{}, {"mss": 1460}, {"tcp_options": "0204058c04020000"}, {"flags": "SYN,ECE,CWR"}])
    return rules, packets, {}


# -- every match and target ----------------------------------------------------------------------------------------------------
class Speller:
    """Spells rules for one case: its pools hold the addresses of the case."""

    def __init__(self, m: Themed) -> None:
        w, self.m = m.w, m
        four = m.family == 4
        name = f"n{m.r.randrange(1 << 30)}"
        self.pools = words.POOLS | {
            "a": [*w.a, w.nets[0]], "b": [*w.b, w.nets[2]], "fw": w.fw, "name": [name, f"{name}x"], "wide": ["24", "8"] if four else ["64", "16"],
            "mask4": ["255.255.255.0", "255.0.0.0"] if four else ["ffff:ffff:ffff:ffff::", "ffff::"],
            "range": ["10.0.0.0-10.0.0.2", "10.0.0.1-10.0.1.3"] if four else ["fd00::1-fd00::2", "fd00::-fd00:0:0:1::ffff"],
            "gateway": [w.a[1], w.b[1]], "reject": words.REJECTS4 if four else words.REJECTS6,
        }  # fmt: skip
        more = words.MATCHES4 if four else words.MATCHES6
        self.matches = [(name, text) for table in (words.MATCHES, more) for name, spellings in table.items() for text in spellings]

    def spell(self, text: str) -> str:
        return words.spell(self.m.r, text, self.pools)

    def match(self) -> str:
        name, text = self.m.r.choice(self.matches)
        text = self.spell(text)
        if not name:
            return text
        proto = ""
        if text.startswith("-p "):
            _, number, *rest = text.split(" ", 2)
            proto, text = f"-p {number} ", " ".join(rest)
        return f"{proto}-m {name} {text}".strip()

    def target(self, table: str) -> str:
        more = words.TARGETS4 if self.m.family == 4 else words.TARGETS6
        return self.spell(self.m.r.choice(words.TARGETS[""] + 2 * words.TARGETS[table] + 2 * more.get(table, [])))

    def end(self, table: str) -> str:
        return self.spell(self.m.r.choice(words.ENDS[""] + words.ENDS[table]))

    def valid(self, table: str, chain: str, rule: str) -> bool:
        """Would iptables take it? The answer of the emulator, which has tests of its own."""
        user = "" if chain in BUILTIN[table] else f":{chain} - [0:0]\n"
        try:
            load(f"*{table}\n{user}-A {chain} {rule}\nCOMMIT\n", f"ipv{self.m.family}", variant="legacy")
        except ValueError:
            return False
        return True

    def rule(self, table: str, chain: str, make: Callable[[], str]) -> list[str]:
        """A rule that loads there; none when ten would not."""
        for _ in range(10):
            rule = make()
            if self.valid(table, chain, rule):
                return [rule]
        return []


def strange(m: Themed, packet: Json) -> Json:
    """A packet with headers seldom seen."""
    r, w = m.r, m.w
    sport, dport = r.choice([4000, 80, 22, 0, 65535]), r.choice([80, 53, 22, 443, 0])
    kind = r.choices(["tcp", "udp", "icmp", "other"], [4, 2, 2, 3])[0]
    if kind == "tcp":
        packet |= {
            "proto": "tcp",
            "sport": sport,
            "dport": dport,
            "flags": r.choice(
                ["SYN"] * 5
                + ["ACK", "SYN,ACK", "SYN,ECE,CWR", "PSH,ACK", "FIN,ACK", "RST", "RST,ACK", "", "SYN,URG", "ACK,URG,ECE", "FIN,PSH,URG"]
            ),
        }
        for key, values in (("seq", [0, 1, 2**32 - 1]), ("ack", [0, 5, 2**31]), ("window", [0, 1, 1024]), ("mss", [536, 1460, 9000])):
            if m.chance(0.2):
                packet[key] = r.choice(values)
        if m.chance(0.3):
            packet["tcp_options"] = r.choice(
                [
                    "01030307",
                    "0402",
                    "0101080a0000000100000000",
                    "020405b4",
                    "0204",
                    "0500",
                    "1e04aabb",
                    "01",
                    "0000020405b4",
                    "0802",
                    "040201010303",
                    "0303ff",
                ]
            )
    elif kind == "udp":
        packet |= {"proto": "udp", "sport": sport, "dport": dport}
    elif kind == "icmp":
        packet |= {"proto": w.icmp, "icmp_id": r.choice([0, 7, 65535]), "icmp_seq": r.choice([0, 1])}
        if m.chance(0.4):
            packet["type"] = r.choice(
                [0, 8, 13, 14, 15, 17, 18, 9, 10, 30, 42, 255] if m.family == 4 else [128, 129, 130, 135, 136, 139, 140, 144, 200, 255]
            )
            packet["code"] = r.choice([0, 0, 1, 9])
        elif m.chance(0.3):
            kinds = (
                [(3, 0), (3, 3), (3, 4), (4, 0), (5, 1), (11, 0), (12, 0)]
                if m.family == 4
                else [(1, 0), (1, 4), (2, 0), (3, 0), (4, 1), (137, 0), (100, 0)]
            )
            packet["type"], packet["code"] = r.choice(kinds)
            inner: Json = {"src": packet["dst"], "dst": packet["src"], "proto": r.choice(["udp", "tcp", w.icmp, "47"])}
            if inner["proto"] in ("udp", "tcp"):
                inner |= {"sport": 80, "dport": 4000}
            packet |= {"inner": inner, "rest": r.choice([0, 1400, 5 << 24])}
            if packet["type"] == 137:
                del packet["inner"]
    else:
        packet |= words.other(r, m.family, sport, dport, (packet["src"], packet["dst"]))
    for key, values in (
        ("ttl", [0, 1, 2, 63, 255]),
        ("tos", [1, 2, 3, 8, 16, 184, 255, 40]),
        ("payload", words.TEXTS),
        ("df", [True]),
        ("id", [0, 7, 65535]),
        ("flow_label", [5]),
    ):
        if (
            m.chance(0.2)
            and (key != "flow_label" or m.family == 6)
            and not (key == "payload" and ("inner" in packet or packet["proto"] in ("0", "43", "60")))
        ):
            packet[key] = r.choice(values)
    if "payload" not in packet and packet["proto"] not in ("0", "43", "60") and m.chance(0.15):
        packet["payload_len"] = r.choice([1, 7, 20, 500])
    if packet["from"] != "fw":
        if m.chance(0.06):
            packet["bad_checksum"] = True
        if m.chance(0.08):
            packet["l2"] = r.choice(["broadcast", "multicast", "otherhost"])
        if m.chance(0.06) and m.family == 4:
            packet |= r.choice([{"frag_offset": 1}, {"frag_offset": 100}, {"more_fragments": True}])
    else:
        packet |= r.choice([{}, {}, {"uid": 1000, "gid": 1000}, {"uid": 5, "gid": 0}])
        if packet.get("id") == 0:
            del packet["id"]  # the kernel numbers such a packet itself
    return packet


def ends(m: Themed) -> Json:
    """Where a packet comes from and goes to."""
    w, side = m.w, m.r.choice(["a", "a", "b", "fw"])
    near = {"a": w.a, "b": w.b, "fw": w.fw}[side]
    away = m.r.choice([w.a, w.b, w.b, w.fw, w.fw])
    packet = {"from": side, "src": m.r.choice(near), "dst": m.r.choice(away)}
    if m.chance(0.06):
        packet["dst"] = m.r.choice([*w.odd, *(["0.0.0.5", "239.1.1.1", "127.0.0.5"] if m.family == 4 else ["ff05::2", "ff0e::5", "::5"])])
    if m.chance(0.04) and side != "fw":
        packet["src"] = m.r.choice(w.odd)
    if side == "fw" and m.family == 6 and packet["dst"].startswith("ff"):
        packet["dst"] = "::1"  # of several ways to all the kernel takes turns
    if side == "fw" and m.chance(0.2):
        packet["src"] = packet["dst"] = m.r.choice([w.lo, *w.fw])
    return packet


def everything(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Any match anywhere, each in a rule that only counts, and packets of all kinds."""
    speller = Speller(m)
    rules: Rules = {}
    places = m.r.sample([(table, chain) for table in BUILTIN for chain in BUILTIN[table]], m.r.choice([2, 3, 4]))
    for table, chain in places:
        found = rules.setdefault(f"{table} {chain}", [])
        for _ in range(m.r.choice([3, 5, 7])):
            found += speller.rule(table, chain, lambda: f"{speller.match()} -j LOG")
    packets = more_packets(m, [], m.r.choice([1, 2, 3, 4]))
    return rules, packets, m.host() if m.chance(0.3) else {}


def more_packets(m: Themed, packets: list[Json], count: int) -> list[Json]:
    """Strange packets, repeated, answered and complained about."""
    while len(packets) < count:
        number = m.r.randrange(len(packets)) if packets else 0
        old = packets[number] if packets else {}
        kind = m.r.choices(["new", "error", "again", "reply"], [5, 2, 2, 3])[0] if packets else "new"
        if kind == "new":
            packets.append(strange(m, ends(m)))
        elif kind == "again" or not old.get("src") or old.get("frag_offset") or old.get("more_fragments"):
            packets.append(dict(old))
        elif kind == "error":
            packets.append(m.error(number))
        else:
            answer: Json = {"reply_to": number}
            if old.get("proto") == "tcp":
                answer |= {
                    "flags": m.r.choice(["SYN,ACK", "SYN,ACK", "ACK", "RST,ACK"]),
                    "seq": 5000,
                    "ack": old.get("seq", 1000) + 1 & 0xFFFFFFFF,
                }
            elif "l4" in old:
                answer["l4"] = old["l4"]
            packets.append(answer)
    return packets


def acting(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Any target anywhere, behind conditions or not, with rules that see what became of the packet."""
    speller, r = Speller(m), m.r
    rules: Rules = {}
    places = r.sample([(table, chain) for table in BUILTIN if table != "nat" for chain in BUILTIN[table]], r.choice([2, 3, 4]))
    for table, chain in places:
        found = rules.setdefault(f"{table} {chain}", [])
        for _ in range(r.choice([1, 2, 3])):
            when = f"{speller.match()} " if m.chance(0.3) else ""
            found += speller.rule(table, chain, lambda when=when, table=table: (when + speller.target(table)).strip())  # type: ignore[misc]
            if m.chance(0.3):
                found += speller.rule(table, chain, lambda: f"{speller.match()} -j LOG")
        if m.chance(0.15):
            found += speller.rule(
                table, chain, lambda table=table: f"{speller.match() if m.chance(0.6) else ''} {speller.end(table)}".strip()
            )  # type: ignore[misc]
    if m.chance(0.4):
        chain = r.choice(BUILTIN["nat"])
        rules[f"nat {chain}"] = speller.rule("nat", chain, lambda: m.target_NAT("nat", chain).replace("PORTS ", "-p udp "))
    host = m.host()
    return rules, more_packets(m, [], r.choice([1, 2, 3, 4])), host


def busy(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Rulesets as people have them: user chains by protocol, states first, logging, rejecting at the end, some translation."""
    speller, r = Speller(m), m.r
    chains = ["INPUT", "FORWARD", "OUTPUT"]
    rules: Rules = {"filter web": [], "filter bad": [], "filter end": []}
    for chain in chains:
        rules[f"filter {chain}"] = [
            *r.sample(["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-m conntrack --ctstate INVALID -g bad", "-p tcp -j web", "-p udp -g web", f"-s {m.address()} -j bad", f"-p {m.w.proto} -j ACCEPT"], r.choice([2, 3, 4])),
            *speller.rule("filter", chain, lambda: f"{speller.match()} -j {r.choice(['web', 'bad', 'end', 'ACCEPT', 'RETURN'])}"),
            *r.sample(["-j end", "-m limit --limit 1/hour --limit-burst 2 -j LOG", "-j REJECT", "-g end"], r.choice([0, 1, 2])),
        ]  # fmt: skip
    for name in ("web", "bad", "end"):
        for _ in range(r.choice([0, 1, 2, 3])):
            when = speller.match() if m.chance(0.6) else ""
            rules[f"filter {name}"] += speller.rule("filter", name, lambda when=when: f"{when} {speller.end('filter')}".strip())  # type: ignore[misc]
    if m.chance(0.5):
        rules["nat PREROUTING"] = speller.rule(
            "nat", "PREROUTING", lambda: m.target_NAT("nat", "PREROUTING").replace("PORTS ", f"-p {r.choice(['udp', 'tcp'])} ")
        )
        rules["nat POSTROUTING"] = [f"-o {r.choice([_NEAR, _FAR])} -j MASQUERADE"]
    host = m.host()
    packets: list[Json] = []
    for _ in range(r.choice([1, 2])):
        packets += m.talk(ends(m), len(packets))
    return rules, more_packets(m, packets, len(packets) + r.choice([0, 1, 2])), host


def elsewhere(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Hosts with other addresses, routes of all types, routing rules, settings."""
    r, four = m.r, m.family == 4
    addresses = [f"10.0.0.{r.choice([1, 9, 129])}/{r.choice([24, 25, 29, 32])}", f"fd00::1/{r.choice([64, 127, 128, 60])}"]
    others = [
        "10.0.1.1/24",
        "fd00:0:0:1::1/64",
        *r.sample(
            ["203.0.113.1/24", "203.0.113.1/32", "10.0.1.77/24", "192.0.2.9/31", "fd00:0:0:1::77/64", "2001:db8:b::1/48"],
            r.choice([0, 1, 3]),
        ),
    ]
    m.w.fw = [text.split("/")[0] for text in [*addresses, *others] if (":" in text) != four and not text.startswith("fe80")]
    alone = "203.0.113.9" if four else "2001:db8:b::9"
    gateways = (
        [f"via 10.0.1.2 dev {_FAR}", f"via 10.0.0.2 dev {_NEAR} onlink"]
        if four
        else [f"via fd00:0:0:1::2 dev {_FAR}", f"via fd00::2 dev {_NEAR} onlink"]
    )
    nets = (
        ["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", "10.0.1.7/32", "203.0.113.9/32"]
        if four
        else ["2001:db8::/32", "2001:db8:b::/48", "2001:db8:a::/64", "fd00:0:0:1::7/128"]
    )
    routes = ["default via 10.0.1.2 dev eth1"] if four else ["default via fd00:0:0:1::2 dev eth1"]
    if m.chance(0.15):
        routes = []
    used = {("203.0.113.0/24", "")} if "203.0.113.1/24" in others else set()
    for _ in range(r.choice([0, 1, 2, 3])):
        net, table = r.choice(nets), r.choice(["", "", " table 100", " table 101"])
        if (net, table) not in used:
            used.add((net, table))
            routes.append(
                f"{r.choice(['blackhole', 'unreachable', 'prohibit', 'throw'])} {net}{table}"
                if m.chance(0.4)
                else f"{net} {r.choice([*gateways, f'dev {_FAR}', f'dev {_NEAR}'])}{r.choice(['', '', ' metric 50'])}{table}"
            )
    if m.chance(0.4) and ("default", " table 100") not in used:
        routes.append(f"default {r.choice(gateways)} table 100")
    elif not any("table 100" in route for route in routes):
        routes.append(f"{alone} {r.choice(gateways)} table 100")
    host: Json = {"interfaces": {"lo": ["127.0.0.1/8", "::1/128"], _NEAR: addresses, _FAR: others}, "routes": routes}
    which = [
        f"iif {_NEAR} table 100", f"iif {_FAR} table 101", "iif lo table 100", "fwmark 1 table 100", "fwmark 0x4/0x4 table 101", "tos 0x10 table 100", "ipproto udp table 100", "fwmark 1 table 100 pref 10",
        f"iif {_FAR} table 100 pref 40000", f"iif {_NEAR} fwmark 4 prohibit", f"iif {_FAR} ipproto tcp blackhole", "fwmark 1 unreachable", "not fwmark 1 table 100", "fwmark 1 ipproto tcp table 101 pref 20", "dport 80 table 100", "ipproto udp sport 4000 table 101",
    ]  # fmt: skip
    host["rules"] = r.sample(which, r.choice([0, 0, 1, 2]))
    host["rp_filter"] = r.choice([0, 0, 1, 2])
    host["forwarding"] = m.chance(0.9)
    sysctl: Json = {}
    kinds = ["net.ipv4.conf.{}.accept_local", "net.ipv4.conf.{}.route_localnet", "net.ipv4.conf.{}.src_valid_mark", "net.ipv4.conf.{}.rp_filter", "net.ipv4.conf.{}.forwarding", "net.ipv4.fwmark_reflect", "net.ipv4.icmp_echo_ignore_all",
             "net.ipv4.icmp_errors_use_inbound_ifaddr", "net.ipv4.ip_default_ttl", "net.ipv6.conf.{}.hop_limit", "net.ipv6.fwmark_reflect", "net.ipv6.conf.{}.forwarding", "net.netfilter.nf_conntrack_checksum", "net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv6.icmp.echo_ignore_all"]  # fmt: skip
    for key in r.sample(kinds, r.choice([0, 1, 2])):
        sysctl[key.format(r.choice(["all", _NEAR, _FAR]))] = {"ip_default_ttl": 99, "hop_limit": 77}.get(
            key.rsplit(".", 1)[1], r.choice([0, 1, 1])
        )
    host["sysctl"] = sysctl
    rules = m.seen()
    if m.chance(0.5):
        rules["mangle PREROUTING"] = [r.choice(["-j MARK --set-mark 1", "-p udp -j MARK --set-mark 4", "-j TOS --set-tos 0x10"])]
    if m.chance(0.5):
        rules["mangle OUTPUT"] = [
            r.choice(["-j MARK --set-mark 1", "-p udp -j MARK --set-mark 4", "-j TOS --set-tos 0x10", "-j CONNMARK --restore-mark"])
        ]
    if m.chance(0.3):
        rules["nat POSTROUTING"] = [r.choice([f"-o {_FAR} -j MASQUERADE", "-j MASQUERADE"])]
    if m.chance(0.3):
        rules["nat PREROUTING"] = [r.choice(["-j REDIRECT", f"-j DNAT --to-destination {r.choice([*m.w.a, *m.w.b, *m.w.fw, alone])}"])]
    if m.chance(0.3):
        rules["nat OUTPUT"] = [r.choice(["-j REDIRECT", f"-j DNAT --to-destination {r.choice([*m.w.a, *m.w.b, *m.w.fw, alone])}"])]
    if m.chance(0.4):
        rules["raw PREROUTING"] = [
            f"-m rpfilter{r.choice(['', ' --loose', ' --invert', ' --accept-local', ' --validmark'])} -j LOG",
            f"-m addrtype --dst-type {r.choice(['LOCAL', 'UNICAST'])} -j LOG",
        ]
    if m.chance(0.3):
        rules["filter FORWARD"] = [r.choice(["-j REJECT", "-p tcp -j REJECT --reject-with tcp-reset"])]
    packets: list[Json] = []
    for _ in range(r.choice([1, 2, 3])):
        packet = ends(m)
        if m.chance(0.2):
            packet["tos"] = 0x10
        if m.chance(0.1):
            packet["ttl"] = 1
        packets += m.talk(packet, len(packets))
    return rules, packets, host


def lifetimes(m: Themed) -> tuple[Rules, list[Json], Json]:
    """How long connections last, by protocol, state and setting; what they have been through."""
    r, speller = m.r, Speller(m)
    names = ["udp_timeout", "udp_timeout_stream", "icmp_timeout", "icmpv6_timeout", "generic_timeout", "gre_timeout", "gre_timeout_stream", "tcp_timeout_syn_sent", "tcp_timeout_syn_recv", "tcp_timeout_established", "tcp_timeout_unacknowledged", "tcp_timeout_max_retrans",
             "tcp_timeout_close", "tcp_timeout_fin_wait", "tcp_max_retrans", "sctp_timeout_cookie_wait"]  # fmt: skip
    sysctl = {
        f"net.netfilter.nf_conntrack_{name}": r.choice([50, 90, 200]) if "retrans" not in name[-8:] else 1
        for name in r.sample(names, r.choice([0, 2, 6]))
    }
    spellings = ["{!}--ctexpire {0|1:10|11:40|41:70|71:140|141:185|186:210|211:305|306:5000|5001:}", "{!}--ctstatus {ASSURED|SEEN_REPLY|CONFIRMED|NONE}", "{!}--ctproto {6|17|47|132|50|1|58}", "{!}--ctreplsrcport <ports>", "{!}--ctorigdstport <ports>"]  # fmt: skip
    rules = {
        f"mangle {chain}": [f"-m conntrack {speller.spell(r.choice(spellings))} -j LOG" for _ in range(4)]
        for chain in ("PREROUTING", "FORWARD", "INPUT", "POSTROUTING")
    }
    if m.chance(0.3):
        rules["nat POSTROUTING"] = ["-j MASQUERADE"]
    packets: list[Json] = []
    for _ in range(r.choice([1, 2])):
        at, packet = len(packets), ends(m)
        kind = r.choice(["talk", "gre", "sctp", "other", "tcp"])
        if kind == "talk":
            packets += m.talk(packet, at)
            continue
        if kind == "tcp":
            packets += m.tcp(packet, at, m.chance(0.3))
            continue
        if kind == "sctp":
            tag = 7
            there = [
                words.sctp(4000, 80, 0, words.init(tag)),
                words.sctp(4000, 80, 9, words.chunk(10, 0, b"abcd")),
                words.sctp(4000, 80, 9, words.chunk(0, 3, b"\0" * 12)),
                words.sctp(4000, 80, 9, words.chunk(7, 0, b"\0" * 4)),
                words.sctp(4000, 80, 9, words.chunk(14, 0, b"")),
            ]
            back = [
                words.sctp(80, 4000, tag, words.init(9, 2)),
                words.sctp(80, 4000, tag, words.chunk(11, 0, b"")),
                words.sctp(80, 4000, tag, words.chunk(3, 0, b"\0" * 12)),
                words.sctp(80, 4000, tag, words.chunk(8, 0, b"")),
            ]
            packets.append(packet | {"proto": "132", "l4": there[0]})
            for number in range(r.randrange(8)):
                way = number % 2 == 0 if m.chance(0.8) else m.chance(0.5)
                text = (back if way else there)[min((number + 1) // 2, 3)] if m.chance(0.85) else r.choice(back if way else there)
                packets.append({"reply_to": at, "l4": text} if way else packet | {"proto": "132", "l4": text})
            continue
        text = r.choice(["00000800", "3001880b00040005" + "00000000", "2000080000000007"]) if kind == "gre" else "00" * 8
        packets.append(packet | {"proto": "47" if kind == "gre" else r.choice(["50", "89", "2"]), "l4": text})
        for _ in range(r.randrange(4)):
            packets.append({"reply_to": at, "l4": text} if m.chance(0.6) else dict(packets[at]))
    return rules, packets, {"sysctl": sysctl, **(m.quiet() if m.chance(0.5) else {})}


def translated(m: Themed) -> tuple[Rules, list[Json], Json]:
    """Several connections through translations of all kinds, in the same chains, with the same ports."""
    r, w = m.r, m.w
    targets = w.a + w.b + w.fw
    to = w.bracket

    def port() -> str:
        return r.choice(["80", "4000", "8080", "7"])

    def destination(chain: str) -> str:
        when = r.choice(["", f"-d {r.choice(targets)} ", f"-s {r.choice(targets)} ", "-p udp ", "-p tcp ", f"-p {w.proto} "])
        proto = r.choice(["udp", "tcp", "sctp"])
        return r.choice([
            f"{when}-j DNAT --to-destination {r.choice(targets)}{r.choice(['', '', ' --persistent'])}", f"-p {proto} -j DNAT --to-destination {to(r.choice(targets))}:{port()}", f"-p {proto} -j DNAT --to-destination :{port()}", f"-p {proto} -j DNAT --to-destination {to(r.choice(targets))}:{r.choice(['1000-1010', '79-82'])}", f"-p {proto} -j REDIRECT --to-ports 5000-5010",
            f"{when}-j REDIRECT", f"-p {proto} -j REDIRECT --to-ports {port()}", f"-p {proto} -m {proto} --dport 80:89 -j DNAT --to-destination {to(r.choice(targets))}:8000-8009/80",
            f"{when}-j NETMAP --to {'10.0.1.0/29' if m.family == 4 else 'fd00:0:0:1::/125'}", f"{when}-j ACCEPT", f"{when}-j RETURN", f"{when}-m addrtype --dst-type LOCAL -j DNAT --to-destination {r.choice(targets)}",
        ])  # fmt: skip

    def source(chain: str) -> str:
        when = r.choice(
            [
                "",
                f"-d {r.choice(targets)} ",
                f"-s {r.choice(targets)} ",
                f"-p {r.choice(['udp', 'tcp'])} ",
                "" if chain == "INPUT" else f"-o {r.choice([_NEAR, _FAR, 'lo'])} ",
            ]
        )
        proto = r.choice(["udp", "tcp"])
        kinds = [f"{when}-j SNAT --to-source {r.choice(targets)}", f"-p {proto} -j SNAT --to-source {to(r.choice(targets))}:{port()}", f"-p {proto} -j SNAT --to-source :{port()}",
                 f"{when}-j NETMAP --to {'10.0.1.8/29' if m.family == 4 else 'fd00:0:0:1::8/125'}", f"{when}-j ACCEPT", f"{when}-j SNAT --to-source {r.choice(targets)} --persistent"]  # fmt: skip
        if chain == "POSTROUTING":
            kinds += [f"{when}-j MASQUERADE", f"{when}-j MASQUERADE", f"-p {proto} -j MASQUERADE --to-ports {port()}"]
        return r.choice(kinds)

    rules = m.seen()
    for chain, make in (("PREROUTING", destination), ("OUTPUT", destination), ("INPUT", source), ("POSTROUTING", source)):
        if m.chance(0.6):
            rules[f"nat {chain}"] = [make(chain) for _ in range(r.choice([1, 2, 3]))]
    if m.chance(0.3):
        rules["mangle OUTPUT"] = [r.choice(["-j MARK --set-mark 1", "-j MARK --set-mark 4", "-j TOS --set-tos 8"])]
    if m.chance(0.2):
        rules["raw PREROUTING"] = [
            r.choice([f"-i {_FAR} -j CT --notrack", "-p udp -j CT --notrack", "-j CT --zone 2", f"-i {_NEAR} -j CT --zone-orig 2"])
        ]
    if m.chance(0.25):
        rules["filter FORWARD"] = [
            r.choice(["-p tcp -j REJECT --reject-with tcp-reset", "-m conntrack --ctstate DNAT -j REJECT", "-j DROP"])
        ]
    packets: list[Json] = []
    for _ in range(r.choice([1, 2, 2, 3])):
        packet = ends(m)
        if m.chance(0.15):
            tag = [words.init(7)]
            packets.append(packet | {"proto": "132", "l4": words.sctp(r.choice([4000, 80]), 80, 0, *tag)})
            continue
        found = m.talk(packet, len(packets))
        if m.chance(0.4):
            other = {"sport": r.choice([4000, 80, 500]), "dport": r.choice([80, 85, 4000])}
            found = [each | other if each.get("proto") in ("tcp", "udp") and "sport" in each else each for each in found]
        packets += found
    return rules, packets, m.host() if m.chance(0.4) else (m.quiet() if m.chance(0.3) else {})


THEMES: list[Theme] = [
    translated, translated, translated, translated,
    lifetimes, lifetimes,
    elsewhere, elsewhere, elsewhere,
    acting, acting, acting, acting, busy, busy, busy,
    everything, everything, everything, everything, everything, everything,
    hairpin, to_itself, both_ways, netmap, untracked, zones, marks, local, expiring, unbelievable, tcp_machine, tcp_machine,
    limits, many_connections, far_jumps, rejecting, prefixes, odd_targets,
]  # fmt: skip


def make_themed_case(seed: int, family: int, features: frozenset[str]) -> Json:
    """The case of a seed."""
    return Themed(seed, family, features).themed(f"themed-{family}-{seed}")
