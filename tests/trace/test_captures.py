"""Packets from captures: link types, both ways of a flow, what is left out, broken files."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from conftest import Trace

dpkt = pytest.importorskip("dpkt")

CLIENT, SERVER = bytes([10, 0, 0, 7]), bytes([192, 0, 2, 9])


def _udp(src: bytes, dst: bytes, sport: int, dport: int) -> bytes:
    return bytes(dpkt.ip.IP(src=src, dst=dst, p=17, ttl=64, len=29, data=dpkt.udp.UDP(sport=sport, dport=dport, ulen=9, data=b"x")))


THERE, BACK = _udp(CLIENT, SERVER, 5, 53), _udp(SERVER, CLIENT, 53, 5)
SIX = bytes(
    dpkt.ip6.IP6(
        src=bytes(15) + b"\1", dst=bytes(15) + b"\2", nxt=17, plen=9, hlim=64, v=6, data=dpkt.udp.UDP(sport=1, dport=2, ulen=9, data=b"x")
    )
)
_FRAMES = {
    0: lambda ip, out: struct.pack("=I", 2) + ip,
    1: lambda ip, out: bytes(12) + (b"\x08\x00" if ip[0] >> 4 == 4 else b"\x86\xdd") + ip,
    101: lambda ip, out: ip,
    113: lambda ip, out: struct.pack("!HHH8sH", 4 if out else 0, 1, 6, bytes(8), 0x0800) + ip,
    276: lambda ip, out: struct.pack("!HHIHBB8s", 0x0800, 0, 2, 1, 4 if out else 0, 6, bytes(8)) + ip,
}


def _write(path: Path, link: int, packets: list[tuple[bytes, bool]], kind: str = "pcap") -> str:
    with path.open("wb") as stream:
        writer = dpkt.pcap.Writer(stream, linktype=link) if kind == "pcap" else dpkt.pcapng.Writer(stream, linktype=link)
        for number, (ip, out) in enumerate(packets):
            writer.writepkt(_FRAMES[link](ip, out), 1_700_000_000 + number / 4)
    return str(path)


@pytest.mark.parametrize("link", sorted(_FRAMES))
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_both_ways_of_a_flow(trace: Trace, folder: Path, link: int, kind: str) -> None:
    """The first packet goes as -i and -o say, its answer the other way; cooked frames say so themselves."""
    path = _write(folder / "capture", link, [(THERE, False), (BACK, True), (THERE, False)], kind)
    for words, ways in (
        (["-i", "eth1", "-o", "eth0"], [("eth1", "FORWARD"), ("eth0", "FORWARD"), ("eth1", "FORWARD")]),
        (["-i", "eth0"], [("eth0", "INPUT"), ("", "OUTPUT"), ("eth0", "INPUT")]),
    ):
        packets = json.loads(trace("--pcap", path, *words, "--json").stdout)["packets"]
        assert [(p["steps"][0]["in"], p["steps"][-1]["hook"] if len(words) == 2 else "FORWARD") for p in packets] == ways
        assert [p["packet"]["at"] for p in packets] == [0, 0.25, 0.5]
    assert [p["ctstate"] for p in json.loads(trace("--pcap", path, "-i", "eth1", "-o", "eth0", "--json").stdout)["packets"]] == ["NEW", "ESTABLISHED", "ESTABLISHED"]  # fmt: skip


def test_a_host_knows_the_way(trace: Trace, folder: Path) -> None:
    path = _write(
        folder / "capture",
        101,
        [(THERE, False), (_udp(SERVER, bytes([203, 0, 113, 1]), 53, 5), False), (_udp(bytes([10, 0, 0, 1]), CLIENT, 9, 9), False)],
    )
    packets = json.loads(trace("--pcap", path, "--host", "host.json", "--json").stdout)["packets"]
    assert [(p["fate"], p["steps"][0]["in"], p["ctstate"]) for p in packets] == [
        ("forwarded", "eth1", "NEW"), ("forwarded", "eth0", "ESTABLISHED"), ("sent", "", "NEW")
    ]  # fmt: skip


def test_segments_that_the_device_joined_are_not_too_long(trace: Trace, folder: Path) -> None:
    """TCP longer than the link is what offloading shows; a datagram of that length comes from elsewhere and cannot go on."""

    def long(proto: int, data: object) -> bytes:
        return bytes(dpkt.ip.IP(src=CLIENT, dst=SERVER, p=proto, ttl=64, df=1, len=3000, data=bytes(data).ljust(2980, b"x")))

    tcp = dpkt.tcp.TCP(sport=5, dport=80, flags=dpkt.tcp.TH_ACK, seq=1, ack=1)
    path = _write(folder / "capture", 101, [(long(6, tcp), False), (long(17, dpkt.udp.UDP(sport=5, dport=53, ulen=2980)), False)])
    packets = json.loads(trace("--pcap", path, "--host", "host.json", "--json", "--save-scenario", "case.json").stdout)["packets"]
    assert [(p["fate"], p["reason"]) for p in packets] == [("forwarded", None), ("dropped", "stack")]
    again = json.loads(trace("--scenario", "case.json", "--json", rules=None).stdout)["packets"]
    assert [p["fate"] for p in again] == ["forwarded", "dropped"]


def test_what_is_left_out_is_said(trace: Trace, folder: Path) -> None:
    path = _write(folder / "capture", 1, [(THERE, False), (SIX, False), (THERE[:12], False)])
    done = trace("--pcap", path, "-i", "eth0")
    assert done.stdout.startswith("1 packets: 1 ACCEPT\n")
    assert done.stderr.splitlines() == [f"pyiptables trace: {path}: left out 1 frames: {what}" for what in ("IPv6", "cut short or broken")]


def test_captures_become_scenarios(trace: Trace, folder: Path) -> None:
    path = _write(folder / "capture", 101, [(THERE, False), (BACK, False)])
    trace("--pcap", path, "-i", "eth1", "-o", "eth0", "--save-scenario", "case")
    played = json.loads(trace("--scenario", "case", "--json", rules=None).stdout)["packets"]
    assert [(p["ctstate"], p["fate"]) for p in played] == [("NEW", "forwarded"), ("ESTABLISHED", "forwarded")]


def test_scenarios_keep_what_rules_may_ask_for(trace: Trace, folder: Path) -> None:
    """Fragments, headers without words, options of TCP."""
    ip, tcp = dpkt.ip.IP, dpkt.tcp.TCP
    whole = bytes(dpkt.udp.UDP(sport=5, dport=53, ulen=48, data=bytes(40)))
    kinds = [
        bytes(ip(src=CLIENT, dst=SERVER, p=17, id=9, mf=1, len=20 + 24, data=whole[:24])),
        bytes(ip(src=CLIENT, dst=SERVER, p=17, id=9, offset=3, len=20 + 24, data=whole[24:])),
        bytes(ip(src=CLIENT, dst=SERVER, p=50, df=1, len=28, data=b"\0\0\0\5\0\0\0\1")),
        bytes(ip(src=CLIENT, dst=SERVER, p=6, len=48, data=tcp(sport=5, dport=6, flags=2, win=77, off=7, opts=b"\2\4\5\xb4\1\3\3\7"))),
    ]
    (folder / "ask.v4").write_text(
        "*filter\n-A FORWARD -p udp -m udp --dport 53 -j LOG\n-A FORWARD -p esp -m esp --espspi 5 -j LOG\n"
        '-A FORWARD -p tcp -m tcp --tcp-option 3 -j LOG\n-A FORWARD -m u32 --u32 "4&0x4000=0x4000" -j LOG\nCOMMIT\n'
    )
    path = _write(folder / "capture", 101, [(kind, False) for kind in kinds])
    words = ["-i", "eth1", "-o", "eth0", "--save-scenario", "case", "--json"]
    captured = json.loads(trace("--pcap", path, *words, rules="ask.v4").stdout)["packets"]
    played = json.loads(trace("--scenario", "case", "--json", rules=None).stdout)["packets"]
    walked = [[step["num"] for step in p["steps"]] for p in captured]
    assert walked == [[step["num"] for step in p["steps"]] for p in played] == [[], [1, 5], [2, 4, 5], [3, 5]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a pcap or pcapng file"),
        (b"*filter\nCOMMIT\n" * 9, "not a pcap or pcapng file"),
        (struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 147), "link type 147 is not known here"),
        (struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101), "no IP packets (0 frames)"),
        (struct.pack("=IHHiIIIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101, 1, 2, 9), "packet 1"),
    ],
)
def test_broken_captures(trace: Trace, folder: Path, data: bytes, said: str) -> None:
    (folder / "broken").write_bytes(data)
    done = trace("--pcap", "broken", "-i", "eth0")
    assert (
        done.exit_code == 2
        and done.stderr.startswith("pyiptables trace: broken: ")
        and said in done.stderr
        and done.stderr.count("\n") == 1
    )


def test_a_way_must_be_said(trace: Trace, folder: Path) -> None:
    path = _write(folder / "capture", 101, [(THERE, False)])
    assert trace("--pcap", path).stderr == "pyiptables trace: where do the captured packets go? Say -i, -o or both, or describe the host\n"
