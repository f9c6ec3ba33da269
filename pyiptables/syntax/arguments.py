"""What iptables' own commands and options take: names of chains and targets, addresses, rule numbers, waiting times."""

from __future__ import annotations

from pyiptables.extensions import find_target
from pyiptables.xtables.addresses import ALL_ONES, inet_aton, parse_ip4, parse_ip6, prefix_mask, scoped_ip6
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT32, strtol, strtoui, strtoul, strtoul_prefix
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.syntax.scanner import Scanner
    from pyiptables.xtables.option import Parsing

__all__ = [
    "NAME_SIZE",
    "VERDICTS",
    "assert_chain_name",
    "leading_number",
    "note_gone",
    "parse_address_list",
    "range_number",
    "rule_number",
    "target_name",
    "wait_interval",
    "wait_seconds",
]

VERDICTS = ("ACCEPT", "DROP", "QUEUE", "RETURN")

#: ``XT_EXTENSION_MAXNAMELEN``.
NAME_SIZE = 29
_INT_MAX = 0x7FFFFFFF


def assert_chain_name(name: str, family: int, announced: frozenset[str] | set[str] = frozenset()) -> None:
    """``assert_valid_chain_name`` (``xshared.c``)."""
    if byte_length(name) >= NAME_SIZE:
        raise ParameterProblem(f"chain name `{name}' too long (must be under {NAME_SIZE} chars)")
    if name[:1] in ("-", "!") and name:
        raise ParameterProblem(f"chain name not allowed to start with `{name[0]}'")
    known = name == "standard" or find_target(name, family) is not None
    if not name or name in VERDICTS or (known and name not in announced):
        raise ParameterProblem("chain name may not clash with target name")
    if any(c in " \t\n\v\f\r" for c in name):
        raise ParameterProblem(f"Invalid chain name `{name}'")


def note_gone(name: str, family: int, notices: list[str]) -> None:
    """Say, once, that no kernel has a target any more; the programs ask the kernel when they load it."""
    target = find_target(name, family)
    if target is not None and target.gone:
        warning = f"Warning: Extension {name} revision 0 not supported, missing kernel module?\n"
        if warning not in notices:
            notices.append(warning)


def target_name(name: str) -> str:
    if not name:
        raise ParameterProblem("Invalid target name (too short)")
    if byte_length(name) >= NAME_SIZE:
        raise ParameterProblem(f"Invalid target name `{name}' ({NAME_SIZE - 1} chars max)")
    if any(c in " \t\n\v\f\r" for c in name):
        raise ParameterProblem(f"Invalid target name `{name}'")
    return name


def rule_number(text: str) -> int:
    number = strtoui(text, 1, _INT_MAX)
    if number is None:
        raise ParameterProblem(f"Invalid rule number `{text}'")
    return number


def range_number(text: str) -> int:
    """``parse_rule_range`` where ranges are not supported: ``strtol``, of which an unsigned int keeps half; not zero."""
    if ":" in text:
        raise ParameterProblem("Rule ranges are not supported")
    number, end = strtol(text, 10)
    if end != len(text) or not number & UINT32:
        raise ParameterProblem(f"Invalid rule number `{text}'")
    return number & UINT32


def leading_number(text: str) -> int | None:
    """``sscanf("%llu")``: digits at the start; what follows does not matter, a minus wraps around."""
    number, end = strtoul(text, 10)
    return number if end else None


def wait_seconds(argument: str | None, scanner: Scanner) -> int:
    """``parse_wait_time``: seconds attached or as the next word; -1 waits without end."""
    if argument is None:
        if not scanner.has_argument():
            return -1
        argument = scanner.take()
    got = strtoul_prefix(argument)
    if got is None:
        raise ParameterProblem("wait seconds not numeric")
    return got[0]


def wait_interval(argument: str | None, scanner: Scanner) -> str:
    """``parse_wait_interval``: checks the value, returns the notice that it is ignored."""
    if argument is None:
        if not scanner.has_argument():
            raise ParameterProblem("wait interval value required")
        argument = scanner.take()
    got = leading_number(argument)
    if got is None:
        raise ParameterProblem("wait interval not numeric")
    if got > 999999:
        raise ParameterProblem(f"too long usec wait {got} > 999999 usec")
    return "Ignoring deprecated --wait-interval option.\n"


def parse_address_list(text: str, parsing: Parsing) -> list[tuple[int, int]]:
    """The arguments of ``-s`` and ``-d`` (``xtables_ipparse_multiple``, ``xtables_ip6parse_multiple``).

    ``address[/mask][,…]`` as (address, mask) pairs, the address cut to the mask; names give all they have.
    """
    found: list[tuple[int, int]] = []
    family = parsing.family
    for part in text.split(","):
        part = part.lstrip(" \t\n\v\f\r")
        if byte_length(part) > 255:
            raise ParameterProblem("Hostname too long")
        name, slash, mask_text = part.rpartition("/")
        if slash:
            mask = _mask(mask_text, family)
            if mask == 0:
                # With no bits to compare the name is not even looked at.
                found.append((0, 0))
                continue
        else:
            name, mask = part, ALL_ONES[family]
        found += [(address & mask, mask) for address in _host(name, parsing)]
    return found


def _mask(text: str, family: int) -> int:
    mask = parse_ip4(text, whole=True) if family == 4 else parse_ip6(text)
    if mask is not None:
        return mask
    bits = strtoui(text, 0, 32 if family == 4 else 128)
    if bits is None:
        raise ParameterProblem(f"invalid mask `{text}' specified")
    return prefix_mask(bits, family)


def _host(name: str, parsing: Parsing) -> list[int]:
    family = parsing.family
    address = parse_ip4(name) if family == 4 else scoped_ip6(name)
    if address is None and family == 4:
        address = parsing.names.network_address(name)
        if address is None:
            address = inet_aton(name)
    if address is not None:
        return [address]
    found = parsing.names.host_addresses(name, family)
    if not found:
        raise ParameterProblem(f"host/network `{name}' not found")
    return found
