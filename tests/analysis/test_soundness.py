"""What lint calls without effect is deleted, and packets fare as before: by the engine, and on the real kernel.

Random rulesets over all tables with everything that makes claims risky: targets that change packets, limits, lists with
a memory, states, translation, loops back to the caller. Sequences of packets are made for them, and more of them are
tried than the ruleset's own. ``SOUNDNESS_CASES`` says how many rulesets of each family (default 6), ``SOUNDNESS_FIRST``
the first seed, ``SOUNDNESS_KERNEL`` how many of them go to the kernel (marked ``oracle``; default 10).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pyiptables.lint.engine import lint_data
from pyiptables.lint.settings import Settings
from pyiptables.tools.scenario import run_scenario

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))
from comparing import features
from generator import Maker

Json = dict[str, Any]

#: Findings that say "this line can go".
_WITHOUT_EFFECT = ("U101", "U102", "U103", "U104", "U106", "U108", "U109", "U110", "U111")
#: Of these any one can go, not all together.
_ONE_BY_ONE = ("U110", "U111")
#: What becomes of a packet; the steps, the counters and who decided (a rule, the policy) may differ.
_FATE = ("fate", "to", "ctstate", "ctdir", "mark", "final")
_SEQUENCES = 8


class Crowded(Maker):
    """Chains long enough, and rules like enough, that many are without effect."""

    def ruleset(self) -> str:
        lines = super().ruleset().splitlines()
        crowded: list[str] = []
        for line in lines:
            crowded.append(line)
            if line.startswith("-A") and self.chance(0.5):
                chain = line.split()[1]
                olds = [old for old in crowded[_last_table(crowded) :] if old.split()[:2] == ["-A", chain]]
                crowded.append(self.varied(self.r.choice(olds)))
        return "\n".join(crowded) + "\n"

    def varied(self, line: str) -> str:
        """A rule again, narrower, wider, or with another verdict."""
        words = line.split()
        kind = self.r.choice(["same", "narrow", "narrow", "wide", "verdict"])
        end = next((at for at, word in enumerate(words) if word in ("-j", "-g")), len(words))
        if kind == "narrow" and "-s" not in words:
            words[2:2] = ["-s", self.address()]
        elif kind == "narrow" and "-d" not in words:
            words[2:2] = ["-d", self.address()]
        elif kind == "wide" and "-s" in words and words[words.index("-s") - 1] != "!":
            at = words.index("-s")
            del words[at : at + 2]
        elif kind == "verdict" and end == len(words) - 2:
            words[end:] = ["-j", self.r.choice(["ACCEPT", "RETURN"])]
        return " ".join(words)


def _last_table(lines: list[str]) -> int:
    return max(at for at, line in enumerate(lines) if line.startswith("*"))


def _made(seed: int, family: int) -> tuple[Json, list[list[Json]]]:
    """A case and the sequences of packets to try on it."""
    maker = Crowded(seed, family, features(family))
    case = maker.case(f"soundness-{family}-{seed}")
    sequences = [case["packets"]]
    for _ in range(_SEQUENCES - 1):
        packets: list[Json] = []
        for _ in range(maker.r.choice([1, 2, 3])):
            packets += maker.flow(len(packets))
        sequences.append(packets)
    return case, sequences


def _cases(family: int, first: int, count: int) -> Iterator[tuple[Json, list[list[Json]]]]:
    """The cases of so many seeds from ``first`` on whose rules iptables-restore takes."""
    seed = first
    while count:
        case, sequences = _made(seed, family)
        seed += 1
        if "error" not in run_scenario({**case, "packets": []}):
            count -= 1
            yield case, sequences


def _claims(text: str, family: int) -> tuple[set[int], set[int]]:
    """Lines that may all go, and lines of which any one may."""
    together: set[int] = set()
    single: set[int] = set()
    settings = Settings(select=("U",), variant="legacy")
    for found in lint_data(text.encode(), f"rules.v{family}", settings, family=family).diagnostics:
        # To go to a chain without rules is to go back to the caller: an effect.
        if found.code in _WITHOUT_EFFECT and not (found.code == "U108" and " -g " in found.rule):
            (single if found.code in _ONE_BY_ONE else together).add(found.place.line)
    return together, single


def _without(text: str, lines: set[int]) -> str:
    return "".join([line for number, line in enumerate(text.splitlines(keepends=True), 1) if number not in lines])


def _variants(case: Json, sequences: list[list[Json]]) -> Iterator[tuple[Json, Json, set[int]]]:
    """Pairs of cases that must come to the same, with the lines that the second one lacks."""
    together, single = _claims(case["rules"], case["family"])
    deletions = [together] if together else []
    deletions += [{line} for line in sorted(single)]
    for lines in deletions:
        for packets in sequences:
            before = {**case, "packets": packets}
            yield before, {**before, "rules": _without(case["rules"], lines)}, lines


def _fates(answer: Json) -> list[Any]:
    return [[_fate(packet), [_fate(reply) for reply in packet.get("replies", ())]] for packet in answer["packets"]]


def _fate(packet: Json) -> Json:
    return {key: packet.get(key) for key in _FATE}


def _is_random(answer: Json) -> bool:
    """Did a target draw a port, which it may do otherwise the next time?"""
    return any(p.get("lots") or any(reply.get("lots") for reply in p.get("replies", ())) for p in answer.get("packets", ()))


def _told(before: Json, lines: set[int], one: list[Any], two: list[Any]) -> str:
    numbered = "\n".join([f"{'-' if n in lines else ' '}{n:3} {t}" for n, t in enumerate(before["rules"].splitlines(), 1)])
    at = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), -1)
    return f"{before['name']}\n{numbered}\n{json.dumps(before['packets'])}\npacket {at}:\n{one[at]}\n{two[at]}"


@pytest.mark.parametrize("family", [4, 6])
def test_nothing_changes_without_them(family: int) -> None:
    first = int(os.environ.get("SOUNDNESS_FIRST", "0"))
    count = int(os.environ.get("SOUNDNESS_CASES", "6"))
    wrong = []
    tried = 0
    for case, sequences in _cases(family, first, count):
        for before, after, lines in _variants(case, sequences):
            answer = run_scenario(before)
            if _is_random(answer):
                continue
            one, two = _fates(answer), _fates(run_scenario(after))
            tried += 1
            if one != two:
                wrong.append(_told(before, lines, one, two))
                break
    print(f"IPv{family}: {count} rulesets, {tried} deletions tried with a sequence of packets each, {len(wrong)} wrong")
    assert not wrong, f"{len(wrong)} wrong\n\n" + "\n\n".join(wrong[:6])
    assert tried > count


@pytest.mark.oracle
@pytest.mark.parametrize("family", [4, 6])
def test_nothing_changes_on_the_kernel(family: int, kernel_oracle: ModuleType) -> None:
    first = int(os.environ.get("SOUNDNESS_FIRST", "0"))
    count = int(os.environ.get("SOUNDNESS_KERNEL", "10"))
    pairs = []
    for case, sequences in _cases(family, first, count):
        pairs += _variants(case, sequences[:2])
    pairs.sort(key=lambda pair: json.dumps(pair[0]["host"]))
    answers = list(kernel_oracle.run_cases([side for before, after, _ in pairs for side in (before, after)]))
    wrong = []
    for (before, _, lines), one, two in zip(pairs, answers[::2], answers[1::2], strict=True):
        fates = _fates(one), _fates(two)
        if fates[0] != fates[1] and not _is_random(run_scenario(before)):
            wrong.append(_told(before, lines, *fates))
    print(f"IPv{family}: {count} rulesets, {len(pairs)} deletions on the kernel, {len(wrong)} wrong")
    assert not wrong, f"{len(wrong)} of {len(pairs)} differ\n\n" + "\n\n".join(wrong[:6])
