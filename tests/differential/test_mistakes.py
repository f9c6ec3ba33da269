"""Mistyped commands and rule files: words of the written sessions left out, doubled, exchanged and misspelt, ours and the real one's.

``PYIPTABLES_MISTAKES`` is the number of sessions of forty commands (default 6), ``PYIPTABLES_SEED`` the first one's.
"""

from __future__ import annotations

import os
import random
import string
from pathlib import Path

import pytest
from programs import disagreements, load_oracle
from sequences import is_left_out
from sessions import VARIANTS, Session, Step, read_sessions

ORACLE, REASON = load_oracle()
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(ORACLE is None, reason=REASON)]

_LENGTH = 40
_FIRST = int(os.environ.get("PYIPTABLES_SEED", "0"))
_SEEDS = range(_FIRST, _FIRST + int(os.environ.get("PYIPTABLES_MISTAKES", "6")))
_STRAY = (
    "!",
    "--",
    "-",
    "=",
    "",
    "-h1",
    "-t",
    "-v",
    "-j",
    "ACCEPT",
    "accept",
    "INPUT",
    "0",
    "-1",
    "65536",
    "0x10",
    "1:0",
    "::1",
    "300.1.1.1",
    "10.0.0.0/33",
)
_LETTERS = string.ascii_letters + string.digits + "-_:/,.!+="


def _stock(family: int, variant: str) -> list[Step]:
    """The commands of the written sessions."""
    name = "iptables" if family == 4 else "ip6tables"
    return [
        step
        for path in sorted(Path(__file__).parent.glob("sessions/*.session"))
        for session in read_sessions(path)
        if (session.family, session.variant) == (family, variant)
        for step in session.steps
        if step.argv[0].startswith(name) and not any("@DIR" in word for word in step.argv)
    ]


def _misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word) + 1)
    letter = chance.choice(_LETTERS)
    return chance.choice([
        word[:at] + letter + word[at:], word[:at] + word[at + 1 :], word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
        word[:at], word.swapcase(), word.replace("--", "-", 1), word + word,
    ])  # fmt: skip


def _mistyped(words: list[str], others: list[list[str]], chance: random.Random) -> list[str]:
    words = list(words)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(words)) if words else 0
        if chance.random() < 0.2 or not words:
            words.insert(at, chance.choice((*_STRAY, *chance.choice(others))))
            continue
        other = chance.randrange(len(words))
        match chance.randrange(5):
            case 0:
                del words[at]
            case 1:
                words[at] = _misspelt(words[at], chance)
            case 2:
                words[at], words[other] = words[other], words[at]
            case 3:
                words.insert(at, words[other])
            case _:
                words[at:] = chance.choice(others)[at:]
    return words


def _with_mistakes(step: Step, stock: list[Step], chance: random.Random) -> Step:
    """The command, or a line of what it reads, with mistakes."""
    lines = step.stdin.split("\n") if step.stdin else []
    if len(lines) > 1 and chance.random() < 0.8:
        at = chance.randrange(len(lines) - 1)
        lines[at] = " ".join(_mistyped(lines[at].split(" "), [line.split(" ") for line in lines], chance))
        return Step(step.argv, "\n".join(lines))
    alike = [other.argv[1:] for other in stock if other.argv[0] == step.argv[0]]
    return Step([step.argv[0], *_mistyped(step.argv[1:], alike, chance)], step.stdin)


def _can_be_compared(step: Step) -> bool:
    if step.argv[0].endswith("-save") and any(word[:1] == "-" and "f" in word for word in step.argv[1:]):
        # Nobody knows which file it would write.
        return False
    lines = [step.argv, *[line.split(" ") for line in (step.stdin or "").split("\n")]]
    # A restore is verbose in all its lines.
    given = [word for word in step.argv[1:] if "restore" in step.argv[0] and word[:2] in ("-v", "--v")]
    return not any(is_left_out([*given, *line]) or any("\0" in word for word in line) for line in lines)


def _session(seed: int, family: int, variant: str) -> Session:
    chance = random.Random(f"{seed} {family} {variant}")
    stock = _stock(family, variant)
    steps: list[Step] = []
    while len(steps) < _LENGTH:
        step = chance.choice(stock)
        # Some are as they were meant, so that mistakes meet chains and rules.
        made = step if chance.random() < 0.3 else _with_mistakes(step, stock, chance)
        if _can_be_compared(made):
            steps.append(made)
    name = "iptables" if family == 4 else "ip6tables"
    return Session(f"mistakes {seed}", family, variant, [*steps, Step([f"{name}-save", "-c"])])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("seed", _SEEDS)
def test_mistakes(seed: int, family: int, variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ORACLE is not None
    monkeypatch.chdir(tmp_path)
    report = disagreements(ORACLE, _session(seed, family, variant))
    assert not report, "\n".join(report)
