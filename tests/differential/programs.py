"""The two that are compared: the real iptables in a network namespace, and ours on a state directory."""

from __future__ import annotations

import difflib
import importlib.util
import os
import shlex
import sys
import tempfile
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from sessions import Answer, Session, comparable

from pyiptables import run

os.environ["TZ"] = "UTC"


def _oracle_file() -> Path:
    given = os.environ.get("PYIPTABLES_ORACLE")
    folder = Path(given) if given else Path(__file__).resolve().parents[3] / "shared" / "oracle"
    return folder / "iptables_oracle.py" if folder.is_dir() else folder


def load_oracle() -> tuple[ModuleType | None, str]:
    """The oracle's module and '', or None and why it cannot be used here."""
    path = _oracle_file()
    if not path.is_file():
        return None, f"no oracle at {path} (set PYIPTABLES_ORACLE)"
    spec = importlib.util.spec_from_file_location("iptables_oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["iptables_oracle"] = module
    spec.loader.exec_module(module)
    reason = module.unavailable_reason()
    return (module, "") if reason is None else (None, f"the real iptables cannot run here: {reason}")


class Real:
    """The real programs in a namespace of their own."""

    def __init__(self, oracle: ModuleType, variant: str) -> None:
        self._namespace: Any = oracle.Netns(variant)
        self._prefix = f"{oracle.oracle_root()}/usr/sbin/"

    def __enter__(self) -> Real:
        self._namespace.__enter__()
        self._scratch = tempfile.TemporaryDirectory(prefix="real-")
        self.folder = self._scratch.name
        return self

    def __exit__(self, *args: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._scratch.cleanup()
        self._namespace.__exit__(*args)

    def run(self, argv: list[str], stdin: str | None) -> Answer:
        done = self._namespace.run(argv, stdin)
        return Answer(done.returncode, done.stdout, done.stderr.replace(self._prefix, ""))


class Ours:
    """Our programs, in this process, on a state directory of their own."""

    def __init__(self, variant: str) -> None:
        self._variant = variant

    def __enter__(self) -> Ours:
        self._scratch = tempfile.TemporaryDirectory(prefix="ours-")
        self.folder = self._scratch.name
        return self

    def __exit__(self, *args: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._scratch.cleanup()

    def run(self, argv: list[str], stdin: str | None) -> Answer:
        program, dash, kind = argv[0].partition("-")
        if self._variant == "legacy":
            program += "-legacy"
        done = run([program + dash + kind, *argv[1:]], state=Path(self.folder, "state"), stdin=stdin)
        return Answer(done.returncode, done.stdout, done.stderr)


def answers(side: Real | Ours, session: Session) -> list[Answer]:
    """What one side says to each step, ready to be compared."""
    found = []
    for step in session.steps:
        argv = [word.replace("@DIR", side.folder) for word in step.argv]
        stdin = None if step.stdin is None else step.stdin.replace("@DIR", side.folder)
        if argv[0] == "write":
            Path(argv[1]).write_bytes((stdin or "").encode("utf-8", "surrogateescape"))
            continue
        if argv[0] == "read":
            text = Path(argv[1]).read_bytes().decode("utf-8", "surrogateescape")
            answer = Answer(0, text, "")
        else:
            answer = side.run(argv, stdin)
        found.append(comparable(answer, side.folder))
    return found


def told(session: Session, theirs: list[Answer], ours: list[Answer]) -> list[str]:
    """A paragraph for each command whose answers differ. Where the real program crashes there is nothing to match."""
    steps = [step for step in session.steps if step.argv[0] != "write"]
    report = []
    for step, real, own in zip(steps, theirs, ours, strict=True):
        if real == own or real.returncode < 0:
            continue
        lines = [f"{session.variant}: {shlex.join(step.argv)}" + (f" <<< {step.stdin!r}" if step.stdin else "")]
        if real.returncode != own.returncode:
            lines.append(f"  status: real {real.returncode}, ours {own.returncode}")
        for name in ("stdout", "stderr"):
            pair = [getattr(answer, name).splitlines(keepends=True) for answer in (real, own)]
            changed = [line for line in difflib.ndiff(*pair) if line[0] in "+-"]
            lines += [f"  {name}: {'real' if line[0] == '-' else 'ours'} {line[2:]!r}" for line in changed]
        report.append("\n".join(lines))
    return report


def disagreements(oracle: ModuleType, session: Session) -> list[str]:
    """Run a session on both sides; what differs."""
    with Real(oracle, session.variant) as real, Ours(session.variant) as ours:
        return told(session, answers(real, session), answers(ours, session))
