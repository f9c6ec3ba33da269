"""What a rehearsal did: calls that failed, rules gained and lost, findings."""

from __future__ import annotations

import difflib
import json
import shlex
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiptables.tools.rehearsal import Rehearsal

__all__ = ["as_document", "changes", "show"]


def changes(rehearsal: Rehearsal) -> dict[int, list[str]]:
    """By family: lines with + and - in front, table lines as headings."""
    found = {}
    for family in (4, 6):
        before, after = rehearsal.before[family].splitlines(), rehearsal.after[family].splitlines()
        kept: list[str] = []
        for line in list(difflib.unified_diff(before, after, n=100000, lineterm=""))[3:]:
            if line[1:2] == "*":
                if kept and kept[-1][1:2] == "*":
                    kept.pop()
                kept.append(line)
            elif line[0] in "+-" and line[1:] != "COMMIT":
                kept.append(line)
        if kept and kept[-1][1:2] == "*":
            kept.pop()
        if kept:
            found[family] = kept
    return found


def as_document(rehearsal: Rehearsal) -> str:
    document = {
        "schema": "pyiptables.rehearsal/1",
        "command": rehearsal.command,
        "returncode": rehearsal.returncode,
        "seconds": round(rehearsal.seconds, 3),
        "calls": len(rehearsal.calls),
        "left": rehearsal.left,
        "failed": [
            {"argv": call.argv, "returncode": call.returncode, "stderr": call.stderr, "from": call.place}
            for call in rehearsal.calls
            if call.returncode
        ],
        "changes": {f"ipv{family}": lines for family, lines in changes(rehearsal).items()},
        "added": [
            {"family": family, "table": table, "text": text, "from": call.places.get((family, table, text)), "argv": call.argv}
            for call in rehearsal.calls
            for family, table, text in call.added
        ],
        "lint": rehearsal.lint,
    }
    return json.dumps(document, indent=2)


def show(rehearsal: Rehearsal) -> None:
    """Print the summary for people."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    ended = f"the command exited with {rehearsal.returncode}"
    if rehearsal.returncode < 0:
        names = {each.value: each.name for each in signal.Signals}
        ended = f"the command was ended by {names.get(-rehearsal.returncode, f'signal {-rehearsal.returncode}')}"
    if rehearsal.returncode == -signal.SIGINT and console.is_terminal:
        # Behind the ^C that the terminal shows.
        console.print()
    console.rule(f"rehearsed {shlex.join(rehearsal.command)}")
    failed = [call for call in rehearsal.calls if call.returncode]
    calls = f"{len(rehearsal.calls)} call{'' if len(rehearsal.calls) == 1 else 's'}"
    console.print(f"{calls} in {rehearsal.seconds:.2f} s, {len(failed)} failed; {ended}")
    for call in failed:
        place = f"   {call.place}" if call.place else ""
        console.print(Text.assemble((f"  {call.returncode}  {shlex.join(call.argv)}", "red"), (place, "dim")))
        for line in call.stderr.splitlines():
            console.print(Text(f"     {line}", style="dim"))
    if rehearsal.left is not None:
        console.print("Processes of the command are still running; their calls of iptables fail from now on.")
        console.print(f"(For that, {rehearsal.left} stays. Remove it when they have ended.)")
    found = changes(rehearsal)
    places = {rule: place for call in rehearsal.calls for rule, place in call.places.items()}
    if not found:
        console.print("No rule changed.")
    for family, lines in found.items():
        console.print(Text(f"IPv{family}", style="bold"))
        table = ""
        told = []
        for line in lines:
            if line[1:2] == "*":
                table = line[2:]
            style = {"+": "green", "-": "red"}.get(line[0], "bold")
            origin = places.get((family, table, line[1:])) if line[0] == "+" else None
            told.append(Text.assemble((line, style), (f"   {origin}" if origin else "", "dim")))
        console.print(Text("\n").join(told))
    if rehearsal.lint:
        console.print(Text("Findings", style="bold"))
        console.print(Text("\n".join(rehearsal.lint)))
