"""Rulesets spoilt on purpose: one item without effect put in at a random place, and where lint has to find it.

A mutant is made from the rules that are there: copies, narrower copies, the same in other words, halves that cover a
whole, contradictions, chains that nobody enters. ``Mutant.lines`` are the lines that must be reported (one of them is
enough where either is at fault); ``covers`` the rules, by line, that must be named where only they can be the cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

__all__ = ["KINDS", "RULESETS", "Mutant", "mutated"]

_TERMINAL = ("ACCEPT", "DROP", "RETURN", "REJECT", "DNAT", "SNAT", "MASQUERADE", "REDIRECT")
_MOODY = ("limit", "recent", "hashlimit", "statistic", "quota", "connlimit", "connbytes", "time", "rateest", "connlabel", "socket")
#: Options of matches that can be narrowed or said otherwise.
_FAMILY_HOST = {4: "198.51.100.77", 6: "2001:db8:77::77"}

RULESETS = {
    "host": (4, """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:services - [0:0]
:logdrop - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p icmp -m icmp --icmp-type 8 -m limit --limit 5/sec -j ACCEPT
-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP
-A INPUT ! -s 10.0.0.0/8 -i eth+ -p tcp -m tcp --dport 22 -j logdrop
-A INPUT -p tcp -g services
-A INPUT -p udp -m multiport --dports 53,123,500:510 -j ACCEPT
-A INPUT -m mark --mark 0x10/0xf0 -j ACCEPT
-A INPUT -s 192.0.2.0/25 -m iprange --dst-range 10.0.0.1-10.0.0.9 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -m addrtype --dst-type BROADCAST -j DROP
-A INPUT -f -j DROP
-A INPUT -m set --match-set blocked src -j DROP
-A FORWARD -i eth0 -o eth1 -m mac --mac-source 02:00:00:00:00:01 -j ACCEPT
-A FORWARD ! -i eth0 -p 47 -j DROP
-A OUTPUT -m owner --uid-owner 1000 -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
-A services -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A services -p tcp -m multiport --dports 80,443,8000:8100 -j ACCEPT
-A services -p tcp -m tcp --sport 1024:65535 --dport 25 -m length --length 0:100 -j ACCEPT
-A services -p tcp -m tcp --dport 113 -j RETURN
-A services -p tcp -m ttl --ttl-lt 5 -j DROP
-A logdrop -m limit --limit 1/sec -j LOG --log-prefix "no ssh "
-A logdrop -j DROP
COMMIT
"""),
    "router": (4, """*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:classes - [0:0]
-A PREROUTING -i ppp0 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x1/0xffffffff
-A PREROUTING -i ppp0 -m mark --mark 0x1 -j ACCEPT
-A PREROUTING -s 10.1.0.0/16 -j classes
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A classes -p udp -m udp --dport 5060:5070 -j DSCP --set-dscp 0x2e
-A classes -m dscp --dscp 0x2e -j RETURN
-A classes -p tcp -m tcp --sport 20 -j TOS --set-tos 0x08/0xff
-A classes -m tos --tos 0x10/0x3f -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ports - [0:0]
-A PREROUTING -d 203.0.113.7/32 -j ports
-A PREROUTING -i eth1 -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353
-A POSTROUTING -s 10.0.0.0/8 ! -d 10.0.0.0/8 -o ppp+ -j MASQUERADE
-A POSTROUTING -s 192.168.0.0/16 -o eth9 -j SNAT --to-source 203.0.113.7
-A ports -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.80
-A ports -p tcp -m multiport --dports 25,143,993 -j DNAT --to-destination 10.0.0.25
-A ports -s 198.51.100.0/24 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.22:22
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
-A PREROUTING -s 240.0.0.0/4 -j DROP
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:lan - [0:0]
:wan - [0:0]
:guests - [0:0]
-A INPUT -i eth1 -j ACCEPT
-A INPUT -m conntrack --ctstate NEW -m recent --set --name seen --rsource
-A INPUT -i ppp0 -p tcp -m tcp --dport 22 -m recent --update --seconds 60 --hitcount 4 --name seen --rsource -j DROP
-A INPUT -i ppp0 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -i ppp0 -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP
-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i eth1 -o ppp0 -j lan
-A FORWARD -i ppp0 -j wan
-A FORWARD -i wlan+ -j guests
-A lan -s 10.0.0.0/24 -j ACCEPT
-A lan -p tcp -m tcp --dport 25 -j REJECT --reject-with icmp-admin-prohibited
-A lan -p tcp -j ACCEPT
-A wan -m conntrack --ctstate DNAT -j ACCEPT
-A wan -p tcp -m tcp --tcp-flags ALL NONE -j DROP
-A guests -d 10.0.0.0/8 -j REJECT --reject-with icmp-net-prohibited
-A guests -p tcp -m multiport ! --dports 25,465 -j ACCEPT
-A guests -p udp -m multiport --ports 53,123 -j ACCEPT
COMMIT
"""),
    "six": (6, """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:icmp - [0:0]
:web - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m rt --rt-type 0 -j DROP
-A INPUT -p ipv6-icmp -j icmp
-A INPUT -s fe80::/10 -d ff02::/16 -p udp -m udp --sport 546 --dport 547 -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT ! -s 2001:db8::/32 -p tcp -m tcp --dport 22 -j DROP
-A INPUT -p tcp -m tcp --dport 1:1023 -j web
-A FORWARD -s 2001:db8:1::/48 -m mac ! --mac-source 02:00:00:00:00:02 -j DROP
-A FORWARD -d 2001:db8:2::/64 -i eth+ -p udp -m udp ! --dport 1:1023 -j ACCEPT
-A FORWARD -m iprange --src-range 2001:db8::10-2001:db8::20 -j ACCEPT
-A FORWARD -m hl --hl-gt 254 -m mark ! --mark 0x0 -j ACCEPT
-A icmp -p ipv6-icmp -m icmp6 --icmpv6-type 128 -m limit --limit 10/sec -j ACCEPT
-A icmp -p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT
-A icmp -p ipv6-icmp -m icmp6 --icmpv6-type 1/4 -j ACCEPT
-A icmp -p ipv6-icmp -m icmp6 --icmpv6-type 137 -j DROP
-A web -p tcp -m multiport --dports 80,443 -j ACCEPT
-A web -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j REJECT --reject-with tcp-reset
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 2001:db8::80/128 -p tcp -m tcp --dport 80 -j DNAT --to-destination [2001:db8:1::80]:8080
-A POSTROUTING -s fd00::/8 -o eth0 -j MASQUERADE
COMMIT
"""),
}  # fmt: skip


@dataclass
class Line:
    """A rule line in parts: the conditions and the words from ``-j`` or ``-g`` on."""

    number: int
    table: str
    chain: str
    conditions: str
    action: str

    @property
    def jump(self) -> str:
        words = self.action.split()
        return words[1] if len(words) > 1 else ""


@dataclass
class Mutant:
    kind: str
    text: str
    family: int
    lines: list[int]
    covers: list[int] = field(default_factory=list)


class _Mutator:
    def __init__(self, text: str, family: int, rng: Random) -> None:
        self.lines = text.splitlines()
        self.family = family
        self.r = rng
        self.rules: list[Line] = []
        self.users: dict[str, list[str]] = {}
        #: Where a table begins: the line behind its name.
        self.starts: dict[str, int] = {}
        table = ""
        for number, line in enumerate(self.lines, 1):
            if line.startswith("*"):
                table = line[1:].strip()
                self.starts[table] = number + 1
            elif line.startswith(":"):
                name, policy = line[1:].split()[:2]
                if policy == "-":
                    self.users.setdefault(table, []).append(name)
            elif (rest := line[line.find("-A ") :]).startswith("-A ") and line[0] in "-[":
                chain, _, spec = rest[3:].partition(" ")
                at = min((i for i in (spec.find("-j "), spec.find("-g ")) if i >= 0), default=len(spec))
                conditions, action = spec[:at].strip(), spec[at:].strip()
                words = action.split()
                if len(words) > 2 and words[1] in ("ACCEPT", "DROP", "RETURN"):  # conditions behind the verdict
                    conditions, action = " ".join([conditions, *words[2:]]).strip(), " ".join(words[:2])
                self.rules.append(Line(number, table, chain, conditions, action))
        self.tables = list(dict.fromkeys([rule.table for rule in self.rules]))

    # -- what can be taken from the rules ----------------------------------------------------------------
    def steady(self, rule: Line) -> bool:
        return not any(f"-m {name} " in f"{rule.conditions} " for name in _MOODY) and "counter" not in rule.conditions

    def ending(self) -> list[Line]:
        """Rules that take packets for good, whatever came before."""
        return [rule for rule in self.rules if rule.jump in _TERMINAL and self.steady(rule) and not self.marks_before(rule)]

    def marks_before(self, rule: Line) -> bool:
        """Does the rule look at what a target of the table changes? Then "the same again" may be another thing."""
        changing = any(
            other.table == rule.table and other.jump in ("MARK", "DSCP", "TOS", "CT", "CONNMARK", "TCPMSS") for other in self.rules
        )
        return changing and any(
            f"-m {name} " in f"{rule.conditions} " for name in ("mark", "dscp", "tos", "connmark", "conntrack", "state")
        )

    def behind(self, rule: Line) -> int:
        """A line number behind a rule, in its chain, to put a line at."""
        later = [other.number + 1 for other in self.rules if (other.table, other.chain) == (rule.table, rule.chain)]
        return self.r.choice([number for number in later if number > rule.number])

    def chain_with_rules(self) -> Line:
        return self.r.choice(self.rules)

    # -- putting lines in --------------------------------------------------------------------------------
    def put(self, kind: str, inserted: dict[int, list[str]], lines: list[tuple[int, int]], covers: list[int] | None = None) -> Mutant:
        """``inserted``: new lines before an old line number. ``lines``: (old line number, which of its new lines; -1
        the old line itself) to be found; ``covers``: old line numbers."""
        text: list[str] = []
        news: dict[tuple[int, int], int] = {}
        for number in range(1, len(self.lines) + 2):
            for at, line in enumerate(inserted.get(number, ())):
                text.append(line)
                news[number, at] = len(text)
            if number <= len(self.lines):
                text.append(self.lines[number - 1])
                news[number, -1] = len(text)
        found = [news[place] for place in lines]
        return Mutant(kind, "\n".join(text) + "\n", self.family, found, [news[number, -1] for number in covers or []])

    def new_chain(self, rule: Line, name: str = "MUTANT") -> tuple[int, str]:
        """Where to announce a chain of the rule's table, and the line."""
        return self.starts[rule.table], f":{name} - [0:0]"

    def text(self, chain: str, conditions: str, action: str) -> str:
        return " ".join(f"-A {chain} {conditions} {action}".split(" ")).replace("  ", " ").strip()

    def verdict(self, rule: Line) -> str:
        return self.r.choice(["-j ACCEPT", "-j RETURN"] if rule.table == "nat" else ["-j ACCEPT", "-j DROP", "-j RETURN"])

    # -- kinds -------------------------------------------------------------------------------------------
    def duplicate(self) -> Mutant | None:
        rule = self.r.choice(self.ending())
        at = self.behind(rule)
        return self.put("duplicate", {at: [self.text(rule.chain, rule.conditions, rule.action)]}, [(at, 0)], [rule.number])

    def duplicate_of_any(self) -> Mutant | None:
        """Of rules with limits and the like too: twice is not once there, which is to be said as well."""
        rule = self.r.choice([rule for rule in self.rules if not self.marks_before(rule)])
        at = self.behind(rule)
        return self.put("any duplicate", {at: [self.text(rule.chain, rule.conditions, rule.action)]}, [(at, 0)], [rule.number])

    def comment_only(self) -> Mutant | None:
        rule = self.r.choice(self.ending())
        at = self.behind(rule)
        line = self.text(rule.chain, f'{rule.conditions} -m comment --comment "once more"', rule.action)
        return self.put("comment only", {at: [line]}, [(at, 0)], [rule.number])

    def other_verdict(self) -> Mutant | None:
        rule = self.r.choice(self.ending())
        at = self.behind(rule)
        return self.put("same packets", {at: [self.text(rule.chain, rule.conditions, self.verdict(rule))]}, [(at, 0)], [rule.number])

    def narrower(self) -> Mutant | None:
        rule = self.r.choice(self.ending())
        conditions = self.narrowed(rule)
        at = self.behind(rule)
        return self.put("covered", {at: [self.text(rule.chain, conditions, self.verdict(rule))]}, [(at, 0)], [rule.number])

    def narrowed(self, rule: Line) -> str:
        """The rule's conditions and one more, or one of them narrowed."""
        r = self.r
        more = [f"{rule.conditions} {extra}" for extra in self.extras(rule)]
        words = rule.conditions.split()
        for at, word in enumerate(words):
            inverted = at > 0 and words[at - 1] == "!"
            if word in ("-s", "-d") and not inverted and "/" in words[at + 1]:
                address, _, length = words[at + 1].partition("/")
                full = 32 if self.family == 4 else 128
                if length.isdigit() and int(length) < full - 8:
                    more.append(" ".join([*words[: at + 1], f"{address}/{int(length) + r.choice([1, 7])}", *words[at + 2 :]]))
            if word in ("--dport", "--sport") and ":" in words[at + 1] and not inverted:
                low, high = words[at + 1].split(":")
                middle = (int(low) + int(high)) // 2
                more.append(" ".join([*words[: at + 1], r.choice([f"{low}:{middle}", f"{middle}", f"{middle}:{high}"]), *words[at + 2 :]]))
            if word in ("--dports", "--sports") and not inverted:
                ports = words[at + 1].split(",")
                kept = r.sample(ports, r.randrange(1, len(ports) + 1))
                more.append(" ".join([*words[: at + 1], ",".join(kept), *words[at + 2 :]]))
                more.append(
                    " ".join([*words[:at], f"--{word[2:-1]}", r.choice(ports), *words[at + 2 :]]).replace(
                        "-m multiport", f"-m {words[words.index('-p') + 1]}"
                    )
                )
            if word == "-i" and not inverted and words[at + 1].endswith("+"):
                more.append(" ".join([*words[: at + 1], words[at + 1][:-1] + "7", *words[at + 2 :]]))
            if word in ("--ctstate", "--state") and "," in words[at + 1] and not inverted:
                more.append(" ".join([*words[: at + 1], r.choice(words[at + 1].split(",")), *words[at + 2 :]]))
        return r.choice(more)

    def extras(self, rule: Line) -> list[str]:
        conditions = rule.conditions
        host = _FAMILY_HOST[self.family]
        found = ["-m mark --mark 0x7", "-m conntrack --ctstate NEW", "-m length --length 100:200", "-m pkttype --pkt-type unicast",
                 "-m limit --limit 3/min", "-m statistic --mode random --probability 0.5",
                 f"-m iprange --src-range {host}-{host}"]  # fmt: skip
        if "-s " not in conditions:
            found += [f"-s {host}", f"! -s {host}"]
        if "-d " not in conditions:
            found += [f"-d {host}"]
        if "-p " not in conditions:
            found += ["-p tcp", "-p udp -m udp --dport 7", "-p tcp -m tcp --syn", "-p 47"]
            if self.family == 4:
                found += ["-p icmp -m icmp --icmp-type 8"]
        if rule.chain in ("PREROUTING", "INPUT", "FORWARD"):
            found += ["-m mac --mac-source 02:00:00:00:00:09"]
            if "-i " not in conditions:
                found += ["-i eth5", "! -i eth+"]
        if self.family == 4 and "-f" not in conditions.split() and "--dport" not in conditions and "--sport" not in conditions:
            found += ["-m ttl --ttl-lt 9"]
        if "-p tcp" in conditions and "--syn" not in conditions and "! -p" not in conditions and "--tcp-flags" not in conditions:
            found += ["-m tcp --tcp-flags SYN,ACK SYN"]
        return found

    def other_words(self) -> Mutant | None:
        """The same packets in another notation."""
        rule = self.r.choice(self.ending())
        words = rule.conditions.split()
        said: list[str] = []
        for at, word in enumerate(words):
            rest = words[at + 2 :]
            proto = words[words.index("-p") + 1] if "-p" in words else ""
            if word in ("--dport", "--sport") and words.count("--dport") + words.count("--sport") == 1 and "--tcp-flags" not in words:
                head = " ".join(words[:at]).removesuffix(" !")
                invert = "! " if words[at - 1] == "!" else ""
                head = head.removesuffix(f"-m {proto}").strip()
                said.append(f"{head} -m multiport {invert}{word}s {words[at + 1]} {' '.join(rest)}")
                if not invert and ":" in words[at + 1]:
                    low, high = words[at + 1].split(":")
                    said.append(f"{head} -m multiport {word}s {int(low) + 1}:{high},{low} {' '.join(rest)}")
            if word in ("--dports", "--sports", "--ports"):
                ports = words[at + 1].split(",")
                self.r.shuffle(ports)
                said.append(" ".join([*words[: at + 1], ",".join(ports), *rest]))
                said.append(" ".join([*words[: at + 1], ",".join([*ports, ports[0]]), *rest]))
            if word in ("-s", "-d") and "/" in words[at + 1] and "iprange" not in words:
                address, _, length = words[at + 1].partition("/")
                if length == "32" or length == "128":
                    said.append(" ".join([*words[: at + 1], address, *rest]))
                elif self.family == 4 and length.isdigit():
                    mask = 0xFFFFFFFF << 32 - int(length) & 0xFFFFFFFF
                    dotted = ".".join([str(mask >> shift & 255) for shift in (24, 16, 8, 0)])
                    said.append(" ".join([*words[: at + 1], f"{address}/{dotted}", *rest]))
                    invert = "! " if words[at - 1] == "!" else ""
                    low = int.from_bytes(bytes(map(int, address.split("."))), "big")
                    ends = [".".join([str(value >> shift & 255) for shift in (24, 16, 8, 0)]) for value in (low, low | ~mask & 0xFFFFFFFF)]
                    side = "src" if word == "-s" else "dst"
                    kept = " ".join(words[: at - 1 if invert else at])
                    said.append(f"{kept} {' '.join(rest)} -m iprange {invert}--{side}-range {ends[0]}-{ends[1]}")
            if word == "--ctstate" or word == "--state":
                states = words[at + 1].split(",")
                self.r.shuffle(states)
                said.append(" ".join([*words[: at + 1], ",".join(states), *rest]))
                plain = not {"SNAT", "DNAT"}.intersection(states)
                if word == "--state" or (plain and "!" not in words[at - 1]):
                    both = {"--state": ("state", "conntrack", "--ctstate"), "--ctstate": ("conntrack", "state", "--state")}[word]
                    said.append(" ".join([*words[:at], both[2], *words[at + 1 :]]).replace(f"-m {both[0]}", f"-m {both[1]}"))
            if word == "-p" and words[at + 1] in ("tcp", "udp", "icmp"):
                number = {"tcp": "6", "udp": "17", "icmp": "1"}[words[at + 1]]
                said.append(" ".join([*words[: at + 1], number, *rest]))
        if not said:
            return None
        at = self.behind(rule)
        line = self.text(rule.chain, self.r.choice(said), rule.action)
        return self.put("other words", {at: [line]}, [(at, 0)], [rule.number])

    def halves(self) -> Mutant | None:
        """Two rules before a third that together take what it is for."""
        rule = self.r.choice([rule for rule in self.rules if self.steady(rule) and not self.marks_before(rule)])
        words = rule.conditions
        pairs = [("-m mark --mark 0x0/0x80", "-m mark --mark 0x80/0x80"), ("-m pkttype --pkt-type unicast", "-m pkttype ! --pkt-type unicast"),
                 ("-m length --length 0:500", "-m length ! --length 0:500"), ("-m conntrack --ctstate NEW", "-m conntrack ! --ctstate NEW"),
                 ("-m addrtype --src-type LOCAL", "-m addrtype ! --src-type LOCAL"), ("-m string --string x --algo bm", "-m string ! --string x --algo bm"),
                 ("-m set --match-set s src", "-m set ! --match-set s src")]  # fmt: skip
        if any(other.table == rule.table and other.jump in ("MARK", "CT") for other in self.rules):
            pairs = [pair for pair in pairs if "mark" not in pair[0] and "ctstate" not in pair[0]]
        if "-s " not in words and self.family == 4:
            pairs += [("-s 0.0.0.0/1", "-s 128.0.0.0/1"), ("-s 10.0.0.0/8", "! -s 10.0.0.0/8")]
        if "-s " not in words and self.family == 6:
            pairs += [("-s ::/1", "-s 8000::/1"), ("-s fd00::/8", "! -s fd00::/8")]
        if "-p " not in words:
            pairs += [("-p tcp", "! -p tcp")]
        if "-i " not in words and rule.chain in ("PREROUTING", "INPUT", "FORWARD"):
            pairs += [("-i eth+", "! -i eth+")]
        if "-f" not in words.split() and self.family == 4 and "-p" not in words:
            pairs += [("-f", "! -f")]
        one, two = self.r.choice(pairs)
        news = [self.text(rule.chain, f"{words} {half}", self.verdict(rule)) for half in (one, two)]
        return self.put("covered together", {rule.number: news}, [(rule.number, -1)])

    def by_chain(self) -> Mutant | None:
        """A chain that ends for all takes the packets of a rule behind its jump."""
        rule = self.r.choice([rule for rule in self.rules if self.steady(rule) and not self.marks_before(rule)])
        at, announced = self.new_chain(rule)
        drop = "ACCEPT" if rule.table == "nat" else "DROP"
        body = [self.text("MUTANT", "-p tcp", "-j ACCEPT"), self.text("MUTANT", "", f"-j {drop}")]
        if self.r.random() < 0.5:  # two ends that only together are one
            body = [self.text("MUTANT", "-p tcp", "-j ACCEPT"), self.text("MUTANT", "! -p tcp", f"-j {drop}")]
        jump = self.text(rule.chain, rule.conditions, self.r.choice(["-j", "-j", "-g"]) + " MUTANT")
        return self.put("covered by a chain", {at: [announced], rule.number: [*body, jump]}, [(rule.number, -1)])

    def narrower_jump(self) -> Mutant | None:
        """Behind a goto."""
        rule = self.r.choice([rule for rule in self.rules if self.steady(rule) and not self.marks_before(rule)])
        at, announced = self.new_chain(rule)
        news = [self.text("MUTANT", "-p tcp", "-j ACCEPT"), self.text(rule.chain, rule.conditions, "-g MUTANT")]
        return self.put("behind a goto", {at: [announced], rule.number: news}, [(rule.number, -1)])

    def contradiction(self) -> Mutant | None:
        rule = self.chain_with_rules()
        texts = ["-m mark --mark 0x1 -m mark --mark 0x2", "-p tcp -m tcp ! --dport 0:65535", "-p udp -m udp --dport 5 -m multiport --dports 6",
                 "-m conntrack ! --ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED", "-m length --length 10 -m length --length 11:20",
                 "-m conntrack --ctstate NEW -m state --state ESTABLISHED", "-p tcp -m multiport --dports 80,81 -m tcp --dport 82",
                 "-m mark --mark 0x1/0x1 -m mark ! --mark 0x1/0x1", "-p tcp -m tcp --dport 5 -m multiport ! --ports 4:6",
                 "-m pkttype --pkt-type unicast -m pkttype --pkt-type multicast", "-m set --match-set x src -m set ! --match-set x src",
                 "-p tcp -m multiport --sports 5:6 -m multiport ! --sports 4:7"]  # fmt: skip
        if self.family == 4:
            texts += ["-s 10.0.0.0/8 -m iprange --src-range 192.168.0.1-192.168.0.9", "-f -p udp -m udp --dport 5", "-m ttl --ttl-eq 3 -m ttl --ttl-gt 3",
                      "! -s 0.0.0.0/0", "-p icmp -m icmp --icmp-type 8 -m icmp --icmp-type 0",
                      "-m mac --mac-source 02:00:00:00:00:01 -m mac ! --mac-source 02:00:00:00:00:01"]  # fmt: skip
        else:
            texts += ["-s 2001:db8::/32 -m iprange ! --src-range 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "-m hl --hl-eq 3 -m hl --hl-lt 3",
                      "-p ipv6-icmp -m icmp6 --icmpv6-type 1 -m icmp6 --icmpv6-type 2"]  # fmt: skip
        if rule.chain in ("OUTPUT", "POSTROUTING"):
            texts = [text for text in texts if "mac" not in text]
            texts += ["-m owner --uid-owner 5 -m owner ! --uid-owner 0-9"]
        line = self.text(rule.chain, self.r.choice(texts), self.verdict(rule))
        at = rule.number + self.r.randrange(2)
        return self.put("contradiction", {at: [line]}, [(at, 0)])

    def by_context(self) -> Mutant | None:
        """A rule for packets that never come into its chain."""
        rule = self.chain_with_rules()
        at, announced = self.new_chain(rule)
        pairs = [("-p tcp", "-p udp"), ("-p tcp", "-p udp -m udp --dport 53"), ("-p udp -m udp --dport 1:100", "-p udp -m udp --dport 101"),
                 ("-m mark --mark 0x5", "-m mark ! --mark 0x5")]  # fmt: skip
        if self.family == 4:
            pairs += [("-s 10.0.0.0/8", "-s 192.168.1.0/24"), ("! -s 10.0.0.0/8", "-s 10.1.2.3")]
        else:
            pairs += [("-s 2001:db8::/32", "-s fd00::1")]
        if any(other.table == rule.table and other.jump == "MARK" for other in self.rules):
            pairs = [pair for pair in pairs if "mark" not in pair[0]]
        outer, inner = self.r.choice(pairs)
        news = [self.text(rule.chain, outer, "-j MUTANT"), self.text("MUTANT", inner, self.verdict(rule)), self.text("MUTANT", "-m length --length 77", "-j RETURN"),
                self.text("MUTANT", "", self.r.choice(["-j ACCEPT", "-j RETURN"]))]  # fmt: skip
        return self.put("never comes in", {at: [announced], rule.number: news}, [(rule.number, 1), (rule.number, 0), (at, 0)])

    def unreferenced(self) -> Mutant | None:
        rule = self.chain_with_rules()
        at, announced = self.new_chain(rule)
        inserted = {at: [announced]}
        if self.r.random() < 0.7:
            inserted.setdefault(rule.number, []).append(self.text("MUTANT", "-p tcp", "-j ACCEPT"))
        return self.put("unreferenced chain", inserted, [(at, 0)])

    def behind_the_end(self) -> Mutant | None:
        rule = self.chain_with_rules()
        news = [
            self.text(rule.chain, "", self.verdict(rule)),
            self.text(rule.chain, self.r.choice(["-p tcp", "", "-m mark --mark 9"]), "-j ACCEPT"),
        ]
        return self.put("behind the end", {rule.number: news}, [(rule.number, 1)])

    def empty_chain(self) -> Mutant | None:
        rule = self.chain_with_rules()
        at, announced = self.new_chain(rule)
        news = [self.text(rule.chain, self.r.choice(["-p tcp", "", rule.conditions]), self.r.choice(["-j MUTANT", "-g MUTANT"]))]
        return self.put("empty chain", {at: [announced], rule.number: news}, [(rule.number, 0)])

    def loop(self) -> Mutant | None:
        rule = self.chain_with_rules()
        if rule.chain in self.users.get(rule.table, ()) and self.r.random() < 0.5:
            goals = [other.jump for other in self.rules if (other.table, other.chain) == (rule.table, rule.chain)]
            goal = self.r.choice([rule.chain, *[name for name in goals if name in self.users[rule.table]]])
            chain = goal
            line = self.text(chain, "-p tcp", f"-j {rule.chain}")
            at = next((other.number for other in self.rules if (other.table, other.chain) == (rule.table, chain)), rule.number)
            return self.put("loop", {at: [line]}, [(at, 0)])
        at, announced = self.new_chain(rule)
        _, second = self.new_chain(rule, "MUTANT2")
        news = [
            self.text("MUTANT", "", "-j MUTANT2"),
            self.text("MUTANT2", "-p udp", "-g MUTANT"),
            self.text(rule.chain, "-p tcp", "-j MUTANT"),
        ]
        return self.put("loop", {at: [announced, second], rule.number: news}, [(rule.number, 1)])

    def return_at_end(self) -> Mutant | None:
        places = [(table, name) for table, names in self.users.items() for name in names if not name.startswith(("DOCKER", "f2b-"))]
        if not places:
            return None
        table, chain = self.r.choice(places)
        numbers = [rule.number for rule in self.rules if (rule.table, rule.chain) == (table, chain)]
        end = max(numbers, default=0) + 1
        if not numbers:
            return None
        return self.put("return at the end", {end: [self.text(chain, self.r.choice(["", "-p tcp"]), "-j RETURN")]}, [(end, 0)])

    def redundant(self) -> Mutant | None:
        """Just before a rule one that does the same for some of its packets."""
        rule = self.r.choice([rule for rule in self.ending() if rule.jump != "RETURN" and rule.conditions])
        conditions = self.narrowed(rule)
        if any(f"-m {name} " in conditions for name in _MOODY):
            return None
        return self.put("redundant", {rule.number: [self.text(rule.chain, conditions, rule.action)]}, [(rule.number, 0)])


KINDS = (
    "duplicate", "duplicate_of_any", "comment_only", "other_verdict", "narrower", "narrower", "other_words", "halves", "by_chain", "narrower_jump",
    "contradiction", "by_context", "unreferenced", "behind_the_end", "empty_chain", "loop", "return_at_end", "redundant",
)  # fmt: skip


def mutated(text: str, family: int, rng: Random, kind: str) -> Mutant | None:
    """A mutant of a kind, None when the rules do not lend themselves to it."""
    mutator = _Mutator(text, family, rng)
    try:
        mutant: Mutant | None = getattr(mutator, kind)()
    except IndexError:  # nothing to choose from
        return None
    return mutant
