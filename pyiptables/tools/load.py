"""Load a ruleset from a save file or its text."""

from __future__ import annotations

import os

from pyiptables.ruleset import Ruleset
from pyiptables.syntax.variant import variant_named
from pyiptables.tools.hosts import SystemNames
from pyiptables.tools.restore import load_text

__all__ = ["load"]


def load(source: str | os.PathLike[str], family: str = "ipv4", *, variant: str = "nft") -> Ruleset:
    """A ruleset from a file or from text.

    ``source`` is text when it contains a newline, else a path. ``family`` is ``ipv4`` or ``ipv6``.
    Raises ValueError with ``file:line: message`` for text that iptables-restore would refuse, OSError for a
    file that cannot be read.
    """
    from pyiptables.xtables.errors import IptablesError

    name = os.fspath(source)
    number = {"ipv4": 4, "ipv6": 6, "4": 4, "6": 6}.get(str(family))
    if number is None:
        raise ValueError(f"no such family: {family!r} (ipv4 or ipv6)")
    if isinstance(source, str) and "\n" in source:
        text, file = source, None
    else:
        with open(name, "rb") as stream:
            text, file = stream.read().decode("utf-8", "surrogateescape"), name
    try:
        return load_text(text, number, variant_named(variant), SystemNames(), file)
    except IptablesError as error:
        raise ValueError(error.text) from error
