"""``-h``: what the program and the extensions named on the command line can do, made from the option tables."""

from __future__ import annotations

from pyiptables.xtables.names import chain_protocol_name
from pyiptables.xtables.option import HOOKS, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.tools.run import Program
    from pyiptables.xtables.option import Extension, Match, Option

__all__ = ["program_help", "restore_help"]

#: Where the text of an option begins, where lines end, and the words that still stand in its line.
_RIGHT, _WIDTH, _INLINE = 46, 110, 60

#: (letter, long names, arguments, what it does); '!' first where the option can be inverted.
COMMANDS = (
    ("A", "append", "CHAIN", "add the rule at the end of the chain"),
    ("C", "check", "CHAIN", "exit with 0 if the chain has this rule"),
    ("D", "delete", "CHAIN [NUMBER]", "delete this rule, or the one with this number"),
    ("I", "insert", "CHAIN [NUMBER]", "put the rule before this one (default: first)"),
    ("R", "replace", "CHAIN NUMBER", "put the rule in the place of this one"),
    ("L", "list", "[CHAIN [NUMBER]]", "show rules as a table"),
    ("S", "list-rules", "[CHAIN [NUMBER]]", "show rules as commands"),
    ("F", "flush", "[CHAIN]", "delete all rules of a chain, or of all chains"),
    ("Z", "zero", "[CHAIN [NUMBER]]", "set counters to zero"),
    ("N", "new-chain", "CHAIN", "make a user-defined chain"),
    ("X", "delete-chain", "[CHAIN]", "delete an empty user-defined chain, or all of them"),
    ("P", "policy", "CHAIN TARGET", "what happens to packets that no rule decided: ACCEPT or DROP"),
    ("E", "rename-chain", "OLD NEW", "give a user-defined chain another name"),
)
OPTIONS = (
    (" ", "t", "table", "TABLE", "filter (default), nat, mangle, raw or security"),
    ("!", "p", "protocol", "PROTOCOL", "name or number; all is any"),
    ("!", "s", "source", "ADDRESS[/MASK][,…]", "source address; a list makes one rule for each"),
    ("!", "d", "destination", "ADDRESS[/MASK][,…]", "destination address, likewise"),
    ("!", "i", "in-interface", "NAME[+]", "interface it came in; + stands for any ending"),
    ("!", "o", "out-interface", "NAME[+]", "interface it leaves by"),
    ("!", "f", "fragments", "", "second and further fragments (IPv4 only)"),
    (" ", "m", "match", "MATCH", "use a match; `-m MATCH -h' shows its options"),
    (" ", "j", "jump", "TARGET", "what to do: ACCEPT, DROP, RETURN, a chain or an extension"),
    (" ", "g", "goto", "CHAIN", "go on in the chain without coming back"),
    (" ", "c", "set-counters", "PACKETS BYTES", "start the rule with these counters"),
    (" ", "v", "verbose", "", "say more"),
    (" ", "n", "numeric", "", "show numbers, look no names up"),
    (" ", "x", "exact", "", "show counters in full"),
    (" ", "", "line-numbers", "", "number the rules of a listing"),
    (" ", "w", "wait", "[SECONDS]", "wait for the lock"),
    (" ", "W", "wait-interval", "USECS", "accepted and ignored"),
    (" ", "4", "ipv4", "", "IPv4 only: ip6tables-restore skips the line"),
    (" ", "6", "ipv6", "", "IPv6 only: iptables-restore skips the line"),
    (" ", "M", "modprobe", "COMMAND", "accepted; nothing is ever loaded"),
    (" ", "V", "version", "", "show the version"),
    (" ", "h", "help", "", "show this; after -m or -j also the options of that extension"),
)


def program_help(program: Program, matches: list[Match], targets: list[type[Target]]) -> str:
    """The help of iptables or ip6tables, then that of the extensions met before ``-h``."""
    lines = [
        f"{program.name} v{program.variant.version}",
        "",
        f"Usage: {program.name} [-t TABLE] COMMAND CHAIN [RULE] [OPTIONS]",
        f"       {program.name} -h (print this help information)",
        "",
        "Commands:",
    ]
    lines += [f"  -{letter}, --{name + ' ' + args:<32} {text}" for letter, name, args, text in COMMANDS]
    lines += ["", "Rules and options (! in front inverts where shown):"]
    for invert, letter, name, args, text in OPTIONS:
        if name == "fragments" and program.family == 6:
            continue
        short = f"-{letter}, " if letter else "    "
        lines.append(f"{invert} {short}--{(name + ' ' + args).rstrip():<32} {text}")
    out = "\n".join(lines) + "\n"
    for extension in [*targets, *[type(match) for match in matches]]:
        out += "\n" + _extension_help(extension, program.family)
    return out


def _extension_help(extension: type[Extension], family: int) -> str:
    """An extension's options, one a line."""
    kind = "target" if issubclass(extension, Target) else "match"
    head = f"{extension.name} {kind}: {extension.summary}\n{_places(extension)}"
    if not extension.options:
        return f"{head}  (no options)\n"
    options = "".join([_option_lines(option, extension.choices(option, family)) for option in extension.options])
    return f"{head}{extension.name} {kind} options:\n{options}{extension.more_help()}"


def _places(extension: type[Extension]) -> str:
    """Where the kernel takes it, when that is not everywhere."""
    limits = []
    if extension.tables is not None:
        limits.append(f"table {' or '.join(extension.tables)}")
    if extension.hooks is not None:
        limits.append(f"reached from {', '.join([hook for hook in HOOKS if hook in extension.hooks])}")
    if extension.protocols is not None:
        limits.append(f"with -p {' or '.join([chain_protocol_name(number) or str(number) for number in extension.protocols])}")
    return f"  only: {'; '.join(limits)}\n" if limits else ""


def _option_lines(option: Option, choices: tuple[str, ...]) -> str:
    """One option as ``-h`` shows it, with the words it takes where nothing else says them."""
    names = "/".join([f"--{name}" for name in (option.name, *option.aliases)])
    left = f" {'[!]' if option.invert else '   '} {names} {option.metavar}".rstrip()
    told = f"{option.metavar} {option.help}"
    words = choices if option.type.lists_words and not all(word in told for word in choices) else ()
    listed = ", ".join(words)
    inline = words and len(listed) < _INLINE
    lines = _wrapped(f"{option.help}{f' ({listed})' if inline else ':' if words else ''}", _RIGHT)
    if len(left) < _RIGHT:
        lines[0] = left.ljust(_RIGHT) + lines[0][_RIGHT:]
    else:
        lines.insert(0, left)
    if words and not inline:
        lines += _wrapped(listed, 8)
    return "\n".join(lines) + "\n"


def _wrapped(text: str, indent: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent, break_on_hyphens=False)


def restore_help(program: Program) -> str:
    return (
        f"Usage: {program.name} [OPTIONS] [FILE]\n"
        "  -c, --counters         restore packet and byte counters too\n"
        "  -n, --noflush          keep the rules that are there\n"
        "  -t, --test             read and check, change nothing\n"
        "  -T, --table=TABLE      restore this table only\n"
        "  -v, --verbose          show comments and what is done\n"
        "  -w, --wait[=SECONDS]   wait for the lock\n"
        "  -W, --wait-interval=N  accepted and ignored\n"
        "  -M, --modprobe=COMMAND accepted; nothing is ever loaded\n"
        "  -V, --version          show the version\n"
        "  -h, --help             show this\n"
    )
