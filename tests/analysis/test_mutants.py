"""Every item without effect that is put into a good ruleset is found, at its line, with the rules that make it so.

Rulesets: three of our own, and those of ``CORPUS`` (default: ``../shared/corpus/save``) when it is there.
``MUTANTS`` says how many (default 500).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from random import Random

import pytest
from mutants import KINDS, RULESETS, Mutant, mutated

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.engine import lint_data
from pyiptables.lint.settings import Settings

_CORPUS = Path(os.environ.get("CORPUS", Path(__file__).parents[3] / "shared" / "corpus" / "save"))
_COUNT = int(os.environ.get("MUTANTS", "500"))


@cache
def _bases() -> dict[str, tuple[int, str]]:
    found = dict(RULESETS)
    for path in sorted(_CORPUS.glob("*.rules")) if _CORPUS.is_dir() else ():
        found[path.name] = (6 if ".v6." in path.name else 4, path.read_text())
    return found


def _findings(text: str, family: int) -> list[Diagnostic]:
    """Findings of the family U that are on when nobody selects anything."""
    found = lint_data(text.encode(), f"rules.v{family}", Settings(), family=family).diagnostics
    refused = [finding for finding in found if finding.code == "E001"]
    assert not refused, refused
    return [finding for finding in found if finding.code[0] == "U"]


@pytest.mark.parametrize("name", RULESETS)
def test_our_own_rulesets_are_good(name: str) -> None:
    family, text = RULESETS[name]
    assert _findings(text, family) == []


@pytest.mark.parametrize("base", ["own", "corpus"])
def test_all_are_found(base: str) -> None:
    names = [name for name in _bases() if (name in RULESETS) == (base == "own")]
    if not names:
        pytest.skip(f"no rulesets in {_CORPUS}")
    missed = []
    kinds: dict[str, int] = {}
    for seed in range(_COUNT // 2):
        rng = Random(f"{base} {seed}")
        mutant = None
        while mutant is None:
            family, text = _bases()[rng.choice(names)]
            mutant = mutated(text, family, rng, rng.choice(KINDS))
        kinds[mutant.kind] = kinds.get(mutant.kind, 0) + 1
        why = _missed(mutant, _findings(mutant.text, mutant.family))
        if why:
            missed.append(f"{base} {seed}, {mutant.kind}: {why}\n{_numbered(mutant)}")
    print(f"{sum(kinds.values())} mutants of {base} rulesets, {len(missed)} missed: {kinds}")
    assert not missed, f"{len(missed)} of {sum(kinds.values())}\n" + "\n".join(missed[:5])


def _missed(mutant: Mutant, found: list[Diagnostic]) -> str:
    at = [finding for finding in found if finding.place.line in mutant.lines]
    if not at:
        return f"not found at line {mutant.lines}, only {[(f.place.line, f.code) for f in found]}"
    if mutant.covers and not any(finding.code == "U102" for finding in at):
        named = {place.line for finding in at for place, _ in finding.related}
        earlier = {line for line in named if line < min(mutant.lines)}
        if not named.intersection(mutant.covers) and not earlier:
            return f"rule at line {mutant.covers} not named, but {named}"
    return ""


def _numbered(mutant: Mutant) -> str:
    marks = dict.fromkeys(mutant.covers, "c") | dict.fromkeys(mutant.lines, ">")
    return "\n".join([f"{marks.get(number, ' ')}{number:4} {line}" for number, line in enumerate(mutant.text.splitlines(), 1)])


@pytest.mark.parametrize("extra", ["-m limit --limit 1/sec", "-m statistic --mode nth --every 2 --packet 0", "-m recent --set --name x",
                                   "-m hashlimit --hashlimit-upto 1/sec --hashlimit-name h", "-m quota --quota 100", "-m connlimit --connlimit-above 3",
                                   "-m mark --mark 0x77", "-m time --timestart 08:00"])  # fmt: skip
def test_what_takes_only_some_covers_nothing(extra: str) -> None:
    """A rule with one condition more than another, before it, never hides it."""
    for name, (family, text) in RULESETS.items():
        lines = text.splitlines()
        for at, line in enumerate(lines):
            if line.startswith("-A") and " -j " in line and " -f " not in line:
                more = line.replace(" -j ", f" {extra} -j ")
                found = _findings("\n".join([*lines[:at], more, *lines[at:]]) + "\n", family)
                assert [f for f in found if f.place.line == at + 2] == [], (name, line)
