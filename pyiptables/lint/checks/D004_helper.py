from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.dependencies import needs
from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_ALIASES = {"h323": "h323", "RAS": "h323", "Q.931": "h323", "netbios-ns": "netbios_ns"}


class NeedsHelper(Check):
    """A connection tracking helper that somebody must load and assign.

    What it does: finds `-m helper --helper NAME` and `-j CT --helper NAME`.

    Why it matters: the module (`nf_conntrack_NAME`) must be loaded before a rule with `CT --helper` is added, else iptables
    refuses it. `-m helper` is never refused, but since kernel 4.7 no helper is attached to a connection unless a rule
    `-j CT --helper` says so: without one it matches nothing, and FTP or SIP data connections are dropped.

    Instead: load the module at boot, and attach the helper in table raw:
    `-A PREROUTING -p tcp --dport 21 -j CT --helper ftp`.
    """

    code = "D004"
    name = "needs-helper"
    severity = "info"
    bad = (
        "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n",
        "*filter\n-A INPUT -m helper --helper ftp -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\nCOMMIT\n",
        "*filter\n-A INPUT -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        wanted = [need for need in needs(subject) if need.kind == "helper"]
        attached = {need.name for need in wanted if need.item.command is not None and need.item.command.spec.jump == "CT"}
        told = set()
        for need in wanted:
            attaches = need.item.command is not None and need.item.command.spec.jump == "CT"
            if (need.name, attaches) in told:
                continue
            told.add((need.name, attaches))
            module = f"nf_conntrack_{_ALIASES.get(need.name, need.name)}"
            if attaches:
                message = f"module {module} must be loaded before this rule is added"
                yield Diagnostic(self.code, message, word_place(need.item, need.word), self.severity, need.item.text)
            elif need.name not in attached:
                spec = None if need.item.command is None else need.item.command.spec
                negated = spec is not None and any(match.name == "helper" and match.inverted for match in spec.matches)
                what = "everything" if negated else "nothing"
                message = f"matches {what} unless a rule `-j CT --helper {need.name}` attaches the helper (since kernel 4.7)"
                yield Diagnostic(self.code, message, word_place(need.item, need.word), "warning", need.item.text)


CHECKS = (NeedsHelper,)
