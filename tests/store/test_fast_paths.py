"""Shortcuts for much at once leave the very bytes that the ordinary way leaves: state, output, errors."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pyiptables import run, store
from pyiptables.ruleset import Rule
from pyiptables.syntax import savefile
from pyiptables.syntax.listing import Format, Rows, rule_line
from pyiptables.syntax.rule import typed
from pyiptables.syntax.variant import variant_named
from pyiptables.tools import iptables, restore, save
from pyiptables.tools.hosts import SystemNames
from pyiptables.tools.restore import load_text

NEVER = 1 << 60
RECORDED = Path(__file__).resolve().parents[1] / "vectors" / "random.json.gz"

#: Rules as people write them, as iptables-save prints them, and as neither takes them.
RULES = """
-s 10.1.2.3 -p tcp --dport 22 -j ACCEPT
-s 10.1.2.3/32 -p tcp -m tcp --dport 22 -j ACCEPT
-s 10.1.0.0/12 -j ACCEPT
-s 10.16.0.0/12 -d 10.0.0.0/8 -j ACCEPT
-d 192.168.1.1/24 -j DROP
! -s 10.0.0.0/8 -i eth0 -j DROP
-i eth0 -o eth1 -p udp -m udp --sport 53 --dport 1024:65535 -j ACCEPT
-p tcp -m tcp --dport 80 -m tcp --sport 1024:65535 -j ACCEPT
-p udp -m tcp --dport 80 -j ACCEPT
-p tcp -m tcp --dport 99999 -j ACCEPT
-p tcp -m tcp --dport 080 -j ACCEPT
-p tcp --syn -m conntrack --ctstate NEW -j ACCEPT
-m state --state ESTABLISHED,RELATED -j ACCEPT
-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-m comment --comment "two words" -j web
-m comment --comment "a -m connlabel --label 1 b" -j web
-m comment --comment plain -j web
-m comment --comment "plain" -j nowhere
-m multiport --dports 22,80 -j ACCEPT
-p tcp -m multiport --dports 22,80 -j ACCEPT
-m limit --limit 5/min -j LOG --log-prefix "dropped: "
-j LOG --log-level 4
-j REJECT
-j REJECT --reject-with icmp-port-unreachable
-j MARK --set-xmark 0x1/0xffffffff
-m mark --mark 0x1 -g web
-j web
-g web
-j MASQUERADE
-j DNAT --to-destination 10.0.0.1
-j ACCEPT --nonsense
-j QUEUE
-p icmp -m icmp --icmp-type 8 -j ACCEPT
-s 10.9.8.7 -p udp --sport 53 -j ACCEPT
-s 010.9.8.7 -j ACCEPT
! -s 10.9.8.7 -i eth0 -p tcp ! --dport 80 -j DROP
-m multiport -p tcp --dport 80 -j ACCEPT
-p tcp --dport 80 -s 10.1.1.1 -j ACCEPT
-p udp --sport 53 -m udp --dport 1 -j ACCEPT
-p udp --syn -j ACCEPT
-p tcp --syn -j ACCEPT
-p tcp --dport 22 --syn -j ACCEPT
-p tcp --syn --dport 22 -j ACCEPT
-p tcp ! --syn -m state --state NEW -j DROP
-p tcp --dport ssh -j ACCEPT
-p tcp --dport 0x16 -j ACCEPT
-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-m conntrack ! --ctstate ESTABLISHED,RELATED -j DROP
-m comment --comment "state ESTABLISHED,RELATED -s 1.2.3.4 x" -j ACCEPT
-p tcp -m comment --comment "a" --dport 80 -j ACCEPT
-m comment --comment b -s 1.2.3.4 -j ACCEPT
-s 2001:db8::5 -p tcp --dport 80 -j ACCEPT
-s 1.2.3.4
-s 2001:db8:0::5
-p icmp -m icmp --icmp-type echo-request -j ACCEPT

-i +
-i "a b"
-s 2001:db8::/32 -j ACCEPT
-s 2001:db8::1/128 -d 2001:DB8::/32 -j ACCEPT
""".splitlines()[1:]
CHAINS = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
}


def _restore_text(rng: random.Random) -> str:
    lines = []
    for table in rng.sample(sorted(CHAINS), rng.randint(1, 3)):
        lines.append(f"*{table}")
        lines += [f":{chain} ACCEPT [{rng.randrange(3)}:0]" for chain in CHAINS[table]]
        lines += [":web - [0:0]", ":empty - [0:0]"][: rng.choice((2, 2, 2, 1))]
        usable = RULES if rng.random() < 0.5 else RULES[:8]
        for _ in range(rng.choice((1, 5, 20))):
            chain = rng.choice((*CHAINS[table], "web", rng.choice((*CHAINS[table], "nochain"))))
            counters = rng.choice(("", "", "[1:20] ", "[x:1] ")) if rng.random() < 0.3 else ""
            lines.append(f"{counters}-A {chain} {rng.choice(usable)}".rstrip(" "))
        lines += [rng.choice(("COMMIT", "COMMIT", "COMMIT", "# COMMIT", "COMMIT "))]
    return "\n".join(lines) + rng.choice(("\n", "\n", ""))


def _files(state: Path) -> dict[str, str]:
    """What is in the state, but for room and for the sizes and times in the last lines."""
    return {
        path.name: re.sub(
            r"(?m)^# pyiptables: room \.*\n|(?<=^# pyiptables: state )\d+ \d+$", "", path.read_bytes().decode("utf-8", "surrogateescape")
        )
        for path in sorted(state.glob("rules.*"))
    }


def _both(monkeypatch: pytest.MonkeyPatch, module: object, name: str, tmp_path: Path, calls: list[tuple[list[str], str | None]]) -> None:
    told = []
    for limit in (0, NEVER):
        monkeypatch.setattr(module, name, limit)
        state = tmp_path / str(limit)
        answers = []
        for argv, stdin in calls:
            done = run(argv, state=state, stdin=stdin)
            text = re.sub(r"(?m)^(# (?:Generated|Completed).*) on .*$", r"\1", done.stdout)
            answers.append((argv, done.returncode, text, done.stderr, _files(state)))
        told.append(answers)
    for fast, full in zip(*told, strict=True):
        assert fast == full


@pytest.mark.parametrize("seed", range(60))
def test_restore_in_bulk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    program = rng.choice(("iptables", "ip6tables")) + rng.choice(("", "-legacy")) + "-restore"
    options = rng.choice(([], ["-c"], ["--noflush"], ["--test"], ["-T", "nat"]))
    calls: list[tuple[list[str], str | None]] = [([program, *options], _restore_text(rng)) for _ in range(3)]
    _both(monkeypatch, restore, "_MANY", tmp_path, calls)


def _recorded() -> list[tuple[int, str, str]]:
    """Everything that the real iptables-save printed in the recorded sessions, with family and variant."""
    found: dict[tuple[int, str, str], None] = {}
    for record in json.loads(gzip.decompress(RECORDED.read_bytes())):
        session = record["session"]
        for answer in record["answers"]:
            if answer["stdout"].startswith("# Generated by"):
                found[session["family"], session["variant"], answer["stdout"]] = None
    assert found
    return list(found)


def test_recorded_saves_in_bulk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, (family, variant, text) in enumerate(_recorded()):
        program = f"{'iptables' if family == 4 else 'ip6tables'}-{variant}-restore"
        _both(monkeypatch, restore, "_MANY", tmp_path / str(number), [([program, "-c"], text)])


@pytest.mark.parametrize("verbose", [False, True])
def test_rows_of_a_listing_from_canonical_text(verbose: bool) -> None:
    plain = seen = 0
    for family, name, text in _recorded():
        variant = variant_named(name)
        ruleset = load_text(text, family, variant, SystemNames())
        format = Format(SystemNames(), variant, numeric=True, verbose=verbose, exact=verbose, line_numbers=verbose)
        rows = Rows(family, format)
        for _, _, number, rule in ruleset.rules():
            line = rows.line(rule, number)
            seen += 1
            if line is not None:
                plain += 1
                wanted = rule_line(typed(Rule(rule.text), family), family, number, (rule.packets, rule.bytes), format)
                assert line == wanted, rule.text
    assert plain > seen // 2


def _commands(rng: random.Random, program: str) -> list[tuple[list[str], str | None]]:
    calls: list[tuple[list[str], str | None]] = [
        ([f"{program}-restore"], "*filter\n:INPUT ACCEPT [3:4]\n:web - [0:0]\n:b - [0:0]\n:a - [0:0]\n-A b -j ACCEPT\nCOMMIT\n")
    ]
    for _ in range(40):
        chain = rng.choice(("INPUT", "FORWARD", "a", "b", "web", "nochain"))
        rule = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', rng.choice(RULES))]
        number = str(rng.choice((1, 1, 2, 3, 9, 0)))
        kind = rng.randrange(6)
        table = ["-t", "nat"] if rng.random() < 0.1 else []
        if kind < 3:
            calls.append(([program, *table, "-A", chain, *rule], None))
        elif kind == 3:
            calls.append(([program, *table, "-I", chain, number, *rule], None))
        else:
            calls.append(([program, *table, "-D", chain, number], None))
    return calls


@pytest.mark.parametrize("program", ["iptables", "iptables-legacy", "ip6tables"])
@pytest.mark.parametrize("seed", range(4))
def test_one_rule_placed_in_the_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, seed: int) -> None:
    _both(monkeypatch, iptables, "WORTH_IT", tmp_path, _commands(random.Random(seed), program))


@pytest.mark.parametrize("size", [60, 300, 4096])
@pytest.mark.parametrize("seed", range(4, 8))
def test_one_rule_placed_in_a_mapped_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int, size: int) -> None:
    """Whatever the size of the room that is made behind an appended rule, and that restores leave."""
    monkeypatch.setattr(savefile, "ROOM_SIZE", size)
    monkeypatch.setattr(savefile, "_MANY", 0)
    _both(monkeypatch, store, "_LARGE", tmp_path, _commands(random.Random(seed), "iptables"))


def test_saves_of_a_state_with_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(savefile, "_MANY", 0)
    calls: list[tuple[list[str], str | None]] = []
    for call in _commands(random.Random(9), "iptables"):
        calls += [call, (["iptables-save"], None), (["iptables-save", "-c"], None)]
    _both(monkeypatch, save, "WORTH_IT", tmp_path, calls)


class _Killed(BaseException):
    pass


class _Steps:
    """System calls that are counted; the one of this number kills the writer."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.killed = False

    def counted(self, step: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **options: object) -> object:
            self.last -= 1
            if self.last == 0:
                self.killed = True
                raise _Killed
            return step(*arguments, **options)

        return wrapped


@pytest.mark.parametrize("size", [10, 200])
def test_a_writer_killed_between_any_two_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int) -> None:
    """In a file that is changed in its place, the old or the new rules are there after each step."""
    monkeypatch.setattr(store, "_LARGE", 0)
    monkeypatch.setattr(store, "_PAGE", 16)
    rule = ["-A", "INPUT", "-s", "192.0.2.1/32", "-m", "comment", "--comment", "x" * size, "-j", "ACCEPT"]
    seen = []
    for count in range(1, 100):
        state = tmp_path / str(count)
        for interface in ("eth0", "eth1"):
            assert run(["iptables", "-A", "INPUT", "-i", interface], state=state).returncode == 0
        assert savefile.room() in state.joinpath("rules.v4").read_text()
        before = run(["iptables", "-S"], state=state).stdout
        steps = _Steps(count)
        with monkeypatch.context() as patch, contextlib.suppress(_Killed):
            for name in ("pwrite", "fsync", "utime", "replace"):
                patch.setattr(store.os, name, steps.counted(getattr(os, name)))
            run(["iptables", *rule], state=state)
        after = run(["iptables", "-S"], state=state).stdout
        seen.append((before, before + " ".join(rule) + "\n").index(after))
        if not steps.killed:
            break
    assert len(seen) > size // 16
    assert seen == sorted(seen)
    assert set(seen) == {0, 1}


def test_a_file_with_another_name_is_not_changed_in_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(store, "_LARGE", 0)
    for source in ("192.0.2.1", "192.0.2.2"):
        assert run(["iptables", "-A", "INPUT", "-s", source], state=tmp_path).returncode == 0
    kept = tmp_path / "kept"
    os.link(tmp_path / "rules.v4", kept)
    before = kept.read_bytes()
    assert run(["iptables", "-A", "INPUT", "-s", "192.0.2.3"], state=tmp_path).returncode == 0
    assert kept.read_bytes() == before
    assert run(["iptables", "-S", "INPUT"], state=tmp_path).stdout.count("-A") == 3


@pytest.mark.parametrize("program", ["iptables", "iptables-legacy", "ip6tables"])
def test_saves_from_the_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> None:
    calls: list[tuple[list[str], str | None]] = []
    rng = random.Random(5)
    for argv, stdin in _commands(rng, program):
        calls.append((argv, stdin))
        calls.append(([f"{program}-save", *rng.choice(([], ["-c"], ["-t", "filter"], ["-t", "nat"], ["-t", "nosuch"]))], None))
        if rng.random() < 0.2:
            calls.append(([f"{program}-restore", *rng.choice(([], ["-c"]))], _restore_text(rng)))
    _both(monkeypatch, save, "WORTH_IT", tmp_path, calls)
