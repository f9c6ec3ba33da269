from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Item, Subject


class VariantDifference(Check):
    """A rule that iptables-nft and iptables-legacy treat differently.

    What it does: finds rules that one variant refuses, or keeps in another form than the other.

    Why it matters: distributions switched the default to nft; the same file then behaves differently by host.

    Instead: write the rule so that both agree; the hint says how.
    """

    code = "P005"
    name = "variant-difference"
    severity = "info"
    bad = (
        "*filter\n-A INPUT -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT ! -s 0.0.0.0/0 -j DROP\nCOMMIT\n",
    )
    good = ("*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",)

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.command is None:
                continue
            hint = _difference(item)
            if hint:
                message = "iptables-nft and iptables-legacy differ on this rule"
                yield Diagnostic(self.code, message, item.place, self.severity, item.text, hint)


def _difference(item: Item) -> str:
    assert item.command is not None
    spec = item.command.spec
    for match in spec.matches:
        if match.name in ("tcp", "udp") and match.values and spec.proto not in (6, 17):
            return f"put -p {match.name} in front: nft refuses the options of the match, legacy the whole rule"
    if any(item.rules) and any(
        (rule.spec.src_inv and not rule.spec.src_mask) or (rule.spec.dst_inv and not rule.spec.dst_mask)
        for rule in item.rules
        if rule.spec is not None
    ):
        return "an address that never matches: nft refuses it, legacy keeps a rule without effect"
    if spec.target is not None and spec.target.name == "NFLOG" and "nflog-range" in spec.target.values:
        return "nft drops --nflog-range: use --nflog-size"
    return ""


CHECKS = (VariantDifference,)
