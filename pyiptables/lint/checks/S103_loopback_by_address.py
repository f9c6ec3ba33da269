from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import filterings
from pyiptables.lint.places import option_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject
from pyiptables.ruleset import RuleSpec

_LOOPBACK = {4: (0x7F000001, 0xFFFFFFFF), 6: (1, (1 << 128) - 1)}


class LoopbackByAddress(Check):
    """Loopback traffic recognised by its address.

    What it does: asks INPUT about packets from 127.0.0.1 or ::1 that come in by another interface than lo, and reports the
    rule that accepts them for their address.

    Why it matters: the address can be written by whoever sends the packet; only `-i lo` tells that it came from the host
    itself. Where routing does not drop such packets (`route_localnet`, IPv6 on some links) the rule lets strangers in.

    Instead: `-i lo -j ACCEPT`.
    """

    code = "S103"
    name = "loopback-by-address"
    bad = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 127.0.0.0/8 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n:me - [0:0]\n-A INPUT -j me\n-A me -s 127.0.0.1/32 -d 127.0.0.1/32 -j ACCEPT\nCOMMIT\n",
        "#!/bin/sh\nip6tables -P INPUT DROP\nip6tables -A INPUT -s ::1 -j ACCEPT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -s 127.0.0.0/8 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -i lo -s 127.0.0.0/8 -j DROP\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -i lo -d 127.0.0.0/8 -j DROP\n-A INPUT -s 127.0.0.0/8 -d 127.0.0.0/8 -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            family = filtering.family
            packets = filtering.filter.packets(src=_LOOPBACK[family])
            for _, item in filtering.accepting("INPUT", packets, _of_loopback[family]):
                message = "trusts the loopback address without -i lo: any interface may bring it"
                yield Diagnostic(self.code, message, option_place(item, "-s", "--source", "--src"), self.severity, item.text, "use -i lo")


def _is_loopback(spec: RuleSpec, family: int) -> bool:
    if spec.src_inv or not spec.src_mask or spec.src_mask < (0xFF000000 if family == 4 else 1 << 127):
        return False
    return not (spec.src ^ _LOOPBACK[family][0]) & spec.src_mask


_of_loopback = {4: partial(_is_loopback, family=4), 6: partial(_is_loopback, family=6)}

CHECKS = (LoopbackByAddress,)
