from __future__ import annotations

import re
from collections.abc import Iterator

from pyiptables.lint.diagnostic import Diagnostic, Edit, Fix, Place
from pyiptables.lint.registry import Check
from pyiptables.lint.subject import Subject

_MARK = b"\xef\xbb\xbf"
#: A carriage return at the end of a line that is no comment, or of the line that names the shell.
_RETURNS = re.compile(rb"^(?!#)[^\n]*\r$|\A#![^\n]*\r$", re.M)


class UncleanBytes(Check):
    """Bytes that editors hide: a byte order mark, carriage returns, NUL bytes.

    What it does: finds a byte order mark at the beginning, lines that end in CR LF, and NUL bytes.

    Why it matters: iptables-restore fails at line 1 for a byte order mark, takes a carriage return for a part of the
    last word (`table name 'filter\\r' invalid`), and forgets a line from a NUL on. A shell passes the carriage return
    to iptables, or does not find its own keywords.

    Instead: save the file as plain text with Unix line ends. The fix takes the mark and the carriage returns out.
    """

    code = "E101"
    name = "unclean-bytes"
    severity = "error"
    bad = (
        "*filter\r\n-A INPUT -j ACCEPT\r\nCOMMIT\r\n",
        "\ufeff*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",
        "*filter\n-A INPUT -j ACCEPT\0\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -j ACCEPT\r\n",
    )
    good = (
        "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",
        "# a comment\r\n*filter\nCOMMIT\n",
        "#!/bin/sh\niptables -A INPUT -j ACCEPT\n",
        '*filter\n-A INPUT -m comment --comment "caf\u00e9" -j ACCEPT\nCOMMIT\n',
    )

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        data = subject.data
        reader = "iptables-restore" if subject.script is None else "the shell"
        if data.startswith(_MARK):
            message = f"byte order mark: {reader} takes it for text"
            yield self._found(subject, 0, message, Fix("take the byte order mark out", (Edit(0, len(_MARK), ""),)))
        if b"\r" in data and (subject.script is None or subject.script.kind in ("shell", "wg-quick")):
            returns = [found.end() - 1 for found in _RETURNS.finditer(data)]
            if returns:
                fix = Fix("end lines with LF", tuple([Edit(at, at + 1, "") for at in returns]))
                message = f"lines end in CR LF: {reader} takes the carriage return for a part of the last word"
                yield self._found(subject, returns[0], message, fix)
        if b"\0" in data:
            yield self._found(subject, data.index(b"\0"), f"NUL byte: {reader} does not read what you see", None)

    def _found(self, subject: Subject, at: int, message: str, fix: Fix | None) -> Diagnostic:
        line = subject.data.count(b"\n", 0, at) + 1
        begin = subject.data.rfind(b"\n", 0, at) + 1
        column = len(subject.data[begin:at].decode("utf-8", "surrogateescape")) + 1
        place = Place(subject.file, line, column, line, column + 1)
        return Diagnostic(self.code, message, place, self.severity, subject.lines[line - 1].rstrip("\r"), fix=fix)


CHECKS = (UncleanBytes,)
