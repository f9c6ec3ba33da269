"""The command as its users call it, in one process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pyiptables.commands.trace import command

RULES = """\
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
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j SSH
-A INPUT -p udp -m udp --dport 53 -m comment --comment "the resolver" -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
-A SSH -s 192.0.2.0/24 -j ACCEPT
-A SSH -p tcp -j REJECT --reject-with tcp-reset
COMMIT
"""
HOST: dict[str, Any] = {
    "interfaces": {"eth0": ["203.0.113.1/24"], "eth1": ["10.0.0.1/24"]},
    "routes": ["default via 203.0.113.254"],
    "stack_replies": False,
}

Trace = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules.v4 and host.json, the current one; the state is in ``state``."""
    (tmp_path / "rules.v4").write_text(RULES)
    (tmp_path / "host.json").write_text(json.dumps(HOST))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYIPTABLES_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


@pytest.fixture
def trace(folder: Path) -> Trace:
    """Calls ``pyiptables trace`` with words; nothing but SystemExit may come out of it."""

    def call(*words: str, stdin: str | None = None, rules: str | None = "rules.v4") -> Result:
        done = CliRunner().invoke(command, [*(["--rules", rules] if rules else []), *words], input=stdin, prog_name="trace")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call
