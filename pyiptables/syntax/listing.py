"""``iptables -L`` and the echo of ``-v`` (``print_header``, ``print_rule_details`` … in ``iptables/xshared.c``)."""

from __future__ import annotations

from pyiptables.xtables.addresses import ALL_ONES, address_text, mask_prefix
from pyiptables.xtables.names import chain_protocol_name
from pyiptables.xtables.numbers import UINT64
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.ruleset import Chain, RuleSpec
    from pyiptables.syntax.variant import Variant
    from pyiptables.xtables.names import Names

__all__ = ["Format", "chain_header", "echo_line", "rule_line"]


class Format:
    """How a listing looks: the flags of ``-L``."""

    __slots__ = ("exact", "line_numbers", "names", "numeric", "variant", "verbose")

    def __init__(self, names: Names, variant: Variant, numeric: bool, verbose: bool, exact: bool, line_numbers: bool) -> None:
        self.names = names
        self.variant = variant
        self.numeric = numeric
        self.verbose = verbose
        self.exact = exact
        self.line_numbers = line_numbers


def amount(number: int, exact: bool) -> tuple[int, str]:
    """``xtables_print_num``: a counter and its unit."""
    if exact or number <= 99999:
        return number, ""
    for unit in "KMG":
        number = (number + 500 & UINT64) // 1000
        if number <= 9999:
            return number, unit
    return (number + 500) // 1000, "T"


def _column(number: int, exact: bool) -> str:
    if exact:
        return f"{number:8d} "
    value, unit = amount(number, False)
    return f"{value:4d}{unit} " if unit else f"{value:5d} "


def _padded(text: str, width: int) -> str:
    """``printf("%-9s")`` counts bytes."""
    return text.ljust(width if text.isascii() else width + len(text) - byte_length(text))


def chain_header(chain: Chain, references: int, format: Format) -> str:
    """The two lines above a chain's rules."""
    if chain.policy is None:
        head = f"Chain {chain.name} ({references} references)\n"
    elif format.verbose:
        packets, p_unit = amount(chain.packets, format.exact)
        octets, o_unit = amount(chain.bytes, format.exact)
        head = f"Chain {chain.name} (policy {chain.policy} {packets}{p_unit} packets, {octets}{o_unit} bytes)\n"
    else:
        head = f"Chain {chain.name} (policy {chain.policy})\n"
    number = "num  " if format.line_numbers else ""
    counters = ""
    if format.verbose:
        counters = f"{'pkts':>8} {'bytes':>10} " if format.exact else f"{'pkts':>5} {'bytes':>5} "
    via = f" {'in':<6} {'out':<6} " if format.verbose else ""
    return f"{head}{number}{counters}{'target':<9}  prot opt{via} {'source':<19}  {'destination':<19} \n"


def rule_line(spec: RuleSpec, family: int, number: int, counters: tuple[int, int], format: Format) -> str:
    """One rule of a listing, with its newline."""
    parts = []
    if format.line_numbers:
        parts.append(f"{number:<4} ")
    if format.verbose:
        parts.append(_column(counters[0], format.exact) + _column(counters[1], format.exact))
    proto = _protocol(spec, format)
    target = _padded(_target_name(spec), 9)
    parts.append(f"{target} {'!' if spec.proto_inv else ' '}{proto:<4} {_fragment(spec, family)} ")
    if format.verbose:
        anyname = "*" if format.numeric else "any"
        iniface = ("!" if spec.iniface_inv else "") + (spec.iniface or anyname)
        outiface = ("!" if spec.outiface_inv else "") + (spec.outiface or anyname)
        parts.append(f" {_padded(iniface, 6)} {_padded(outiface, 6)} ")
    source = _address(spec.src, spec.src_mask, family, format)
    destination = _address(spec.dst, spec.dst_mask, family, format)
    parts.append(f"{'!' if spec.src_inv else ' '}{source:<19} {'!' if spec.dst_inv else ' '}{destination:<19} ")
    parts.append(_extensions(spec, format))
    return "".join(parts) + "\n"


def echo_line(spec: RuleSpec, family: int, format: Format) -> str:
    """What ``-v`` prints for each rule that is added, deleted or checked (``FMT_PRINT_RULE``)."""
    iniface = spec.iniface or "*"
    outiface = spec.outiface or "*"
    source = _address(spec.src, spec.src_mask, family, format)
    destination = _address(spec.dst, spec.dst_mask, family, format)
    return (
        f"{_target_name(spec)} {'!' if spec.proto_inv else ' '}{_protocol(spec, format)} "
        f"opt {_fragment(spec, family)} "
        f"in {'!' if spec.iniface_inv else ''}{iniface} out {'!' if spec.outiface_inv else ''}{outiface} "
        f"{'!' if spec.src_inv else ' '}{source} {'!' if spec.dst_inv else ' '}-> {destination}"
        f"  {_extensions(spec, format)}\n"
    )


def _target_name(spec: RuleSpec) -> str:
    return spec.target.listed_name() if spec.target is not None else spec.jump


def _protocol(spec: RuleSpec, format: Format) -> str:
    name = chain_protocol_name(spec.proto)
    if name is None and not format.numeric:
        name = format.names.protocol_name(spec.proto)
    return name or str(spec.proto)


def _fragment(spec: RuleSpec, family: int) -> str:
    if family == 6 or not spec.fragment:
        return "--"
    return "!f" if spec.fragment_inv else "-f"


def _extensions(spec: RuleSpec, format: Format) -> str:
    parts = ["[goto] "] if spec.goto else []
    for match in spec.matches:
        shown = match.show(format.numeric, format.names)
        parts.append(format.variant.unprintable(match.name) if shown is None else shown)
    if spec.target is not None:
        parts.append(spec.target.show(format.numeric, format.names) or "")
    return "".join(parts)


def _address(address: int, mask: int, family: int, format: Format) -> str:
    if not format.numeric and (mask == 0 if family == 4 else address == 0):
        return "anywhere"
    text = None
    if not format.numeric:
        text = format.names.host_name(address, family)
        if text is None and family == 4:
            text = format.names.network_name(address)
    if text is None:
        text = address_text(address, family)
    if mask == ALL_ONES[family]:
        return text
    length = mask_prefix(mask, family)
    return f"{text}/{address_text(mask, family) if length is None else length}"
