"""What a match decides about single packets and the set it stands for are the same thing.

Packets are drawn at the borders of the set, where the two would first disagree.
"""

from __future__ import annotations

from random import Random

import pytest

import pyiptables
from pyiptables.analysis.intervals import contains
from pyiptables.analysis.region import Product
from pyiptables.analysis.space import CT_STATES, NO_MAC, PACKET_TYPES, Space
from pyiptables.netfilter.connection import DST_NAT, SRC_NAT, Connection
from pyiptables.netfilter.packet import Context, Packet
from pyiptables.ruleset import RuleSpec
from pyiptables.syntax.rule import typed

V4 = """
-p tcp -m tcp --dport 22
-p tcp -m tcp ! --sport 1024:65535 --dport 80:90
-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN
-p tcp -m tcp ! --tcp-flags ALL NONE
-p udp -m udp --sport 53 ! --dport 53
-p icmp -m icmp --icmp-type 8
-p icmp -m icmp ! --icmp-type 3/4
-p icmp -m icmp --icmp-type any
-p tcp -m multiport --dports 22,80:90,443
-p tcp -m multiport ! --sports 22,80:90
-p udp -m multiport --ports 53,67:68
-p udp -m multiport ! --ports 53,67:68
-m conntrack --ctstate NEW
-m conntrack ! --ctstate INVALID,RELATED
-m conntrack --ctstate SNAT
-m conntrack --ctstate NEW,DNAT
-m conntrack ! --ctstate ESTABLISHED,SNAT,DNAT
-m conntrack --ctstate INVALID,NEW --ctproto 17 --ctdir ORIGINAL
-m conntrack --ctdir REPLY
-m conntrack --ctproto 6 ! --ctstatus SEEN_REPLY,ASSURED
-m conntrack --ctstatus NONE
-m conntrack --ctorigdst 10.0.0.0/8 ! --ctreplsrcport 80:90
-m state --state RELATED,ESTABLISHED
-m mark --mark 0x10/0xf0
-m mark ! --mark 5
-m mac --mac-source 02:00:00:00:00:01
-m mac ! --mac-source 02:00:00:00:00:01
-m comment --comment x
-m pkttype --pkt-type multicast
-m pkttype ! --pkt-type unicast
-m ttl --ttl-eq 64
-m ttl ! --ttl-eq 64
-m ttl --ttl-lt 5
-m ttl --ttl-gt 250
-m length --length 100:200
-m length ! --length 0:65535
-m iprange --src-range 10.0.0.3-10.0.0.9 ! --dst-range 10.0.0.0-10.255.255.255
-m tos --tos 0x10/0x3f
-m tos ! --tos 0x10
-m dscp --dscp 46
-m dscp ! --dscp 0
-m ecn --ecn-ip-ect 2
-p sctp -m sctp ! --sport 80:90 --dport 7
-p dccp -m dccp --sport 5
-m connmark --mark 0x3/0x7
-m connmark ! --mark 0x3/0x7
""".strip().splitlines()
V6 = """
-p ipv6-icmp -m icmp6 --icmpv6-type 135
-p ipv6-icmp -m icmp6 ! --icmpv6-type 1/4
-m hl --hl-gt 254
-m hl --hl-eq 255
-m iprange --src-range fe80::1-fe80::ff
-m conntrack ! --ctreplsrc 2001:db8::/32
""".strip().splitlines()


_each_match = pytest.mark.parametrize(("family", "text"), [*((4, text) for text in V4), *((6, text) for text in V6)])


def _spec(family: int, text: str) -> RuleSpec:
    lines = "*mangle", ":PREROUTING ACCEPT [0:0]", f"-A PREROUTING {text}", "COMMIT", ""
    ruleset = pyiptables.load("\n".join(lines), f"ipv{family}")
    return typed(ruleset.tables["mangle"].chains["PREROUTING"].rules[0], family)


@_each_match
def test_set_and_match_agree(family: int, text: str) -> None:
    spec = _spec(family, text)
    space = Space(family)
    matches = spec.matches
    regions = [match.packet_set(space, spec) for match in matches]
    rng = Random(text)
    decided = 0
    for _ in range(300):
        products = [product for region in regions for product in region.upper]
        point = draw(space, products, rng)
        packet = packet_of(space, point, spec.proto or 17)
        context = Context(family)
        for match, region in zip(matches, regions, strict=True):
            answer = match.matches(packet, context)
            if answer is None:
                continue
            decided += 1
            assert region.exact
            inside = any(all(contains(v, point[lv]) for lv, v in product.items()) for product in region.upper)
            assert inside == answer, space.describe(dict(enumerate(point)))
    assert decided


@_each_match
def test_a_match_reads_what_it_says(family: int, text: str) -> None:
    """Packets that are alike in the fields it reads fare alike."""
    spec = _spec(family, text)
    space = Space(family)
    rng = Random(text)
    context = Context(family)
    for match in spec.matches:
        fields = match.reads()
        products = match.packet_set(space, spec).upper
        for _ in range(300 if fields is not None else 0):
            one, other = [packet_of(space, draw(space, products, rng), spec.proto or 17) for _ in range(2)]
            one.frag_offset = other.frag_offset = 0
            for field in fields or ():
                setattr(other, field, getattr(one, field))
            assert match.matches(one, context) == match.matches(other, context), fields


def draw(space: Space, products: list[Product], rng: Random) -> list[int]:
    """Values at, beside and away from the borders of a set."""
    point = []
    for level, top in enumerate(space.tops):
        borders = {0, top}
        for product in products:
            borders.update(product.get(level, ()))
        choices = [value + rng.choice((-1, 0, 0, 1)) for value in borders]
        choices.append(rng.randint(0, top))
        point.append(min(max(rng.choice(choices), 0), top))
    return point


def packet_of(space: Space, point: list[int], proto: int) -> Packet:
    def at(name: str, default: int = 0) -> int:
        level = space.level(name)
        return default if level is None else point[level]

    packet = Packet(space.family, at("src"), at("dst"), proto)
    packet.iniface = "eth0"
    packet.sport, packet.dport = at("sport"), at("dport")
    packet.tcp_flags = at("tcpflags")
    packet.icmp_type, packet.icmp_code = at("icmp") >> 8, at("icmp") & 255
    packet.frag_offset = 100 if at("fragment") else 0
    packet.ttl, packet.tos, packet.length = at("ttl"), at("tos"), at("length")
    packet.pkttype = PACKET_TYPES[at("pkttype")]
    if packet.pkttype == "loopback":  # matches see its effective type
        packet.pkttype = "kernel"
    packet.mark = sum(at(f"mark:{bit}") << bit for bit in range(32))
    if at("mac") == NO_MAC:
        packet.iniface = "lo"  # no Ethernet there
    else:
        packet.mac_src = at("mac").to_bytes(6, "big")
    packet.ctstate = CT_STATES[at("ctstate")]
    packet.ctdir = at("ctdir")
    if at("ctstate") >= CT_STATES.index("NEW"):
        original = (at("ctorigsrc"), at("ctorigsrcport"), at("ctorigdst"), at("ctorigdstport"), at("ctproto"))
        reply = (at("ctreplsrc"), at("ctreplsrcport"), at("ctrepldst"), at("ctrepldstport"), at("ctproto"))
        packet.ct = Connection(space.family, original, reply)
        packet.ct.mark = sum(at(f"connmark:{bit}") << bit for bit in range(32))
        nat = at("ctnat")
        packet.ct.status = at("ctstatus") | (SRC_NAT if nat & 1 else 0) | (DST_NAT if nat & 2 else 0)
    return packet
