"""The checks themselves, the settings and the dependencies of files: for people, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pyiptables.lint.registry import FAMILIES, Check, all_checks

if TYPE_CHECKING:
    from pyiptables.lint.settings import Settings

__all__ = ["dependencies", "listing", "page", "settings"]

#: Columns between which prose is wrapped.
_NARROWEST, _WIDEST = 50, 80


def _json(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document, indent=2) + "\n"


def _described(check: type[Check]) -> dict[str, Any]:
    return {
        "code": check.code, "name": check.name, "family": FAMILIES[check.code[0]], "severity": check.severity,
        "default": check.default, "sets": list(check.sets), "summary": check.summary(),
    }  # fmt: skip


def listing(as_json: bool, columns: int) -> str:
    """All checks, family by family, for a terminal of so many columns."""
    if as_json:
        return _json({"schema": "pyiptables.lint-checks/1", "checks": [_described(check) for check in all_checks().values()]})
    lines, family = [], ""
    names = max(len(check.name) for check in all_checks().values())
    for code, check in all_checks().items():
        if code[0] != family:
            family = code[0]
            lines.append(f"{family}: {FAMILIES[family]}")
        # Of sets that must be asked for, the heading says so.
        text = check.summary() + ("" if check.default or check.sets else " (off by default)")
        head = f"  {code}  {check.name:<{names}}  "
        lines += textwrap.wrap(text, max(columns, _NARROWEST), initial_indent=head, subsequent_indent=" " * len(head))
    return "\n".join(lines) + "\n"


def page(check: type[Check], as_json: bool, columns: int) -> str:
    """The page of one check, with its examples, for a terminal of so many columns."""
    if as_json:
        return _json({**_described(check), "page": check.page(), "bad": list(check.bad), "good": list(check.good)})
    columns = max(min(columns, _WIDEST), _NARROWEST)
    paragraphs = [textwrap.fill(" ".join(text.split()), columns, break_on_hyphens=False) for text in check.page().split("\n\n")]
    out = [f"{check.code} {check.name} ({check.severity})\n\n", "\n\n".join(paragraphs), "\n"]
    for title, texts in (("Found in:", check.bad), ("Not in:", check.good)):
        for text in texts[:2]:
            body = "\n".join([f"    {line}" for line in _shown(text).split("\n")])
            out.append(f"\n{title}\n{body}\n")
    return "".join(out)


def _shown(text: str) -> str:
    """An example with names for the characters that cannot be seen."""
    text = text.strip("\n").replace("\r", "\N{SYMBOL FOR CARRIAGE RETURN}").replace("\0", "\N{SYMBOL FOR NULL}")
    return text.replace("\ufeff", "<byte order mark>")


def settings(of: Settings, as_json: bool) -> str:
    """Each setting, and the checks that are on."""
    values = {item.name.replace("_", "-"): getattr(of, item.name) for item in fields(of)}
    values["codes"] = sorted(of.codes())
    if as_json:
        return _json({"schema": "pyiptables.lint-settings/1", **values})
    import json

    return "".join([f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()])


def dependencies(files: Sequence[tuple[str, list[tuple[str, str, list[int]]]]], as_json: bool) -> str:
    """What files take for granted, as (file, [(kind, name, lines)])."""
    if as_json:
        entries = [
            {"file": file, "kind": kind, "name": name, "lines": lines}
            for file, found in files for kind, name, lines in found
        ]  # fmt: skip
        return _json({"schema": "pyiptables.lint-dependencies/1", "dependencies": entries})
    out = []
    for file, found in files:
        for kind, name, lines in found:
            places = ", ".join([str(line) for line in lines[:8]]) + (" …" if len(lines) > 8 else "")
            out.append(f"{file}: {kind} {name} (line {places})\n")
    return "".join(out)
