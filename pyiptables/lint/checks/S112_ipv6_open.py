from __future__ import annotations

import re
from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import Filtering, chain_place, filterings
from pyiptables.lint.filtering import ports_of
from pyiptables.lint.outside import STRANGER
from pyiptables.lint.places import command_place, option_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.ruleset import RuleSpec

_SYN = 0x02
#: A port that no rule is likely to name.
_ANY_PORT = 61234
_MANY = 40


class Ipv6Open(Check):
    """IPv6 left open where IPv4 is closed.

    What it does: asks INPUT of both families the same questions: a new connection to a port that no rule names, and to each
    port that an IPv6 rule names. Both families are those of one script, or of two files that are checked together and
    belong together by name (`rules.v4` and `rules.v6`). A script that closes IPv4 and has no word about IPv6 is reported
    too, unless it switches IPv6 off.

    Why it matters: hosts have IPv6 by default. A service that IPv4 rules protect is then open to everybody by its other
    address.

    Instead: the same rules for ip6tables, with ICMPv6 allowed; or `net.ipv6.conf.all.disable_ipv6=1`.
    """

    code = "S112"
    name = "ipv6-open"
    bad = (
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\nip6tables -P INPUT ACCEPT\n",
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n"
        "ip6tables -P INPUT DROP\nip6tables -A INPUT -p tcp -m multiport --dports 22,3306 -j ACCEPT\n",
    )
    good = (
        "#!/bin/sh\nfor ipt in iptables ip6tables; do\n  $ipt -P INPUT DROP\n  $ipt -A INPUT -p tcp --dport 22 -j ACCEPT\ndone\n",
        "#!/bin/sh\nsysctl -w net.ipv6.conf.all.disable_ipv6=1\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -A INPUT -p tcp --dport 23 -j DROP\n",
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT\n"
        "ip6tables -P INPUT DROP\nip6tables -A INPUT -s fd00::/8 -p tcp --dport 22 -j ACCEPT\n",
        "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\nip6tables-restore < /etc/iptables/rules.v6\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        if subject.script is None:
            return
        found = {filtering.family: filtering for filtering in filterings(subject)}
        four, six = found.get(4), found.get(6)
        if four is None or subject.script.kind not in ("shell", "systemd"):
            return
        if six is not None:
            yield from self._compare(subject, four, subject, six)
        elif _refuses(four) and not _speaks_of_ipv6(subject):
            place, text = chain_place(subject, four, "INPUT")
            message = "IPv6 stays open: the script closes INPUT for IPv4 and has no word about IPv6"
            yield Diagnostic(self.code, message, place, "info", text, "the same with ip6tables, or disable IPv6")

    def run_together(self, subjects: list[Subject]) -> Iterator[Diagnostic]:
        whole: dict[int, dict[str, tuple[Subject, Filtering]]] = {4: {}, 6: {}}
        for subject in subjects:
            if subject.script is None:
                for filtering in filterings(subject):
                    whole[filtering.family].setdefault(_stem(subject.file), (subject, filtering))
        for stem, (subject, four) in whole[4].items():
            if stem in whole[6]:
                other, six = whole[6][stem]
                yield from self._compare(subject, four, other, six)

    def _compare(self, subject: Subject, four: Filtering, other: Subject, six: Filtering) -> Iterator[Diagnostic]:
        if not _refuses(four):
            return
        related = ((chain_place(subject, four, "INPUT")[0], "IPv4 drops them"),)
        fate = six.fate("INPUT", _connection(six, 6, _ANY_PORT))
        last = fate.outcomes[-1] if fate.outcomes else None
        if last is not None and last.verdict == "ACCEPT" and "INPUT" not in six.unsure:
            item = six.item(last.rule)
            place, text = (command_place(item), item.text) if item is not None else chain_place(other, six, "INPUT")
            message = "INPUT accepts by IPv6 the new connections that IPv4 drops"
            yield Diagnostic(self.code, message, place, self.severity, text, "close it as for IPv4", related)
            return
        for proto, label in ((6, "tcp"), (17, "udp")):
            asked = 0
            for spec, item in six.accepting("INPUT", _connection(six, proto, None), _names_port):
                extra = []
                for low, _ in ports_of(spec) if spec.proto == proto else ():
                    asked += 1
                    if asked <= _MANY and not four.fate("INPUT", _connection(four, proto, low)).accepted:
                        extra.append(low)
                if extra:
                    ports = ", ".join([f"{label}/{port}" for port in extra])
                    message = f"open by IPv6 and closed by IPv4: {ports}"
                    place = option_place(item, "--dport", "--dports", "--destination-port")
                    yield Diagnostic(self.code, message, place, self.severity, item.text, "close it, or open both", related)


def _connection(filtering: Filtering, proto: int, port: int | None) -> dict[int, tuple[int, ...]]:
    """A stranger's new connection."""
    flags = _SYN if proto == 6 else None
    return filtering.filter.packets(proto=proto, dport=port, flags=flags, src=STRANGER[filtering.family])


def _refuses(filtering: Filtering) -> bool:
    """Does INPUT turn new connections away as a rule?"""
    return not filtering.fate("INPUT", _connection(filtering, 6, _ANY_PORT)).accepted


def _names_port(spec: RuleSpec) -> bool:
    return bool(spec.matches) and any(pair != (0, 65535) for pair in ports_of(spec))


def _speaks_of_ipv6(subject: Subject) -> bool:
    script = subject.script
    if any(setting.name.endswith("disable_ipv6") for setting in script.settings):
        return True
    if any(invocation.family == 6 for invocation in script.invocations):
        return True
    return re.search(r"ip6tables|ipv6\.disable|\bnft\b", subject.text) is not None


def _stem(file: str) -> str:
    """The name that the files of both families have in common."""
    name = file.lower()
    for six, four in (("ip6tables", "iptables"), ("ipv6", "ipv4"), ("v6", "v4"), ("ip6", "ip"), ("6.rules", ".rules")):
        name = name.replace(six, four)
    return name.replace("ipv4", "ip")


CHECKS = (Ipv6Open,)
