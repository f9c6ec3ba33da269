"""What the shell reader finds is what a real shell runs: random scripts and scripts by hand, under dash and bash.

``SHELL_SCRIPTS=5000`` runs that many random scripts of each shell, ``SHELL_SEED`` says where to begin.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")

from random_scripts import random_script
from real_shell import Call, Shims, agrees, calls_of

from pyiptables.lint.shell import ScriptReading, read_script

SHELLS = [pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"no {name} here")) for name in ("dash", "bash")]
ARGUMENTS = ("A1", "B 2")
#: The shell itself gave up (a script may divide by zero): what it ran until then says nothing.
_GAVE_UP = re.compile(r"rror|nvalid|bad|unexpected|expected|not found|ambiguous|substitution|parameter|here-doc|not in a|No such file")


@pytest.fixture
def shims(tmp_path: Path) -> Shims:
    return Shims(tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
def test_random_scripts_call_what_was_read(shell: str, shims: Shims) -> None:
    first, count = int(os.environ.get("SHELL_SEED", "0")), int(os.environ.get("SHELL_SCRIPTS", "60"))
    compared = 0
    for seed in range(first, first + count):
        script = random_script(seed, shell == "bash")
        try:
            real, complaint = shims.run(script, shell, ARGUMENTS)
        except TimeoutError:
            continue
        if _GAVE_UP.search(complaint):
            continue
        compared += 1
        reading = read_script(script.encode(), "s.sh", args=ARGUMENTS)
        assert calls_of(reading.invocations) == real, f"seed {seed}\n{script}"
        assert not reading.errors, f"seed {seed}\n{script}"
    assert compared > count // 2


SCRIPTS = Path(__file__).parent / "scripts"


_OURS = re.compile(r"(?:/usr)?/s?bin/(?=ip6?tables|modprobe|sysctl|sh\b|bash\b|env\b)")
_ABSOLUTE = re.compile(r"(?<![\w.$}/])/(?=(?:bin|etc|home|lib|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)\b)")


def confined(script: str, folder: Path) -> str:
    """A script whose absolute names lead into a folder of its own; what it sources from there is empty."""
    head, _, body = script.partition("\n")
    body = re.sub(r"^PATH=.*$|^export PATH.*$", "", body, flags=re.M)
    body = _ABSOLUTE.sub(f"{folder}/", _OURS.sub("", body))
    for path in re.findall(rf"{folder}/[\w./-]+", body):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    for path in re.findall(rf"(?:(?:^|&& |; )(?:\.|source)|<) +\"?({folder}/[\w./-]+)", body, re.M):
        Path(path).touch()
    return f"{head}\n{body}"


def fits(real: list[Call], reading: ScriptReading, ordered: bool) -> str:
    """'' if the calls are those of the reading in its order, whatever its unknown words are and its conditions give."""
    read = reading.invocations
    if not ordered:
        lost = [call for call in real if not any(agrees(one, call) for one in read)]
        return f"not found: {lost}" if lost else ""
    run: set[int] = set()
    position = 0
    for call in real:
        at = next((at for at in range(position, len(read)) if agrees(read[at], call)), -1)
        if at < 0:
            # What stands for the rounds of a loop over what is not known is called more than once.
            if any(agrees(read[again], call) and not read[again].resolved for again in run):
                continue
            return f"not found: {call}"
        for skipped in set(range(position, at)) - run:
            one = read[skipped]
            if one.certain and one.command.text is not None and not one.stdin_file:
                return f"not run: {one.shown} (line {one.location.line})"
        run.add(at)
        position = at + read[at].resolved
    return ""


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.name)
def test_collected_scripts_call_what_was_read(path: Path, shims: Shims, tmp_path: Path) -> None:
    shell = "bash" if "bash" in path.read_text().split("\n", 1)[0] else "dash"
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    text = confined(path.read_text(), tmp_path / "root")
    for arguments in ((), ("start",), ("stop",)):
        real, complaint = shims.run(text, shell, arguments)
        reading = read_script(text.encode(), "s.sh", args=arguments)
        assert fits(real, reading, "declare -A" not in text) == "", complaint
