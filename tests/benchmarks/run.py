"""Measures every row of the budget: our programs and the real iptables, whole processes, in one run; prints a table.

    python tests/benchmarks/run.py [--quick] [--json] [--cpu] [--repeat N] [ROW…]

ROW is the beginning of a row's name (``restore``, ``trace-pcap-1k``). ``--quick`` works on a hundredth of everything, to see
that all rows run. ``--cpu`` compares processor time instead of wall time: what to use on a machine that has other work.
The real iptables runs in network namespaces of its own (root, and the oracle); its columns stay empty elsewhere. Rounds of
ours and theirs take turns; the figures are medians. Exit status 1 when a budget is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(HERE), os.environ.get("PYIPTABLES_ORACLE", str(REPOSITORY.parent / "shared" / "oracle"))]

from campus import campus  # noqa: E402
from inputs import calls_script, firewall_script, packet_lines, unique_rules, write_capture, written_rules  # noqa: E402

PROGRAM = str(Path(sys.executable).parent / "pyiptables")
WORKER = [sys.executable, str(HERE / "timing.py")]


@dataclass
class Budget:
    """What a figure is held against. ``at_least`` is for ratios and rates, else less is better."""

    against: str
    limit: float
    goal: float | None = None
    at_least: bool = True


@dataclass
class Row:
    """One line of the budget: what is measured, and against what."""

    name: str
    work: str
    measure: Callable[[Bench], dict[str, float]]
    budgets: list[Budget]


ROWS: list[Row] = []


def row(name: str, work: str, *budgets: Budget) -> Callable[[Callable[[Bench], dict[str, float]]], Callable[[Bench], dict[str, float]]]:
    def add(measure: Callable[[Bench], dict[str, float]]) -> Callable[[Bench], dict[str, float]]:
        ROWS.append(Row(name, work, measure, list(budgets)))
        return measure

    return add


def ratio(against: str, limit: float, goal: float | None = None) -> Budget:
    return Budget(against, limit, goal)


def at_most(what: str, limit: float, goal: float | None = None) -> Budget:
    return Budget(what, limit, goal, at_least=False)


@dataclass
class Bench:
    """The surroundings of the rows: a scratch folder, the sizes, and the real tools where they can run."""

    folder: Path
    scale: int
    repeat: int
    clock: str
    real: tuple[str, ...]
    stack: ExitStack
    spaces: dict[str, Any] = field(default_factory=dict)

    def size(self, count: int) -> int:
        return max(count // self.scale, 1)

    def file(self, name: str, make: Callable[[], str]) -> str:
        path = self.folder / name
        if not path.exists():
            path.write_text(make())
        return str(path)

    def rules(self, count: int) -> str:
        return self.file(f"rules-{count}", lambda: unique_rules(self.size(count)))

    # -- running -----------------------------------------------------------------------------------------
    def ours(self, *argv: str, stdin: str | None = None, repeat: int = 1, **job: Any) -> dict[str, Any]:
        """Rounds of our program (or of any, given by a path) over the scratch state."""
        words = list(argv) if argv[0][:1] == "/" else [PROGRAM, *argv]
        env = {"PYIPTABLES_STATE": str(self.folder / "state"), "LC_ALL": "C", "COLUMNS": "120"}
        done = subprocess.run(
            WORKER,
            input=json.dumps({"argv": words, "stdin": stdin, "repeat": repeat, "env": env, **job}),
            capture_output=True,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def theirs(self, variant: str, *argv: str, stdin: str | None = None, repeat: int = 1) -> dict[str, Any]:
        """Rounds of the real program in its namespace."""
        from iptables_oracle import Netns, program_path

        if variant not in self.spaces:
            self.spaces[variant] = self.stack.enter_context(Netns(variant, timeout=600))
        space = self.spaces[variant]
        env = {"XTABLES_LOCKFILE": str(self.folder / "xtables.lock"), "LC_ALL": "C"}
        words = [argv[0] if argv[0][:1] == "/" else str(program_path(argv[0], variant)), *argv[1:]]
        done = space.spawn(WORKER, json.dumps({"argv": words, "stdin": stdin, "repeat": repeat, "env": env}))
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def against(self, *argv: str, stdin: str | None = None, slow: tuple[str, ...] = (), repeat: int = 0) -> dict[str, float]:
        """Seconds of ours, legacy and nft for the same words; the slow ones run once."""
        rounds: dict[str, list[float]] = {}
        failed = []
        for number in range(repeat or self.repeat):
            for who in ("ours", *self.real):
                if who in slow and number:
                    continue
                got = self.ours(*argv, stdin=stdin) if who == "ours" else self.theirs(who, *argv, stdin=stdin)
                rounds.setdefault(who, []).extend(got[self.clock])
                if got["status"]:
                    failed.append(f"{who}: {' '.join(argv)} exits with {got['status']}")
        if failed:
            raise RuntimeError("; ".join(failed))
        return {who: statistics.median(seconds) for who, seconds in rounds.items()}

    def fill(self, count: int) -> None:
        """Put so many rules into every state."""
        path = self.rules(count)
        self.ours("iptables-restore", stdin=path)
        for variant in self.real:
            self.theirs(variant, "iptables-restore", stdin=path)

    def seconds(self, *argv: str, stdin: str | None = None, statuses: tuple[int, ...] = (0,)) -> float:
        """Our seconds, median."""
        got = self.ours(*argv, stdin=stdin, repeat=self.repeat)
        if got["status"] not in statuses:
            raise RuntimeError(f"{' '.join(argv)} exits with {got['status']}")
        return statistics.median(got[self.clock])

    def python(self, code: str, *argv: str) -> dict[str, float]:
        """Run code of ours in a process of its own; it prints figures as JSON."""
        done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True, cwd=self.folder)
        answer: dict[str, float] = json.loads(done.stdout)
        return answer


# -- the emulated programs -------------------------------------------------------------------------------------
@row("restore-1k", "iptables-restore of 1,000 rules", ratio("legacy", 0.3, 0.8), ratio("nft", 1, 2))
def _(bench: Bench) -> dict[str, float]:
    return bench.against("iptables-restore", stdin=bench.rules(1_000), repeat=bench.repeat * 3)


@row("restore-10k", "iptables-restore of 10,000 rules", ratio("legacy", 0.8, 1.5), ratio("nft", 3, 6))
def _(bench: Bench) -> dict[str, float]:
    return bench.against("iptables-restore", stdin=bench.rules(10_000))


@row("restore-100k", "iptables-restore of 100,000 rules", ratio("legacy", 0.8, 2), ratio("nft", 3, 9))
def _(bench: Bench) -> dict[str, float]:
    return bench.against("iptables-restore", stdin=bench.rules(100_000))


@row("restore-written", "iptables-restore of 100,000 rules as people write them", ratio("legacy", 0.3, 0.8), ratio("nft", 1, 3))
def _(bench: Bench) -> dict[str, float]:
    path = bench.file("written", lambda: written_rules(bench.size(100_000)))
    return bench.against("iptables-restore", stdin=path)


@row("save-100k", "iptables-save of 100,000", ratio("legacy", 2, 6), ratio("nft", 100))
def _(bench: Bench) -> dict[str, float]:
    bench.fill(100_000)
    return bench.against("iptables-save", slow=("nft",))


@row("list-100k", "iptables -L -n of 100,000", ratio("legacy", 0.3), ratio("nft", 15))
def _(bench: Bench) -> dict[str, float]:
    bench.fill(100_000)
    return bench.against("iptables", "-L", "-n", slow=("nft",))


_APPEND = ("iptables", "-A", "FORWARD", "-s", "192.0.2.1", "-p", "udp", "--dport", "53", "-j", "ACCEPT")


@row("append-100k", "one -A at 100,000 rules", ratio("legacy", 10, 15), ratio("nft", 3, 4))
def _(bench: Bench) -> dict[str, float]:
    bench.fill(100_000)
    return bench.against(*_APPEND, repeat=bench.repeat * 2)


@row("append-10k", "one -A at 10,000 rules", ratio("legacy", 3, 4), ratio("nft", 0.7, 0.9))
def _(bench: Bench) -> dict[str, float]:
    bench.fill(10_000)
    return bench.against(*_APPEND, repeat=bench.repeat * 4)


@row("append-empty", "one -A on an empty state, in `python -c pass`", at_most("python", 1.6))
def _(bench: Bench) -> dict[str, float]:
    rounds: dict[str, list[float]] = {"ours": [], "pass": []}
    flush = [PROGRAM, "iptables", "-F"]
    for _ in range(bench.repeat):
        rounds["ours"] += bench.ours(*_APPEND, repeat=10, before=flush)[bench.clock]
        rounds["pass"] += bench.ours(sys.executable, "-c", "pass", repeat=10)[bench.clock]
    ours = statistics.median(rounds["ours"])
    return {"ours": ours, "python": ours / statistics.median(rounds["pass"])}


@row("calls-500", "a script of 500 appends", ratio("legacy", 0.1, 0.2), ratio("nft", 0.1, 0.2))
def _(bench: Bench) -> dict[str, float]:
    script = bench.file("calls.sh", lambda: calls_script(bench.size(500)))
    shims = bench.folder / "shims"
    subprocess.run([PROGRAM, "shims", str(shims)], check=True, stdout=subprocess.DEVNULL)
    bench.fill(0)
    found: dict[str, list[float]] = {}
    for _ in range(max(bench.repeat // 2, 1)):
        env = {"PATH": f"{shims}:{os.environ['PATH']}", "PYIPTABLES_STATE": str(bench.folder / "state")}
        found.setdefault("ours", []).extend(bench.ours("/bin/sh", script, env=env)[bench.clock])
        for variant in bench.real:
            from iptables_oracle import program_path

            real = bench.file(
                f"calls-{variant}.sh", lambda v=variant: Path(script).read_text().replace("iptables", str(program_path("iptables", v)))
            )
            found.setdefault(variant, []).extend(bench.theirs(variant, "/bin/sh", real)[bench.clock])
        bench.fill(0)
    return {who: statistics.median(seconds) for who, seconds in found.items()}


@row("rehearse-500", "the same script rehearsed", at_most("seconds", 1))
def _(bench: Bench) -> dict[str, float]:
    script = bench.file("calls.sh", lambda: calls_script(bench.size(500)))
    bench.ours("iptables-restore", stdin=bench.rules(1))
    flush = [PROGRAM, "iptables", "-F"]
    got = bench.ours("rehearse", "--", "sh", script, repeat=bench.repeat, before=flush, env={"PYIPTABLES_ALLOW_ROOT": "1"})
    return {"ours": statistics.median(got["wall"]), "seconds": statistics.median(got["wall"])}


_LOADED = """
import gc, json, resource, sys
import pyiptables
page = resource.getpagesize()
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * page
pyiptables.load("*filter\\nCOMMIT\\n")
gc.collect()
before = resident()
rules = pyiptables.load(sys.argv[1])
gc.collect()
count = sum(1 for _ in rules.rules())
json.dump({"bytes a rule": (resident() - before) / count}, sys.stdout)
"""


@row("memory-100k", "a ruleset of 100,000 rules in memory, bytes a rule", at_most("bytes a rule", 400, 300))
def _(bench: Bench) -> dict[str, float]:
    return bench.python(_LOADED, bench.rules(100_000))


def _peak(bench: Bench, count: int) -> dict[str, float]:
    got = bench.ours("iptables-restore", stdin=bench.rules(count))
    base = bench.ours(sys.executable, "-c", "pass")["rss"]
    return {"ours": got[bench.clock][0], "MB at most": got["rss"] / 1e6, "bytes a rule": (got["rss"] - base) / bench.size(count)}


@row("peak-100k", "iptables-restore of 100,000: memory at its most")
def _(bench: Bench) -> dict[str, float]:
    return _peak(bench, 100_000)


@row("million", "iptables-restore of 1,000,000 rules: time, memory")
def _(bench: Bench) -> dict[str, float]:
    return _peak(bench, 1_000_000)


# -- packets -------------------------------------------------------------------------------------------------------
@row("trace-one", "trace one packet, 10,000 rules, cold process", at_most("seconds", 0.3, 0.15))
def _(bench: Bench) -> dict[str, float]:
    i = bench.size(10_000) // 2
    packet = f"tcp 10.0.{i >> 8}.{i & 255}:4000 -> 192.168.{i % 250}.7:{1 + i} in eth0 out eth1 syn"
    seconds = bench.seconds("trace", "--rules", bench.rules(10_000), packet)
    return {"ours": seconds, "seconds": seconds}


_RATES = """
import json, sys, time
import pyiptables
from pyiptables.netfilter.description import packet_of
from pyiptables.netfilter.language import parse_packets
from pyiptables.netfilter.pipeline import Engine
from pyiptables.netfilter.verdicts import Judge
rules, packets = sys.argv[1:]
ruleset = pyiptables.load(rules)
described = parse_packets(open(packets).read())
def made():
    found = []
    for each in described * (1 + 20000 // len(described)):
        packet = packet_of(each, 4)
        packet.iniface, packet.outiface = each["in"], each["out"]
        found.append(packet)
    return found
judge = Judge(ruleset)
list(judge.verdicts(made()[:100]))
sent = made()
start = time.process_time()
told = list(judge.verdicts(sent))
verdicts = len(sent) / (time.process_time() - start)
engine = Engine(ruleset, batch=True)
sent = made()[:20000]
start = time.process_time()
for packet in sent:
    engine.receive(packet, packet.iniface, packet.outiface)
steps = len(sent) / (time.process_time() - start)
json.dump({"verdicts a second": verdicts, "with steps a second": steps}, sys.stdout)
"""


@row(
    "trace-rate",
    "packets through 10,000 rules, in one process (processor time)",
    Budget("verdicts a second", 200_000, 300_000),
    Budget("with steps a second", 20_000, 30_000),
)
def _(bench: Bench) -> dict[str, float]:
    packets = bench.file("packets-1k", lambda: packet_lines(1_000, bench.size(10_000)))
    return bench.python(_RATES, bench.rules(10_000), packets)


def _captured(bench: Bench, rules: int, *options: str) -> dict[str, float]:
    path = bench.folder / f"capture-{rules}.pcap"
    count = bench.size(100_000)
    if not path.exists():
        write_capture(path, count, bench.size(rules))
    got = bench.ours("trace", "--rules", bench.rules(rules), "--pcap", str(path), "-i", "eth0", "-o", "eth1", *options)
    if got["status"]:
        raise RuntimeError(f"trace exits with {got['status']}")
    return {"ours": got["wall"][0], "packets a second": count / got["wall"][0], "MB at most": got["rss"] / 1e6}


@row("trace-pcap-1k", "trace --pcap of 100,000 packets, 1,000 rules: the summary")
def _(bench: Bench) -> dict[str, float]:
    return _captured(bench, 1_000)


@row("trace-pcap-10k", "trace --pcap of 100,000 packets, 10,000 rules: the summary")
def _(bench: Bench) -> dict[str, float]:
    return _captured(bench, 10_000)


@row("trace-pcap-steps", "trace --pcap of 100,000 packets, 10,000 rules: every step as JSON")
def _(bench: Bench) -> dict[str, float]:
    return _captured(bench, 10_000, "--json")


# -- analysis ------------------------------------------------------------------------------------------------------
@row("lint-v4", "lint of 5,500 rules like a campus border's, cold process", at_most("seconds", 0.8, 0.5))
def _(bench: Bench) -> dict[str, float]:
    seconds = bench.seconds("lint", bench.file("campus.v4", lambda: campus(4, max(bench.size(44), 6))[0]), statuses=(0, 1))
    return {"ours": seconds, "seconds": seconds}


@row("lint-v6", "the same, IPv6", at_most("seconds", 1.5, 1))
def _(bench: Bench) -> dict[str, float]:
    seconds = bench.seconds("lint", bench.file("campus.v6", lambda: campus(6, max(bench.size(44), 6))[0]), statuses=(0, 1))
    return {"ours": seconds, "seconds": seconds}


_COMPARED = """
import sys
import pyiptables
assert list(pyiptables.diff(pyiptables.load(sys.argv[1]), pyiptables.load(sys.argv[2])))
"""


@row("diff", "semantic difference of two such files, cold process", at_most("seconds", 3, 2))
def _(bench: Bench) -> dict[str, float]:
    before = bench.file("campus.v4", lambda: campus(4, max(bench.size(44), 6))[0])
    line = "-A to_100 -d 10.0.0.1/32 -p udp -m udp --dport 9 -j ACCEPT\n-A to_100 "
    after = bench.file("campus-after.v4", lambda: campus(4, max(bench.size(44), 6))[0].replace("-A to_100 ", line, 1))
    seconds = bench.seconds(sys.executable, "-c", _COMPARED, before, after)
    return {"ours": seconds, "seconds": seconds}


@row("lint-script", "lint of a shell script of 1,000 lines, cold process", at_most("seconds", 0.4))
def _(bench: Bench) -> dict[str, float]:
    script = bench.file("firewall.sh", lambda: firewall_script(bench.size(1_000) + 20))
    seconds = bench.seconds("lint", script, statuses=(0, 1))
    return {"ours": seconds, "seconds": seconds}


# -- the table -----------------------------------------------------------------------------------------------------
def _verdict(budget: Budget, found: dict[str, float]) -> tuple[float | None, bool | None, bool | None]:
    """The figure, whether the budget is met, whether the goal is; None where nothing was measured."""
    figure = found.get(budget.against)
    if budget.against in ("legacy", "nft") and figure is not None:
        figure = figure / found["ours"]
    if figure is None:
        return None, None, None
    met = [None if limit is None else (figure >= limit) is budget.at_least or figure == limit for limit in (budget.limit, budget.goal)]
    return figure, met[0], met[1]


def report(name: str, work: str, found: dict[str, float], budgets: list[Budget]) -> Iterator[str]:
    figures = ", ".join(f"{who} {_number(figure)}" for who, figure in found.items())
    yield f"{name:<17} {work}\n{'':<17} {figures}"
    for budget in budgets:
        figure, met, goal = _verdict(budget, found)
        if figure is None:
            yield f"{'':<17} {budget.against}: not measured here"
            continue
        what = f"ratio to {budget.against}" if budget.against in ("legacy", "nft") else budget.against
        sign = ">=" if budget.at_least else "<="
        wanted = f"{sign} {_number(budget.limit)}" + ("" if budget.goal is None else f", goal {_number(budget.goal)}")
        said = "MISSED" if not met else "met, and the goal" if goal else "met"
        yield f"{'':<17} {what} {_number(figure)} (budget {wanted}): {said}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"


def _real() -> tuple[tuple[str, ...], str]:
    try:
        import iptables_oracle
    except ImportError:
        return (), "no oracle here"
    reason = iptables_oracle.unavailable_reason()
    return ((), reason) if reason else (iptables_oracle.VARIANTS, "")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the budget's rows.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows whose name begins so (default: all)")
    parser.add_argument("--quick", action="store_true", help="a hundredth of everything, once")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--cpu", action="store_true", help="processor time instead of wall time")
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--no-real", action="store_true", help="leave the real iptables out")
    args = parser.parse_args(argv)
    chosen = [each for each in ROWS if not args.rows or each.name.startswith(tuple(args.rows))]
    if not chosen:
        parser.error(f"no such row; there are {', '.join(each.name for each in ROWS)}")
    real, reason = ((), "left out") if args.no_real else _real()
    if reason and not args.json:
        print(f"without the real iptables: {reason}")
    missed = 0
    document = []
    with tempfile.TemporaryDirectory(prefix="pyiptables-benchmark-") as folder, ExitStack() as stack:
        clock = "cpu" if args.cpu else "wall"
        bench = Bench(Path(folder), 100 if args.quick else 1, 1 if args.quick else args.repeat, clock, tuple(real), stack)
        for each in chosen:
            found = each.measure(bench)
            said = [(budget, *_verdict(budget, found)) for budget in each.budgets]
            missed += sum(met is False for _, _, met, _ in said)
            budgets = [
                {"against": b.against, "limit": b.limit, "goal": b.goal, "figure": figure, "met": met, "goal_met": goal}
                for b, figure, met, goal in said
            ]
            document.append({"row": each.name, "work": each.work, "figures": found, "budgets": budgets})
            if not args.json:
                print("\n".join(report(each.name, each.work, found, each.budgets)), flush=True)
    if args.json:
        json.dump({"clock": clock, "quick": args.quick, "rows": document}, sys.stdout, indent=2)
        print()
    return 1 if missed and not args.quick else 0


if __name__ == "__main__":
    sys.exit(main())
