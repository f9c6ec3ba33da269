from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.effect import chain_place, filterings
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_LOOPBACK = {4: (0x7F000000, 0xFF000000), 6: (1, (1 << 128) - 1)}


class LoopbackSpoofed(Check):
    """Packets from the loopback network that come in by another interface and are not dropped.

    What it does: asks INPUT about new packets from 127.0.0.0/8 (IPv6: ::1) by any interface but lo.

    Why it matters: benchmark item "loopback traffic": nobody outside has such an address, so whoever writes it pretends to
    be the host itself.

    Instead: `-A INPUT ! -i lo -s 127.0.0.0/8 -j DROP` (IPv6: `-s ::1`), before other rules accept.
    """

    code = "C103"
    name = "loopback-spoofed"
    default = False
    sets = ("cis",)
    bad = (
        "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )
    good = (
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -s 127.0.0.0/8 -j DROP\n"
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        for filtering in filterings(subject):
            packets = filtering.filter.packets(src=_LOOPBACK[filtering.family])
            if filtering.fate("INPUT", packets).accepted:
                place, text = chain_place(subject, filtering, "INPUT")
                network = "127.0.0.0/8" if filtering.family == 4 else "::1"
                message = f"INPUT may accept packets from {network} by other interfaces than lo"
                yield Diagnostic(self.code, message, place, self.severity, text, f"-A INPUT ! -i lo -s {network} -j DROP")


CHECKS = (LoopbackSpoofed,)
