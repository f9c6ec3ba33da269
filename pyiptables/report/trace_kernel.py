"""A trace as the kernel's log would have it: the lines of the TRACE target (``net/netfilter/nf_log_syslog.c``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiptables.xtables.addresses import ip4_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiptables.netfilter.packet import Packet
    from pyiptables.netfilter.traverse import Step
    from pyiptables.netfilter.trip import Trip

__all__ = ["kernel_lines"]

_FLAGS = (("CWR", 128), ("ECE", 64), ("URG", 32), ("ACK", 16), ("PSH", 8), ("RST", 4), ("SYN", 2), ("FIN", 1))
_NAMES = {1: "ICMP", 6: "TCP", 17: "UDP", 50: "ESP", 51: "AH", 58: "ICMPv6", 136: "UDPLITE"}
_ECHO = frozenset((0, 8, 13, 14, 17, 18))


def kernel_lines(trip: Trip) -> Iterator[str]:
    """One line a step, those of the host's own answers after them. The packet's length and what no rule sees are as it began."""
    for step in trip.steps:
        yield " ".join(_fields(step, trip.first, trip.packet))
    for reply in trip.replies:
        yield from kernel_lines(reply)


def _fields(step: Step, first: Packet, packet: Packet) -> Iterator[str]:
    yield f"TRACE: {step.table}:{step.chain}:{step.kind}:{step.num}"
    yield f"IN={step.iniface}"
    yield f"OUT={step.outiface}"
    if step.iniface:
        yield f"MAC={_link_header(step, packet)}"
    yield f"SRC={_address(step.src, first.family)}"
    yield f"DST={_address(step.dst, first.family)}"
    yield f"LEN={first.length}"
    if first.family == 4:
        yield f"TOS=0x{step.tos & 0x1E:02X}"
        yield f"PREC=0x{step.tos & 0xE0:02X}"
        yield f"TTL={step.ttl}"
        yield f"ID={first.id}"
        if first.df:
            yield "DF"
        if first.more_fragments:
            yield "MF"
        if first.frag_offset:
            yield f"FRAG:{first.frag_offset}"
    else:
        yield f"TC={step.tos}"
        yield f"HOPLIMIT={step.ttl}"
        yield f"FLOWLBL={first.flow_label}"
    yield f"PROTO={_NAMES.get(first.proto, str(first.proto))}"
    if not first.frag_offset:
        yield from _transport(step, first)
    if "uid" in first.attrs and step.hook in ("OUTPUT", "POSTROUTING"):
        yield f"UID={first.attrs['uid']}"
        yield f"GID={first.attrs.get('gid', 0)}"
    if step.mark:
        yield f"MARK=0x{step.mark:x}"


def _link_header(step: Step, packet: Packet) -> str:
    """Both link addresses and the protocol; nothing where they are not known."""
    destination, source = packet.mac_dst, packet.mac_src
    if step.iniface == "lo":
        destination = source = bytes(6)
    if destination is None or source is None:
        return ""
    return (destination + source + (b"\x08\x00" if packet.family == 4 else b"\x86\xdd")).hex(":")


def _transport(step: Step, first: Packet) -> Iterator[str]:
    if first.proto in (6, 17, 136) and step.sport >= 0:
        yield f"SPT={step.sport}"
        yield f"DPT={step.dport}"
    if first.proto == 6:
        yield f"SEQ={first.tcp_seq}"
        yield f"ACK={first.tcp_ack}"
        yield f"WINDOW={first.tcp_window}"
        yield "RES=0x00"
        for name, bit in _FLAGS:
            if first.tcp_flags & bit:
                yield name
        yield "URGP=0"
        if first.tcp_options:
            yield f"OPT ({first.tcp_options.hex().upper()})"
    elif first.proto in (17, 136):
        yield f"LEN={8 + first.payload_len}"
    elif first.proto in (1, 58):
        yield f"TYPE={first.icmp_type}"
        yield f"CODE={first.icmp_code}"
        if first.icmp_type in (_ECHO if first.proto == 1 else (128, 129)):
            yield f"ID={first.icmp_id}"
            yield f"SEQ={first.icmp_seq}"


def _address(value: int, family: int) -> str:
    """IPv6 in full, as ``%pI6`` prints it."""
    if family == 4:
        return ip4_text(value)
    text = f"{value:032x}"
    return ":".join([text[at : at + 4] for at in range(0, 32, 4)])
