"""Small programs with iptables' names that call the emulator: what a script finds first on its PATH."""

from __future__ import annotations

import os
import sys

__all__ = ["MARK", "SHIM_NAMES", "ShimError", "quoted", "write_shims"]

#: The names that scripts call.
SHIM_NAMES = tuple(
    f"{base}{variant}{kind}"
    for base in ("iptables", "ip6tables")
    for variant in ("", "-legacy", "-nft")
    for kind in ("", "-save", "-restore")
)

#: The second line of every shim, by which it is known.
MARK = "# A shim of pyiptables: no firewall is touched."


class ShimError(Exception):
    """The folder cannot be filled; the text says why."""


def write_shims(folder: str, state: str | None = None, body: str | None = None, ourselves: bool = False) -> list[str]:
    """Write the shims and return their names. ``body`` is the script's text with ``{name}`` for the program.

    ``ourselves`` adds one named ``pyiptables``.
    A file that is there already is only replaced if it is a shim. Raises ShimError.
    """
    # Emulated programs need nothing that is installed beside us: without looking for it they start sooner.
    template = body or _template(state, "-I -S", "{name} ")
    own = _template(state, "-P", "")
    names = []
    try:
        os.makedirs(folder, exist_ok=True)
        for name in (*SHIM_NAMES, "pyiptables") if ourselves else SHIM_NAMES:
            path = os.path.join(folder, name)
            if os.path.lexists(path) and not _is_shim(path):
                raise ShimError(f"{path} exists and is not a shim of pyiptables")
            temporary = f"{path}.new"
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(template.replace("{name}", name) if name in SHIM_NAMES else own)
            os.chmod(temporary, 0o755)
            os.replace(temporary, path)
            names.append(name)
    except OSError as error:
        raise ShimError(f"{error.filename or folder}: {error.strerror}") from error
    return names


def _is_shim(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return MARK in file.read(400)
    except OSError:
        return False


def _template(state: str | None, flags: str, program: str) -> str:
    """A shim that starts this very pyiptables, wherever the caller stands: no module of that folder gets in between."""
    setting = "" if state is None else f"PYIPTABLES_STATE={quoted(os.path.abspath(state))} "
    home = os.path.abspath(__file__).rpartition(f"{os.sep}pyiptables{os.sep}")[0]
    start = f"import sys; sys.path.append({home!r}); from pyiptables.__main__ import main; main()"
    return f'#!/bin/sh\n{MARK}\n{setting}exec {quoted(sys.executable)} {flags} -c {quoted(start)} {program}"$@"\n'


def quoted(text: str) -> str:
    """As one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
