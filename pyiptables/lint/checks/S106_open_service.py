from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.filtering import port_of, source_is_world
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class OpenService(Check):
    """A service that is rarely meant for the whole world, open to it.

    What it does: finds rules that accept new connections from anywhere to ports on a list (databases, remote desktops,
    file shares, Telnet, SNMP …; `sensitive-ports` in the configuration).

    Why it matters: these services are scanned for all day, and few of them were made to stand it.

    Instead: accept only the networks that need it (`-s …`), an interface, or a VPN.
    """

    code = "S106"
    name = "open-service"
    bad = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n",)
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        wanted: dict[int, set[int]] = {6: set(), 17: set()}
        for entry in subject.settings.sensitive_ports:
            protocol, _, port = entry.partition("/")
            if protocol in ("tcp", "udp") and port.isdigit():
                wanted[6 if protocol == "tcp" else 17].add(int(port))
        for item in subject.items:
            if item.action not in ("A", "I") or item.table != "filter" or item.chain in ("OUTPUT", None):
                continue
            for rule in item.rules[:1]:
                spec = rule.spec
                if spec is None or spec.jump != "ACCEPT" or spec.proto_inv or not source_is_world(spec):
                    continue
                hit = [
                    port
                    for match in spec.matches
                    if match.name in ("tcp", "udp", "multiport") and not match.inverted
                    for low, high in port_of(match)
                    if (low, high) != (0, 65535)
                    for port in sorted(wanted.get(spec.proto, ()))
                    if low <= port <= high
                ]
                if hit and item.chain is not None and _reached_from_outside(subject, item.chain):
                    ports = ", ".join([str(port) for port in hit[:4]]) + (" …" if len(hit) > 4 else "")
                    message = f"port {ports} is open to the whole world"
                    yield Diagnostic(self.code, message, item.place, self.severity, item.text, "narrow it with -s or -i")


def _reached_from_outside(subject: Subject, chain: str) -> bool:
    """INPUT and FORWARD; of user chains only those called without a source condition are certain enough to name."""
    return chain in ("INPUT", "FORWARD")


CHECKS = (OpenService,)
