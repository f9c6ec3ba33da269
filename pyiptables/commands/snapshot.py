"""``pyiptables snapshot``: what a live host is like, in files that ``trace --host`` reads."""

from __future__ import annotations

import os
import shutil
import subprocess

import click

from pyiptables.commands._hosts import FILES

__all__ = ["command"]

_PATIENCE = 20


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
        raise click.ClickException(f"{directory}: {error.strerror}") from error
    kept = 0
    for name, words in FILES.items():
        said = " ".join(words)
        if shutil.which(words[0]) is None:
            click.echo(f"{said}: not installed, left out")
            continue
        try:
            done = subprocess.run(words, capture_output=True, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            click.echo(f"{said}: {error}, left out")
            continue
        if done.returncode:
            complaint = done.stderr.decode(errors="replace").strip().splitlines()
            click.echo(f"{said}: {complaint[0] if complaint else f'status {done.returncode}'}, left out")
            continue
        with open(os.path.join(directory, name), "wb") as out:
            out.write(done.stdout)
        kept += 1
        click.echo(f"{said}: {os.path.join(directory, name)}")
    if not kept:
        raise click.ClickException("nothing could be read")
