"""Findings for programs: JSON, SARIF 2.1.0, GitHub workflow commands, GitLab Code Quality, JUnit."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pyiptables.lint.diagnostic import Diagnostic, Place, fingerprint

__all__ = ["as_github", "as_gitlab", "as_json", "as_junit", "as_sarif", "fingerprints"]

_URL = "https://pypi.org/project/pyiptables-emulator/"


def fingerprints(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """One for each, equal findings told apart by their order."""
    seen: Counter[str] = Counter()
    names = []
    for found in diagnostics:
        file = _from_here(found.place.file)
        key = fingerprint(found, file)
        names.append(fingerprint(found, file, seen[key]))
        seen[key] += 1
    return names


def _from_here(file: str) -> str:
    """A file's name as seen from the folder we are in, which is a project's top as a rule: however it was given."""
    path = os.path.normpath(file)
    if os.path.isabs(path):
        inside = os.path.relpath(path)
        path = path if inside.startswith("..") else inside
    return path.replace(os.sep, "/")


def _place(place: Place) -> dict[str, Any]:
    return {
        "file": _text(place.file), "line": place.line, "column": place.column,
        "end_line": place.end_line or place.line, "end_column": place.end_column or place.column,
    }  # fmt: skip


def _text(text: str) -> str:
    """Text that any JSON or XML reader takes: broken bytes become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def as_json(diagnostics: Sequence[Diagnostic], unknown: Sequence[tuple[Place, str, str]] = (), statistics: bool = False) -> str:
    """A JSON document ``pyiptables.lint/1``, with the number of findings of each code if wanted."""
    findings = []
    for found, name in zip(diagnostics, fingerprints(diagnostics), strict=True):
        findings.append(
            {
                "code": found.code,
                "severity": found.severity,
                "message": _text(found.message),
                "hint": _text(found.hint),
                "rule": _text(found.rule),
                **_place(found.place),
                "related": [{**_place(place), "what": what} for place, what in found.related],
                "fixable": found.fix is not None,
                "fingerprint": name,
                "data": found.data,
            }
        )
    document: dict[str, Any] = {
        "schema": "pyiptables.lint/1",
        "findings": findings,
        "unknown": [{**_place(place), "what": _text(what), "why": _text(why)} for place, what, why in unknown],
    }
    if statistics:
        document["statistics"] = dict(Counter(found.code for found in diagnostics).most_common())
    return json.dumps(document, indent=2, default=str) + "\n"


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """SARIF 2.1.0 as GitHub code scanning reads it, with ``partialFingerprints``."""
    from pyiptables import __version__
    from pyiptables.lint.registry import find

    codes = sorted({found.code for found in diagnostics})
    rules = []
    for code in codes:
        check = find(code)
        rules.append(
            {
                "id": code,
                "name": check.name if check else code,
                "shortDescription": {"text": check.summary() if check else code},
                "fullDescription": {"text": check.page() if check else code},
                "help": {"text": check.page() if check else code},
            }
        )
    results = []
    for found, name in zip(diagnostics, fingerprints(diagnostics), strict=True):
        result: dict[str, Any] = {
            "ruleId": found.code,
            "ruleIndex": codes.index(found.code),
            "level": {"error": "error", "warning": "warning", "info": "note"}[found.severity],
            "message": {"text": _text(found.message + (f" ({found.hint})" if found.hint else ""))},
            "locations": [{"physicalLocation": _sarif_place(found.place)}],
            "partialFingerprints": {"pyiptables/v1": name},
        }
        if found.related:
            result["relatedLocations"] = [
                {"id": i, "message": {"text": what}, "physicalLocation": _sarif_place(place)}
                for i, (place, what) in enumerate(found.related)
            ]
        results.append(result)
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "pyiptables",
                        "informationUri": _URL,
                        "version": __version__,
                        "rules": rules,
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _sarif_place(place: Place) -> dict[str, Any]:
    from urllib.parse import quote

    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_line >= place.line and place.end_column:
        region |= {"endLine": place.end_line, "endColumn": max(place.end_column, place.column)}
    return {"artifactLocation": {"uri": quote(_text(_from_here(place.file)))}, "region": region}


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands that annotate lines of a pull request."""
    levels = {"error": "error", "warning": "warning", "info": "notice"}
    lines = []
    for found in diagnostics:
        place = found.place
        message = f"{found.message}. {found.hint}" if found.hint else found.message
        lines.append(
            f"::{levels[found.severity]} file={_escape(_from_here(place.file), True)},line={place.line},col={place.column},"
            f"endLine={place.end_line or place.line},title=pyiptables {found.code}::{_escape(message)}\n"
        )
    return "".join(lines)


def _escape(text: str, is_property: bool = False) -> str:
    text = _text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def as_gitlab(diagnostics: Sequence[Diagnostic]) -> str:
    """A Code Quality report."""
    levels = {"error": "major", "warning": "minor", "info": "info"}
    entries = [
        {
            "description": _text(f"{found.code}: {found.message}"),
            "check_name": found.code,
            "fingerprint": name,
            "severity": levels[found.severity],
            "location": {
                "path": _text(_from_here(found.place.file)),
                "lines": {"begin": found.place.line, "end": max(found.place.end_line, found.place.line)},
            },
        }
        for found, name in zip(diagnostics, fingerprints(diagnostics), strict=True)
    ]
    return json.dumps(entries, indent=2) + "\n"


def as_junit(diagnostics: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """One test suite a file; a file without findings is a passed test."""
    from xml.sax.saxutils import escape, quoteattr

    def clean(text: str) -> str:
        return "".join([char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in _text(text)])

    out = ['<?xml version="1.0" encoding="utf-8"?>\n']
    places: dict[str, list[Diagnostic]] = {file: [] for file in files}
    for found in diagnostics:
        places.setdefault(found.place.file, []).append(found)
    tests = sum([max(len(mine), 1) for mine in places.values()])
    out.append(f'<testsuites name="pyiptables lint" tests="{tests}" failures="{len(diagnostics)}">\n')
    for file, mine in places.items():
        name = quoteattr(clean(file))
        out.append(f'  <testsuite name={name} tests="{max(len(mine), 1)}" failures="{len(mine)}">\n')
        if not mine:
            out.append(f"    <testcase name={name} classname={name}/>\n")
        for found in mine:
            title = quoteattr(f"{found.code} line {found.place.line}")
            out.append(
                f"    <testcase name={title} classname={name}>"
                f"<failure message={quoteattr(clean(found.message))}>"
                f"{escape(clean(f'{found.place.file}:{found.place.line}: {found.rule}'))}</failure></testcase>\n"
            )
        out.append("  </testsuite>\n")
    out.append("</testsuites>\n")
    return "".join(out)
