from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.hints import word_place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject


class LoopbackByAddress(Check):
    """Loopback traffic recognised by its address.

    What it does: finds rules in INPUT that accept packets from 127.0.0.0/8 or ::1 on any interface.

    Why it matters: the address can be written by whoever sends the packet; only `-i lo` tells that it came from the host
    itself. Where routing does not drop such packets (`route_localnet`, IPv6 on some links) the rule lets strangers in.

    Instead: `-i lo -j ACCEPT`.
    """

    code = "S103"
    name = "loopback-by-address"
    sets = ("cis",)
    bad = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -s 127.0.0.0/8 -j ACCEPT\nCOMMIT\n",)
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -s 127.0.0.0/8 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT ! -i lo -s 127.0.0.0/8 -j DROP\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for item in subject.items:
            if item.action not in ("A", "I") or item.table != "filter" or item.chain != "INPUT":
                continue
            for rule in item.rules:
                spec = rule.spec
                if spec is None or spec.jump != "ACCEPT" or spec.src_inv or spec.iniface == "lo":
                    continue
                local = spec.src >> 24 == 127 and spec.src_mask >= 0xFF000000 if item.family == 4 else (
                    spec.src == 1 and spec.src_mask == (1 << 128) - 1
                )  # fmt: skip
                if local:
                    message = "trusts the loopback address without -i lo"
                    place = word_place(item, "127.0.0.1" if "127.0.0.1" in item.text else "127.0.0.0/8")
                    yield Diagnostic(self.code, message, place, self.severity, item.text, "use -i lo")


CHECKS = (LoopbackByAddress,)
