"""``trace --format kernel`` against what the kernel itself writes into its log for the same random scenarios.

Needs root, the kernel oracle and ``/dev/kmsg``. ``KERNEL_CASES`` and ``KERNEL_FIRST`` as for ``test_kernel.py``.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from pyiptables.netfilter.trip import Trip
from pyiptables.report.trace_kernel import kernel_lines
from pyiptables.tools.scenario import open_scenario

sys.path.insert(0, str(Path(__file__).parent))
from comparing import features
from generator import Json, make_case
from themes import make_themed_case

pytestmark = pytest.mark.oracle

_ALL_NAMESPACES = Path("/proc/sys/net/netfilter/nf_log_all_netns")
#: What the kernel draws for packets that the host makes itself.
_DRAWN = re.compile(r"(?<= )(ID|FLOWLBL)=\d+")


@contextmanager
def _kernel_log() -> Iterator[int]:
    """The kernel's log from now on, with what is logged in namespaces."""
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        before = _ALL_NAMESPACES.read_text()
        _ALL_NAMESPACES.write_text("1")
    except OSError as error:
        pytest.skip(f"the kernel's log cannot be read: {error}")
    os.lseek(log, 0, os.SEEK_END)
    yield log
    os.close(log)
    _ALL_NAMESPACES.write_text(before)


def _logged(log: int, tables: set[str]) -> list[str]:
    """The TRACE lines since the last time about these tables, without the oracle's own TRACE rules."""
    found = []
    while True:
        try:
            record = os.read(log, 8192).decode("latin-1")
        except BlockingIOError:
            return found
        text = record.partition(";")[2].partition("\n")[0]
        step, _, rest = text.removeprefix("TRACE: ").partition(" ")
        if not text.startswith("TRACE: ") or step.partition(":")[0] not in tables:
            continue
        table, chain, kind, number = step.split(":")
        own = table == "raw" and chain in ("PREROUTING", "OUTPUT")
        if not own or number != "1":
            found.append(f"TRACE: {table}:{chain}:{kind}:{int(number) - own} {rest}")


def _told(trip: Trip, reply: bool = False) -> Iterator[tuple[str, bool]]:
    """Our lines, and whether they are of an answer by the host."""
    answers, trip.replies = trip.replies, []
    yield from [(line, reply) for line in kernel_lines(trip)]
    for answer in answers:
        yield from _told(answer, True)


def _differences(case: Json, real: list[str]) -> list[str]:
    player = open_scenario(case)
    for packet in case["packets"]:
        player.play_next(packet)
    if any(packet.get("lots") or any(reply.get("lots") for reply in packet.get("replies", ())) for packet in player.answers):
        return []  # the kernel drew a port
    ours = [pair for trip in player.trips for pair in _told(trip)]
    if len(ours) != len(real):
        return [f"{len(ours)} lines, the kernel's are {len(real)}"]
    for (mine, reply), theirs in zip(ours, real, strict=True):
        if (_DRAWN.sub("", mine) if reply else mine) != (_DRAWN.sub("", theirs) if reply else theirs):
            return [f"ours   {mine}|", f"kernel {theirs}|"]
    return []


@pytest.mark.parametrize("family", [4, 6])
def test_the_lines_of_the_kernel_log(family: int, kernel_oracle: ModuleType) -> None:
    class Logging(kernel_oracle.KernelOracle):
        def build(self, host: Json) -> None:
            super().build(host)
            with self.inside("fw"):
                self._sysctl({"net.netfilter.nf_log.2": "nf_log_ipv4", "net.netfilter.nf_log.10": "nf_log_ipv6"})

    first = int(os.environ.get("KERNEL_FIRST", "0"))
    known = features(family)
    seeds = range(first, first + int(os.environ.get("KERNEL_CASES", "40")))
    cases = [make(seed, family, known) for make in (make_case, make_themed_case) for seed in seeds]
    cases.sort(key=lambda case: json.dumps(case["host"]))  # namespaces are built once for each host
    wrong, lines = [], 0
    with _kernel_log() as log, Logging() as kernel:
        for case in cases:
            answer = kernel.run_case(case)
            real = _logged(log, {line[1:].strip() for line in case["rules"].splitlines() if line.startswith("*")})
            if "error" in answer:
                continue
            lines += len(real)
            found = _differences(case, real)
            if found:
                wrong.append(f"{case['name']}\n{case['rules']}" + "\n".join(found))
    assert lines > 10 * len(cases)
    assert not wrong, f"{len(wrong)} of {len(cases)} differ\n" + "\n".join(wrong[:5])
