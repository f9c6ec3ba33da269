"""What extensions must tell the analysis: an omission here would make it claim too much."""

from __future__ import annotations

import pytest

from pyiptables.extensions import find_match, find_target, names
from pyiptables.xtables.option import Match, Target

#: Targets after which the packet goes on and no match of the same table can see a difference.
INERT = {
    "AUDIT", "CHECKSUM", "IDLETIMER", "LED", "LOG", "NFLOG", "RATEEST", "SYNPROXY", "TEE", "TRACE", "ULOG",
    "standard",
}  # fmt: skip
#: Matches whose answer depends on more than the packet, or changes by asking.
UNSURE = {
    "connbytes", "connlimit", "hashlimit", "limit", "quota", "rateest", "recent", "statistic", "time",
}  # fmt: skip


@pytest.mark.parametrize("family", [4, 6])
def test_targets_that_let_packets_go_on_say_what_they_change(family: int) -> None:
    silent = []
    for name in names("target", family):
        target = find_target(name, family)
        assert target is not None
        if not target.terminal and name not in INERT and target.changes is Target.changes:
            silent.append(name)
    assert silent == []


@pytest.mark.parametrize("family", [4, 6])
def test_matches_with_a_memory_are_not_deterministic(family: int) -> None:
    wrong = []
    for name in UNSURE.intersection(names("match", family)):
        match = find_match(name, family)
        assert match is not None
        if match.deterministic and match.packet_set is Match.packet_set:
            wrong.append(name)
    assert wrong == []
