from __future__ import annotations

from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic
from pyiptables.lint.places import place_of
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

#: More places than this are told as one.
_MOST = 10


class ScriptSyntax(Check):
    """A script that the shell cannot read.

    What it does: finds places where a script is no shell text: a `fi`, `done`, quote or bracket that is missing, a branch or a
    loop without a command.

    Why it matters: the shell stops there, with the commands before it already carried out: a policy of DROP, perhaps,
    without the rules that were to follow. What stands behind it is checked as far as it can be read.

    Instead: `sh -n SCRIPT` names the place, too, without running anything.
    """

    code = "E102"
    name = "script-syntax"
    bad = (
        "#!/bin/sh\nif true; then\niptables -A INPUT -j ACCEPT\n",
        "#!/bin/sh\niptables -A INPUT -m comment --comment 'x -j ACCEPT\n",
        "#!/bin/sh\nif true; then\n# nothing\nelse\niptables -F\nfi\n",
    )
    good = (
        "#!/bin/sh\nif true; then\n:\nelse\niptables -F\nfi\n",
        "#!/bin/sh\nif true; then\niptables -A INPUT -j ACCEPT\nfi\n",
        "*filter\nCOMMIT\n",
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        errors = [error for error in (subject.script.errors if subject.script is not None else ()) if error.what == "syntax"]
        # So many mean that it is something else, or that one quote is missing.
        more = len(errors) - 1 if len(errors) > _MOST else 0
        for error in errors[:1] if more else errors:
            at = error.location
            place = place_of(at)
            line = subject.lines_of(at.file)[at.line - 1].strip() if at.line <= len(subject.lines_of(at.file)) else ""
            why = f"{error.why}: this and {more} more places" if more else error.why
            yield Diagnostic(self.code, why, place, self.severity, line)


CHECKS = (ScriptSyntax,)
