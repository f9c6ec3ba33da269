"""``--fix``: what it mends is not found again, and no packet fares otherwise; in rule files and in scripts.

``LINT_FIXES=2000`` tries that many rulesets.
"""

from __future__ import annotations

import os
import random

import pytest

from pyiptables.analysis.difference import diff
from pyiptables.lint.engine import FileReport, lint_data
from pyiptables.lint.fixing import apply_fixes
from pyiptables.lint.settings import Settings

RULES = (
    "-p tcp -j DROP", "-p tcp -m tcp --dport 22 -j ACCEPT", "-m state --state NEW -j ACCEPT", "-m state --state ESTABLISHED,RELATED -j ACCEPT",
    "-m state ! --state INVALID -p udp -j ACCEPT", "-s ! 10.0.0.0/8 -j DROP", "-i ! lo -p icmp -j DROP", "-p ! tcp -j own", "-j own",
    "-p tcp --dport ! 80 -j REJECT", "-j LOG --log-prefix x", "-s 10.0.0.0/8 -d 10.0.0.1 -j ACCEPT", "-j RETURN", "-p udp -j RETURN",
    "-i lo -j ACCEPT", "-m conntrack --ctstate NEW -p tcp --syn -j own", "-p tcp -m state --state NEW -m tcp --dport 80:90 -j ACCEPT",
)  # fmt: skip


def rule_file(rng: random.Random) -> bytes:
    """A filter table with two chains, a raw table now and then; what can be mended is in it more often than not."""
    lines = ["*filter", f":INPUT {rng.choice(('ACCEPT', 'DROP'))} [0:0]", ":own - [0:0]"]
    for _ in range(rng.randint(1, 9)):
        chain = rng.choice(("INPUT", "INPUT", "own"))
        rule = rng.choice([rule for rule in RULES if chain != "own" or not rule.endswith("own")])
        lines += [f"-A {chain} {rule}"] * rng.choice((1, 1, 1, 2))
    if rng.randrange(4):
        lines.append("COMMIT")
    if not rng.randrange(3):
        lines += ["*raw", "-A PREROUTING -p udp -j NOTRACK", "-A PREROUTING -p udp -j CT --notrack", "COMMIT"]
    return (("\r\n" if not rng.randrange(4) else "\n").join(lines) + rng.choice(("\n", "", "\n\n"))).encode()


def script(rng: random.Random) -> bytes:
    """The same as commands of a script, in the ways in which they are written."""
    lines = [
        "#!/bin/bash",
        "IPT=/sbin/iptables",
        'add() { $IPT -A "$@"; }',
        "$IPT -N own",
        f"$IPT -P INPUT {rng.choice(('ACCEPT', 'DROP'))}",
    ]
    for _ in range(rng.randint(1, 8)):
        chain = rng.choice(("INPUT", "INPUT", "own"))
        rule = rng.choice([rule for rule in RULES if chain != "own" or not rule.endswith("own")])
        form = rng.choice(("iptables -A {c} {r}", "$IPT -A {c} {r}", "add {c} {r}", "iptables -t filter -A {c} \\\n   {r}", "for x in 1 2; do $IPT -A {c} {r}; done",
                           "[ -f /x ] && $IPT -A {c} {r}", "sudo iptables -A '{c}' {r} # why"))  # fmt: skip
        lines += [form.format(c=chain, r=rule)] * rng.choice((1, 1, 2))
    return "\n".join([*lines, ""]).encode()


def mended(data: bytes, name: str, settings: Settings) -> tuple[FileReport, FileReport, bytes]:
    first = last = lint_data(data, name, settings)
    for _ in range(10):
        data, count = apply_fixes(data, last.diagnostics)
        if not count:
            return first, last, data
        last = lint_data(data, name, settings)
    raise AssertionError("mending has no end")


@pytest.mark.parametrize(("make", "name"), [(rule_file, "rules.v4"), (script, "fw.sh")])
def test_fixes_are_complete_and_change_no_verdict(make: object, name: str) -> None:
    assert callable(make)
    if name.endswith(".sh"):
        pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")
    settings = Settings(select=("ALL",))
    count = int(os.environ.get("LINT_FIXES", "60"))
    codes: dict[str, int] = {}
    for seed in range(count):
        data = make(random.Random(seed))
        before, after, text = mended(data, name, settings)
        shown = f"seed {seed}\n{data.decode()}\n--- mended\n{text.decode()}"
        for found in before.diagnostics:
            codes[found.code] = codes.get(found.code, 0) + (found.fix is not None)
        assert not [found for found in after.diagnostics if found.fix], shown
        assert before.subject is not None
        assert after.subject is not None
        refused = [item for item in before.subject.items if item.error is not None]
        if not refused:
            assert not [item.error for item in after.subject.items if item.error is not None], shown
            for family, ruleset in before.subject.rulesets.items():
                assert diff(ruleset, after.subject.rulesets[family]) == [], shown
    assert sum(number > 0 for number in codes.values()) >= 3, codes
