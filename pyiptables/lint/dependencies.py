"""What a file takes for granted: sets, host names, interfaces, chains of other programs, helpers, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pyiptables.lint.places import command_place
from pyiptables.lint.subject import Item, Subject
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.variant import CHAINS

if TYPE_CHECKING:
    from pyiptables.syntax.command import Command

__all__ = [
    "FOREIGN_CHAINS", "Need", "dependencies_of", "needs", "of_the_host", "owner_of_chain", "owner_of_interface", "owners_seen",
    "sets_made",
]  # fmt: skip

#: Beginnings of chain names and the programs that make them.
FOREIGN_CHAINS = {
    "DOCKER": "Docker",
    "f2b-": "fail2ban",
    "fail2ban-": "fail2ban",
    "KUBE-": "kube-proxy",
    "cali-": "Calico",
    "CNI-": "a CNI plugin",
    "FLANNEL-": "flannel",
    "CILIUM_": "Cilium",
    "ufw-": "ufw",
    "ufw6-": "ufw",
    "LIBVIRT_": "libvirt",
    "ISTIO_": "Istio",
    "ts-": "Tailscale",
    "sshguard": "sshguard",
    "NETAVARK": "Podman (netavark)",
    "MINIUPNPD": "miniupnpd",
}


_FOREIGN = tuple(FOREIGN_CHAINS)
#: How firewalld calls its chains: a built-in chain or a direction, a part, a zone.
_FIREWALLD = re.compile(
    r"(?:INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)_(?:direct|(?:IN_|OUT_)?ZONES(?:_SOURCE)?|POLICIES_(?:pre|post))"
    r"|(?:IN|OUT|FWD|FWDI|FWDO|PRE|POST)_\w+_(?:pre|log|deny|allow|post)"
    r"|(?:IN|OUT|FWD|FWDI|FWDO|PRE|POST)_(?:public|trusted|home|work|internal|external|dmz|block|drop|docker|libvirt)"
)


def owner_of_chain(name: str) -> str | None:
    """The program that usually makes a chain of this name."""
    if name.startswith(_FOREIGN):
        return next(owner for beginning, owner in FOREIGN_CHAINS.items() if name.startswith(beginning))
    return "firewalld" if _FIREWALLD.fullmatch(name) else None


def owner_of_interface(name: str) -> str | None:
    """The program that usually makes an interface of this name."""
    if name.startswith(_MADE):
        return next(owner for beginning, owner in _INTERFACES.items() if name.startswith(beginning))
    return None


#: Beginnings of interface names and the programs that make them.
_INTERFACES = {"docker": "Docker", "br-": "Docker", "cni": "a CNI plugin", "flannel": "flannel", "cali": "Calico", "virbr": "libvirt"}
_MADE = tuple(_INTERFACES)
#: Words by which a script speaks of a program, and its name here.
_SERVICES = {
    "docker": "Docker", "containerd": "Docker", "fail2ban": "fail2ban", "kubelet": "kube-proxy", "kube-proxy": "kube-proxy",
    "k3s": "kube-proxy", "libvirtd": "libvirt", "libvirt": "libvirt", "tailscaled": "Tailscale", "sshguard": "sshguard",
}  # fmt: skip


def owners_seen(subject: Subject) -> tuple[list[str], set[str]]:
    """Programs with rules of their own of which a script speaks, and those of them that it restarts."""
    seen: dict[str, None] = {}
    restarted: set[str] = set()
    for item in subject.items:
        spec = item.command.spec if item.command is not None else None
        names = [item.chain or ""] + ([spec.jump] if spec is not None else [])
        for name in names:
            owner = owner_of_chain(name)
            if owner is not None:
                seen[owner] = None
        for name in (spec.iniface, spec.outiface) if spec is not None else ():
            owner = owner_of_interface(name)
            if owner is not None:
                seen[owner] = None
    for command in subject.script.other_commands if subject.script is not None else ():
        words = [word.text or "" for word in command.argv]
        for word in (command.name.rpartition("/")[2], *words):
            owner = _SERVICES.get(word.removesuffix(".service"))
            if owner is not None:
                seen[owner] = None
                if {"restart", "start", "reload", "try-restart"} & set(words):
                    restarted.add(owner)
    return list(seen), restarted


class Need(NamedTuple):
    """Something from outside that a command wants: ``word`` is where the command names it."""

    kind: str
    name: str
    item: Item
    word: str


#: Options whose argument names something outside: extension, option → kind.
_NAMED = {
    ("helper", "--helper"): "helper",
    ("CT", "--helper"): "helper",
    ("CT", "--timeout"): "timeout policy",
    ("nfacct", "--nfacct-name"): "accounting object",
    ("SECMARK", "--selctx"): "security context",
    ("cgroup", "--path"): "cgroup",
    ("devgroup", "--src-group"): "interface group",
    ("devgroup", "--dst-group"): "interface group",
    ("realm", "--realm"): "routing realm",
    ("connlabel", "--label"): "connection label",
    ("owner", "--uid-owner"): "user",
    ("owner", "--gid-owner"): "group",
    ("physdev", "--physdev-in"): "bridge port",
    ("physdev", "--physdev-out"): "bridge port",
    ("rateest", "--rateest"): "rate estimator",
    ("rateest", "--rateest1"): "rate estimator",
    ("rateest", "--rateest2"): "rate estimator",
}
#: Kinds whose numbers need nobody to know them.
_NUMBERED = ("interface group", "routing realm", "connection label", "user", "group")
_SET_OPTIONS = ("--match-set", "--set", "--add-set", "--del-set", "--map-set")


def needs(subject: Subject) -> list[Need]:
    """Everything from outside that the file's commands name, in the order of the file."""
    known: list[Need] | None = subject.cache.get("needs")
    if known is None:
        known = subject.cache["needs"] = [need for need in _needs(subject) if not need.item.obscure or _is_written(need)]
    return known


def _is_written(need: Need) -> bool:
    """Does the command name it, rather than a word that is not known?"""
    invocation = need.item.invocation
    if invocation is None or "-restore" in invocation.program:
        return True
    return any(need.word == text or need.word in re.split("[=,]", text) for text in invocation.texts if text)


def _needs(subject: Subject) -> Iterator[Need]:
    made = {(item.table, item.chain) for item in subject.items if item.action in (":", "N") and item.chain}
    made |= {(item.table, item.command.newname) for item in subject.items if item.command is not None and item.command.newname}
    estimators = _given(subject, "RATEEST", "--rateest-name")
    named: dict[Command, list[tuple[str, str]]] = {}
    for item in subject.items:
        for name in dict.fromkeys(item.host_names):
            yield Need("host name", name, item, name)
        if of_the_host(item):
            path = next((value for option, value in pairwise(item.text.split()) if option == "--object-pinned"), "")
            yield Need("pinned BPF program", path, item, path)
        command = item.command
        if command is None:
            continue
        spec = command.spec
        for name in (spec.iniface, spec.outiface):
            if name and name not in ("lo", "+"):
                yield Need("interface", name, item, name)
        if command not in named:
            named[command] = list(_by_extensions(command))
        for kind, name in named[command]:
            if kind != "rate estimator" or name not in estimators:
                yield Need(kind, name, item, name)
        if spec.target is not None and spec.target.name == "NFQUEUE":
            yield Need("queue listener", spec.target.save().strip() or "--queue-num 0", item, "NFQUEUE")
        chains = [item.chain] if item.action in ("A", "I", "R", "D", "F", "C") else []
        if spec.target is None and spec.jump and (spec.goto or spec.jump not in VERDICTS):
            chains.append(spec.jump)
        for chain in chains:
            if chain and chain not in CHAINS.get(item.table, ()) and (item.table, chain) not in made:
                yield Need("chain", chain, item, chain)


def of_the_host(item: Item) -> bool:
    """Is a line refused only because an object that it names is not known here?"""
    return item.error is not None and "failed to get bpf object" in item.error.text


def _by_extensions(command: Command) -> Iterator[tuple[str, str]]:
    """(kind, name) of what the matches and the target of a command name."""
    spec = command.spec
    for extension in [*spec.matches, *([spec.target] if spec.target is not None else [])]:
        words = command.given.get(id(extension), [])
        if extension.name == "ipvs":
            yield "IP virtual server", "ipvs"
        for option, value in zip(words, words[1:], strict=False):
            kind = _NAMED.get((extension.name, option))
            if extension.name in ("set", "SET") and option in _SET_OPTIONS:
                kind = "set"
            if kind is None or (kind in _NUMBERED and _is_number(value)):
                continue
            yield kind, value


def _is_number(text: str) -> bool:
    return text[:1].isdigit()


def _given(subject: Subject, extension: str, option: str) -> set[str]:
    """What the file's commands give an option of an extension."""
    found = set()
    for item in subject.items:
        target = item.command.spec.target if item.command is not None else None
        if item.command is not None and target is not None and target.name == extension:
            words = item.command.given.get(id(target), [])
            found |= {value for name, value in zip(words, words[1:], strict=False) if name == option}
    return found


def sets_made(subject: Subject) -> set[str]:
    """The ipsets that a script makes itself; ``*`` among them when it restores sets from somewhere."""
    made: set[str] = set()
    for invocation in subject.script.invocations if subject.script is not None else ():
        if invocation.program != "ipset":
            continue
        words = [word.text or "" for word in invocation.argv]
        if words[:1] == ["restore"] or "-R" in words:
            lines = invocation.stdin.lines if invocation.stdin is not None else ()
            made |= {parts[1] for line in lines if len(parts := (line.text or "").split()) > 1 and parts[0] in ("create", "-N")}
            if invocation.stdin is None:
                made.add("*")
        for word, following in zip(words, words[1:], strict=False):
            if word in ("create", "-N", "--create", "n"):
                made.add(following if following != "-exist" else words[-2])
            elif word in ("rename", "-E"):
                made.add(words[-1])
    return made


def dependencies_of(subject: Subject) -> list[tuple[str, str, list[int]]]:
    """(kind, name, lines) of everything from outside, sorted by kind and name."""
    found: dict[tuple[str, str], list[int]] = {}
    for need in needs(subject):
        lines = found.setdefault((need.kind, need.name), [])
        line = command_place(need.item).line
        if line not in lines:
            lines.append(line)
    return [(kind, name, lines) for (kind, name), lines in sorted(found.items())]
