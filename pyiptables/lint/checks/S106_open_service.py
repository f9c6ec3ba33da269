from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import Filtering, filterings
from pyiptables.lint.filtering import ports_of
from pyiptables.lint.outside import STRANGER, stranger_interface
from pyiptables.lint.places import option_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject

_SYN = 0x02
_NUMBERS = {"tcp": 6, "udp": 17}


class OpenService(Check):
    """A service that is rarely meant for the whole world, open to it.

    What it does: sends a new connection from a public address, by the interface that faces the world, to each port of a
    list (databases, remote desktops, file shares, Telnet, SNMP …; `sensitive-ports` in the configuration) and reports the
    rule that accepts it and names the port. The interface is the one on which addresses are translated, or the only one
    that rules name.

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
        wanted = {
            (_NUMBERS[protocol], int(port))
            for entry in subject.settings.sensitive_ports
            for protocol, _, port in [entry.partition("/")]
            if protocol in _NUMBERS and port.isdigit()
        }
        for filtering in filterings(subject):
            found: dict[int, tuple[Item, list[int], str]] = {}
            for proto, port in sorted(wanted & _named(filtering, wanted)):
                for name in ("INPUT", "FORWARD"):
                    for item in _open(filtering, name, proto, port):
                        found.setdefault(id(item), (item, [], name))[1].append(port)
            for item, ports, name in found.values():
                shown = ", ".join([str(port) for port in ports[:4]]) + (" …" if len(ports) > 4 else "")
                what = f"port {shown} is" if len(ports) == 1 else f"ports {shown} are"
                behind = "" if name == "INPUT" else " behind this router"
                place = option_place(item, "--dport", "--dports", "--destination-port", "--destination-ports", "--ports")
                hint = "narrow it with -s" if "-i" in item.text else "narrow it with -s or -i"
                yield Diagnostic(self.code, f"{what} open to the whole world{behind}", place, self.severity, item.text, hint)


def _named(filtering: Filtering, wanted: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of the wanted ports those that some rule accepts by name: only for them is it worth asking."""
    named = set()
    for chain in filtering.table.chains.values():
        for rule in chain.rules:
            spec = rule.spec
            if spec is not None and spec.jump == "ACCEPT" and spec.matches:
                ranges = list(ports_of(spec))
                named |= {(proto, port) for proto, port in wanted if proto == spec.proto and _within(port, ranges)}
    return named


def _within(port: int, ranges: list[tuple[int, int]]) -> bool:
    return any(low <= port <= high for low, high in ranges if (low, high) != (0, 65535))


def _open(filtering: Filtering, name: str, proto: int, port: int) -> Iterator[Item]:
    if name not in filtering.table.chains:
        return
    packets = filtering.filter.packets(
        proto=proto, dport=port, flags=_SYN if proto == 6 else None, src=STRANGER[filtering.family],
        iniface=stranger_interface(filtering),
    )  # fmt: skip
    for outcome, spec, item in filtering.accepting(name, packets):
        unsure = any(not match.deterministic and match.name not in ("limit", "hashlimit", "comment") for match in spec.matches)
        narrowed = any(match.name in _NARROWING for match in spec.matches)
        if outcome.rule is not None and not unsure and not narrowed and _within(port, list(ports_of(spec))):
            yield item


#: Matches that tell senders apart though the packet's headers do not say so.
_NARROWING = frozenset(("set", "mac", "policy", "physdev", "string", "u32", "bpf", "owner", "mark", "connmark", "socket", "cluster"))

CHECKS = (OpenService,)
