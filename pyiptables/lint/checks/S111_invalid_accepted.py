from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import owner_of_interface
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import filterings, translating
from pyiptables.lint.filtering import states_of
from pyiptables.lint.outside import outer_interfaces
from pyiptables.lint.places import command_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_ACK = 0x10


class InvalidAccepted(Check):
    """Packets that belong to no connection are accepted.

    What it does: in a filter that knows connection states, asks INPUT (and FORWARD of a router) about TCP packets in state
    INVALID, and reports the first rule that accepts some.

    Why it matters: such packets are scans with odd flags, or answers that connection tracking has lost. A rule for a port
    without a state lets them in. On a router they leave untranslated, with the inner address, because NAT leaves INVALID
    packets alone.

    Instead: `-m conntrack --ctstate INVALID -j DROP` behind the rule for established connections, or `--ctstate NEW` in the
    rules for services.
    """

    code = "S111"
    name = "invalid-accepted"
    severity = "info"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT\n-A FORWARD -i eth1 -o eth0 -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 22 --syn -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:bad - [0:0]\n-A INPUT -p tcp -j bad\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A bad -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            stateful = any(
                "ESTABLISHED" in (states_of(rule.spec) or ())
                for chain in filtering.table.chains.values()
                for rule in chain.rules
                if rule.spec is not None and rule.spec.matches
            )
            if not stateful:
                continue
            router = translating(subject, filtering.family)
            for name in ("INPUT", "FORWARD") if router is not None else ("INPUT",):
                if name not in filtering.table.chains or name not in filtering.owned:
                    continue
                outer = outer_interfaces(filtering) if name == "FORWARD" else []
                packets = filtering.filter.packets(proto=6, states=("INVALID",), flags=_ACK, outiface=outer[0] if outer else "")
                for outcome in filtering.fate(name, packets).outcomes:
                    item = filtering.item(outcome.rule)
                    if item is None or outcome.rule is None or outcome.rule.spec is None or outcome.verdict != "ACCEPT":
                        continue
                    if owner_of_interface(outcome.rule.spec.iniface) or owner_of_interface(outcome.rule.spec.outiface):
                        continue  # rules that another program makes
                    where = " and leave untranslated" if name == "FORWARD" else ""
                    message = f"packets of no connection (INVALID) are accepted here{where}: nothing in {name} drops them before"
                    hint = "put -m conntrack --ctstate INVALID -j DROP in front"
                    yield Diagnostic(self.code, message, command_place(item), self.severity, item.text, hint)
                    break


CHECKS = (InvalidAccepted,)
