"""``pyiptables snapshot``: what a live host is like, in files that ``trace --host`` reads."""

from __future__ import annotations

import os
import shutil
import subprocess

import click

from pyiptables.commands._failure import Failure
from pyiptables.commands._hosts import FILES

__all__ = ["command"]

_PATIENCE = 20
#: Where an ordinary user's PATH does not look.
_SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@click.command(short_help="Write down what this host is like, for trace --host.")
@click.argument("directory", metavar="DIR")
def command(directory: str) -> None:
    """Run commands that only read, and keep what they say in DIR.

    Addresses, routes, routing rules, neighbours, sysctls, ipsets, connections and the rules themselves. What this user
    may not read, or is not installed, is left out and said.
    """
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise Failure(f"{directory}: {error.strerror}") from error
    kept = 0
    for name, words in FILES.items():
        said = " ".join(words)
        program = shutil.which(words[0], path=os.pathsep.join([os.environ.get("PATH", ""), *_SYSTEM]))
        if program is None:
            click.echo(f"{said}: not installed, left out")
            continue
        try:
            done = subprocess.run((program, *words[1:]), capture_output=True, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            click.echo(f"{said}: {_first_line(str(error))}, left out")
            continue
        complaint = _first_line(done.stderr.decode(errors="replace")) or f"status {done.returncode}"
        if done.returncode and not done.stdout.strip():
            click.echo(f"{said}: {complaint}, left out")
            continue
        path = os.path.join(directory, name)
        try:
            with open(path, "wb") as out:
                out.write(done.stdout)
        except OSError as error:
            raise Failure(f"{path}: {error.strerror}") from error
        kept += 1
        click.echo(f"{said}: {path}{f' (only in part: {complaint})' if done.returncode else ''}")
    if not kept:
        raise Failure("nothing could be read")


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""
