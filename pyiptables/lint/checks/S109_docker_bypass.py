from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.filtering import port_of
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject


class PastInput(Check):
    """An INPUT rule for a port that DNAT takes elsewhere.

    What it does: finds rules in INPUT that drop or narrow a port which a DNAT rule of the same file (Docker's published
    port, say) sends to another host or container.

    Why it matters: such packets are forwarded: they meet FORWARD and never INPUT. The rule protects nothing.

    Instead: put the rule into FORWARD (with Docker: into DOCKER-USER), matching the port after DNAT, or
    `-m conntrack --ctorigdstport` for the port before.
    """

    code = "S109"
    name = "past-input"
    bad = (
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 8080 -j DROP\nCOMMIT\n",
    )
    good = (
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 9090 -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        taken: list[tuple[int, int, int, Item]] = []
        for item in subject.items:
            spec = item.rules[0].spec if item.rules and item.table == "nat" and item.action in ("A", "I") else None
            if spec is None or spec.target is None or spec.target.name != "DNAT" or item.chain in ("OUTPUT", "POSTROUTING"):
                continue
            for match in spec.matches:
                for low, high in port_of(match):
                    taken.append((spec.proto, low, high, item))
        for item in subject.items:
            if item.table != "filter" or item.chain != "INPUT" or item.action not in ("A", "I") or not item.rules:
                continue
            spec = item.rules[0].spec
            if spec is None or not (spec.jump in ("DROP", "ACCEPT") or (spec.target and spec.target.name == "REJECT")):
                continue
            for match in spec.matches:
                for low, high in port_of(match):
                    hit = next((t for t in taken if t[0] == spec.proto and t[1] <= low and high <= t[2]), None)
                    if hit is not None and (low, high) != (0, 65535):
                        port = str(low) if low == high else f"{low}:{high}"
                        message = f"packets to port {port} are sent on by DNAT and never meet INPUT"
                        yield Diagnostic(
                            self.code, message, item.place, self.severity, item.text,
                            "filter them in FORWARD (Docker: DOCKER-USER)", ((hit[3].place, "the DNAT"),),
                        )  # fmt: skip


CHECKS = (PastInput,)
