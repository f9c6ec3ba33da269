"""``pyiptables demo``: the first minute, on an example ruleset, in a state of its own."""

from __future__ import annotations

import os
import tempfile

import click

__all__ = ["command"]

_RULES = """\
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.20:80
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:SSH - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j SSH
-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
-A SSH -s 192.0.2.0/24 -j ACCEPT
-A SSH -m limit --limit 3/min -j LOG --log-prefix "ssh refused: "
-A SSH -p tcp -j REJECT --reject-with tcp-reset
COMMIT
"""
_SCRIPT = """\
#!/bin/sh
# Denies first and opens later: the order that locks its admin out.
IPT=${IPT:-iptables}
ADMIN=${ADMIN:-192.0.2.0/24}

$IPT -F
$IPT -P INPUT DROP
$IPT -P FORWARD DROP
$IPT -A INPUT -i lo -j ACCEPT
$IPT -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
for port in 80 443; do
    $IPT -A INPUT -p tcp --dport "$port" -j ACCEPT
done
$IPT -A INPUT -p tcp -s "$ADMIN" --dport 22 -j ACCEPT
$IPT -A INPUT -p tcp -s 192.0.2.17 --dport 22 -j LOG --log-prefix "admin: "
"""
_PACKETS = (
    "tcp 198.51.100.7:50000 -> 203.0.113.1:22 in eth0 syn",
    "tcp 198.51.100.7:50000 -> 203.0.113.1:8080 in eth0 out eth1 syn",
)


@click.command(short_help="Restore, list and trace an example ruleset.")
@click.option("--keep", metavar="DIR", help="Keep the state and the example files here, to play on.")
def command(keep: str | None) -> None:
    """Restore an example ruleset, list it, and push two packets through it. Touches nothing else."""
    if keep:
        _play(keep)
        click.echo(f"\nIn {keep}: the state, demo.rules, and firewall.sh. Try  PYIPTABLES_STATE={keep} pyiptables iptables -S")
        return
    with tempfile.TemporaryDirectory(prefix="pyiptables-demo-") as scratch:
        _play(scratch)


def _play(directory: str) -> None:
    from pyiptables.tools.run import run

    os.makedirs(directory, exist_ok=True)
    for name, text in (("demo.rules", _RULES), ("firewall.sh", _SCRIPT)):
        with open(os.path.join(directory, name), "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
    _say("iptables-restore < demo.rules")
    _check(run(["iptables-restore"], state=directory, stdin=_RULES))
    _say("iptables -L -n --line-numbers")
    _check(run(["iptables", "-L", "-n", "--line-numbers"], state=directory))
    for packet in _PACKETS:
        _say(f'pyiptables trace "{packet}"')
        from pyiptables.commands.trace import command as trace

        trace.main(args=[packet, "--state", directory], prog_name="trace", standalone_mode=False)
        click.echo()


def _say(text: str) -> None:
    click.secho(f"$ {text}", bold=True)


def _check(done: object) -> None:
    from pyiptables.tools.run import Completed

    assert isinstance(done, Completed)
    click.echo(done.stdout)
    if done.returncode:
        raise click.ClickException(done.stderr)
