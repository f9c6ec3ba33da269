"""The rules to trace through, from a file or the state, and their counters back into the state."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyiptables.commands._input import Unusable, read_text

if TYPE_CHECKING:
    from pyiptables.netfilter.pipeline import Engine
    from pyiptables.ruleset import Ruleset

__all__ = ["load_rules", "store_counters"]


def load_rules(path: str | None, directory: str | None, family: int) -> Ruleset:
    """Rules from a file (``-``: stdin), else from a state directory, else from the default one. Raises Unusable, OSError."""
    from pyiptables import load
    from pyiptables.store import State, StateError, default_directory
    from pyiptables.syntax.savefile import SaveFileError, read_canonical
    from pyiptables.syntax.variant import NFT
    from pyiptables.tools.hosts import SystemNames
    from pyiptables.tools.restore import load_text
    from pyiptables.xtables.errors import IptablesError

    try:
        if path == "-":
            return load(read_text("-") + "\n", f"ipv{family}")
        if path:
            return load(path, f"ipv{family}")
        with State(directory or default_directory(os.environ)) as state:
            text = state.read(family).decode("utf-8", "surrogateescape")
            file = os.path.basename(state.path(family))
            if state.trusted:
                return read_canonical(text, family, file)
        try:
            return load_text(text, family, NFT, SystemNames(), file)
        except IptablesError as error:
            raise Unusable(os.path.join(state.directory, " ".join(error.text.split()))) from error
    except (ValueError, StateError, SaveFileError) as error:
        raise Unusable(" ".join(str(error).split()) + (_hint(path) if path and path != "-" else "")) from error


def _hint(path: str) -> str:
    """For a file that is not of the form at all."""
    if any(line.startswith("*") for line in read_text(path).splitlines()):
        return ""
    return " (not an iptables-save file: it has no table; 'pyiptables plan' reads scripts)"


def store_counters(directory: str | None, family: int, engine: Engine) -> None:
    """Add what the packets counted to the state's counters. Raises Unusable when the rules were changed meanwhile."""
    from pyiptables.store import State, StateError, default_directory

    with State(directory or default_directory(os.environ)) as state:
        try:
            state.lock(-1)
            now = load_rules(None, directory, family).save()
            if now != engine.ruleset.save():
                raise Unusable("the rules in the state were changed meanwhile; nothing was counted")
            state.write(family, engine.counters().save(counters=True).encode("utf-8", "surrogateescape"))
        except StateError as error:
            raise Unusable(str(error)) from error
