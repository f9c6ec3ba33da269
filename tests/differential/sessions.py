"""Sessions: sequences of commands whose every answer is compared, and how they are written down in ``*.session``.

A session file holds sessions, each under a line ``== title``, optionally with ``[4]``, ``[6]``, ``[nft]`` or
``[legacy]`` when it is for one family or variant only. Then one command a line, in shell words; a here-document
(``<<END``) gives standard input; a JSON line ``{"argv": […], "stdin": "…"}`` says what words cannot. In IPv6
``iptables`` becomes ``ip6tables``. ``@HOST @NET @OTHER`` stand for addresses of the family, ``@DIR`` for a scratch
folder; ``write FILE`` and ``read FILE`` handle files in it.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ADDRESSES = {
    4: {"@HOST": "192.0.2.7", "@NET": "10.1.0.0/16", "@OTHER": "198.51.100.0/24"},
    6: {"@HOST": "2001:db8::7", "@NET": "2001:db8:1::/48", "@OTHER": "fd00:5::/32"},
}
VARIANTS = ("nft", "legacy")


@dataclass
class Step:
    """One command and its standard input."""

    argv: list[str]
    stdin: str | None = None


@dataclass
class Session:
    """Commands that run one after another on an empty state."""

    name: str
    family: int
    variant: str
    steps: list[Step] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.name} (v{self.family} {self.variant})"


@dataclass(frozen=True)
class Answer:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def read_sessions(path: Path) -> list[Session]:
    """All sessions of a file, for each family and variant."""
    found: list[Session] = []
    lines = path.read_text("utf-8").split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("== ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        title = lines[start][3:]
        limits = re.findall(r"\[(\w+)\]", title)
        name = f"{path.stem}: {title.partition(' [')[0].strip()}"
        for family in (4, 6):
            for variant in VARIANTS:
                others = {"4", "6"} & set(limits), {"nft", "legacy"} & set(limits)
                if all(not only or word in only for word, only in zip((str(family), variant), others, strict=True)):
                    steps = _steps(lines[start + 1 : end], family)
                    found.append(Session(name, family, variant, steps))
    return found


def _steps(lines: list[str], family: int) -> list[Step]:
    steps: list[Step] = []
    rest = iter(lines)
    for line in rest:
        if not line.strip() or line.startswith("#"):
            continue
        for word, address in ADDRESSES[family].items():
            line = line.replace(word, address)
        if line.startswith("{"):
            value = json.loads(line)
            argv, stdin = value["argv"], value.get("stdin")
        else:
            command, here, _ = line.partition(" <<END")
            argv, stdin = shlex.split(command), None
            if here:
                body = []
                while (inner := next(rest)) != "END":
                    for word, address in ADDRESSES[family].items():
                        inner = inner.replace(word, address)
                    body.append(inner + "\n")
                stdin = "".join(body)
        if family == 6 and argv[0].startswith("iptables"):
            argv[0] = argv[0].replace("iptables", "ip6tables", 1)
        steps.append(Step(argv, stdin))
    return steps


_DATE = re.compile(r" on \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$", re.M)


def comparable(answer: Answer, folder: str) -> Answer:
    """The answer without what is meant to differ: dates, the scratch folder's name, the words of help texts."""
    out, err = (_DATE.sub(" on DATE", text).replace(folder, "@DIR") for text in (answer.stdout, answer.stderr))
    if "\nUsage: " in out:
        out = "(help)\n"
    if err.startswith("Usage: "):
        err = "(help)\n"
    return Answer(answer.returncode, out, err)
