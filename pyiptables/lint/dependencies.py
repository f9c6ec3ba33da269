"""What a file takes for granted: sets, host names, interfaces, chains of other programs, helpers, files."""

from __future__ import annotations

from pyiptables.lint.subject import Subject
from pyiptables.ruleset import RuleSpec
from pyiptables.syntax.command import VERDICTS
from pyiptables.syntax.variant import CHAINS

__all__ = ["FOREIGN_CHAINS", "dependencies_of", "owner_of_chain", "owners_seen"]

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


def owner_of_chain(name: str) -> str | None:
    """The program that usually makes a chain of this name."""
    for beginning, owner in FOREIGN_CHAINS.items():
        if name.startswith(beginning):
            return owner
    return None


#: Beginnings of interface names and the programs that make them.
_INTERFACES = {"docker": "Docker", "br-": "Docker", "cni": "a CNI plugin", "flannel": "flannel", "cali": "Calico", "virbr": "libvirt"}
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
            for beginning, owner in _INTERFACES.items():
                if name.startswith(beginning):
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


def dependencies_of(subject: Subject) -> list[tuple[str, str, list[int]]]:
    """(kind, name, lines) of everything from outside, sorted by kind and name."""
    found: dict[tuple[str, str], list[int]] = {}

    def note(kind: str, name: str, line: int) -> None:
        lines = found.setdefault((kind, name), [])
        if line not in lines:
            lines.append(line)

    made = {(item.table, item.chain) for item in subject.items if item.action in (":", "N") and item.chain}
    for item in subject.items:
        line = item.place.line
        for name in item.host_names:
            note("host name", name, line)
        if item.command is None:
            continue
        spec = item.command.spec
        for name in (spec.iniface, spec.outiface):
            if name and name not in ("lo", "+"):
                note("interface", name, line)
        _extensions(spec, note, line)
        chains = [item.chain] if item.action in ("A", "I", "R", "D", "F", "C") else []
        if spec.target is None and spec.jump and (spec.goto or spec.jump not in VERDICTS):
            chains.append(spec.jump)
        for chain in chains:
            if chain and chain not in CHAINS.get(item.table, ()) and (item.table, chain) not in made:
                note("chain", chain, line)
    return [(kind, name, lines) for (kind, name), lines in sorted(found.items())]


def _extensions(spec: RuleSpec, note: object, line: int) -> None:
    assert callable(note)
    for extension in [*spec.matches, *([spec.target] if spec.target is not None else [])]:
        values = extension.values
        if extension.name in ("set", "SET"):
            for value in values.values():
                if isinstance(value, (tuple, list)) and value and isinstance(value[0], str):
                    note("set", value[0], line)
        if extension.name == "helper" and "helper" in values:
            note("helper", str(values["helper"]), line)
        if extension.name == "CT" and "helper" in values:
            note("helper", str(values["helper"]), line)
        if extension.name == "physdev":
            for key in ("physdev-in", "physdev-out"):
                if key in values:
                    note("bridge port", str(values[key]), line)
        if extension.name == "nfacct" and "nfacct-name" in values:
            note("nfacct object", str(values["nfacct-name"]), line)
        if extension.name in ("rateest",):
            for key, value in values.items():
                if key.startswith("rateest") and isinstance(value, str):
                    note("rate estimator", value, line)
