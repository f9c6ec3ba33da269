"""Broken files of every kind: findings or nothing, never a traceback, never long, never much memory.

``LINT_FUZZ=20000`` makes that many, ``LINT_FUZZ_SEED`` says where to begin. Each file comes from its number alone.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")

from random_scripts import random_script

from pyiptables.lint.engine import LintError, lint_data
from pyiptables.lint.fixing import apply_fixes
from pyiptables.lint.registry import all_checks
from pyiptables.lint.settings import Settings
from pyiptables.report.finding_files import as_github, as_gitlab, as_json, as_junit, as_sarif
from pyiptables.report.findings import concise

SCRIPTS = Path(__file__).parent / "scripts"
FILES = [(str(path), path.read_bytes()) for path in sorted(SCRIPTS.rglob("*")) if path.is_file()]
TEXTS = [text for check in all_checks().values() for text in (*check.bad, *check.good)]
EXAMPLES = [("x.sh" if text.startswith("#!") else "rules.v4", text.encode()) for text in TEXTS]
SEEDS = FILES + EXAMPLES
#: Pieces that readers of shells and rules stumble over, if over anything.
PIECES = [
    b"$(", b"`", b"${", b"}", b")", b"((", b"))", b"'", b'"', b"<<EOF\n", b"<<<", b"<(", b";;", b"esac", b"done", b"fi", b"do", b"then", b"\\\n",
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n", b"#", b"!", b" ", b"-", b"--", b"*filter\n", b"COMMIT\n", b":INPUT DROP\n", b"[0:0] ", b"-A ",
    b"-j ", b"-m ", b"99999999999999999999", b"0x", b"-1", b"/33", b":", b",", b"::", b"${x:-${x:-", b"{1..", b"..9}", b"{,", b"=", b"+=(", b"[", b"]", b"[[ ",
    b"while true; do ", b"for x in ", b"case $1 in ", b"f() { ", b"eval ", b"$@", b"${!x}", b"${x//", b"$((", b"%i", b"ExecStart=", b"PostUp = ", b"RUN [",
    b"up ", b"|", b"&", b"&&", b"||", b">", b"\t", b"a" * 300, b"(" * 60, b"$" * 40, b"{a,b}" * 8, b"\xc3", b"# pyiptables: ignore[", b"# pyiptables: ignore-file",
]  # fmt: skip


@pytest.fixture(autouse=True)
def collected_seldom() -> Iterator[None]:
    """As the command has it: what a file makes lives as long as its linting."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000)
    yield
    gc.set_threshold(*before)


def mutated(number: int) -> tuple[str, bytes]:
    """The name and bytes of a file, all from its number."""
    rng = random.Random(number)
    kind = rng.randrange(10)
    if kind == 0:
        name, data = "x.sh", random_script(number, bool(rng.randrange(2))).encode()
    else:
        name, data = rng.choice(SEEDS if kind < 6 else EXAMPLES)
    for _ in range(rng.choice((1, 1, 2, 3, 5, 9, 20))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((0, 1, 2, 5, 20, 100)))
        what = rng.randrange(7)
        if what == 0:
            data = data[:at] + data[end:]
        elif what <= 3:
            data = data[:at] + rng.choice(PIECES) + data[at if what < 3 else end :]
        elif what == 4:
            data = data[:at] + data[at:end] * rng.choice((2, 3, 30)) + data[end:]
        elif what == 5:
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        else:
            other = rng.choice(SEEDS)[1]
            begin = rng.randrange(len(other) + 1)
            data = data[:at] + other[begin : begin + rng.choice((5, 40, 300))] + data[at:]
    return name, data[:100_000]


def test_nothing_breaks_the_linter(slowdown: float) -> None:
    first, count = int(os.environ.get("LINT_FUZZ_SEED", "0")), int(os.environ.get("LINT_FUZZ", "150"))
    settings = Settings(select=("ALL",))
    slowest = (0.0, -1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for number in range(first, first + count):
        name, data = mutated(number)
        begin = time.process_time()
        try:
            found = lint_data(data, name, settings)
        except LintError:
            # A first line that names another language.
            continue
        except Exception as error:
            pytest.fail(f"file {number} ({name}): {error!r}")
        taken = time.process_time() - begin
        slowest = max(slowest, (taken, number))
        assert taken < 5 * slowdown, f"file {number} ({name}) took {taken:.1f} s"
        if number % 7 == 0:
            for form in (as_json, as_sarif, as_github, as_gitlab, concise):
                form(found.diagnostics).encode("utf-8", "surrogateescape")
            as_junit(found.diagnostics, [name])
            apply_fixes(data, found.diagnostics)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count} files from {first}: slowest {slowest[0]:.2f} s (number {slowest[1]}), peak {peak} MiB")
    assert peak == before or peak < 1024


#: Files that ask for much: of many rules, chains, suppressions, branches, or deep in one another, or again and again.
LARGE = [
    ("refused lines", "x.rules", b"*filter\n" + b"-A INPUT -p tcp --dprot 22 -j ACEPT\n" * 400 + b"COMMIT\n"),
    ("suppressions", "x.rules", b"*filter\n" + b"-A INPUT -j ACCEPT # pyiptables: ignore[U101]\n" * 1000 + b"COMMIT\n"),
    ("carriage returns", "x.rules", b"*filter\r\n" + b"-A INPUT -p tcp --dport 1 -j ACCEPT\r\n" * 2000 + b"COMMIT\r\n"),
    ("jumps in jumps", "x.rules", b"*filter\n" + b"".join([b":c%d - [0:0]\n" % n for n in range(401)]) + b"-A INPUT -j c0\n"
     + b"".join([b"-A c%d -j c%d\n" % (n, n + 1) for n in range(400)]) + b"-A c400 -j DROP\nCOMMIT\n"),
    ("deeper jumps", "x.rules", b"*filter\n" + b"".join([b":c%d - [0:0]\n" % n for n in range(1501)]) + b"-A INPUT -j c0\n"
     + b"".join([b"-A c%d -j c%d\n" % (n, n + 1) for n in range(1500)]) + b"-A c1500 -j DROP\nCOMMIT\n"),
    ("everything twice", "x.rules", b"*filter\n" + b"".join([b":c%d - [0:0]\n" % n for n in range(201)]) + b"-A INPUT -j c0\n"
     + b"".join([b"-A c%d -j c%d\n" % (n, n + 1) * 2 for n in range(200)]) + b"-A c200 -p tcp -j ACCEPT\nCOMMIT\n"),
    ("the same", "x.rules", b"*filter\n" + b"-A INPUT -p tcp --dport 1 -j ACCEPT\n" * 8000 + b"COMMIT\n"),
    ("marks", "x.rules", b"*mangle\n" + b"-A PREROUTING -m mark --mark 1 -j MARK --set-mark 2\n-A PREROUTING -p tcp -j MARK --set-mark 1\n" * 3000
     + b"COMMIT\n"),
    ("long words", "x.rules", b"*filter\n-A INPUT --" + b"a" * 50_000 + b" -j " + b"b" * 50_000 + b"\nCOMMIT\n"),
    ("branches", "x.sh", b"case $1 in\n" + b"".join([b"a%d) iptables -A INPUT -s 1.2.3.%d -j ACCEPT;;\n" % (n, n % 256) for n in range(500)]) + b"esac\n"),
    ("what is no arithmetic", "x.sh", b"#!/bin/sh\niptables -A INPUT -s " + b"$((x " * 50 + b"\n"),
    ("old arithmetic that nothing closes", "x.sh", b"#!/bin/bash\n" + b"iptables $[9[ $[ ${x}t" * 3000 + b"\n"),
    ("every command or the end", "x.sh",
     b"#!/bin/sh\n" + b"".join([b"iptables -A INPUT -s 10.0.%d.%d -j DROP || exit 1\n" % divmod(n, 250) for n in range(2000)])),
    ("conditions", "x.sh",
     b"".join([b"if [ $a%d ]; then iptables -A INPUT -p tcp --dport %d -j ACCEPT; fi\n" % (n, n) for n in range(1, 2001)])),
    ("too many words", "x.sh", b"#!/bin/sh\nfor n in $(seq 1 200); do iptables -A " + b"{a,b}" * 30 + b" $n; done\n"),
    ("a chain for every rule", "x.sh", b"#!/bin/sh\n" + b"".join(
     [b"iptables -N c%d\niptables -A INPUT -j c%d\niptables -A c%d -p tcp --dport %d -j ACCEPT\n" % (n, n, n, n + 1) for n in range(2000)])),
    ("counted addresses and ports", "x.sh", b"#!/bin/bash\nfor ((i=0;i<9000;i++)); do iptables -A INPUT -s 10.0.$((i/250)).$((i%250)) -j DROP; done\n"
     b"for i in $(seq 1 900); do iptables -A INPUT -p tcp --dport $i -j ACCEPT; iptables -A OUTPUT -p tcp --dport $i -j DROP; done\n"),
    ("rounds", "x.sh", b"#!/bin/bash\nfor a in {1..30}; do for b in {1..30}; do iptables -A INPUT -s 10.0.$a.$b -j ACCEPT; done; done\n"),
]  # fmt: skip


@pytest.mark.parametrize("select", ["default", "all"])
@pytest.mark.parametrize(("name", "data"), [row[1:] for row in LARGE], ids=[row[0] for row in LARGE])
def test_large_files_are_no_trouble(name: str, data: bytes, select: str, slowdown: float) -> None:
    settings = Settings(select=("ALL",)) if select == "all" else Settings()
    begin = time.process_time()
    lint_data(data, name, settings)
    assert time.process_time() - begin < 5 * slowdown
