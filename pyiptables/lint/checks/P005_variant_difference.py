from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import word_place
from pyiptables.lint.refusals import chains_reached, guilty_word, judged_rules, refused
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.syntax.command import Command
from pyiptables.syntax.variant import CHAINS

#: What a prefix may be long in the kernel's NFLOG target, its end included; nft's own expression takes twice that.
_LEGACY_PREFIX = 64


class VariantDifference(Check):
    """A rule that iptables-nft and iptables-legacy treat differently.

    What it does: finds rules that the variant in use (`--variant`) takes and the other one refuses, or keeps in another
    form: TCPMSS without `--syn`, TRACE outside of table raw, a burst of 0, QUEUE, a negated address that excludes
    everything, options that depend on the built-in chain in a user chain, `--nflog-range`, long prefixes.

    Why it matters: distributions switched the default to nft; the same file then behaves differently by host, and what one
    variant takes with iptables-restore the other refuses with the whole table.

    Instead: write the rule so that both agree; the hint says how.
    """

    code = "P005"
    name = "variant-difference"
    severity = "info"
    bad = (
        "*filter\n-A FORWARD -p tcp -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
        "*filter\n-A INPUT -j NFLOG --nflog-range 40\nCOMMIT\n",
        "*mangle\n-A PREROUTING -p icmp -j TRACE\nCOMMIT\n",
        "*filter\n-A INPUT -m limit --limit 1/sec --limit-burst 0 -j ACCEPT\nCOMMIT\n",
        "*filter\n:vpn - [0:0]\n-A OUTPUT -j vpn\n-A vpn -m policy --dir in --pol ipsec -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
        "*raw\n-A PREROUTING -p icmp -j TRACE\nCOMMIT\n",
        "*filter\n:vpn - [0:0]\n-A INPUT -j vpn\n-A vpn -m policy --dir in --pol ipsec -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -j NFLOG --nflog-size 40\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        mine = subject.variant.name
        other = "legacy" if mine == "nft" else "nft"
        for family, ruleset in subject.rulesets.items():
            for table in ruleset.tables.values():
                reached = chains_reached(table, family, other) if table.name in CHAINS else None
                if reached is None:
                    continue
                forgotten: dict[Command | None, tuple[str, str, str]] = {}
                for item, rule, hooks, builtin, why in judged_rules(subject, table, family, reached, other):
                    assert rule.spec is not None
                    if why is None:
                        if item.command not in forgotten:
                            forgotten[item.command] = _by_words(item.command)
                        word, message, hint = forgotten[item.command]
                    elif refused(rule.spec, family, table.name, hooks, builtin, mine) is None:
                        word, hint = guilty_word(rule, table.name, hooks)
                        message = f"iptables-{other} refuses this rule, iptables-{mine} takes it"
                    else:
                        continue  # E005
                    if message:
                        yield Diagnostic(self.code, message, word_place(item, word), self.severity, item.text, hint)


def _by_words(command: Command | None) -> tuple[str, str, str]:
    """(word, what differs, hint) where iptables-nft forgets on its way what was written; empty where both keep the same."""
    words = [word for given in command.given.values() for word in given] if command is not None else []
    for option, value in zip(words, [*words[1:], ""], strict=False):
        if option == "--nflog-range":
            return option, "iptables-nft forgets --nflog-range, which never worked", "--nflog-size"
        if option == "--limit-burst" and value.isdigit() and not int(value):
            return option, "iptables-legacy refuses a burst of 0, iptables-nft makes it 5", "--limit-burst 1, or leave it out"
        if option == "--nflog-prefix" and len(value.encode("utf-8", "surrogateescape")) >= _LEGACY_PREFIX:
            return option, f"iptables-legacy cuts the prefix after {_LEGACY_PREFIX - 1} characters", "shorten it"
    return "", "", ""


CHECKS = (VariantDifference,)
