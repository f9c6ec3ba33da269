"""What kind of file it is, by name and content."""

from __future__ import annotations

__all__ = ["kind_of"]


def kind_of(file: str, data: bytes, family: object = None) -> tuple[str, int]:
    """(kind, family): kind is ``save`` or one that the script reader knows; family 4 or 6 (given, else guessed)."""
    head = data[:4096]
    if family in (4, 6):
        number = int(str(family))
    else:
        name = file.replace("\\", "/").rpartition("/")[2].lower()
        six = "v6" in name or "ip6" in name or b"ip6tables" in head.split(b"\n", 1)[0] or _looks_v6(data)
        number = 6 if six else 4
    if _is_save(data):
        return "save", number
    from pyiptables.lint.shell.detect import detect

    return detect(file, data), number


def _looks_v6(data: bytes) -> bool:
    return (b"icmpv6" in data or b"icmp6" in data or b"ipv6-icmp" in data) and data[:2] != b"#!"


def _is_save(data: bytes) -> bool:
    """The first line that is neither empty nor a comment begins a table, a chain or a rule."""
    if data[:2] == b"#!":
        return False
    for line in data.split(b"\n", 200)[:200]:
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        if text[:1] == b"*" and text[1:].strip().split(b" ")[0].isalpha():
            return True
        if text.startswith((b":INPUT ", b":FORWARD ", b":OUTPUT ", b":PREROUTING ", b"-A ", b"COMMIT")):
            return True
    return False
