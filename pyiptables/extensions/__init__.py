"""Every match and target: one module each in ``match/`` and ``target/``, found by name on first use.

Two packages because names that differ only in case (``mark``, ``MARK``) cannot stand in one folder on every file
system. A module lists its classes in ``EXTENSIONS``; the first whose ``families`` has the family asked for is it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.xtables.option import Extension, Match, Target

__all__ = ["REMARKING", "find_match", "find_target", "match_name", "names"]

_found: dict[tuple[str, str, int], type[Extension] | None] = {}

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
    import pkgutil

    package = __import__(f"pyiptables.extensions.{kind}", fromlist=["__path__"])
    found = []
    for module in pkgutil.iter_modules(package.__path__):
        if _find(kind, module.name, family) is not None:
            found.append(module.name)
    return sorted(found)


def _find(kind: str, name: str, family: int) -> type[Extension] | None:
    key = (kind, name, family)
    try:
        return _found[key]
    except KeyError:
        pass
    found = None
    if name.isascii() and name.isidentifier():
        path = f"pyiptables.extensions.{kind}.{name}"
        try:
            module = __import__(path, fromlist=["EXTENSIONS"])
        except ModuleNotFoundError as error:
            if error.name != path:
                raise
        else:
            for extension in module.EXTENSIONS:
                if family in extension.families:
                    found = extension
                    break
    _found[key] = found
    return found
