from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import Filtering, chain_place, filterings
from pyiptables.lint.filtering import ports_of
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_NUMBERS = {"tcp": 6, "udp": 17}


class ListeningPort(Check):
    """A port on which the host listens and for which INPUT has no rule.

    What it does: takes the ports of `listening-ports` in the configuration (`["tcp/22", "udp/123"]`, as `ss -lntu` shows
    them on the host) and reports those that no rule of INPUT, or of a chain it calls, names. Says nothing without that list.

    Why it matters: benchmark item "firewall rules exist for all open ports": for each of them somebody has decided who may
    use it.

    Instead: a rule for the port, or stop the service.
    """

    code = "C105"
    name = "listening-port"
    default = False
    sets = ("cis",)
    settings = (("listening_ports", ("tcp/22", "tcp/443")),)
    bad = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",)
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 22,443 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:in - [0:0]\n-A INPUT -j in\n-A in -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A in -p tcp -m tcp --dport 443 -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        wanted = []
        for entry in subject.settings.listening_ports:
            protocol, _, port = entry.partition("/")
            if protocol in _NUMBERS and port.isdigit():
                wanted.append((_NUMBERS[protocol], int(port), entry))
        for filtering in filterings(subject) if wanted else ():
            named = set(_named(filtering))
            for proto, number, entry in wanted:
                if not any(proto == known and low <= number <= high for known, low, high in named):
                    place, text = chain_place(subject, filtering, "INPUT")
                    message = f"the host listens on {entry} and INPUT has no rule for it"
                    yield Diagnostic(self.code, message, place, self.severity, text)


def _named(filtering: Filtering) -> Iterator[tuple[int, int, int]]:
    """(protocol, lowest, highest port) that the rules of INPUT and of the chains it calls name."""
    seen = {"INPUT"}
    pending = ["INPUT"]
    while pending:
        chain = filtering.table.chains.get(pending.pop())
        for rule in chain.rules if chain is not None else ():
            spec = rule.spec
            if spec is None:
                continue
            for low, high in ports_of(spec):
                yield spec.proto, low, high
            if spec.target is None and spec.jump in filtering.table.chains and spec.jump not in seen:
                seen.add(spec.jump)
                pending.append(spec.jump)


CHECKS = (ListeningPort,)
