"""Which kind of file it is, by name and content."""

from __future__ import annotations

import re

__all__ = ["KINDS", "detect"]

#: The kinds that :func:`detect` tells apart.
KINDS = ("shell", "wg-quick", "systemd", "ifupdown", "dockerfile")

_UNITS = (".service", ".socket", ".mount", ".target", ".timer", ".path", ".swap")
_SECTION = re.compile(rb"^\[([A-Za-z-]+)\]\s*$", re.M)
_STANZA = re.compile(rb"^(?:auto|allow-\S+|iface)\s+\S+", re.M)
_INSTRUCTION = re.compile(rb"^\s*(?:ARG\s+\S+|FROM\s+\S+)", re.M | re.I)


def detect(file: str, data: bytes) -> str:
    """One of :data:`KINDS`; ``shell`` if nothing speaks for another one."""
    path = file.replace("\\", "/").lower()
    name = path.rpartition("/")[2]
    head = data[:65536].replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf")
    if head.startswith(b"#!"):
        return "shell"
    if name.endswith((".sh", ".bash")):
        return "shell"
    if name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile")):
        return "dockerfile"
    if name.endswith(_UNITS) or re.search(r"\.(?:service|socket|mount|timer)\.d/[^/]+\.conf\Z", path):
        return "systemd"
    sections = {section.lower() for section in _SECTION.findall(head)}
    if b"interface" in sections and (b"peer" in sections or b"privatekey" in head.lower() or "wireguard" in path):
        return "wg-quick"
    if sections & {b"unit", b"service"}:
        return "systemd"
    if path.endswith(("network/interfaces", "/interfaces")) or "interfaces.d/" in path or name == "interfaces":
        return "ifupdown"
    if b"\niface " in b"\n" + head and _STANZA.search(head):
        return "ifupdown"
    if _INSTRUCTION.search(head) and re.search(rb"^\s*(?:RUN|ENTRYPOINT|CMD|COPY)\s", head, re.M):
        return "dockerfile"
    return "shell"
