"""Sizes and octets that no firewall should have: the real iptables' answers where they were recorded, and never a traceback."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from pyiptables import run

NFT, LEGACY = "iptables-restore v1.8.11 (nf_tables): ", "iptables-restore v1.8.11 (legacy): "
TRY = "Try `iptables-restore -h' or 'iptables-restore --help' for more information.\n"


def _chains(count: int, first: str = "-A INPUT -j c0\n") -> str:
    """Chains that call each other in a row."""
    heads = "".join([f":c{i} - [0:0]\n" for i in range(count)])
    calls = "".join([f"-A c{i} -j c{i + 1}\n" for i in range(count - 1)])
    return f"*filter\n{heads}{first}{calls}COMMIT\n"


def _too_deep(*places: tuple[int, str]) -> str:
    return NFT + "".join([f"\nline {line}: RULE_APPEND failed (Too many links): rule in chain {chain}" for line, chain in places]) + "\n"


MASQUERADE = "*nat\n:a - [0:0]\n-A a -j MASQUERADE\n-A PREROUTING -j a\n-A PREROUTING -j ACCEPT\n-A POSTROUTING -j a\nCOMMIT\n"
LONG = "a" * 10_000_000
#: name → text, then what each variant answered: status and stderr.
RECORDED: dict[str, tuple[str, tuple[int, str], tuple[int, str]]] = {
    "fifteen calls deep": (_chains(15), (0, ""), (0, "")),
    "sixteen calls deep": (_chains(16), (4, _too_deep((33, "c14"))), (0, "")),
    "seventeen calls deep": (_chains(17), (4, _too_deep((34, "c14"), (35, "c15"))), (0, "")),
    "a thousand calls deep, not called": (_chains(1000, ""), (0, ""), (0, "")),
    "every rule after a loop": (
        "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j a\n-A INPUT -j ACCEPT\nCOMMIT\n",
        (4, _too_deep((6, "b"), (7, "INPUT"))),
        (1, "iptables-restore: line 8 failed\n"),
    ),
    "every rule after a misplaced target": (
        MASQUERADE,
        (4, NFT + "".join([f"\nline {n}: RULE_APPEND failed (Invalid argument): rule in chain {c}" for n, c in
                           ((4, "PREROUTING"), (5, "PREROUTING"), (6, "POSTROUTING"))]) + "\n"),
        (1, "iptables-restore: line 7 failed\n"),
    ),
    "a comment of ten million octets": (
        f'*filter\n-A INPUT -m comment --comment "{LONG}" -j ACCEPT\nCOMMIT\n',
        (2, f"{NFT}Parameter too long!\nError occurred at line: 2\n{TRY}"),
        (2, f"{LEGACY}Parameter too long!\nError occurred at line: 2\n{TRY}"),
    ),
    "ten million blanks": (
        f"*filter\n-A INPUT {' ' * 10_000_000}-j ACCEPT\nCOMMIT\n",
        (2, f"{NFT}no command specified\nError occurred at line: 3\n{TRY}"),
        (2, f"{LEGACY}no command specified\nError occurred at line: 3\n{TRY}"),
    ),
    "a zero octet ends a line": ("*filter\n-A INPUT -j ACCEPT\0-j DROP\nCOMMIT\n", (0, ""), (0, "")),
    "a zero octet in COMMIT": (
        "*filter\nCOM\0MIT\n",
        (2, f"Bad argument `COM'\nError occurred at line: 2\n{TRY}"),
        (2, f"Bad argument `COM'\nError occurred at line: 2\n{TRY}"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_answers_of_the_real_one(tmp_path: Path, name: str, slowdown: float) -> None:
    text, nft, legacy = RECORDED[name]
    for program, wanted in (("iptables-restore", nft), ("iptables-legacy-restore", legacy)):
        started = time.process_time()
        done = run([program], state=tmp_path / program, stdin=text)
        assert (done.returncode, done.stderr) == wanted
        assert time.process_time() - started < 20 * slowdown


def test_a_thousand_calls_deep(tmp_path: Path) -> None:
    """The real one has room for so many refusals, and the last of all takes the place of the one that did not fit."""
    done = run(["iptables-restore"], state=tmp_path, stdin=_chains(1000))
    assert done.returncode == 4
    lines = done.stderr.splitlines()
    assert lines[1] == "line 1017: RULE_APPEND failed (Too many links): rule in chain c14"
    assert lines[-1].startswith("line 2001: RULE_APPEND failed (T")
    assert len(done.stderr) == len(NFT) + 1023 + 1
    assert run(["iptables-legacy-restore"], state=tmp_path, stdin=_chains(1000)).returncode == 0
    deep = run(["iptables-legacy", "-S", "c998"], state=tmp_path)
    assert deep.stdout == "-N c998\n-A c998 -j c999\n"


@pytest.mark.parametrize("program", ["iptables", "iptables-legacy"])
def test_ten_thousand_chains(tmp_path: Path, program: str) -> None:
    names = [f"c{i}" for i in range(10_000)]
    text = "*filter\n" + "".join([f":{n} - [0:0]\n" for n in names]) + "".join([f"-A INPUT -j {n}\n" for n in names]) + "COMMIT\n"
    assert run([f"{program}-restore"], state=tmp_path, stdin=text).returncode == 0
    assert run([program, "-A", "c5000", "-j", "ACCEPT"], state=tmp_path).returncode == 0
    saved = run([f"{program}-save"], state=tmp_path).stdout.splitlines()
    rules = [line for line in saved if line.startswith("-A")]
    assert rules == [f"-A INPUT -j {n}" for n in names] + ["-A c5000 -j ACCEPT"]
    assert [line[1:].split(" ")[0] for line in saved if line.startswith(":c")] == sorted(names)
    assert run([program, "-E", "c5000", "renamed"], state=tmp_path).returncode == 0
    assert "-A INPUT -j renamed\n" in run([program, "-S"], state=tmp_path).stdout


@pytest.mark.parametrize("program", ["iptables", "iptables-legacy"])
@pytest.mark.parametrize("length", [1, 3000])
def test_octets_that_are_no_utf8_are_kept(tmp_path: Path, program: str, length: int) -> None:
    words = ['"x\udcff\udc80y \udce9"', '"é\udcc3"', "plain"]
    chain = "\udcff\udc80"
    rules = [f"-A INPUT -m comment --comment {word} -j {chain}\n" for word in words for _ in range(length)]
    text = f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:{chain} - [0:0]\n{''.join(rules)}COMMIT\n"
    assert run([f"{program}-restore"], state=tmp_path, stdin=text).returncode == 0
    saved = run([f"{program}-save"], state=tmp_path).stdout
    assert "".join([line for line in saved.splitlines(keepends=True) if line[0] != "#"]) == text
    assert run([program, "-A", "INPUT", "-j", chain], state=tmp_path).returncode == 0
    assert (tmp_path / "rules.v4").read_bytes().count(b"-j \xff\x80\n") == len(rules) + 1


def test_threads_on_one_state_and_on_their_own(tmp_path: Path) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                program = ("iptables", "iptables-legacy", "ip6tables")[number % 3]
                done = run([program, "-w", "-A", "INPUT", "-m", "comment", "--comment", f"{number}-{turn}"], state=tmp_path / "all")
                own = run(
                    ["iptables-restore"], state=tmp_path / str(number), stdin=f"*filter\n{'-A INPUT -j ACCEPT' + chr(10)}COMMIT\n" * 30
                )
                listed = run(["iptables", "-S", "INPUT"], state=tmp_path / str(number))
                if done.returncode or own.returncode or listed.stdout != "-P INPUT ACCEPT\n-A INPUT -j ACCEPT\n":
                    wrong.append((number, turn, done, own, listed))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    found = [run([program, "-S", "INPUT"], state=tmp_path / "all").stdout.count("-A INPUT") for program in ("iptables", "ip6tables")]
    assert found == [60, 30]
