"""Names are those of the machine's files, as the real programs ask libc for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyiptables import run
from pyiptables.tools import hosts


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "protocols").write_text("tcp 6 TCP\nmptcp 262 MPTCP\n")
    (folder / "services").write_text("nbp 2/ddp\ndiscard 9/ddp\ndiscard 90/udp\ndiscard 900/tcp\n")
    monkeypatch.setattr(hosts, "_folder", lambda: str(folder))
    return tmp_path


@pytest.mark.parametrize(("variant", "saved"), [("nft", "-A INPUT ! -p tcp\n"), ("legacy", "-A INPUT ! -p 262\n")])
def test_protocols_beyond_an_octet(etc: Path, variant: str, saved: str) -> None:
    program = f"iptables-{variant}"
    done = run([program, "-v", "-A", "INPUT", "!", "-p", "mptcp"], state=etc)
    assert done.stdout == " !tcp opt -- in * out *  0.0.0.0/0  -> 0.0.0.0/0  \n"
    assert run([program, "-S", "INPUT"], state=etc).stdout.endswith(saved)
    for options in ([], ["-n"]):
        listed = run([program, "-L", "INPUT", *options], state=etc).stdout
        assert "          !tcp  --  " in listed
    assert run([program, "-C", "INPUT", "!", "-p", "mptcp"], state=etc).returncode == 0
    assert run([program, "-C", "INPUT", "!", "-p", "tcp"], state=etc).returncode == (variant == "legacy")


def test_services_of_protocols_without_sockets(etc: Path) -> None:
    done = run(["iptables", "-A", "INPUT", "-p", "udp", "--dport", "nbp"], state=etc)
    assert done.returncode == 2
    assert 'Port "nbp" does not resolve to anything.' in done.stderr
    # The first protocol that getaddrinfo asks for is tcp.
    assert run(["iptables", "-A", "INPUT", "-p", "udp", "--dport", "discard"], state=etc).returncode == 0
    assert run(["iptables", "-S", "INPUT"], state=etc).stdout.endswith("--dport 900\n")


def test_networks_have_names_too(etc: Path) -> None:
    (etc / "etc" / "networks").write_text("link-local 169.254.0.0\n")
    (etc / "etc" / "hosts").write_text("169.254.0.1 router\n")
    words = ["-s", "169.254.0.0/16", "-m", "conntrack", "--ctorigsrc", "169.254.0.0/16", "--ctorigdst", "169.254.0.1", "-j", "TEE"]
    for gateway in ("169.254.0.1", "169.254.0.0"):
        assert run(["iptables", "-t", "mangle", "-A", "INPUT", *words, "--gateway", gateway], state=etc).returncode == 0
    listed = run(["iptables", "-t", "mangle", "-L", "INPUT"], state=etc).stdout
    for gateway in ("router", "link-local"):
        assert f" link-local/16        anywhere             ctorigsrc link-local/16 ctorigdst router TEE gw:{gateway}\n" in listed
