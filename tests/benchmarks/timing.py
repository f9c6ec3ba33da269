"""Times whole processes: run as a program (inside a network namespace, for the real tools) it reads a job as JSON.

A job has ``argv``, and optionally ``stdin`` (a file), ``env``, ``repeat``, ``before`` (argv run, not timed, before each
round). The answer has ``wall`` and ``cpu`` seconds of every round, ``rss`` (largest, in bytes) and ``status`` of the last.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

__all__ = ["measure"]


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job; see the module."""
    wall, cpu, rss, status = [], [], 0, 0
    for _ in range(job.get("repeat", 1)):
        if job.get("before"):
            _run(job["before"], job)
        seconds, used, peak, status = _run(job["argv"], job)
        wall.append(seconds)
        cpu.append(used)
        rss = max(rss, peak)
    return {"wall": wall, "cpu": cpu, "rss": rss, "status": status}


def _run(argv: list[str], job: dict[str, Any]) -> tuple[float, float, int, int]:
    nothing = os.open(os.devnull, os.O_RDWR)
    stdin = os.open(job["stdin"], os.O_RDONLY) if job.get("stdin") else nothing
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate((stdin, nothing, nothing))]
    environ = {**os.environ, **job.get("env", {})}
    # An installation has its bytecode.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    child = os.posix_spawnp(argv[0], argv, environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    os.close(nothing)
    if stdin != nothing:
        os.close(stdin)
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    json.dump(measure(json.load(sys.stdin)), sys.stdout)
