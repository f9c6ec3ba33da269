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

    try:
        if path == "-":
            return load(read_text("-") + "\n", f"ipv{family}")
        if path:
            return load(path, f"ipv{family}")
        with State(directory or default_directory(os.environ)) as state:
            text = state.read(family).decode("utf-8", "surrogateescape")
            if state.trusted:
                return read_canonical(text, family, os.path.basename(state.path(family)))
        return load(text + "\n", f"ipv{family}")
    except (ValueError, StateError, SaveFileError) as error:
        raise Unusable(" ".join(str(error).split())) from error


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
