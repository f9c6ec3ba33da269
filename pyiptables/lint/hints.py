"""What was probably meant by a refused line.

Each error of the real programs is recognised by a piece of its text; the hint says how to mend the line, in one
sentence. Nothing is said where nothing useful is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache

from pyiptables.lint.subject import Item
from pyiptables.syntax.arguments import VERDICTS
from pyiptables.syntax.scanner import LONG_OPTIONS, SHORT_OPTIONS
from pyiptables.syntax.variant import CHAINS
from pyiptables.xtables.errors import IptablesError

__all__ = ["hint_for", "hint_for_chain", "near"]

#: Typographic characters that editors and web pages put in the place of ASCII ones.
_TYPOGRAPHIC = {
    "\N{EN DASH}": "--", "\N{EM DASH}": "--", "\N{NON-BREAKING HYPHEN}": "-", "\N{HYPHEN}": "-", "\N{MINUS SIGN}": "-",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"', "\N{DOUBLE LOW-9 QUOTATION MARK}": '"',
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{NO-BREAK SPACE}": "a blank",
}  # fmt: skip
#: Matches and targets that are gone, never were there, or have another name.
_REMOVED = {
    "MIRROR": "MIRROR left iptables long ago; nothing replaces it",
    "ULOG": "ULOG left the kernel in 3.17: use NFLOG",
    "SAME": "SAME left iptables: use SNAT with a range and --persistent",
    "BALANCE": "BALANCE left iptables: use DNAT with -m statistic",
    "TARPIT": "TARPIT is part of xtables-addons, not of iptables",
    "CHAOS": "CHAOS is part of xtables-addons, not of iptables",
    "IMQ": "IMQ was a patch: use ifb with tc",
    "ROUTE": "ROUTE was a patch: use MARK with ip rule, or TEE",
    "FTOS": "FTOS was a patch: use DSCP or TOS",
    "unclean": "unclean left iptables: use -m conntrack --ctstate INVALID",
    "account": "account was never part of iptables: use nfacct",
    "layer7": "layer7 was a patch and never part of iptables",
    "ipp2p": "ipp2p is part of xtables-addons, not of iptables",
    "geoip": "geoip is part of xtables-addons, not of iptables: use an ipset",
    "psd": "psd is part of xtables-addons, not of iptables",
    "condition": "condition is part of xtables-addons, not of iptables",
    "random": "random became -m statistic --mode random",
    "nth": "nth became -m statistic --mode nth",
    "iplimit": "iplimit became -m connlimit",
    "fuzzy": "fuzzy left iptables: use -m statistic or -m limit",
    "childlevel": "childlevel was a patch and never part of iptables",
    "dstlimit": "dstlimit became -m hashlimit",
    "pool": "pool became -m set with ipset",
    "vlan": "vlan is a match of ebtables, not of iptables",
    "port": "ports stand in -p tcp --dport, or in -m multiport",
    "ports": "ports stand in -p tcp --dport, or in -m multiport",
    "ip": "addresses need no match: -s and -d",
    "established": "states stand in -m conntrack --ctstate ESTABLISHED",
    "related": "states stand in -m conntrack --ctstate RELATED",
}
#: Words of other firewalls.
_OTHER_WORDS = {
    "DENY": "iptables says DROP (without an answer) or REJECT (with one)",
    "BLOCK": "iptables says DROP (without an answer) or REJECT (with one)",
    "DISCARD": "iptables says DROP",
    "ALLOW": "iptables says ACCEPT",
    "PASS": "iptables says ACCEPT, or RETURN to go back to the calling chain",
    "PERMIT": "iptables says ACCEPT",
    "FORWARD": "forwarding is done by a rule in chain FORWARD; another destination is given by -j DNAT",
    "MASQ": "iptables says MASQUERADE",
    "NAT": "iptables says DNAT, SNAT or MASQUERADE",
    "CONTINUE": "a rule without -j goes on",
    "NONE": "a rule without -j goes on",
}
#: The families' own names of what the other family calls differently.
_FAMILY_NAMES = {
    "ttl": ("hl", 4), "hl": ("ttl", 6), "TTL": ("HL", 4), "HL": ("TTL", 6), "icmp": ("icmp6", 4), "icmp6": ("icmp", 6),
    "icmpv6": ("icmp", 6), "NETMAP": ("DNPT and SNPT", 4),
}  # fmt: skip


@cache
def _names(kind: str, family: int) -> tuple[str, ...]:
    """All matches or targets of a family (their folder is read once)."""
    from pyiptables.extensions import names

    return tuple(names(kind, family))


def near(word: str, known: Iterable[str], floor: float = 0.75) -> str | None:
    """The known word most like this one, None when none is like it (by at least ``floor`` of its letters)."""
    return _nearest(word, tuple(sorted(set(known))), floor)


@lru_cache(4096)
def _nearest(word: str, known: tuple[str, ...], floor: float) -> str | None:
    # Only a refused line needs it, and a clean file should not wait for it.
    from difflib import SequenceMatcher

    best: tuple[float, str] | None = None
    lower = word.lower()
    for name in known:
        other = name.lower()
        if other == lower:
            return name
        together = len(lower) + len(other)
        if not lower or (2 * min(len(lower), len(other)) < floor * together and abs(len(other) - len(lower)) > 2):
            continue
        steps = _steps(lower, other)
        close = steps <= (1 if len(lower) < 6 else 2) and steps < len(lower) - 1
        likeness = SequenceMatcher(None, lower, other, autojunk=False).ratio()
        if close or likeness >= floor:
            score = likeness + 0.1 * (other[:1] == lower[:1]) + 0.1 * (steps <= 1) + 0.01 * (sorted(lower) == sorted(other))
            if best is None or score > best[0]:
                best = score, name
    return best[1] if best is not None else None


def _steps(one: str, other: str) -> int:
    """How many letters must be changed, left out, put in or swapped with their neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        last, row_before = before, row
        before = row
        row = [i]
        for j, wanted in enumerate(other, 1):
            steps = min(row_before[j] + 1, row[j - 1] + 1, row_before[j - 1] + (char != wanted))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == wanted:
                steps = min(steps, last[j - 2] + 1)
            row.append(steps)
    return row[-1]


def _meant(word: str, known: Iterable[str], otherwise: str = "") -> str:
    meant = near(word, known)
    return f"did you mean {meant}?" if meant else otherwise


# -- chains and targets by name ---------------------------------------------------------------------------------
def hint_for_chain(name: str, table: str, family: int, known: Iterable[str], jump: bool, goto: bool = False) -> str:
    """How to mend a chain or target (``jump``) that does not exist in a table; '' when the name is like no other."""
    if goto and name in VERDICTS:
        return f"-g goes to chains only: -j {name}"
    if jump and name.rstrip(";,.") in VERDICTS:
        return f"the {name[-1]!r} belongs to the name here: -j {name.rstrip(';,.')}"
    if name in _REMOVED:
        return _REMOVED[name]
    if jump and name.upper() in _OTHER_WORDS:
        return _OTHER_WORDS[name.upper()]
    tables = [other for other, chains in CHAINS.items() if name in chains]
    if tables:
        return f"{name} is a chain of {_or(tables)}, not of {table}: {_right_table(name, table)}"
    if jump and name in _FAMILY_NAMES and _FAMILY_NAMES[name][1] != family:
        return f"for IPv{family} it is {_FAMILY_NAMES[name][0]}"
    candidates = [*known, *(VERDICTS if jump else ()), *(_names("target", family) if jump else ())]
    meant = near(name, [each for each in candidates if each != "standard"])
    if meant and meant.lower() == name.lower():
        return f"did you mean {meant}? Capitals count"
    return f"did you mean {meant}?" if meant else ""


def _right_table(chain: str, table: str) -> str:
    if table == "nat" and chain == "FORWARD":
        return "filter what is forwarded in table filter"
    return f"put the rule below *{'nat' if 'ROUTING' in chain else 'filter'} (-t {'nat' if 'ROUTING' in chain else 'filter'})"


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# -- refused lines ----------------------------------------------------------------------------------------------
def hint_for(item: Item, message: str) -> str:
    """A sentence on how to mend a refused line, '' when there is nothing useful to say."""
    for odd, plain in _TYPOGRAPHIC.items():
        if odd in item.text and '"' not in item.text.partition(odd)[0]:
            return f"{odd!r} (U+{ord(odd):04X}) is a typographic character: write {plain}"
    words = _words(item)
    quoted = _quoted(message)
    for piece, hint in _HINTS:
        if piece in message:
            found = hint(item, quoted, words) if callable(hint) else hint
            if found:
                return found
    return _of_option_table(item, message, words)


def _of_option_table(item: Item, message: str, words: list[str]) -> str:
    """What the option that an error names takes; the options of a match or target that wants one."""
    named = [word.strip("\"'`.,:()") for word in message.split()]
    extensions = list(_extensions(words, item.family))
    for word in named:
        for _, extension in extensions:
            for option in extension.options:  # type: ignore[attr-defined]
                if word.startswith("--") and word[2:] in (option.name, *option.aliases):
                    takes = f" {option.metavar}" if option.metavar else ""
                    return f"--{option.name}{takes}: {option.help}" if option.help else ""
    for word in named[:2]:
        for flag, extension in extensions:
            if word.lower() == extension.name.lower() and extension.options:  # type: ignore[attr-defined]
                options = [f"--{option.name}" for option in extension.options]  # type: ignore[attr-defined]
                return f"options of {flag}: {', '.join(options[:6])}" + (" …" if len(options) > 6 else "")
    return ""


def _words(item: Item) -> list[str]:
    if item.invocation is not None and "-restore" not in item.invocation.program:
        return [word.shown for word in item.invocation.argv]
    from pyiptables.syntax.words import split_words

    try:
        return split_words(item.text)
    except IptablesError:
        return item.text.split()


def _quoted(message: str) -> str:
    for quote, end in (("`", "'"), ('"', '"'), (" '", "'")):
        if quote in message:
            return message.split(quote, 1)[1].split(end, 1)[0]
    return ""


def _before(words: list[str], word: str) -> str:
    """The word before a word."""
    return words[words.index(word) - 1] if word in words[1:] else ""


def _extensions(words: list[str], family: int) -> Iterator[tuple[str, type]]:
    """The matches and targets that a line loads, with ``-m name`` or ``-j NAME``."""
    from pyiptables.extensions import find_match, find_target

    for flag, value in zip(words, words[1:], strict=False):
        found: type | None = None
        if flag in ("-m", "--match", "-p", "--protocol"):
            found = find_match(value.lower() if flag in ("-p", "--protocol") else value, family)
        elif flag in ("-j", "--jump"):
            found = find_target(value, family)
        if found is not None:
            yield f"{'-j' if flag in ('-j', '--jump') else '-m'} {value}", found


def _options_of(extension: type) -> list[str]:
    return [name for option in extension.options for name in (option.name, *option.aliases)]  # type: ignore[attr-defined]


@cache
def _owners(option: str, family: int) -> list[str]:
    """The matches and targets that have an option of this very name."""
    from pyiptables.extensions import find_match, find_target

    owners = []
    for kind, finder in (("match", find_match), ("target", find_target)):
        for name in _names(kind, family):
            found = finder(name, family)
            if found is not None and option in _options_of(found):
                owners.append(f"-{'m' if kind == 'match' else 'j'} {name}")
    return owners


#: Options that are gone.
_GONE_OPTIONS = {
    "pid-owner": "--pid-owner left the kernel in 2.6.14: match --uid-owner, or a cgroup (-m cgroup --path)",
    "sid-owner": "--sid-owner left the kernel in 2.6.14: match --uid-owner, or a cgroup (-m cgroup --path)",
    "cmd-owner": "--cmd-owner left the kernel in 2.6.14: match --uid-owner, or a cgroup (-m cgroup --path)",
    "ulog-nlgroup": "ULOG left the kernel in 3.17: -j NFLOG --nflog-group",
    "ulog-prefix": "ULOG left the kernel in 3.17: -j NFLOG --nflog-prefix",
    "multiport": "-m multiport",
}
_PORT_OPTIONS = ("dport", "sport", "destination-port", "source-port", "syn", "tcp-flags", "tcp-option", "dports", "sports")


def _unknown_option(item: Item, option: str, words: list[str]) -> str:
    if option.startswith("-") and not option.startswith("--"):
        return _short_option(option, words)
    bare = option.lstrip("-").partition("=")[0]
    loaded = list(_extensions(words, item.family))
    mine = [name for _, extension in loaded for name in _options_of(extension)]
    if bare in _PORT_OPTIONS and not any(flag.removeprefix("-m ") in ("tcp", "udp", "sctp", "dccp", "multiport") for flag, _ in loaded):
        protocol = "-p tcp" if bare in ("syn", "tcp-flags", "tcp-option") else "-p tcp or -p udp"
        if bare in ("dports", "sports"):
            return f"lists of ports need {protocol} -m multiport first"
        return f"ports and flags need a protocol first: {protocol}"
    if bare in ("dports", "sports") and "-m multiport" not in [flag for flag, _ in loaded]:
        return f"lists of ports need -m multiport: -m multiport --{bare}"
    if bare in _GONE_OPTIONS:
        return _GONE_OPTIONS[bare]
    owners = _owners(bare, item.family)
    like = near(bare, mine, 0.6)
    if owners:
        if like:
            return f"did you mean --{like}? (--{bare} belongs to {_or_else(owners)})"
        alike = [name for name in mine if name.partition("-")[0] == bare.partition("-")[0]]
        if alike:
            return f"did you mean --{alike[0]}? (--{bare} belongs to {_or_else(owners)})"
        return f"--{bare} belongs to {_or_else(owners)}, which the line does not name before it"
    other = _owners(bare, 10 - item.family)
    if other:
        twin = next((name for name in mine if name.replace("v6", "") == bare or name == bare.replace("v6", "")), "")
        if "icmp" in bare:
            return (
                f"{'ICMPv6' if item.family == 4 else 'IPv4 ICMP'} belongs to {'ip6tables' if item.family == 4 else 'iptables'}; here: "
                + ("-p icmp --icmp-type" if item.family == 4 else "-p icmpv6 --icmpv6-type")
            )
        return f"--{bare} is for IPv{10 - item.family}" + (f": here --{twin}" if twin else "")
    like = like or near(bare, LONG_OPTIONS, 0.6)
    if like:
        return f"did you mean --{like}?"
    wide = near(bare, (name for kind in ("match", "target") for name in _all_options(kind, item.family)))
    return f"did you mean --{wide} ({_or_else(_owners(wide, item.family))})?" if wide else ""


def _all_options(kind: str, family: int) -> Iterator[str]:
    from pyiptables.extensions import find_match, find_target

    for name in _names(kind, family):
        found = find_match(name, family) if kind == "match" else find_target(name, family)
        if found is not None:
            yield from _options_of(found)


def _or_else(owners: list[str]) -> str:
    return " or ".join(owners[:3]) + (" …" if len(owners) > 3 else "")


def _short_option(option: str, words: list[str]) -> str:
    letter = option[1:2]
    for other in (letter.lower(), letter.upper()):
        if other != letter and other in SHORT_OPTIONS:
            return f"did you mean -{other}?"
    return ""


def _bad_argument(item: Item, word: str, words: list[str]) -> str:
    if word == "#":
        return "iptables-restore knows no comments behind a rule: put it on a line of its own, or use -m comment"
    if word.rpartition("/")[2] in ("iptables", "ip6tables"):
        return "a rule file has the words behind the program's name only"
    before = _before(words, word)
    if before.startswith("-") and not before.startswith("--") and len(before) > 2:
        bare = before.lstrip("-")
        named = near(bare, [*LONG_OPTIONS, *[name for _, found in _extensions(words, item.family) for name in _options_of(found)]])
        return f"{before} is -{bare[0]} with {bare[1:]!r}: did you mean --{named}?" if named else f"long options have two dashes: --{bare}"
    if before == "!" and words.index("!") > 0:
        return f"the ! stands in front of the option: ! {_before(words, '!')} {word}"
    option = _before(words, before)
    if option in ("--state", "--ctstate"):
        return f"a list has commas and no blanks: {option} {before.rstrip(',')},{word}"
    if option in ("--src-range", "--dst-range"):
        return f"a range is written {before}-{word}"
    if option in ("--comment", "--log-prefix", "--nflog-prefix", "--string"):
        return f'put the text into quotes: {option} "{before} {word} …"'
    if option in ("--dport", "--sport", "--dports", "--sports", "--ports", "-s", "-d", "--source", "--destination"):
        return "a list has commas and no blanks" if option not in ("--dport", "--sport") else "for several ports use -m multiport --dports"
    from pyiptables.extensions import find_target

    if word in VERDICTS or find_target(word, item.family) is not None:
        return f"-j is missing: -j {word}"
    if word.startswith("--"):
        return ""
    return _meant(word, [f"-j {name}" for name in VERDICTS])


def _bad_port(item: Item, port: str, words: list[str]) -> str:
    from pyiptables.lint.services import SERVICES

    option = next((words[at - 1] for at, word in enumerate(words) if word == port and at), "--dport")
    plural = option if option.endswith("s") else f"{option.replace('destination-port', 'dport').replace('source-port', 'sport')}s"
    first, dash, last = port.partition("-")
    if port == "!":
        return f"the ! stands in front of the option: ! {option}"
    if dash and first.isdigit() and last.isdigit():
        return f"a range of ports is written {first}:{last}"
    if "," in port:
        return f"for several ports: -m multiport {plural} {port}"
    if port.lstrip("-").isdigit():
        return "ports are 0 to 65535"
    return _meant(port, SERVICES, "a port by number, or a name of /etc/services")


def _bad_host(item: Item, host: str, words: list[str]) -> str:
    address = host.partition("/")[0]
    parts = address.split(".")
    if ":" in address and item.family == 4:
        if len(parts) == 4:
            return "an address and a port: the port goes to --dport or --sport"
        return "an IPv6 address: use ip6tables (for a whole file: --family 6)"
    numeric = all(part.isdigit() for part in parts)
    if item.family == 6 and len(parts) == 4 and numeric:
        return "an IPv4 address: use iptables (for a whole file: --family 4)"
    if "-" in address and all(part.replace("-", "").isdigit() for part in parts):
        return f"a range needs -m iprange --src-range {address}" if "-s" in words else f"a range needs -m iprange --dst-range {address}"
    if "*" in address:
        return "networks are written with a mask: 10.0.0.0/8"
    if numeric and any(int(part) > 255 for part in parts):
        return "each of the four numbers is 0 to 255"
    if numeric and len(parts) > 4:
        return "an IPv4 address has four numbers"
    if address.lower() in ("any", "all", "anywhere"):
        return "leave the option out to match every address"
    return "an address, a network or a name"


def _bad_mask(item: Item, mask: str, words: list[str]) -> str:
    if mask.isdigit():
        return f"a prefix is 0 to {32 if item.family == 4 else 128} bits"
    return "a mask is a number of bits (/24) or 255.255.255.0" if item.family == 4 else "a mask is a number of bits (/64)"


def _bad_protocol(item: Item, name: str, words: list[str]) -> str:
    from pyiptables.netfilter.names import PROTOCOLS

    if name.isdigit():
        return "protocols are 0 to 255"
    if "," in name or "/" in name:
        return "one protocol a rule: write a rule for tcp and one for udp"
    if name in ("icmp6", "icmp-v6"):
        return "it is called icmpv6 or ipv6-icmp"
    if name in ("any", "ip", "ipv4"):
        return "leave -p out, or write -p all"
    return _meant(name, [known for known in PROTOCOLS if known != "icmp6"], "a number, or a name of /etc/protocols")


def _bad_match(item: Item, name: str, words: list[str]) -> str:
    if name in _REMOVED:
        return _REMOVED[name]
    if name in _FAMILY_NAMES and _FAMILY_NAMES[name][1] != item.family:
        return f"for IPv{item.family} it is -m {_FAMILY_NAMES[name][0]}"
    if name in _names("match", 10 - item.family):
        return f"-m {name} is for IPv{10 - item.family} only"
    if name.upper() in _names("target", item.family) and name.upper() not in (n.upper() for n in _names("match", item.family)):
        return f"{name.upper()} is a target: -j {name.upper()}"
    return _meant(name, _names("match", item.family))


def _bad_target(item: Item, name: str, words: list[str]) -> str:
    return hint_for_chain(name, item.table, item.family, (), jump=True)


def _bad_state(item: Item, state: str, words: list[str]) -> str:
    option = next((word for word in words if word in ("--state", "--ctstate")), "--ctstate")
    if not state:
        return f"the list has an empty word: commas without blanks, {option} ESTABLISHED,RELATED"
    return _meant(state, ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "SNAT", "DNAT"),
                  "states are NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED")  # fmt: skip


def _bad_icmp(item: Item, name: str, words: list[str]) -> str:
    from pyiptables.xtables.icmp_types import ICMP, ICMPV6

    known = [entry[0] for entry in (ICMP if item.family == 4 else ICMPV6)]
    other = [entry[0] for entry in (ICMPV6 if item.family == 4 else ICMP)]
    if name in other and name not in known:
        return f"{name} is a type of {'ICMPv6' if item.family == 4 else 'ICMP for IPv4'}"
    return _meant(name, known, "a number, or one of the names that -p icmp -h shows")


_REJECTS = {
    4: ("icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable", "icmp-proto-unreachable", "icmp-net-prohibited",
        "icmp-host-prohibited", "icmp-admin-prohibited", "tcp-reset"),
    6: ("icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable", "icmp6-port-unreachable", "tcp-reset"),
}  # fmt: skip


def _bad_reject(item: Item, kind: str, words: list[str]) -> str:
    if kind in _REJECTS[10 - item.family]:
        swapped = near(kind, _REJECTS[item.family])
        return f"that is for IPv{10 - item.family}" + (f": here {swapped}" if swapped else "")
    return _meant(kind, _REJECTS[item.family], "one of " + ", ".join(_REJECTS[item.family]))


def _bad_flag(item: Item, flag: str, words: list[str]) -> str:
    return _meant(flag, ("SYN", "ACK", "FIN", "RST", "URG", "PSH", "ALL", "NONE"), "flags are SYN, ACK, FIN, RST, URG, PSH, ALL, NONE")


def _twice(item: Item, option: str, words: list[str]) -> str:
    if "port" in option:
        plural = "--dports" if "dest" in option or "dport" in option else "--sports"
        values = [value for name, value in zip(words, words[1:], strict=False) if name in ("--dport", "--sport", option)]
        return f"for several ports: -m multiport {plural} {','.join(values)}"
    return "one of them, or two rules"


def _only_in(item: Item, word: str, words: list[str]) -> str:
    if "-o" in words or "--out-interface" in words:
        return f"packets in {item.chain or 'INPUT'} have no way out yet: use -i, or chain FORWARD, OUTPUT or POSTROUTING"
    return "use -i in INPUT, FORWARD and PREROUTING"


def _only_out(item: Item, word: str, words: list[str]) -> str:
    if item.chain == "POSTROUTING":
        return "the interface that packets came in by is forgotten here: use -o, or mark them in PREROUTING and match -m mark"
    return "the host's own packets came in nowhere: use -o, or chain INPUT, FORWARD or PREROUTING"


def _requires(item: Item, option: str, words: list[str]) -> str:
    if option in ("-j", "--jump"):
        return "a target is missing: -j ACCEPT, DROP, REJECT, a chain …"
    return "its value is missing"


def _needed(item: Item, option: str, words: list[str]) -> str:
    examples = {
        "--to-destination": "--to-destination 10.0.0.2:80", "--to-source": "--to-source 192.0.2.1", "--algo": "--algo bm",
        "--hashlimit-name": "--hashlimit-name ssh --hashlimit-mode srcip", "--limit": "--limit 5/min", "--mode": "--mode random",
        "--set-class": "--set-class 1:10", "--to": "--to 10.0.0.0/24", "--queue-num": "--queue-num 0",
    }  # fmt: skip
    return f"for example {examples[option]}" if option in examples else ""


_LEVELS = ("emerg", "alert", "crit", "error", "warning", "notice", "info", "debug")
_Hint = str | Callable[[Item, str, list[str]], str]
#: A piece of an error's text and what to say to it; the first that fits and has something to say wins.
_HINTS: tuple[tuple[str, _Hint], ...] = (
    ("unknown option", _unknown_option),
    ("Bad argument", _bad_argument),
    ("Couldn't load match", _bad_match),
    ("Couldn't load target", _bad_target),
    ("does not exist", _bad_target),
    ("unknown protocol", _bad_protocol),
    ("invalid port/service", _bad_port),
    ("Port `", "ports are 0 to 65535"),
    ("invalid portrange", "the lower port stands first"),
    ("not found", _bad_host),
    ("invalid mask", _bad_mask),
    ("Bad ctstate", _bad_state),
    ("Bad state", _bad_state),
    ("ICMP type", _bad_icmp),
    ("ICMPv6 type", _bad_icmp),
    ("unknown reject type", _bad_reject),
    ("Unknown TCP flag", _bad_flag),
    ("--tcp-flags requires two args", "which flags to look at, and which of them are set: --tcp-flags SYN,ACK SYN"),
    ("--match-set requires two args", "say which of the packet's addresses: --match-set NAME src"),
    ("log level", lambda item, level, words: _meant(level, _LEVELS, "0 to 7, or " + ", ".join(_LEVELS))),
    ("bad rate", "a number and second, minute, hour or day: 5/minute"),
    ("Rate too fast", "at most 10000/second"),
    ("too many ports", "15 at most, a range counts as two: write a second rule, or use an ipset of type bitmap:port"),
    ("multiport needs", "put -p tcp or -p udp in front of -m multiport"),
    ("multiport only works", "this protocol has no ports"),
    ("cannot be used together", "one of them, or name the match a second time: -m NAME … -m NAME …"),
    ("must be shorter than 16", "interface names have 15 characters at most"),
    ("Can't use --out-interface", _only_in),
    ("Can't use --in-interface", _only_out),
    ("with port specification", "put the protocol in front: -p tcp or -p udp"),
    ("Invalid MAC address", "six pairs of hexadecimal digits: 00:16:3e:00:00:01"),
    ("cannot be used in iptables-restore", "the line *TABLE above the rule says it"),
    ("You cannot use `-", "-w and -W are options of iptables-restore itself"),
    ("multiple --protocol", "one protocol a rule: write a rule for each"),
    ("options not allowed", "an option is given once; write a second rule"),
    ("requires '-p", "put the protocol in front of the ports: -p tcp or -p udp"),
    ("intended for filtering", "drop in table filter, or in mangle or raw where it must be early"),
    ("! not allowed with multiple", "first a rule that lets these addresses go (-j RETURN), then one for the rest; or an ipset"),
    ("allowed", lambda item, option, words: _twice(item, option, words) if option.startswith("--") else ""),
    ("can only be used once", "one of them, or name the match a second time"),
    ("must be specified", _needed),
    ("requires a rule number", "-R CHAIN NUMBER rule"),
    ("Invalid rule number", lambda item, word, words: "the chain's name is missing" if words[1:2] and words[1][:1] == "-"
        else "rules count from 1"),
    ("may not clash with target", "targets have this name: choose another, in lower case"),
    ("requires an argument", _requires),
    ("cannot have ! before", "the ! stands in front of an option that can be turned round"),
    ("cannot be inverted", "leave the ! out, and turn the rule round instead"),
    ("multiple consecutive !", "one ! is enough"),
    ("is not supported in IPv6", "-m frag"),
    ("no command specified", "a rule begins with -A CHAIN"),
    ("Cannot use -", "one command a line"),
    ("Illegal option", "only -A, -I, -R, -D and -C take a rule"),
    ("too long", "shorten it"),
    ("rule would never match protocol", "leave -p out"),
    ("policy invalid", "a chain line is :NAME POLICY [0:0], the policy of a chain of one's own is -"),
    ("Bad policy name", "policies are ACCEPT and DROP; to reject, end the chain with a rule -j REJECT"),
    ("table name", lambda item, name, words: _meant(name, CHAINS, "tables are " + ", ".join(CHAINS))),
)  # fmt: skip
