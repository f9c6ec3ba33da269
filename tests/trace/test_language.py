"""The packet language: sentences and the packets they are, and what is said of those that are none."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyiptables.netfilter import language
from pyiptables.netfilter.language import FLAGS, KEYS, DescriptionError, parse_packets, quoted

_PACKET = {"proto": "tcp", "src": "10.0.0.2", "sport": 5, "dst": "192.0.2.10", "dport": 443}


@pytest.mark.parametrize(
    ("text", "packets"),
    [
        ("tcp 10.0.0.2:5 -> 192.0.2.10:443 in eth0 syn", [{**_PACKET, "in": "eth0", "flags": "SYN"}]),
        ("TCP 10.0.0.2:5 to 192.0.2.10:443 OUT eth0.10 SYN,ack psh", [{**_PACKET, "out": "eth0.10", "flags": "SYN,ACK,PSH"}]),
        ("tcp 10.0.0.2:5 → 192.0.2.10:443 flags none mark 0x10 ttl 3", [{**_PACKET, "flags": "", "mark": 16, "ttl": 3}]),
        ("icmp 10.0.0.2 -> 10.0.1.2 echo-request ttl 1", [{"proto": "icmp", "src": "10.0.0.2", "dst": "10.0.1.2", "type": 8, "code": 0, "ttl": 1}]),
        ("icmp 10.0.0.2 -> 10.0.1.2 ping icmp-id 7 # words", [{"proto": "icmp", "src": "10.0.0.2", "dst": "10.0.1.2", "type": 8, "code": 0, "icmp_id": 7}]),
        ("icmp fd00::1 -> fd00::2 ping", [{"proto": "icmpv6", "src": "fd00::1", "dst": "fd00::2", "type": 128, "code": 0}]),
        ("tcp [2001:db8::1]:5000 -> [2001:db8::2]:22 in eth0", [{"proto": "tcp", "src": "2001:db8::1", "sport": 5000, "dst": "2001:db8::2", "dport": 22, "in": "eth0"}]),
        ("47 10.0.0.2 -> 10.0.1.2 l4 0000", [{"proto": 47, "src": "10.0.0.2", "dst": "10.0.1.2", "l4": "0000"}]),
        ('udp 10.0.0.2:5 -> 192.0.2.10:443 payload "a; \\"b\\" # c"', [{**_PACKET, "proto": "udp", "payload": 'a; "b" # c'}]),
        ("tcp 10.0.0.2:5 -> 192.0.2.10:443 dscp 46 set a set b ctstate related", [{**_PACKET, "tos": 184, "sets": ["a", "b"], "ctstate": "RELATED"}]),
        ("tcp 10.0.0.2:5 -> 192.0.2.10:443; reply syn,ack at +1m; error to 1 port-unreachable", [_PACKET, {"reply_to": 0, "flags": "SYN,ACK", "at": 60.0, "at_relative": True}, {"related_to": 0, "type": 3, "code": 3}]),
        ("tcp fd00::1 -> fd00::2\nerror port-unreachable", [{"proto": "tcp", "src": "fd00::1", "dst": "fd00::2"}, {"related_to": 0, "type": 1, "code": 4}]),
        ("tcp 10.0.0.2:5 -> 192.0.2.10:443; reply; reply to 1 psh,ack; reply", [_PACKET, {"reply_to": 0, "flags": "SYN,ACK"}, {"reply_to": 0, "flags": "PSH,ACK"}, {"reply_to": 2, "flags": "ACK"}]),
        ("udp 10.0.0.2:5 -> 192.0.2.10:443; reply", [{**_PACKET, "proto": "udp"}, {"reply_to": 0}]),
        ("icmp fe80::7 -> ff02::1 neighbour-solicitation", [{"proto": "icmpv6", "src": "fe80::7", "dst": "ff02::1", "type": 135, "code": 0, "ttl": 255}]),
        ("icmp fe80::7 -> ff02::1 type 134 hl 1", [{"proto": "icmpv6", "src": "fe80::7", "dst": "ff02::1", "type": 134, "ttl": 1}]),
        ("# nothing\n\n ; \n", []),
    ],
)  # fmt: skip
def test_sentences(text: str, packets: list[dict[str, Any]]) -> None:
    assert parse_packets(text) == packets


@pytest.mark.parametrize(("text", "seconds"), [("5", 5), ("1.5s", 1.5), ("250ms", 0.25), ("2m", 120), ("1h", 3600), ("1d", 86400)])
def test_times(text: str, seconds: float) -> None:
    (packet,) = parse_packets(f"udp 1.2.3.4 -> 2.3.4.5 at {text}")
    assert packet["at"] == seconds and "at_relative" not in packet


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("tcp 1.2.3.4:5 -> 5.6.7.8:80 in eth0 synx", 1, 37, "unknown word 'synx' (did you mean 'syn'?)"),
        ("tcp 1.2.3.4:5 5.6.7.8:80", 1, 15, "'->' should stand here, between the source and the destination, not '5.6.7.8:80'"),
        ("tcp 1.2.3.4:5", 1, 14, "the packet ends too early: '->' and a destination should follow"),
        ("# first\ntcpp 1.2.3.4 -> 5.6.7.8", 2, 1, "unknown protocol 'tcpp' (did you mean 'tcp'?)"),
        ("tcp 1.2.3.400:5 -> 5.6.7.8:80", 1, 5, "'1.2.3.400' is no address"),
        ("tcp 1.2.3.4:5 -> 5.6.7.8:http", 1, 26, "'http' is no port number"),
        ("tcp 1.2.3.4:5 -> 5.6.7.8:80000", 1, 26, "port 80000 is above 65535"),
        ("tcp 1.2.3.4:5 -> 5.6.7.0/24", 1, 18, "'5.6.7.0/24' is a network: a packet has one address"),
        ("tcp 1.2.3.4:5 -> fd00::1", 1, 18, "the source is IPv4, the destination IPv6"),
        ("tcp 1.2.3.4 -> 5.6.7.8 ttl 300", 1, 24, "ttl must be 0 to 255, not 300"),
        ("tcp 1.2.3.4 -> 5.6.7.8 ttl many", 1, 28, "ttl needs a number from 0 to 255, not 'many'"),
        ("tcp 1.2.3.4 -> 5.6.7.8 in", 1, 26, "in needs an interface"),
        ("tcp 1.2.3.4 -> 5.6.7.8 at noon", 1, 27, "at needs a time like +2s, 90s or 2026-11-25T14:30, not 'noon'"),
        ("udp 1.2.3.4:5 -> 1.2.3.4:80 ; udp 1.2.3.4:5 -> 1.2.3.4:80 syn", 1, 59, "TCP flags in a packet of udp"),
        ("icmp 1.2.3.4:5 -> 1.2.3.4", 1, 13, "icmp has no ports"),
        ("tcp 1.2.3.4:5 -> 1.2.3.4:80 echo-request", 1, 29, "echo-request is a type of ICMP, not of tcp"),
        ("reply syn", 1, 1, "there is no earlier packet to answer"),
        ("tcp 1.2.3.4 -> 1.2.3.4\nreply to 3", 2, 10, "there is no earlier packet 3 to answer"),
        ("tcp 1.2.3.4 -> 1.2.3.4 state OLD", 1, 24, "ctstate must be one of NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED, not 'OLD'"),
        ("tcp 1.2.3.4 -> 1.2.3.4 flags syn,foo", 1, 24, "unknown TCP flag 'FOO' (fin, syn, rst, psh, ack, urg, ece, cwr)"),
        ("tcp 1.2.3.4 -> 1.2.3.4 in eth0 hl 4 in eth1", 1, 37, "in is said twice"),
        ("tcp 1.2.3.4 -> 1.2.3.4 ttl 3 hl 4", 1, 30, "ttl is said twice"),
        ("tcp 1.2.3.4 -> 1.2.3.4 expected-by 3", 1, 24, "there is no earlier packet 3"),
    ],
)  # fmt: skip
def test_faults_have_their_place(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_packets(text)
    assert (caught.value.line, caught.value.column, caught.value.text) == (line, column, said)


@pytest.mark.parametrize("key", sorted({*KEYS, *FLAGS}))
def test_every_word_is_understood(key: str) -> None:
    """Each documented word is part of some packet."""
    values = {"at": "3s", "flags": "syn", "ctstate": "new", "l2": "unicast", "socket": "none", "ipsec": "none", "expected-by": "1"}
    start = "icmp 1.2.3.4 -> 2.3.4.5; icmp" if key in ("type", "code", "icmp-id", "icmp-seq") else "tcp 1.2.3.4 -> 2.3.4.5; tcp"
    value = "" if key in FLAGS else values.get(key, "1")
    assert len(parse_packets(f"{start} 1.2.3.4 -> 2.3.4.5 {key} {value}")[1]) > 3


@pytest.mark.parametrize("word", ["", "a b", 'say "x"', "it's", "a;b", "#1", "back\\slash x", "plain"])
def test_quoted_words_come_back(word: str) -> None:
    assert parse_packets(f"udp 1.2.3.4 -> 2.3.4.5 payload {quoted(word)}")[0]["payload"] == word


_PLACES = ["10.0.0.2", "10.0.0.2:40", "[::1]:5", "::1", "x"]
_TEXTS = ["eth0", "1", "0x1f", "010", "+2s", "1.5h", "2026-11-25T14:30", "syn,ack", "new", "a,b", '"a b"', "-1", "none", "0xg", "5x", "é"]
_WORDS = [*KEYS, *FLAGS, "syn", "rst,ack", "all", "echo-request", "port-unreachable", "state", "hl", "match-set", "IN", "->", "to", "reply"]


@settings(max_examples=600)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["tcp 1.1.1.1:5 -> 2.2.2.2:6", "icmp 1.1.1.1 -> 2.2.2.2", "reply", "error", "reply to 1", "error to 0x1"])
            | st.tuples(st.sampled_from(["udp", "17", "frob", "TCP"]), st.sampled_from(_PLACES), st.sampled_from(["->", "to", "-", "->>"]), st.sampled_from(_PLACES)).map(" ".join),
            st.lists(st.tuples(st.sampled_from(_WORDS), st.sampled_from(_TEXTS)).map(" ".join) | st.sampled_from(_WORDS), max_size=4),
            st.sampled_from([" ", "  ", "\t", "\u00a0"]),
        ).map(lambda parts: parts[2].join([parts[0], *parts[1]])),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_plain_words_mean_what_the_grammar_says(sentences: list[str]) -> None:
    text = "; ".join(sentences)
    quick = _answer(text)
    with mock.patch.object(language, "_plain", return_value=None):
        assert quick == _answer(text)


def _answer(text: str) -> object:
    try:
        return parse_packets(text)
    except DescriptionError as error:
        return str(error)


def test_plain_words_need_no_grammar() -> None:
    with mock.patch.object(language, "_parsed", side_effect=AssertionError):
        assert (
            len(
                parse_packets(
                    "tcp 10.0.0.2:40000 -> 192.0.2.10:443 in eth0 syn at +2s mark 0x10; reply to 1 syn,ack; error port-unreachable"
                )
            )
            == 3
        )
