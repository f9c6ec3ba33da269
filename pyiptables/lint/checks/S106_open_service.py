from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import Filtering, filterings
from pyiptables.lint.filtering import ports_of
from pyiptables.lint.outside import STRANGER, stranger_interface
from pyiptables.lint.places import option_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject
from pyiptables.ruleset import RuleSpec

_SYN = 0x02
#: So many rules of a chain are named for each protocol.
_ENOUGH = 10
_NUMBERS = {"tcp": 6, "udp": 17}


class OpenService(Check):
    """A service that is rarely meant for the whole world, open to it.

    What it does: sends a new connection from a public address, by the interface that faces the world, to each port of a
    list (databases, remote desktops, file shares, Telnet, SNMP …; `sensitive-ports` in the configuration) and reports the
    rule that accepts it and names the port (of many in a chain the first ten). The interface is the one on which addresses
    are translated, or the only one that rules name.

    Why it matters: these services are scanned for all day, and few of them were made to stand it.

    Instead: accept only the networks that need it (`-s …`), an interface, or a VPN.
    """

    code = "S106"
    name = "open-service"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:db - [0:0]\n-A INPUT -p tcp -j db\n-A db -p tcp -m multiport --dports 80,6379 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth0 -p tcp -m tcp --dport 5900:5999 -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:db - [0:0]\n-A INPUT -s 10.0.0.0/8 -j db\n-A db -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 3306 -j DROP\n"
        "-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth1 -p tcp -m tcp --dport 445 -j ACCEPT\n-A INPUT -i eth0 -p tcp -m tcp --dport 22 "
        "-j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set office src -p tcp -m tcp --dport 3389 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        sensitive = {
            (_NUMBERS[protocol], int(port))
            for entry in subject.settings.sensitive_ports
            for protocol, _, port in [entry.partition("/")]
            if protocol in _NUMBERS and port.isdigit()
        }
        for filtering in filterings(subject):
            for proto in (6, 17):
                wanted = sorted([port for known, port in sensitive if known == proto])
                for name, item, ports in _open(filtering, proto, wanted):
                    yield self._finding(name, item, ports)

    def _finding(self, name: str, item: Item, ports: list[int]) -> Diagnostic:
        shown = ", ".join([str(port) for port in ports[:4]]) + (" …" if len(ports) > 4 else "")
        what = f"port {shown} is" if len(ports) == 1 else f"ports {shown} are"
        behind = "" if name == "INPUT" else " behind this router"
        place = option_place(item, "--dport", "--dports", "--destination-port", "--destination-ports", "--ports")
        hint = "narrow it with -s" if "-i" in item.text.split() else "narrow it with -s or -i"
        return Diagnostic(self.code, f"{what} open to the whole world{behind}", place, self.severity, item.text, hint)


def _open(filtering: Filtering, proto: int, wanted: list[int]) -> Iterator[tuple[str, Item, list[int]]]:
    packets = filtering.filter.packets(
        proto=proto, flags=_SYN if proto == 6 else None, src=STRANGER[filtering.family], iniface=stranger_interface(filtering)
    )

    def names_one(spec: RuleSpec) -> bool:
        return spec.proto == proto and bool(spec.matches) and bool(_named(spec, wanted)) and not _narrowed(spec)

    for name in ("INPUT", "FORWARD"):
        if name in filtering.table.chains:
            for spec, item in islice(filtering.accepting(name, packets, names_one), _ENOUGH):
                yield name, item, _named(spec, wanted)


def _named(spec: RuleSpec, wanted: list[int]) -> list[int]:
    """Of the wanted ports, which ascend, those that a rule names."""
    ranges = [pair for pair in ports_of(spec) if pair != (0, 65535)]
    return sorted({port for low, high in ranges for port in wanted[bisect_left(wanted, low) : bisect_right(wanted, high)]})


def _narrowed(spec: RuleSpec) -> bool:
    """Does the rule tell senders apart though the packet's headers do not say so, or by chance?"""
    return any(match.name in _NARROWING or not (match.deterministic or match.name in ("limit", "hashlimit")) for match in spec.matches)


_NARROWING = frozenset(("set", "mac", "policy", "physdev", "string", "u32", "bpf", "owner", "mark", "connmark", "socket", "cluster"))

CHECKS = (OpenService,)
