"""Every match and target: one module each in ``match/`` and ``target/``, found by name on first use.

Two packages because names that differ only in case (``mark``, ``MARK``) cannot stand in one folder on every file
system. A module lists its classes in ``EXTENSIONS``; the first whose ``families`` has the family asked for is it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.option import Extension, Match, Target

__all__ = ["REMARKING", "find_match", "find_target", "match_name", "names"]

_found: dict[tuple[str, str, int], type[Extension] | None] = {}
_listed: dict[str, frozenset[str]] = {}

#: ``xtables_find_match``: other spellings of the ICMPv6 match.
_MATCH_SYNONYMS = {"icmpv6": "icmp6", "ipv6-icmp": "icmp6"}
#: The matches with a ``remark``: known by name, so that a hundred thousand rules can be printed without loading theirs.
REMARKING = ("connlabel",)


def match_name(name: str) -> str:
    """The name under which a match is looked for."""
    return _MATCH_SYNONYMS.get(name, name)


def find_match(name: str, family: int) -> type[Match] | None:
    """The class of ``-m name`` for family 4 or 6, None when there is none."""
    return _find("match", match_name(name), family)  # type: ignore[return-value]


def find_target(name: str, family: int) -> type[Target] | None:
    """The class of ``-j name`` for family 4 or 6, None when there is none (then it may be a chain)."""
    return _find("target", name, family)  # type: ignore[return-value]


def names(kind: str, family: int) -> list[str]:
    """All names of a kind (``match`` or ``target``) that a family has, sorted."""
    return sorted([name for name in _modules(kind) if _find(kind, name, family) is not None])


def _modules(kind: str) -> frozenset[str]:
    """The names of the modules of a kind. A name is looked up here first: most names behind ``-j`` are chains."""
    known = _listed.get(kind)
    if known is None:
        package = __import__(f"pyiptables.extensions.{kind}", fromlist=["__path__"])
        files = [file for folder in package.__path__ for file in os.listdir(folder)]
        known = _listed[kind] = frozenset([file.partition(".")[0] for file in files if file[0] not in "_."])
    return known


def _find(kind: str, name: str, family: int) -> type[Extension] | None:
    key = (kind, name, family)
    try:
        return _found[key]
    except KeyError:
        pass
    found = None
    if name in _modules(kind):
        path = f"pyiptables.extensions.{kind}.{name}"
        module = __import__(path, fromlist=["EXTENSIONS"])
        for extension in module.EXTENSIONS:
            if family in extension.families:
                found = extension
                break
    _found[key] = found
    return found
