"""Which line of a script a call, or a rule that is there afterwards, came from: the static reading against what happened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiptables.lint.shell import Invocation, Word
    from pyiptables.lint.subject import Subject

__all__ = ["Origins"]


class Origins:
    """The lines of one script. What stands in several, or in none that is known, has no origin."""

    def __init__(self, subject: Subject) -> None:
        """``subject`` is the script as it was read, with the arguments that it is called with."""
        self._subject = subject
        #: Calls by their words where all are known, and the others.
        self._known: dict[tuple[str | None, ...], list[Invocation]] = {}
        self._open: list[Invocation] = []
        for call in self._subject.script.invocations if self._subject.script else ():
            texts = [word.settled.text for word in call.argv]
            if None in texts:
                self._open.append(call)
            else:
                self._known.setdefault((call.program, *texts), []).append(call)
        self._rules: dict[tuple[int, str, str], set[int]] = {}
        for family, ruleset in self._subject.rulesets.items():
            for table in ruleset.tables.values():
                for chain in table.chains.values():
                    for rule in chain.rules:
                        if rule.source is not None:
                            key = (family, table.name, f"-A {chain.name} {rule.text}".rstrip())
                            self._rules.setdefault(key, set()).add(rule.source[1])

    def of_rule(self, family: int, table: str, line: str) -> str | None:
        """``file:line`` of the command or here-document line behind a rule in its saved form."""
        lines = self._rules.get((family, table, line), set())
        return f"{self._subject.file}:{next(iter(lines))}" if len(lines) == 1 else None

    def of_call(self, argv: Sequence[str]) -> str | None:
        """``file:line`` of the command that was this call, program first; words only known at run time stand for any.

        With the line that called the function where it stands in one.
        """
        program = os.path.basename(argv[0])
        calls = self._known.get((program, *argv[1:]), []) + [
            call for call in self._open if call.program == program and _fits(call.argv, argv[1:])
        ]
        if len({call.location.line for call in calls}) != 1:
            return None
        callers = {next((frame.location.line for frame in call.call_stack if frame.kind == "call"), 0) for call in calls}
        called = f" called in line {next(iter(callers))}" if len(callers) == 1 and callers != {0} else ""
        return f"{calls[0].location.file}:{calls[0].location.line}{called}"


def _fits(words: Sequence[Word], argv: Sequence[str]) -> bool:
    if not words:
        return not argv
    word = words[0].settled
    if word.text is None and word.many:
        return any(_fits(words[1:], argv[taken:]) for taken in range(len(argv) + 1))
    if not argv or (argv[0] != word.text if word.text is not None else not argv[0].startswith(word.prefix)):
        return False
    return _fits(words[1:], argv[1:])
