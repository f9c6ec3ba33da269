from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import filterings
from pyiptables.lint.filtering import states_of
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_MANY = 20
_ACK = 0x10


class LateEstablished(Check):
    """ESTABLISHED accepted only after many other rules.

    What it does: counts the rules, those of user chains included, against which a TCP packet of an established connection
    is held in INPUT or FORWARD before the rule for its state accepts it, and reports more than twenty.

    Why it matters: nearly all packets belong to established connections; each is held against all the rules before.

    Instead: move it to the top. Rules that drop INVALID may stand before it.
    """

    code = "S105"
    name = "late-established"
    severity = "info"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n"
        + "".join([f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT\n" for port in range(1000, 1021)])
        + "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:ports - [0:0]\n-A INPUT -p tcp -j ports\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n"
        + "".join([f"-A ports -s 192.0.2.{number}/32 -j ACCEPT\n" for number in range(1, 22)])
        + "COMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        + "".join([f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT\n" for port in range(1000, 1021)])
        + "COMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:udp - [0:0]\n-A INPUT -p udp -j udp\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n"
        + "".join([f"-A udp -s 192.0.2.{number}/32 -j ACCEPT\n" for number in range(1, 22)])
        + "COMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            for name in ("INPUT", "FORWARD"):
                if name not in filtering.table.chains:
                    continue
                packets = filtering.filter.packets(proto=6, states=("ESTABLISHED",), flags=_ACK)
                for outcome in filtering.fate(name, packets).outcomes:
                    item = filtering.item(outcome.rule)
                    if item is None or outcome.rule is None or outcome.rule.spec is None or outcome.verdict != "ACCEPT":
                        continue
                    if "ESTABLISHED" not in (states_of(outcome.rule.spec) or ()):
                        continue
                    if outcome.looked > _MANY:
                        message = f"established connections are accepted in {name} only after {outcome.looked} other rules"
                        yield Diagnostic(self.code, message, command_place(item), self.severity, item.text)
                    break


CHECKS = (LateEstablished,)
