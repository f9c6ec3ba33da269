"""A packet that gets to a rule, in the packet language: what ``pyiptables trace`` takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyiptables.analysis.space import CT_STATES, NO_MAC, PACKET_TYPES
from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.names import chain_protocol_name

if TYPE_CHECKING:
    from pyiptables.analysis.program import Step
    from pyiptables.analysis.reachability import Reachability
    from pyiptables.analysis.space import Space

__all__ = ["witness"]

_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
_WITH_PORTS = (6, 17, 33, 132, 136)
#: Levels whose number the language takes as it is.
_NUMBERS = {"tos": "tos", "ttl": "ttl", "length": "length", "uid-owner": "uid", "gid-owner": "gid", "realm": "realm", "cpu": "cpu"}
#: Said elsewhere in the line.
_TOLD = ("src", "dst", "proto", "sport", "dport")


def witness(reachability: Reachability, step: Step, others: Sequence[Step] = ()) -> str | None:
    """The example packet of a rule that is reached, None when there is none.

    It says what the rule and ``others`` ask for; conditions that no packet shows follow as a comment.
    """
    packet = reachability.witness(step).packet
    if packet is None:
        return None
    example = reachability.example(step)
    if example is not None:
        asked = {level for other in others for product in other.region.upper for level in product}
        packet = dict(sorted({**packet, **{level: example[1][level] for level in asked}}.items()))
    space = reachability.program.space
    values = {space.names[level]: value for level, value in packet.items()}
    proto = values.get("proto", 6)
    ends = []
    for side, port in (("src", "sport"), ("dst", "dport")):
        address = address_text(values.get(side, 0), space.family)
        if proto in _WITH_PORTS and port in values and not values.get("fragment"):
            address = f"{address}:{values[port]}" if space.family == 4 else f"[{address}]:{values[port]}"
        ends.append(address)
    words = [(proto and chain_protocol_name(proto)) or str(proto), ends[0], "->", ends[1]]
    mark = 0
    unsaid = []
    for name, value in values.items():
        said = _word(space, name, value, proto)
        if name.startswith("mark:"):
            mark |= value << int(name[5:])
        elif said is None:
            unsaid.append(name if value == 1 else f"not {name}")
        elif said:
            words.append(said)
    if mark:
        words.append(f"mark {mark:#x}")
    return " ".join(words) + (f"  # {', '.join(unsaid)}" if unsaid else "")


def _word(space: Space, name: str, value: int, proto: int) -> str | None:
    """One more word for the packet: '' for what goes without saying, None for what cannot be said."""
    if name in _TOLD or name.startswith("mark:"):
        return ""
    if name in ("iniface", "outiface"):
        shown = value.to_bytes(16, "big").rstrip(b"\0").decode("utf-8", "backslashreplace")
        return f"{name.removesuffix('iface')} {shown}" if shown else ""
    if name in _NUMBERS:
        return f"{_NUMBERS[name]} {value}"
    if name == "tcpflags":
        flags = ",".join([flag for bit, flag in enumerate(_FLAGS) if value >> bit & 1])
        return (flags or "none") if proto == 6 else ""
    if name == "icmp":
        return f"type {value >> 8} code {value & 255}" if proto in (1, 58) else ""
    if name == "ctstate":
        return f"ctstate {CT_STATES[value]}"
    if name == "fragment":
        return "frag 1" if value else ""
    if name == "mac":
        return "" if value == NO_MAC else f"mac {value.to_bytes(6, 'big').hex(':')}"
    if name == "pkttype" and value < 4:
        return f"l2 {PACKET_TYPES[value]}"
    return None if space.tops[space.names.index(name)] == 1 else f"# {name} {value}"
