"""Random scenarios for comparing with the kernel: rulesets that touch the packets, flows that touch the rules.

A case depends on its seed alone. What the kernel itself does not do the same way twice (KERNEL.md, known limits) is left
out: ports from ranges, SNAT to several addresses, random matches, limits that refill.
"""

from __future__ import annotations

from random import Random
from typing import Any

Json = dict[str, Any]

BUILTIN = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
_INWARD = ("PREROUTING", "INPUT", "FORWARD")
#: Ports 4321 → 80: an INIT as it should be (with its checksum), one with a tag, a DATA chunk.
_SCTP = (
    "10e10050000000000000000001000014000000010000ffff0001000100000001",
    "10e1005000000000323425e601000014000000010000ffff0001000100000001",
    "10e10050000000010000000001000014000000010000ffff0001000100000001",
    "10e10050000000010000000000030014000000010000000000000000deadbeef",
)
#: Groups that the host is in, or sends to by either interface: what it sends there comes back to it as well.
_LOOPED = ("224.0.0.1", "10.0.0.255", "ff02::1", "ff02::5")
_OUTWARD = ("FORWARD", "OUTPUT", "POSTROUTING")


class World:
    """The addresses of one family around the default host."""

    def __init__(self, family: int) -> None:
        self.family = family
        if family == 4:
            self.a = ["10.0.0.2", "10.0.0.3", "192.0.2.5"]
            self.b = ["10.0.1.2", "10.0.1.7", "203.0.113.9", "198.51.100.4"]
            self.fw = ["10.0.0.1", "10.0.0.254", "10.0.1.1", "203.0.113.1"]
            self.odd = ["10.0.0.255", "255.255.255.255", "224.0.0.1", "224.0.0.9", "127.0.0.1", "0.0.0.0", "240.0.0.9"]
            self.nets = ["10.0.0.0/24", "10.0.0.0/8", "10.0.1.0/24", "203.0.113.0/24", "192.0.2.0/25", "0.0.0.0/1"]
            self.lo = "127.0.0.1"
            self.icmp, self.proto = "icmp", "icmp"
        else:
            self.a = ["fd00::2", "fd00::3", "2001:db8:a::5"]
            self.b = ["fd00:0:0:1::2", "fd00:0:0:1::7", "2001:db8:b::9"]
            self.fw = ["fd00::1", "fd00:0:0:1::1"]
            self.odd = ["ff02::1", "::1", "fd00::", "fe80::5", "ff02::5"]
            self.nets = ["fd00::/64", "fd00::/16", "fd00:0:0:1::/64", "2001:db8::/32", "::/1"]
            self.lo = "::1"
            self.icmp, self.proto = "icmpv6", "ipv6-icmp"

    def bracket(self, address: str) -> str:
        return f"[{address}]" if self.family == 6 else address


class Maker:
    """Makes one case."""

    def __init__(self, seed: int, family: int, features: frozenset[str]) -> None:
        self.r = Random(f"{seed}/{family}")
        self.w = World(family)
        self.family = family
        self.features = features
        self.ports = self.r.sample([22, 53, 80, 443, 8080, 4000, 4001, 5000, 33000, 1000, 0], 5)

    def has(self, *names: str) -> bool:
        return all(name in self.features for name in names)

    def chance(self, p: float) -> bool:
        return self.r.random() < p

    # -- rules -------------------------------------------------------------------------------------------
    def address(self) -> str:
        w = self.w
        return self.r.choice(self.r.choice([w.a, w.b, w.fw, w.nets, w.nets]))

    def invert(self, p: float = 0.2) -> str:
        return "! " if self.chance(p) else ""

    def conditions(self, table: str, chain: str | None) -> str:
        r = self.r
        words = []
        hooks = chain or ""
        if self.chance(0.35):
            words.append(f"{self.invert()}-s {self.address()}")
        if self.chance(0.3):
            words.append(f"{self.invert()}-d {self.address()}")
        if self.chance(0.25) and hooks in _INWARD:
            words.append(f"{self.invert()}-i {r.choice(['eth0', 'eth1', 'lo', 'eth+'])}")
        if self.chance(0.2) and hooks in _OUTWARD:
            words.append(f"{self.invert()}-o {r.choice(['eth0', 'eth1', 'lo', 'eth+'])}")
        if self.chance(0.45):
            words.append(self.protocol())
        for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
            match = self.match(table, chain)
            if match:
                words.append(match)
        return " ".join(words)

    def port_range(self) -> str:
        r = self.r
        port = r.choice(self.ports)
        return r.choice([str(port), f"{port}:{min(port + 500, 65535)}", ":1023", "1024:"])

    def protocol(self) -> str:
        r = self.r
        kind = r.choice(["tcp", "tcp", "tcp", "udp", "icmp", "other"])
        if kind == "tcp":
            text = "-p tcp"
            extra = ""
            if self.chance(0.4):
                extra += f" {self.invert()}--dport {self.port_range()}"
            if self.chance(0.2):
                extra += f" {self.invert()}--sport {self.port_range()}"
            if self.chance(0.3):
                extra += f" {self.invert()}" + r.choice(
                    ["--syn", "--tcp-flags SYN,ACK SYN,ACK", "--tcp-flags ALL NONE", "--tcp-flags FIN FIN", "--tcp-flags RST RST"]
                )
            return text + (" -m tcp" + extra if extra else "")
        if kind == "udp":
            extra = f" {self.invert()}--dport {self.port_range()}" if self.chance(0.5) else ""
            if self.chance(0.2):
                extra += f" --sport {self.port_range()}"
            return "-p udp" + (" -m udp" + extra if extra else "")
        if kind == "icmp":
            if self.chance(0.5):
                return f"{self.invert(0.1)}-p {self.w.proto}"
            if self.family == 4:
                return f"-p icmp -m icmp {self.invert()}--icmp-type {r.choice(['8', '0', '3', '11', '3/3', '5', '13', 'any'])}"
            return f"-p ipv6-icmp -m icmp6 {self.invert()}--icmpv6-type {r.choice(['128', '129', '1', '3', '1/4', '135'])}"
        return f"{self.invert()}-p {r.choice(['47', '89', '132', '50', '17', '6'])}"

    def match(self, table: str, chain: str | None) -> str:
        r = self.r
        choices = ["ctstate", "ctstate", "mark", "ttl", "tos", "length", "comment", "multiport", "connmark", "addrtype",
                   "ctother", "state", "pkttype", "mac", "dscp", "iprange", "statistic", "connbytes", "ecn", "u32", "tcpmss",
                   "quota", "recent", "string", "helper", "owner", "limit"]  # fmt: skip
        kind = r.choice(choices)
        maker = getattr(self, f"match_{kind}", None)
        return maker(table, chain) if maker else ""

    def match_ctstate(self, table: str, chain: str | None) -> str:
        r = self.r
        states = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "RELATED,ESTABLISHED", "NEW,RELATED", "SNAT", "DNAT"]
        return f"-m conntrack {self.invert()}--ctstate {r.choice(states)}"

    def match_state(self, table: str, chain: str | None) -> str:
        return f"-m state --state {self.r.choice(['NEW', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED'])}"

    def match_ctother(self, table: str, chain: str | None) -> str:
        r = self.r
        w = self.w
        inv = self.invert()
        return "-m conntrack " + r.choice([
            f"{inv}--ctproto {r.choice(['6', '17', '1', '58'])}",
            f"{inv}--ctorigsrc {r.choice(w.a + w.nets)}",
            f"{inv}--ctorigdst {r.choice(w.b + w.fw + w.nets)}",
            f"{inv}--ctreplsrc {r.choice(w.b + w.nets)}",
            f"{inv}--ctrepldst {r.choice(w.a + w.fw + w.nets)}",
            f"{inv}--ctorigdstport {r.choice(self.ports)}",
            f"{inv}--ctreplsrcport {r.choice(self.ports)}",
            f"{inv}--ctstatus {r.choice(['SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'NONE', 'EXPECTED', 'CONFIRMED,ASSURED'])}",
            f"--ctdir {r.choice(['ORIGINAL', 'REPLY'])}",
        ])  # fmt: skip

    def match_mark(self, table: str, chain: str | None) -> str:
        return f"-m mark {self.invert()}--mark {self.r.choice(['0x1', '0x2', '0x1/0x1', '0x0', '0x3/0xff'])}"

    def match_connmark(self, table: str, chain: str | None) -> str:
        if not self.has("m:connmark"):
            return ""
        return f"-m connmark {self.invert()}--mark {self.r.choice(['0x1', '0x2', '0x1/0x1', '0x0'])}"

    def match_ttl(self, table: str, chain: str | None) -> str:
        word = self.r.choice(["eq 64", "eq 63", "lt 64", "gt 5", "lt 2"])
        op, value = word.split()
        if self.family == 4:
            return f"-m ttl --ttl-{op} {value}"
        return f"-m hl --hl-{op} {value}"

    def match_tos(self, table: str, chain: str | None) -> str:
        return f"-m tos {self.invert()}--tos {self.r.choice(['0x00/0xff', '0x10/0x3f', '0x08/0xff'])}"

    def match_dscp(self, table: str, chain: str | None) -> str:
        return f"-m dscp {self.invert()}--dscp {self.r.choice(['0x00', '0x0a', '0x04'])}"

    def match_length(self, table: str, chain: str | None) -> str:
        return f"-m length {self.invert()}--length {self.r.choice(['40', '28:60', '0:100', '61:65535', '28'])}"

    def match_comment(self, table: str, chain: str | None) -> str:
        return f"-m comment --comment {self.r.choice(['x', 'hello'])}"

    def match_multiport(self, table: str, chain: str | None) -> str:
        r = self.r
        return (
            "MULTIPORT"
            + f" -m multiport {self.invert()}--{r.choice(['dports', 'sports', 'ports'])} {r.choice(self.ports)},{r.choice(self.ports)}"
        )

    def match_addrtype(self, table: str, chain: str | None) -> str:
        if not self.has("m:addrtype") or self.family == 6:
            return ""
        r = self.r
        return f"-m addrtype {self.invert()}--{r.choice(['dst', 'src'])}-type {r.choice(['LOCAL', 'UNICAST', 'BROADCAST', 'MULTICAST'])}"

    def match_pkttype(self, table: str, chain: str | None) -> str:
        return f"-m pkttype {self.invert()}--pkt-type {self.r.choice(['unicast', 'broadcast', 'multicast'])}"

    def match_mac(self, table: str, chain: str | None) -> str:
        if chain not in _INWARD:
            return ""
        return f"-m mac {self.invert()}--mac-source {self.r.choice(['02:00:00:00:00:0a', '02:00:00:00:01:0b'])}"

    def match_iprange(self, table: str, chain: str | None) -> str:
        low = self.r.choice(["10.0.0.1-10.0.0.9", "10.0.0.0-10.0.1.3"]) if self.family == 4 else "fd00::1-fd00::9"
        return f"-m iprange {self.invert()}--{self.r.choice(['src', 'dst'])}-range {low}"

    def match_statistic(self, table: str, chain: str | None) -> str:
        if not self.has("m:statistic"):
            return ""
        every = self.r.choice([2, 3])
        return f"-m statistic --mode nth {self.invert()}--every {every} --packet {self.r.randrange(every)}"

    def match_quota(self, table: str, chain: str | None) -> str:
        return f"-m quota {self.invert()}--quota {self.r.choice([50, 120, 300])}" if self.has("m:quota") else ""

    def match_connbytes(self, table: str, chain: str | None) -> str:
        if not self.has("m:connbytes"):
            return ""
        r = self.r
        mode = r.choice(["packets", "bytes", "avgpkt"])
        return f"-m connbytes {self.invert()}--connbytes {r.choice(['1', '2:3', '0:100', '60'])} --connbytes-mode {mode} --connbytes-dir {r.choice(['original', 'reply', 'both'])}"

    def match_owner(self, table: str, chain: str | None) -> str:
        if not self.has("m:owner") or chain not in ("OUTPUT", "POSTROUTING"):
            return ""
        return f"-m owner {self.invert()}--{self.r.choice(['uid', 'gid'])}-owner {self.r.choice([0, 1000])}"

    def match_recent(self, table: str, chain: str | None) -> str:
        if not self.has("m:recent"):
            return ""
        r = self.r
        op = r.choice(["--set", "--rcheck", "--update", "--remove", "--rcheck --hitcount 2", "--update --seconds 60 --hitcount 2"])
        return f"-m recent {self.invert()}{op} --name L{r.choice('12')} --r{r.choice(['source', 'dest'])}"

    def match_tcpmss(self, table: str, chain: str | None) -> str:
        return f"TCP -m tcpmss {self.invert()}--mss {self.r.choice(['1000:1460', '536'])}" if self.has("m:tcpmss") else ""

    def match_u32(self, table: str, chain: str | None) -> str:
        if not self.has("m:u32"):
            return ""
        return f"-m u32 {self.invert()}--u32 {self.r.choice(['6&0xff=0x11', '0>>22&0x3c@0>>16=0x16', '4&0x0fff=0:10', '8>>24=0:63'])}"

    def match_string(self, table: str, chain: str | None) -> str:
        return f"-m string {self.invert()}--string hello --algo bm" if self.has("m:string") else ""

    def match_limit(self, table: str, chain: str | None) -> str:
        return f"-m limit --limit 1/hour --limit-burst {self.r.choice([1, 2, 3])}"

    def target(self, table: str, chain: str | None, users: list[str]) -> str:
        r = self.r
        kinds = ["ACCEPT"] * 3 + ["DROP" if table != "nat" else "RETURN", "RETURN", "jump", "jump", "goto", "LOG", "none"]
        if table == "mangle":
            kinds += ["MARK"] * 3 + ["TOS", "TTL", "DSCP", "CONNMARK", "CONNMARK", "TCPMSS", "CLASSIFY", "ECN"]
        elif table == "raw":
            kinds += ["CT"] * 2 + ["MARK", "NOTRACK"]
        elif table == "filter":
            kinds += ["REJECT"] * 3 + ["MARK", "CONNMARK"]
        elif table == "nat":
            kinds += ["NAT"] * 8 + ["MARK"]
        elif table == "security":
            kinds += ["MARK"]
        if table.startswith("nat"):
            kinds = [kind for kind in kinds if kind != "DROP"]
        kind = r.choice(kinds)
        if kind in ("ACCEPT", "DROP", "RETURN"):
            return f"-j {kind}"
        if kind == "jump" or kind == "goto":
            return f"-{'j' if kind == 'jump' else 'g'} {r.choice(users)}" if users else "-j ACCEPT"
        if kind == "none":
            return ""
        maker = getattr(self, f"target_{kind}")
        return str(maker(table, chain))

    def target_LOG(self, table: str, chain: str | None) -> str:
        return "-j LOG --log-prefix x"

    def target_MARK(self, table: str, chain: str | None) -> str:
        if not self.has("t:MARK"):
            return ""
        return "-j MARK " + self.r.choice(
            ["--set-xmark 0x1/0xffffffff", "--set-xmark 0x2/0xff", "--or-mark 0x4", "--and-mark 0x1", "--xor-mark 0x3", "--set-mark 0x5"]
        )

    def target_CONNMARK(self, table: str, chain: str | None) -> str:
        if not self.has("t:CONNMARK"):
            return ""
        if table != "mangle":
            return "-j CONNMARK --save-mark"
        return "-j CONNMARK " + self.r.choice(
            [
                "--set-xmark 0x1/0xffffffff",
                "--set-mark 0x2",
                "--save-mark",
                "--restore-mark",
                "--save-mark --nfmask 0xf --ctmask 0xf",
                "--or-mark 0x8",
            ]
        )

    def target_TOS(self, table: str, chain: str | None) -> str:
        return (
            f"-j TOS {self.r.choice(['--set-tos 0x10/0x3f', '--set-tos 0x08', '--or-tos 0x20', '--and-tos 0xf0'])}"
            if self.has("t:TOS")
            else ""
        )

    def target_DSCP(self, table: str, chain: str | None) -> str:
        return f"-j DSCP --set-dscp {self.r.choice(['0x0a', '0x00', '0x2e'])}" if self.has("t:DSCP") else ""

    def target_ECN(self, table: str, chain: str | None) -> str:
        return ""

    def target_CLASSIFY(self, table: str, chain: str | None) -> str:
        return "-j CLASSIFY --set-class 0001:0002" if self.has("t:CLASSIFY") and chain in _OUTWARD else ""

    def target_TCPMSS(self, table: str, chain: str | None) -> str:
        if not self.has("t:TCPMSS"):
            return ""
        return "SYN -j TCPMSS --set-mss " + self.r.choice(["1200", "536", "1460"])

    def target_TTL(self, table: str, chain: str | None) -> str:
        name, opt = ("TTL", "ttl") if self.family == 4 else ("HL", "hl")
        if not self.has(f"t:{name}"):
            return ""
        return f"-j {name} --{opt}-{self.r.choice(['set 10', 'set 1', 'dec 1', 'inc 3', 'dec 62'])}"

    def target_CT(self, table: str, chain: str | None) -> str:
        if not self.has("t:CT"):
            return ""
        return "-j CT " + self.r.choice(["--notrack", "--notrack", "--zone 3", "--zone-orig 5"])

    def target_NOTRACK(self, table: str, chain: str | None) -> str:
        return "-j CT --notrack" if self.has("t:CT") else ""

    def target_REJECT(self, table: str, chain: str | None) -> str:
        if not self.has("t:REJECT"):
            return ""
        r = self.r
        if self.chance(0.3):
            return "TCP -j REJECT --reject-with tcp-reset"
        if self.family == 4:
            kinds = ["icmp-port-unreachable", "icmp-host-prohibited", "icmp-net-unreachable", "icmp-admin-prohibited"]
        else:
            kinds = ["icmp6-port-unreachable", "icmp6-adm-prohibited", "icmp6-no-route", "icmp6-addr-unreachable"]
        return f"-j REJECT --reject-with {r.choice(kinds)}"

    def target_NAT(self, table: str, chain: str | None) -> str:
        r, w = self.r, self.w
        if chain in ("PREROUTING", "OUTPUT"):
            kind = r.choice(["DNAT", "DNAT", "DNAT", "REDIRECT", "NETMAP"])
        elif chain == "POSTROUTING":
            kind = r.choice(["SNAT", "SNAT", "MASQUERADE", "NETMAP"])
        else:
            kind = r.choice(["SNAT", "NETMAP"])
        if not self.has(f"t:{kind}"):
            return ""
        port = r.choice(self.ports) or 81
        if kind == "DNAT":
            to = r.choice(w.a + w.b + w.fw)
            return f"PORTS -j DNAT --to-destination {w.bracket(to)}:{port}" if self.chance(0.5) else f"-j DNAT --to-destination {to}"
        if kind == "SNAT":
            to = r.choice(w.a + w.b + w.fw)
            return f"PORTS -j SNAT --to-source {w.bracket(to)}:{port}" if self.chance(0.3) else f"-j SNAT --to-source {to}"
        if kind == "REDIRECT":
            return f"PORTS -j REDIRECT --to-ports {port}" if self.chance(0.6) else "-j REDIRECT"
        if kind == "MASQUERADE":
            return "-j MASQUERADE"
        return f"-j NETMAP --to {'10.0.1.0/28' if self.family == 4 else 'fd00:0:0:1::/120'}"

    def rule(self, table: str, chain: str | None, users: list[str]) -> str:
        target = self.target(table, chain, users)
        text = self.conditions(table, chain)
        for word, proto in (("TCP ", "tcp"), ("SYN ", "tcp"), ("PORTS ", None)):
            if target.startswith(word):
                target = target[len(word) :]
                proto = proto or self.r.choice(["tcp", "udp"])
                text = f"-p {proto} " + _without_protocol(text)
                if word == "SYN ":
                    text += " -m tcp --tcp-flags SYN,RST SYN"
        for word in ("MULTIPORT", "TCP"):
            if word in text.split():
                text = text.replace(f"{word} ", "")
                proto = "tcp" if word == "TCP" else self.r.choice(["tcp", "udp"])
                text = f"-p {proto} " + _without_protocol(text)
        return f"{text} {target}".strip()

    def ruleset(self) -> str:
        r = self.r
        lines: list[str] = []
        weights = {"raw": 0.3, "mangle": 0.45, "nat": 0.5, "filter": 0.85, "security": 0.15}
        for table in r.sample(list(BUILTIN), len(BUILTIN)):
            if not self.chance(weights[table]):
                continue
            lines.append(f"*{table}")
            for chain in BUILTIN[table]:
                policy = "DROP" if self.chance(0.12) and table != "nat" else "ACCEPT"
                lines.append(f":{chain} {policy} [0:0]")
            users = [f"u{i}" for i in range(r.choice([0, 0, 1, 2, 3]))]
            lines += [f":{user} - [0:0]" for user in users]
            rules = []
            for chain in BUILTIN[table]:
                for _ in range(r.choice([0, 1, 1, 2, 3, 4])):
                    rules.append(f"-A {chain} {self.rule(table, chain, users)}")
            for at, user in enumerate(users):
                for _ in range(r.choice([0, 1, 2, 3])):
                    rules.append(f"-A {user} {self.rule(table if table != 'nat' else 'nat-user', None, users[at + 1 :])}")
            lines += [rule.strip() for rule in rules]
            lines.append("COMMIT")
        return "\n".join(lines) + "\n" if lines else "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"

    # -- packets -----------------------------------------------------------------------------------------
    def endpoints(self) -> Json:
        r, w = self.r, self.w
        kind = r.choice(["ab", "ab", "ab", "ba", "a-fw", "a-fw", "b-fw", "fw-a", "fw-b", "fw-b", "fw-fw", "odd"])
        if kind == "ab":
            return {"from": "a", "src": r.choice(w.a), "dst": r.choice(w.b)}
        if kind == "ba":
            return {"from": "b", "src": r.choice(w.b), "dst": r.choice(w.a)}
        if kind == "a-fw":
            return {"from": "a", "src": r.choice(w.a), "dst": r.choice(w.fw)}
        if kind == "b-fw":
            return {"from": "b", "src": r.choice(w.b), "dst": r.choice(w.fw)}
        if kind == "fw-a":
            return {"from": "fw", "src": r.choice(w.fw), "dst": r.choice(w.a)}
        if kind == "fw-b":
            return {"from": "fw", "src": r.choice(w.fw), "dst": r.choice(w.b)}
        if kind == "fw-fw":
            both = [*w.fw, w.lo]
            return {"from": "fw", "src": r.choice(both), "dst": r.choice(both)}
        side = r.choice(["a", "b"])
        return r.choice([
            {"from": side, "src": r.choice(w.a), "dst": r.choice(w.odd)},
            {"from": side, "src": r.choice([a for a in w.odd if a not in _LOOPED]), "dst": r.choice(w.b + w.fw)},
            {"from": side, "src": r.choice(w.fw), "dst": r.choice(w.b + w.fw)},
            {"from": side, "src": r.choice(w.a + w.b), "dst": r.choice(w.a + w.b)},
        ])  # fmt: skip

    def decorate(self, packet: Json, p: float = 0.12) -> Json:
        r = self.r
        if self.chance(p):
            packet["ttl"] = r.choice([1, 2, 5, 64, 255])
        if self.chance(p):
            packet["tos"] = r.choice([0x10, 0x08, 0x28, 0x02, 0xB8])
        if self.chance(p):
            packet["payload"] = r.choice(["hello", "x" * 50, "say hello"])
        if self.chance(p / 3):
            packet["df"] = True
        if self.chance(p / 4) and packet.get("from") in ("a", "b"):
            packet["bad_checksum"] = True
        if self.chance(p / 3) and packet.get("from") in ("a", "b"):
            packet["l2"] = r.choice(["broadcast", "multicast", "otherhost"])
        if packet.get("from") == "fw" and self.chance(0.2):
            packet["uid"] = packet["gid"] = 1000
        return packet

    def flow(self, at: int) -> list[Json]:
        r = self.r
        kind = r.choice(["tcp", "tcp", "tcp", "tcp-odd", "udp", "udp", "echo", "echo", "other", "icmp-odd"])
        first = self.endpoints()
        if kind in ("tcp", "tcp-odd"):
            return self.tcp(first, at, kind == "tcp-odd")
        if kind == "udp":
            first |= {"proto": "udp", "sport": r.choice(self.ports), "dport": r.choice(self.ports)}
            packets = [self.decorate(first)]
            for _ in range(r.choice([0, 1, 2, 3])):
                packets.append(self.more(at, packets, first))
            return packets
        if kind == "echo":
            first |= {"proto": self.w.icmp, "icmp_id": r.choice([7, 8, 0]), "icmp_seq": 1}
            packets = [self.decorate(first)]
            for _ in range(r.choice([0, 1, 2])):
                packets.append(self.more(at, packets, first))
            return packets
        if kind == "icmp-odd":
            types = [0, 3, 5, 9, 11, 13, 14, 15, 17, 30, 42] if self.family == 4 else [1, 3, 129, 133, 135, 136, 137, 139, 143, 200]
            number = r.choice(types)
            if number in (133, 143) and first["from"] == "fw":
                number = 135  # the oracle swallows the others when the host sends them
            packet = first | {"proto": self.w.icmp, "type": number, "code": r.choice([0, 0, 1])}
            if number in (3, 4, 5, 11, 12) if self.family == 4 else number < 128:
                packet["inner"] = {"src": first["dst"], "dst": first["src"], "proto": "udp", "sport": 1, "dport": 2}
            return [self.decorate(packet)]
        number = r.choice(["47", "89", "132", "50", "253", "udplite"])
        packet = first | {"proto": number}
        if number == "132":
            packet["l4"] = r.choice(_SCTP)
        elif number == "udplite":
            packet |= {"sport": r.choice(self.ports), "dport": r.choice(self.ports)}
        else:
            packet["l4"] = "0000000000000000"
        packets = [self.decorate(packet)]
        if self.chance(0.4):
            packets.append(dict(packets[0]))
        return packets

    def more(self, at: int, packets: list[Json], first: Json) -> Json:
        """Another packet of the same flow: repeated, answered, or complained about."""
        r = self.r
        kind = r.choice(["again", "reply", "reply", "error"])
        if kind == "again":
            return dict(first)
        number = at + r.randrange(len(packets))
        if kind == "reply":
            return self.decorate({"reply_to": number}, 0 if first["proto"] == self.w.icmp else 0.06)
        return self.error(number)

    def error(self, number: int) -> Json:
        r = self.r
        if self.family == 4:
            type_, code = r.choice([(3, 1), (3, 3), (3, 4), (3, 13), (3, 0), (11, 0), (11, 1), (12, 0), (5, 1), (5, 0), (4, 0)])
        else:
            type_, code = r.choice([(1, 0), (1, 4), (1, 1), (1, 3), (2, 0), (3, 0), (3, 1), (4, 0), (4, 1), (100, 0), (137, 0)])
        packet: Json = {"related_to": number, "type": type_, "code": code}
        if self.chance(0.3):
            packet["src"] = r.choice(self.w.b + self.w.a)
        if self.chance(0.06):
            packet["dst"] = r.choice(self.w.b + self.w.a + self.w.fw)
        if self.chance(0.04):
            packet["ttl"] = r.choice([1, 2])
        return packet

    def tcp(self, first: Json, at: int, odd: bool) -> list[Json]:
        r = self.r
        first |= {"proto": "tcp", "sport": r.choice(self.ports), "dport": r.choice(self.ports), "seq": 1000}
        if self.chance(0.2):
            first["mss"] = r.choice([1460, 536])
        if odd:
            flags = r.choice(
                [
                    "",
                    "ACK",
                    "FIN",
                    "RST",
                    "SYN,ACK",
                    "FIN,PSH,URG",
                    "SYN,FIN",
                    "RST,ACK",
                    "PSH,ACK",
                    "FIN,ACK",
                    "SYN,RST",
                    "SYN,URG",
                    "SYN,PSH,ECE,CWR",
                ]
            )
            packets = [self.decorate(first | {"flags": flags, "ack": r.choice([0, 77])})]
        else:
            packets = [self.decorate(first)]
        script: list[Json] = [
            {"reply_to": at, "flags": "SYN,ACK", "seq": 5000, "ack": 1001},
            {**first, "flags": "ACK", "seq": 1001, "ack": 5001},
            {**first, "flags": "PSH,ACK", "seq": 1001, "ack": 5001, "payload_len": 20},
            {"reply_to": at, "flags": "ACK", "seq": 5001, "ack": 1021},
            {**first, "flags": "FIN,ACK", "seq": 1021, "ack": 5001},
            {"reply_to": at, "flags": "FIN,ACK", "seq": 5001, "ack": 1022},
            {**first, "flags": "ACK", "seq": 1022, "ack": 5002},
        ]
        first.pop("mss", None)
        for packet in script[: r.choice([0, 1, 2, 2, 3, 4, 7])]:
            if self.chance(0.15):
                packet = self.disturb(packet, first, at)
            packets.append(packet)
            if self.chance(0.08):
                packets.append(self.error(at + r.randrange(len(packets))))
        return packets

    def disturb(self, packet: Json, first: Json, at: int) -> Json:
        r = self.r
        return r.choice([
            {**packet, "flags": "RST", "seq": r.choice([1001, 5001, 99, 0])},
            {**packet, "flags": "RST,ACK"},
            {**packet, "seq": r.choice([900_000, 1, 1001, 5001])},
            {**packet, "ack": r.choice([900_000, 1])},
            {**first, "seq": r.choice([1000, 77_000])},
            {**packet, "flags": r.choice(["", "SYN", "SYN,ACK", "FIN", "ACK"])},
            {**packet, "payload_len": 100},
            {**packet, "window": 0},
        ])  # fmt: skip

    def host(self) -> Json:
        r = self.r
        host: Json = {}
        if self.chance(0.12):
            host["rp_filter"] = r.choice([1, 2])
        if self.chance(0.06):
            host["forwarding"] = False
        if self.chance(0.1):
            host["stack_replies"] = False
        if self.chance(0.15):
            host["rules"] = [r.choice(["fwmark 1 table 100", "fwmark 0x4/0x4 table 100"])]
            via = ("10.0.0.3" if self.family == 4 else "fd00::3", "eth0")
            host["routes"] = [
                "default via 10.0.1.2 dev eth1",
                "192.0.2.0/24 via 10.0.0.2 dev eth0",
                "default via fd00:0:0:1::2 dev eth1",
                "2001:db8:a::/48 via fd00:0:0:0::2 dev eth0",
                f"default via {via[0]} dev {via[1]} table 100",
            ]
        return host

    def case(self, name: str) -> Json:
        packets: list[Json] = []
        for _ in range(self.r.choice([1, 1, 1, 2, 2, 3])):
            packets += self.flow(len(packets))
        return {
            "name": name, "family": self.family, "rules": self.ruleset(), "counters": True, "host": self.host(), "packets": packets,
        }  # fmt: skip


def _without_protocol(text: str) -> str:
    """Drop ``-p X`` with the protocol's own match, so that another can be put in front."""
    words = text.split()
    kept: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "-p":
            if kept and kept[-1] == "!":
                kept.pop()
            at += 2
            if at + 1 < len(words) and words[at] == "-m" and words[at + 1] in ("tcp", "udp", "icmp", "icmp6"):
                at += 2
                while at < len(words) and words[at] != "-m":
                    at += 1
            continue
        kept.append(word)
        at += 1
    return " ".join(kept)


def make_case(seed: int, family: int, features: frozenset[str]) -> Json:
    """The case of a seed."""
    return Maker(seed, family, features).case(f"random-{family}-{seed}")
