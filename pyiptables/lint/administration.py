"""When a script shuts out those who administer the host: new connections to the SSH port, and the answers to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pyiptables.lint.diagnostic import Place
from pyiptables.lint.filtering import Filter, ports_of
from pyiptables.lint.places import command_place
from pyiptables.lint.replay import Firewall, Moment, Watch, moments, stages
from pyiptables.lint.settings import Settings
from pyiptables.lint.subject import Subject

__all__ = ["Lockout", "lockouts"]

_SYN, _SYN_ACK = 0x02, 0x12


class Lockout(NamedTuple):
    """A stretch of a run in which no connection can be made; ``opened`` is None when it lasts to the end."""

    shut: Moment
    opened: Moment | None
    total: int
    what: str
    #: Where the packets are lost: INPUT, or OUTPUT for the answers.
    chain: str
    #: '' in the first run.
    when: str
    #: A rule that was to let the connection in.
    meant_open: Place | None = None
    advice: str = ""


def lockouts(subject: Subject) -> list[Lockout]:
    """Every lock-out of a script, for both families and all SSH ports; [] for a rule file."""
    known: list[Lockout] | None = subject.cache.get("lockouts")
    if known is None:
        # Nobody logs in to an image while it is built.
        applies = subject.script is not None and subject.script.kind != "dockerfile"
        known = subject.cache["lockouts"] = list(_lockouts(subject)) if applies else []
    return known


def _lockouts(subject: Subject) -> Iterator[Lockout]:
    families = sorted({item.family for item in subject.items})
    told = set()
    for connection in _observed(subject, [_Connection(family, port) for port in _ports(subject) for family in families]):
        for lockout in connection.found:
            # A loop or a function does the same for both families: that is said once.
            key = (connection.port, lockout.chain, command_place(lockout.shut.item))
            if key not in told:
                told.add(key)
                yield lockout


def _ports(subject: Subject) -> list[int]:
    """The SSH ports of the settings; where these are as they come, those that the script itself calls so."""
    wanted = subject.settings.ssh_ports
    if wanted == Settings().ssh_ports:
        named = [each.value.text for each in subject.script.assignments if re.search("ssh", each.name, re.IGNORECASE)]
        own = [text for text in dict.fromkeys(named) if text is not None and text.isdigit()]
        wanted = tuple(own) or wanted
    return [int(port) for port in wanted if port.isdigit() and int(port) < 1 << 16]


class _Connection:
    """An SSH connection over one family to one port, and what befalls it."""

    def __init__(self, family: int, port: int) -> None:
        self.family = family
        self.port = port
        self.filter = filter = Filter(family)
        request = filter.packets(proto=6, dport=port, states=("NEW",), flags=_SYN)
        answer = filter.packets(proto=6, sport=port, states=("ESTABLISHED",), flags=_SYN_ACK, iniface="", outiface="!lo")
        name = f"ssh connection{' over IPv6' if family == 6 else ''}"
        to = f" to port {port}" if port != 22 else ""
        #: By what is said when they are lost: where they pass, and the packets.
        self.packets = {f"{name}{to} is dropped": ("INPUT", request), f"{name} gets no answer": ("OUTPUT", answer)}
        self.watches: dict[str, Watch] = {}
        self.shut: dict[str, Moment] = {}
        #: What was lost in this run, from which command to which.
        self.history: list[tuple[str, Moment, Moment | None]] = []
        self.seen: set[str] = set()
        self.found: list[Lockout] = []
        #: It takes too long to follow.
        self.lost = False

    def begin(self, firewall: Firewall) -> None:
        """A run begins."""
        self.watches = {what: Watch(firewall, self.filter, chain, packets) for what, (chain, packets) in self.packets.items()}
        self.shut, self.history = {}, []

    def after(self, moment: Moment) -> None:
        """A command was carried out."""
        for what, watch in self.watches.items():
            was_open = watch.is_open
            is_open = watch.after(moment)
            if watch.exhausted:
                self.lost = True
                return
            if was_open and not is_open:
                self.shut[what] = moment
            elif is_open and what in self.shut:
                self.history.append((what, self.shut.pop(what), moment))

    def end(self, subject: Subject, stage: str, when: str, total: int) -> None:
        """A run has ended, after so many commands."""
        self.history += [(what, moment, None) for what, moment in self.shut.items()]
        for what, moment, opened in sorted(self.history, key=lambda entry: entry[1].number):
            if opened is not None and id(opened.item) == id(moment.item):
                continue
            # The second run shows what is hidden behind no window of the first.
            if what in self.seen and when:
                continue
            self.seen.add(what)
            meant = None if opened else _meant(subject, self.family, self.port)
            chain = self.packets[what][0]
            self.found.append(Lockout(moment, opened, total, what, chain, when, meant, _advice(moment, stage)))


def _observed(subject: Subject, connections: list[_Connection]) -> list[_Connection]:
    """Connections at whose fate was looked while the script runs, is run again, and is stopped."""
    found = stages(subject)
    firewall = Firewall()
    runs = [("up", ""), ("up", "when it is run again")]
    if found["down"]:
        runs.append(("down", "when it is stopped"))
    for stage, when in runs:
        followed = [connection for connection in connections if not connection.lost]
        if not followed:
            break
        for connection in followed:
            connection.begin(firewall)
        total = 0
        for moment in moments(subject, found[stage], firewall):
            total += 1
            for connection in followed:
                if not connection.lost:
                    connection.after(moment)
        for connection in followed:
            if not connection.lost:
                connection.end(subject, stage, when, total)
    return connections


def _advice(moment: Moment, stage: str) -> str:
    action = moment.item.action
    if action == "P":
        return "set the policy after the rules that accept"
    if action == "F":
        return f"put -P {moment.item.chain or 'INPUT'} ACCEPT in front"
    return "" if stage == "down" else "let ssh in before this command"


def _meant(subject: Subject, family: int, port: int) -> Place | None:
    """A rule that accepts the port by name."""
    for item in subject.items:
        if item.family != family or item.table != "filter" or item.action not in ("A", "I"):
            continue
        for rule in item.rules:
            spec = rule.spec
            if spec is not None and spec.jump == "ACCEPT" and any(low <= port <= high for low, high in ports_of(spec)):
                return command_place(item)
    return None
