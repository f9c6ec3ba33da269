"""The kernel's own log of scenarios: the lines of the TRACE target, and ours beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyiptables.netfilter.trip import Trip
from pyiptables.report.trace_kernel import kernel_lines
from pyiptables.tools.scenario import open_scenario

__all__ = ["line_differences", "logging_kernel"]

Json = dict[str, Any]

_ALL_NAMESPACES = Path("/proc/sys/net/netfilter/nf_log_all_netns")
#: What the kernel draws for packets that the host makes itself.
_DRAWN = re.compile(r"(?<= )(ID|FLOWLBL)=\d+")


@contextmanager
def logging_kernel(oracle: Any) -> Iterator[Any]:
    """The kernel oracle, whose ``run_case`` answers with ``log`` too. Raises OSError where the log cannot be read."""
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    before = _ALL_NAMESPACES.read_text()
    _ALL_NAMESPACES.write_text("1")

    class Logging(oracle.KernelOracle):
        def build(self, host: Json) -> None:
            super().build(host)
            with self.inside("fw"):
                self._sysctl({"net.netfilter.nf_log.2": "nf_log_ipv4", "net.netfilter.nf_log.10": "nf_log_ipv6"})

        def run_case(self, case: Json) -> Json:
            os.lseek(log, 0, os.SEEK_END)
            answer: Json = super().run_case(case)
            tables = {line[1:].strip() for line in case["rules"].splitlines() if line.startswith("*")}
            return answer | {"log": list(_logged(log, tables))}

    try:
        with Logging() as kernel:
            yield kernel
    finally:
        os.close(log)
        _ALL_NAMESPACES.write_text(before)


def _logged(log: int, tables: set[str]) -> Iterator[str]:
    """The TRACE lines since the last time about these tables, without the oracle's own TRACE rules."""
    while True:
        try:
            record = os.read(log, 8192).decode("latin-1")
        except BlockingIOError:
            return
        text = record.partition(";")[2].partition("\n")[0]
        step, _, rest = text.removeprefix("TRACE: ").partition(" ")
        if not text.startswith("TRACE: ") or step.partition(":")[0] not in tables:
            continue
        table, chain, kind, number = step.split(":")
        own = table == "raw" and chain in ("PREROUTING", "OUTPUT")
        if not own or number != "1":
            yield f"TRACE: {table}:{chain}:{kind}:{int(number) - own} {rest}"


def line_differences(case: Json, real: list[str]) -> list[str]:
    """The first line of ours that is not the kernel's."""
    player = open_scenario(case)
    for packet in case["packets"]:
        player.play_next(packet)
    if any(packet.get("lots") or any(reply.get("lots") for reply in packet.get("replies", ())) for packet in player.answers):
        return []  # the kernel drew a port
    ours = [pair for trip in player.trips for pair in _told(trip)]
    for (mine, reply), theirs in zip(ours, real, strict=False):
        if (_DRAWN.sub("", mine) if reply else mine) != (_DRAWN.sub("", theirs) if reply else theirs):
            return [f"ours   {mine}|", f"kernel {theirs}|"]
    return [] if len(ours) == len(real) else [f"{len(ours)} lines, the kernel's are {len(real)}"]


def _told(trip: Trip, reply: bool = False) -> Iterator[tuple[str, bool]]:
    """Our lines, and whether they are of an answer by the host."""
    answers, trip.replies = trip.replies, []
    yield from [(line, reply) for line in kernel_lines(trip)]
    for answer in answers:
        yield from _told(answer, True)
