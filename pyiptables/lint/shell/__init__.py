"""Reads shell scripts, and files with shell lines in them, for the iptables commands that they would run.

Nothing is executed, no file is opened, no name looked up: a script is evaluated from its text alone, and
what only running it would tell stays unknown in the result (see ``reading``).
"""

from __future__ import annotations

from pyiptables.lint.shell.detect import KINDS, detect
from pyiptables.lint.shell.grammar import ShellReaderMissing
from pyiptables.lint.shell.reader import read, read_script
from pyiptables.lint.shell.reading import (
    Assignment,
    Binding,
    Frame,
    FunctionDefinition,
    Guard,
    HostSetting,
    Invocation,
    Known,
    Limits,
    OtherCommand,
    ScriptReading,
    Text,
    TextLine,
    Unknown,
    Unresolved,
    Word,
)
from pyiptables.lint.shell.source import Location

__all__ = [
    "KINDS", "Assignment", "Binding", "Frame", "FunctionDefinition", "Guard", "HostSetting", "Invocation",
    "Known",
    "Limits", "Location", "OtherCommand", "ScriptReading", "ShellReaderMissing", "Text", "TextLine",
    "Unknown",
    "Unresolved", "Word", "detect", "read", "read_script",
]  # fmt: skip
