"""The scripts collected here, in the styles people write: every iptables line is found, and nearly all of it is known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")

from pyiptables.lint.engine import lint_file
from pyiptables.lint.settings import Settings
from pyiptables.lint.shell import read

SCRIPTS = Path(__file__).parent / "scripts"
FILES = sorted(path for path in SCRIPTS.rglob("*") if path.is_file())
#: A program of the family as a script spells it, and an option that only a call of it has.
_CALL = re.compile(
    r"(?:\bip6?tables\w*|\$\{?\"?(?:IPT|IPTABLES|IP6T|ipt|prog|cmd|IPT[46])\b\}?\"?)(?:-(?:restore|save))?\"?"
    r"(?:\s+-w(?:\s+\d)?)*\s+(?:-[tnLSAIDCPFXNZ]\b|<|--test)|\bip6?tables-restore\b"
)
#: Lines that only speak of a call: tests of the word, texts of messages.
_NO_CALL = re.compile(r"^\s*#|\bwhich\b|command -v|-x /|^\s*(?:IPT\w*|ipt|iptables|readonly|typeset|ENV|COPY)\b.*=|apk add|^ENTRYPOINT \[")


def called_lines(text: str) -> set[int]:
    """Lines where the text seems to call iptables, by their looks alone; the first one of several joined by backslashes."""
    lines, first, found = text.replace("\r", "").split("\n"), 0, set()
    for number, line in enumerate(lines, 1):
        first = first or number
        if _CALL.search(line) and not _NO_CALL.search(line):
            found.add(number)
        if not line.endswith("\\"):
            first = 0
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_every_line_is_found(path: Path) -> None:
    reading = read(path.read_bytes(), str(path))
    found: set[int] = set()
    for one in reading.invocations:
        for place in (one.location, *(frame.location for frame in one.call_stack)):
            found.update(range(place.line, place.end_line + 1))
    assert called_lines(path.read_text()) - found == set()


def test_nearly_everything_is_known() -> None:
    calls = [one for path in FILES for one in read(path.read_bytes(), str(path)).invocations]
    resolved = sum(one.resolved for one in calls)
    print(f"{len(FILES)} files, {len(calls)} calls, {resolved} fully resolved ({resolved / len(calls):.1%})")
    assert len(FILES) >= 35
    assert len(calls) >= 350
    assert resolved / len(calls) >= 0.88


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_nothing_in_them_is_refused(path: Path) -> None:
    """They are scripts that work (but for two that show what does not): an error found here is one of the reader's."""
    wrong = {"broken.sh": ["E102"], "crlf.sh": ["E101"]}
    found = lint_file(str(path), Settings(select=("E",))).diagnostics
    assert [one.code for one in found] == wrong.get(path.name, []), found
