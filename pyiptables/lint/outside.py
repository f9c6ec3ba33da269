"""Where strangers come from: an address of the outer world, and the interfaces that face it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.lint.subject import Perhaps

if TYPE_CHECKING:
    from pyiptables.lint.effect import Filtering
    from pyiptables.ruleset import Rule, RuleSpec

__all__ = ["PRIVATE", "STRANGER", "doubtful", "is_private", "outer_interfaces", "stranger_interface"]

#: An ordinary address (and the mask of one): no private network, none of the blocks kept for documentation.
STRANGER = {4: (0x2D53DB4D, 0xFFFFFFFF), 6: (0x2A0E0B07_00000000_00000000_0000004D, (1 << 128) - 1)}
#: (network, mask) of sources that nobody outside can truthfully have: private, loopback, link-local, unique local.
PRIVATE = {
    4: (
        (0x0A000000, 0xFF000000), (0xAC100000, 0xFFF00000), (0xC0A80000, 0xFFFF0000), (0x7F000000, 0xFF000000),
        (0xA9FE0000, 0xFFFF0000), (0x64400000, 0xFFC00000),
    ),
    6: ((0xFC << 120, 0xFE << 120), (0xFE8 << 116, 0xFFC << 116), (1, (1 << 128) - 1)),
}  # fmt: skip
_INNER = ("lo", "docker", "br-", "br", "virbr", "veth", "tun", "tap", "wg", "cni", "cali", "flannel", "lxc", "lxdbr", "vnet")
_OUTER = ("ppp", "wan", "pppoe")


def is_private(spec: RuleSpec, family: int) -> bool:
    """Is the rule for senders of a private network?"""
    return not spec.src_inv and _within_private(spec.src, spec.src_mask, family)


def _within_private(address: int, mask: int, family: int) -> bool:
    return any(address & own == network and mask & own == own for network, own in PRIVATE[family])


def outer_interfaces(filtering: Filtering) -> list[str]:
    """Interfaces that face the world: where addresses are translated on the way out, or the only one that rules name."""
    if filtering.outer is None:
        filtering.outer = _outer_interfaces(filtering)
    return filtering.outer


def _outer_interfaces(filtering: Filtering) -> list[str]:
    found: dict[str, None] = {}
    nat = filtering.ruleset.tables.get("nat")
    for chain in nat.chains.values() if nat is not None else ():
        for rule in chain.rules:
            spec = rule.spec
            if spec is None or spec.target is None or spec.target.name not in ("SNAT", "MASQUERADE") or spec.outiface_inv:
                continue
            if not spec.dst_inv and _within_private(spec.dst, spec.dst_mask, filtering.family):
                # The way back to a host of one's own that was called by the outer address (hairpin).
                continue
            if spec.outiface and not spec.outiface.startswith(_INNER) and not doubtful(rule):
                found[spec.outiface] = None
    if found:
        return list(found)
    named = {
        name
        for chain in filtering.table.chains.values()
        for rule in chain.rules
        if rule.spec is not None
        for name in (rule.spec.iniface, rule.spec.outiface)
        if name and not name.startswith(_INNER) and not doubtful(rule)
    }
    outer = [name for name in sorted(named) if name.startswith(_OUTER)]
    return outer or (sorted(named) if len(named) == 1 else [])


def stranger_interface(filtering: Filtering) -> str:
    """The interface that a stranger's packet comes in by; one that no rule names when it cannot be told."""
    outer = outer_interfaces(filtering)
    return outer[0].replace("+", "0") if outer else "outside0"


def doubtful(rule: Rule) -> bool:
    """Is the rule one that may not be there?"""
    return rule.spec is not None and any(isinstance(match, Perhaps) for match in rule.spec.matches)
