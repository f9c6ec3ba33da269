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
from pyiptables.lint.subject import Item, Subject

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
    found = stages(subject)
    families = sorted({item.family for item in subject.items})
    told = set()
    for port in _ports(subject):
        for family in families:
            for lockout in _of_port(subject, found, family, port):
                # A loop or a function does the same for both families: that is said once.
                key = (port, lockout.chain, command_place(lockout.shut.item))
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


def _of_port(subject: Subject, found: dict[str, list[Item]], family: int, port: int) -> Iterator[Lockout]:
    filter = Filter(family)
    firewall = Firewall()
    request = filter.packets(proto=6, dport=port, states=("NEW",), flags=_SYN)
    answer = filter.packets(proto=6, sport=port, states=("ESTABLISHED",), flags=_SYN_ACK, iniface="", outiface="!lo")
    told = {f"ssh connection to port {port} is dropped" if port != 22 else "ssh connection is dropped": ("INPUT", request)}
    told["ssh connection gets no answer"] = ("OUTPUT", answer)
    runs = [("up", ""), ("up", "when it is run again")]
    if found["down"]:
        runs.append(("down", "when it is stopped"))
    seen: set[str] = set()
    for stage, when in runs:
        watches = {what: Watch(firewall, filter, chain, packets) for what, (chain, packets) in told.items()}
        shut: dict[str, Moment] = {}
        history: list[tuple[str, Moment, Moment | None]] = []
        total = 0
        for moment in moments(subject, found[stage], firewall):
            total += 1
            for what, watch in watches.items():
                was_open = watch.is_open
                is_open = watch.after(moment)
                if watch.exhausted:
                    return
                if was_open and not is_open:
                    shut[what] = moment
                elif is_open and what in shut:
                    history.append((what, shut.pop(what), moment))
        history += [(what, moment, None) for what, moment in shut.items()]
        for what, moment, opened in sorted(history, key=lambda entry: entry[1].number):
            if opened is not None and id(opened.item) == id(moment.item):
                continue
            # The second run shows what is hidden behind no window of the first.
            if what in seen and when:
                continue
            seen.add(what)
            six = " over IPv6" if family == 6 else ""
            meant = None if opened else _meant(subject, family, port)
            text = what.replace(" connection", f" connection{six}", 1)
            yield Lockout(moment, opened, total, text, told[what][0], when, meant, _advice(moment, stage))


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
