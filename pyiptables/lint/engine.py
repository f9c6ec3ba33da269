"""Run the checks over files: read, check, drop what is suppressed, sort."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pyiptables.lint.diagnostic import Diagnostic, Place
from pyiptables.lint.registry import all_checks
from pyiptables.lint.settings import Settings
from pyiptables.lint.subject import Subject, read_save_file
from pyiptables.lint.suppression import Suppression, find_suppressions
from pyiptables.ruleset import Ruleset

__all__ = ["FileReport", "LintError", "lint_data", "lint_file", "lint_subject", "read_file", "read_subject", "walk"]


class LintError(Exception):
    """A file that cannot be read at all."""


@dataclass(eq=False, repr=False)
class FileReport:
    """The findings of one file and what the reader could not know."""

    file: str
    diagnostics: list[Diagnostic] = field(default_factory=list)
    subject: Subject | None = None
    from_stdin: bool = False

    def unknown(self) -> list[tuple[Place, str, str]]:
        """(place, what, why) of what only a run of the script would tell, each once, in the order of the file."""
        found = dict.fromkeys(self.subject.unresolved) if self.subject is not None else {}
        return sorted(found, key=lambda one: (one[0].file, one[0].line, one[0].column))


_EXTENSIONS = (".rules", ".v4", ".v6", ".ipv4", ".ipv6", ".iptables", ".ip6tables", ".save", ".fw", ".firewall", ".sh")
#: A file of more bytes is no firewall: 100,000 rules take 10 million.
_LARGEST = 1 << 26
_SHELL_LINE = re.compile(rb"#!.*\b(?:ba|da|a|k|z|mk)?sh\b|#!.*(?:openrc-run|runscript|tables-restore)")
_OTHER_LINE = re.compile(rb"#!.*?\b(python|perl|ruby|node|php|lua|awk|gawk|nft|make|expect|tclsh|fish|pwsh)[\d.]*\b")

#: The grammar takes minutes over pages of it.
_MARKUP = re.compile(rb"\s*<(?:\?xml|!DOCTYPE|html)\b", re.IGNORECASE)
#: What no text has; one in twenty at the head of a file tells a program, an archive, a picture.
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_HEAD = 1024


def walk(paths: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[str]:
    """The files that paths stand for: a file is itself, a folder all files below it that hold iptables rules or commands."""
    import fnmatch

    patterns = tuple(exclude)

    def wanted(path: str) -> bool:
        return not any(fnmatch.fnmatch(path, p) or fnmatch.fnmatch(os.path.basename(path), p) for p in patterns)

    for path in paths:
        if path == "-" or not os.path.isdir(path):
            yield path
            continue
        closed: list[OSError] = []
        for folder, folders, files in os.walk(path, onerror=closed.append):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in ("node_modules", "__pycache__"))
            for name in sorted(files):
                full = os.path.normpath(os.path.join(folder, name))
                # Pipes and devices among the files would keep it waiting.
                if wanted(full) and os.path.isfile(full) and (name.lower().endswith(_EXTENSIONS) or _speaks_of_iptables(full)):
                    yield full
        # Whoever reads them is told why not.
        yield from [error.filename for error in closed]


def _speaks_of_iptables(path: str) -> bool:
    """Is a file of another name a script, unit, Dockerfile … with iptables in it?"""
    from pyiptables.lint.shell.detect import detect

    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            head = file.read(1 << 16)
    except OSError:
        return False
    if b"tables" not in head or b"\0" in head:
        return False
    return bool(_SHELL_LINE.match(head)) if head.startswith(b"#!") else detect(path, head) != "shell"


def lint_file(path: str, settings: Settings, **reading: object) -> FileReport:
    """Lint one file. Raises LintError when it cannot be read."""
    return lint_data(read_file(path), path, settings, **reading)


def read_file(path: str) -> bytes:
    """The bytes of a file, if it is not larger than any firewall. Raises LintError."""
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise LintError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def read_subject(
    data: bytes, file: str, settings: Settings, reading: Mapping[str, object], before: Mapping[int, Ruleset] | None = None
) -> Subject:
    """A file read as what it is: rules or a script.

    ``reading`` holds what a script reader wants (``set_values``, ``args``, ``family``), ``before`` the rules that are
    there when the script begins. Raises LintError.
    """
    from pyiptables.lint.kinds import kind_of

    if len(data) > _LARGEST:
        raise LintError(f"{file}: larger than {_LARGEST >> 20} MiB")
    other = _OTHER_LINE.match(data[:200].split(b"\n", 1)[0])
    if other:
        raise LintError(f"{file}: a script for {other[1].decode()}, not for a shell")
    kind, family = kind_of(file, data, reading.get("family"))
    if kind == "shell" and _MARKUP.match(data):
        raise LintError(f"{file}: markup, no script for a shell")
    if kind == "shell" and len(_CONTROL.findall(data[:_HEAD])) * 20 > len(data[:_HEAD]):
        raise LintError(f"{file}: a binary file, no script for a shell")
    subject = Subject(file, data, settings, family)
    subject.rulesets.update(before or {})
    if kind == "save":
        read_save_file(subject)
    else:
        from pyiptables.lint.script import read_script

        read_script(subject, kind, **reading)
    return subject


def lint_data(data: bytes, file: str, settings: Settings, **reading: object) -> FileReport:
    """Lint the bytes of a file; ``reading`` as for :func:`read_subject`. Raises LintError."""
    return lint_subject(read_subject(data, file, settings, reading))


def lint_subject(subject: Subject) -> FileReport:
    """Lint a file that was read."""
    file, settings = subject.file, subject.settings
    report = FileReport(file, subject=subject)
    codes = settings.codes() - settings.ignored_in(file)
    suppressions = {name: find_suppressions(subject.lines_of(name)) for name in (file, *subject.sourced)}
    places = {name: _by_line(found) for name, found in suppressions.items()}
    for code, check in all_checks().items():
        if code not in codes:
            continue
        for diagnostic in check().run(subject):
            if _suppressed(diagnostic, places.get(diagnostic.place.file, {})):
                continue
            if diagnostic.fix is not None and diagnostic.place.file != file:
                # Edits are of the bytes of the file itself.
                report.diagnostics.append(replace(diagnostic, fix=None))
            else:
                report.diagnostics.append(diagnostic)
    if "L001" in codes:
        report.diagnostics += _unused(subject, suppressions[file], codes)
    report.diagnostics = sorted(_said_once(report.diagnostics), key=Diagnostic.sort_key)
    return report


def _said_once(diagnostics: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """The first of those that say the same about the same place (a loop over both families, say)."""
    first: dict[tuple[str, Place, str], Diagnostic] = {}
    for found in diagnostics:
        first.setdefault((found.code, found.place, found.message), found)
    return first.values()


def _suppressed(diagnostic: Diagnostic, places: dict[int | None, list[Suppression]]) -> bool:
    hit = False
    for suppression in (*places.get(None, ()), *places.get(diagnostic.place.line, ())):
        if suppression.covers(diagnostic.code, diagnostic.place.line):
            suppression.used += 1
            hit = True
    return hit


def _by_line(suppressions: list[Suppression]) -> dict[int | None, list[Suppression]]:
    """Suppressions by the lines that they cover; under None those of the whole file."""
    found: dict[int | None, list[Suppression]] = {}
    for suppression in suppressions:
        for line in (None,) if suppression.lines is None else suppression.lines:
            found.setdefault(line, []).append(suppression)
    return found


def _unused(subject: Subject, suppressions: list[Suppression], codes: set[str]) -> list[Diagnostic]:
    found = []
    for suppression in suppressions:
        checked = not suppression.codes or any(c.startswith(p) for p in suppression.codes for c in codes)
        if suppression.used or not checked:
            continue
        what = ", ".join(suppression.codes) or "any finding"
        line = subject.lines[suppression.line - 1]
        place = Place(subject.file, suppression.line, suppression.column, suppression.line, len(line) + 1)
        found.append(Diagnostic("L001", f"this suppression of {what} excuses nothing", place, "info", line.strip()))
    return found
