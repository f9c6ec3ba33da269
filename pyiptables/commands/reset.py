"""``pyiptables reset``: an empty state again."""

from __future__ import annotations

import os
import sys
from errno import ENOTDIR

import click

__all__ = ["command"]


@click.command(short_help="Empty the state.")
@click.option("--state", metavar="DIR", help="The state to empty (default: the present one).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(state: str | None, yes: bool) -> None:
    """Forget all emulated rules, IPv4 and IPv6, as after booting a machine without a firewall."""
    from pyiptables.commands._failure import Failure
    from pyiptables.store import State, StateError, default_directory

    directory = state or default_directory(os.environ)
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise Failure(f"{directory}: {os.strerror(ENOTDIR)}")
    with State(directory) as store:
        present = [family for family in (4, 6) if os.path.lexists(store.path(family))]
        if not present:
            click.echo(f"{directory} is empty")
            return
        if not yes and not click.confirm(f"Forget the rules in {directory}?"):
            sys.exit(1)
        try:
            store.lock(-1)
            for family in present:
                os.unlink(store.path(family))
        except StateError as error:
            raise Failure(str(error)) from error
        except OSError as error:
            raise Failure(f"{error.filename}: {error.strerror}") from error
    click.echo(f"{directory} is empty")
