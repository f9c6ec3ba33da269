"""``iptables -L`` and the echo of ``-v`` (``print_header``, ``print_rule_details`` … in ``iptables/xshared.c``)."""

from __future__ import annotations

from pyiptables.extensions import find_match
from pyiptables.ruleset import Rule
from pyiptables.syntax.rule import typed
from pyiptables.xtables.addresses import ALL_ONES, address_text, mask_prefix
from pyiptables.xtables.names import any_name, chain_protocol_name
from pyiptables.xtables.numbers import UINT8, UINT64
from pyiptables.xtables.option import Match
from pyiptables.xtables.values import byte_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiptables.ruleset import Chain, RuleSpec
    from pyiptables.syntax.variant import Variant
    from pyiptables.xtables.names import Names

__all__ = ["Format", "Rows", "chain_header", "echo_line", "rule_line"]

_COLUMNS = frozenset(("-s", "-d", "-i", "-o", "-p"))


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
    return text.ljust(width) if text.isascii() else text.ljust(width + len(text) - byte_length(text))


def chain_header(chain: Chain, references: int | None, format: Format) -> str:
    """The two lines above a chain's rules."""
    if chain.policy is None:
        head = f"Chain {chain.name} ({'ERROR obtaining refs' if references is None else f'{references} references'})\n"
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
    return _line(
        format,
        number,
        counters,
        _target_name(spec),
        ("!" if spec.proto_inv else " ") + f"{_protocol(spec, format):<4} {_fragment(spec, family)}",
        (("!" if spec.iniface_inv else "") + spec.iniface, ("!" if spec.outiface_inv else "") + spec.outiface),
        ("!" if spec.src_inv else " ") + _address(spec.src, spec.src_mask, family, format),
        ("!" if spec.dst_inv else " ") + _address(spec.dst, spec.dst_mask, family, format),
        _extensions(spec, format),
    )


def _line(
    format: Format,
    number: int,
    counters: tuple[int, int],
    target: str,
    protocol: str,
    interfaces: tuple[str, str],
    source: str,
    destination: str,
    extensions: str,
) -> str:
    head = f"{number:<4} " if format.line_numbers else ""
    via = " "
    if format.verbose:
        head += _column(counters[0], format.exact) + _column(counters[1], format.exact)
        anyname = "*" if format.numeric else "any"
        via = f"  {_padded(interfaces[0] or anyname, 6)} {_padded(interfaces[1] or anyname, 6)} "
    return f"{head}{_padded(target, 9)} {protocol}{via}{source:<20} {destination:<20} {extensions}\n"


class Rows:
    """Lines of a numeric listing straight from canonical texts: for rules that are too many to be typed.

    What a piece of a rule looks like is found out once; most pieces of most rules have been seen before.
    """

    __slots__ = ("_any", "_columns", "_family", "_format", "_known", "_plain", "_shown", "_targets", "_whole")

    def __init__(self, family: int, format: Format) -> None:
        self._family = family
        self._format = format
        self._any = f" {_address(0, 0, family, format)}"
        self._whole = "/32" if family == 4 else "/128"
        self._plain = not format.verbose and not format.line_numbers
        #: What stands between addresses and matches: the protocol's words, its column, the interfaces.
        self._columns: dict[str, tuple[str, str, tuple[str, str]]] = {}
        self._known: dict[str, Callable[[str], str | None]] = {}
        #: By protocol words: match words → what is shown; target words → its name and what is shown.
        self._shown: dict[str, dict[str, str]] = {}
        self._targets: dict[str, dict[str, tuple[str, str]]] = {}

    def line(self, rule: Rule, number: int) -> str | None:
        """The rule's line, None where its text is not plain enough."""
        text = rule.text
        head, jump, target = text.rpartition(" -j ")
        if not jump:
            head, jump, target = text.rpartition(" -g ")
        if jump:
            target = f"{jump[1:]}{target}"
        elif text.startswith(("-j ", "-g ")):
            head, target = "", text
        else:
            head, target = text, ""
        if '"' in text and ('"' in target or head.count('"') % 2):
            return None
        rest, *matches = f" {head}".split(" -m ")
        rest = f"{rest[1:]} "
        source = destination = self._any
        if rest.startswith("-s "):
            _, source, rest = rest.split(" ", 2)
            source = f" {source.removesuffix(self._whole)}"
        if rest.startswith("-d "):
            _, destination, rest = rest.split(" ", 2)
            destination = f" {destination.removesuffix(self._whole)}"
        columns = self._columns.get(rest)
        if columns is None:
            header = self._header(rest, source, destination)
            if header is None:
                return None
            columns, source, destination = header
        proto, protocol, interfaces = columns
        shown = self._shown.get(proto)
        if shown is None:
            shown = self._shown[proto] = {}
            self._targets[proto] = {}
        extensions = ""
        for match in matches:
            found = shown.get(match)
            if found is None:
                found = self._match(match, proto, shown)
                if found is None:
                    return None
            extensions += found
        known = self._targets[proto].get(target)
        if known is None:
            known = self._targets[proto][target] = self._target(target, proto)
        name, more = known
        extensions = more + extensions if target[:2] == "-g" else extensions + more
        if self._plain:
            return f"{name} {protocol} {source:<20} {destination:<20} {extensions}\n"
        return _line(self._format, number, (rule.packets, rule.bytes), name, protocol, interfaces, source, destination, extensions)

    def _header(self, header: str, source: str, destination: str) -> tuple[tuple[str, str, tuple[str, str]], str, str] | None:
        """The columns, source and destination of a header whose first addresses are known; kept where it names no others."""
        iniface = outiface = proto = mark = ""
        shown = " all "
        addressed = False
        words = iter(header.split(" "))
        for word in words:
            if word == "!":
                mark = word
                continue
            if not word:
                break
            if word not in _COLUMNS:
                return None
            value = next(words)
            if word == "-s":
                source, addressed = f"{mark or ' '}{value.removesuffix(self._whole)}", True
            elif word == "-d":
                destination, addressed = f"{mark or ' '}{value.removesuffix(self._whole)}", True
            elif word == "-i":
                iniface = mark + value
            elif word == "-o":
                outiface = mark + value
            elif value.isdigit() and int(value) > UINT8:
                return None
            else:
                proto = f"{mark}{' ' if mark else ''}-p {value}"
                shown = f"{mark or ' '}{value:<4}"
            mark = ""
        columns = proto, f"{shown} --", (iniface, outiface)
        if not addressed:
            self._columns[header] = columns
        return columns, source, destination

    def _match(self, words: str, proto: str, shown: dict[str, str]) -> str | None:
        """What a match looks like; None where its words end within quotes."""
        if '"' in words and words.count('"') % 2:
            return None
        name, blank, rest = words.partition(" ")
        known = self._known.get(name)
        if known is None:
            extension = find_match(name, self._family)
            known = self._known[name] = Match.listed if extension is None else extension.listed
        text = known(blank + rest)
        if text is None:
            text = _extensions(typed(Rule(f"{proto} -m {words}".lstrip()), self._family), self._format)
            shown[words] = text
        return text

    def _target(self, words: str, proto: str) -> tuple[str, str]:
        spec = typed(Rule(f"{proto} {words}".strip()), self._family)
        return _padded(_target_name(spec), 9), _extensions(spec, self._format)


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
    # Printed as an octet, though /etc/protocols has a larger one (mptcp).
    number = spec.proto & UINT8
    name = chain_protocol_name(number)
    if name is None and not format.numeric:
        name = format.names.protocol_name(number)
    return name or str(number)


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
    text = (None if format.numeric else any_name(format.names, address, family)) or address_text(address, family)
    if mask == ALL_ONES[family]:
        return text
    length = mask_prefix(mask, family)
    return f"{text}/{address_text(mask, family) if length is None else length}"
