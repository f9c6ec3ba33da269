"""What every match and target is made of: an option table, and the protocol the rest of the program knows.

The base classes do what libxtables' guided option parser does (``xtables_option_parse``,
``xtables_options_fcheck`` in ``xtoptions.c``) from the declarative table; an extension overrides only what is odd
about it. An instance is one use of the extension in one rule, immutable once :meth:`Extension.final_check` ran.
"""

from __future__ import annotations

from pyiptables.xtables.addresses import address_text
from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.names import NoNames
from pyiptables.xtables.values import Nothing, ValueType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names

    class Scanner(Protocol):
        """What an extension may do with the words that follow its option."""

        def has_argument(self) -> bool: ...
        def take(self) -> str: ...


__all__ = ["HOOKS", "Extension", "Match", "Option", "Parsing", "Target"]

#: The hooks by the names of their built-in chains.
HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")

_NOTHING = Nothing()
#: What a name may hold for a name server to be asked (``__res_hnok``, and the escapes of ``ns_name_pton``).
_HOST_CHARACTERS = frozenset("-._\\0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Option:
    """One option of an extension (``struct xt_option_entry``).

    ``aliases`` are other long names with the same meaning; ``save_as`` is the name the save form prints when it
    is not the first. ``also``/``excl`` name options that must / must not be given together with this one.
    ``help`` is one line for ``-h``, the completion and the man page, ``words`` what an argument can be where that is a
    choice (else the type's); with a metavar like ``state[,…]`` they may be joined. ``code`` is the low byte of its ``val`` for
    getopt where that is not its place among the options: a complaint has it. ``reads`` are the fields of a packet that decide
    about a match's option, None where they alone do not.
    """

    __slots__ = (
        "aliases", "also", "code", "excl", "help", "invert", "mandatory", "metavar", "multi", "name", "reads", "save_as", "type",
        "words",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        type: ValueType = _NOTHING,
        *,
        invert: bool = False,
        mandatory: bool = False,
        multi: bool = False,
        aliases: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
        excl: tuple[str, ...] = (),
        save_as: str | None = None,
        metavar: str | None = None,
        help: str = "",
        words: tuple[str, ...] = (),
        code: int | None = None,
        reads: tuple[str, ...] | None = None,
    ) -> None:
        self.name = name
        self.type = type
        self.invert = invert
        self.mandatory = mandatory
        self.multi = multi
        self.aliases = aliases
        self.also = also
        self.excl = excl
        self.save_as = save_as or name
        self.metavar = type.metavar if metavar is None else metavar
        self.help = help
        self.words = words or type.words
        self.code = code
        self.reads = reads


class Neighbours:
    """The rules of a host, where extensions look for others that name the same object of the kernel."""

    __slots__ = ("_find", "_known")

    def __init__(self, find: Callable[[str, str, tuple[int, ...]], Extension | None]) -> None:
        self._find = find
        self._known: dict[tuple[str, str, tuple[int, ...]], Extension] = {}

    def find(self, use: str, words: str, families: tuple[int, ...] = (4, 6)) -> Extension | None:
        """A use of an extension (``-j RATEEST``) with these words in its save form, None when there is none."""
        key = (use, words, families)
        if key not in self._known:
            found = self._find(*key)
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]

    def first(self, extension: Extension, use: str, words: str, families: tuple[int, ...] = (4, 6)) -> Extension:
        """What :meth:`find` finds, else the extension at hand, which is the first from now on."""
        return self.find(use, words, families) or self._known.setdefault((use, words, families), extension)


class Parsing:
    """What an extension may know while a command line is read.

    ``notices`` collects lines for stderr that are no errors. ``sets`` answers whether an ipset exists (with its
    family and dimension), ``read_file`` gives a file's bytes or raises OSError (``-m bpf --object-pinned`` and
    the like), ``neighbours`` knows the other rules of the host; each is None where nothing outside may be asked.
    ``elsewhere``: the rules are a dump of another host, so that sets, cgroups, accounts and policies they name are there.
    """

    __slots__ = (
        "announced", "elsewhere", "family", "kept", "names", "neighbours", "notices", "proto", "proto_inv", "read_file", "scanner", "sets",
        "spec", "table", "variant",
    )  # fmt: skip

    def __init__(self, family: int, names: Names | None = None, variant: str = "nft", table: str = "filter"):
        self.family = family
        self.names: Names = NoNames() if names is None else names
        self.variant = variant
        self.table = table
        self.proto = 0
        self.proto_inv = False
        #: Names known to be chains, which no target can take (``xtables_announce_chain``).
        self.announced: set[str] = set()
        self.notices: list[str] = []
        #: The words still to come, for options that take more than one (``--tcp-flags mask comp``).
        self.scanner: Scanner | None = None
        self.sets: Callable[[str], Any] | None = None
        self.neighbours: Neighbours | None = None
        self.elsewhere = False
        #: The rule stands in a state: what iptables-nft made of two matches (no port at all) nobody could have asked for.
        self.kept = False
        #: The whole rule, while the kernel's checks are made.
        self.spec: RuleSpec | None = None
        self.read_file: Callable[[str], bytes] | None = None

    def next_word(self) -> str | None:
        """The word after the option's argument, taken; None when there is none or it begins with - or !."""
        scanner = self.scanner
        return scanner.take() if scanner is not None and scanner.has_argument() else None

    def no_such_host(self, name: str) -> str:
        """``gai_strerror`` for a name nobody knows: a look-up without a network fails for now, not for good.

        What looks like an IPv4 address is not looked up as the name of one.
        """
        labels = name.removesuffix(".").split(".")
        if name != "." and (
            name[:1] == "-"
            or not _HOST_CHARACTERS.issuperset(name)
            or not all([0 < len(label) < 64 for label in labels])
            or (self.family == 4 and name[-1:] != "." and "".join(labels).isdigit())
            or len(name) > 253
        ):
            return "Name or service not known"
        return "Temporary failure in name resolution"


class Extension:
    """One use of a match or target. Class attributes describe it, ``values``/``inverted`` hold what was given.

    ``values`` maps option names to parsed values, ``inverted`` is the set of options given with ``!``.
    """

    __slots__ = ("family", "inverted", "values")

    #: The name after ``-m``/``-j``.
    name = ""
    #: Address families that have it.
    families: tuple[int, ...] = (4, 6)
    #: The option table, in libxtables' order (it decides the order of checks and of the save form).
    options: tuple[Option, ...] = ()
    #: The options' names by libxtables' numbers where these go another way than the table: of several conflicts the
    #: lowest number is told.
    numbering: tuple[str, ...] = ()
    #: The name in save and listing when this one is only another spelling of it (``state`` → ``conntrack``?).
    real_name: str | None = None
    #: An alias that announces no conversion (``XTABLES_EXT_ALIAS``).
    silent_alias = False
    #: One sentence: what it does (help, completion, man page).
    summary = ""
    #: What the kernel demands (``struct xt_match``/``xt_target``): tables, hooks, protocols; None = any.
    tables: tuple[str, ...] | None = None
    hooks: tuple[str, ...] | None = None
    protocols: tuple[int, ...] | None = None

    #: A regular expression for save forms (what follows the name) that a full parse would give again and that the
    #: kernel takes wherever the class attributes allow; None when there is none (``syntax.canonical``).
    canonical: str | None = None

    def __init__(self, family: int) -> None:
        self.family = family
        self.values: dict[str, Any] = {}
        self.inverted: set[str] = set()

    @classmethod
    def choices(cls, option: Option, family: int) -> tuple[str, ...]:
        """What the argument of an option can be in a family, where that is a choice (completion)."""
        return option.words

    # -- reading -----------------------------------------------------------------------------------------
    def parse(self, option: Option, text: str, invert: bool, parsing: Parsing) -> None:
        """Take one option (``xtables_option_parse``); ``text`` is '' for an option without argument."""
        name = option.name
        if name in self.values and (not option.multi or name in option.excl):
            raise ParameterProblem(f'{self.name}: option "--{name}" can only be used once.\n')
        if invert and not option.invert:
            raise ParameterProblem(f'{self.name}: option "--{name}" cannot be inverted.\n')
        value = option.type.parse(text, option, self, parsing)
        self.accept(option, value, invert, parsing)

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        """Keep a parsed value; override to check or combine it."""
        self.values[option.name] = value
        if invert:
            self.inverted.add(option.name)

    def final_check(self, parsing: Parsing) -> None:
        """The extension's own checks after all options (``x6_fcheck``), before the table's."""

    def check_options(self) -> None:
        """Required, conflicting and companion options (``xtables_options_fcheck``)."""
        given = self.values
        for option in self.options:
            if option.name not in given:
                if option.mandatory:
                    raise ParameterProblem(f'{self.name}: option "--{option.name}" must be specified\n')
                continue
            if not option.also and not option.excl:
                continue
            for other in self.numbering or [each.name for each in self.options]:
                if other == option.name:
                    continue
                if other in option.also and other not in given:
                    raise ParameterProblem(f'{self.name}: option "--{option.name}" also requires "--{other}".\n')
                if other in option.excl and other in given:
                    raise ParameterProblem(f'{self.name}: option "--{option.name}" cannot be used together with "--{other}".\n')

    def hooks_allowed(self) -> tuple[str, ...] | None:
        """The hooks this use may stand in, None for any; for checks that depend on the options given."""
        return self.hooks

    def kernel_check(self, parsing: Parsing) -> None:
        """What the kernel's ``checkentry`` refuses beyond tables, hooks and protocols: raise KernelRefusal."""

    @classmethod
    def more_help(cls) -> str:
        """What ``-h`` says below the options."""
        return ""

    # -- writing -----------------------------------------------------------------------------------------
    def save(self) -> str:
        """The save form after ``-m name``/``-j name``: '' or text that starts with a space."""
        parts = []
        for option in self.options:
            if option.name in self.values:
                mark = " !" if option.name in self.inverted else ""
                parts.append(f"{mark} --{option.save_as}{self.option_text(option, self.values[option.name])}")
        return "".join(parts)

    def option_text(self, option: Option, value: Any) -> str:
        """An option's value in the save form, with its leading space."""
        return option.type.text(value)

    def saves_all(self) -> bool:
        """Whether the save form, read again, gives the same; where it does not the state file keeps the words given."""
        return True

    def show(self, numeric: bool, names: Names) -> str | None:
        """What ``-L`` prints for it, exactly (most begin with a space: ``" ctstate NEW"``); None: no printer."""
        return ""

    def address(self, value: int) -> str:
        return address_text(value, self.family)

    def identity(self) -> str:
        """What -C and -D compare; the save form unless userspace compares less or more than it prints."""
        return self.save()

    def is_found(self) -> bool:
        """Whether -C and -D find a rule with it at all."""
        return True


class Match(Extension):
    """A match (``-m``)."""

    __slots__ = ()

    #: What goes to stderr each time a rule with it is printed.
    remark = ""
    #: False for matches whose answer depends on more than the packet (random, rate, time, lists).
    deterministic = True
    #: True for a match that every packet meets, whatever it is given.
    idle = False
    #: True when the rule's other words only stand in for words that are not known: nothing can be told from them.
    obscure = False
    #: ``src`` or ``dst`` when that address of the rule is only a stand-in and this match says what it stands for.
    instead_of = ""

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """Does the packet match? None when the description does not say enough."""
        ctx.unknown(f"match {self.name} cannot be decided")
        return None

    def reads(self) -> frozenset[str] | None:
        """The fields of a packet that alone decide, once the protocol is right; None where they do not."""
        found: set[str] = set()
        for option in self.options:
            if option.name in self.values:
                if option.reads is None:
                    return None
                found.update(option.reads)
        return frozenset(found)

    def nft_form(self, earlier: list[Match], spec: RuleSpec) -> Match | None:
        """The match as iptables-nft reads it back where it uses native expressions (``add_match``, ``nft.c``).

        ``earlier`` are the matches before it, in their read-back form; None when it merged into one of them.
        Raises ParameterProblem where the conversion does.
        """
        return self

    @classmethod
    def listed(cls, saved: str) -> str | None:
        """What :meth:`show` prints with numbers for a save form (what follows the name), where that is plain to see.

        For matches that are rarely the same in two rules, so that long listings need not type each.
        """
        return None

    def native(self) -> bool:
        """Whether iptables-nft writes it as expressions of its own, whose protocol the kernel does not check."""
        return False

    def packet_set(self, space: Any, spec: Any) -> Any:
        """The set of packets it stands for (``analysis/``), None when it is opaque there."""
        return None

    def volatile(self) -> tuple[str, ...]:
        """What the match itself alters while it looks, whether the rule matches or not, for analysis.

        Packet fields (``mark`` for ``socket --restore-skmark``), or memories that other rules ask (``recent``).
        """
        return ()


class Target(Extension):
    """A target (``-j``)."""

    __slots__ = ()

    #: True when a packet never comes back from it (REJECT, DNAT …), as ACCEPT and DROP do.
    terminal = False
    #: True when no kernel has it any more.
    gone = False
    #: True when twice in a row is the same as once, where ``changes`` cannot tell.
    idempotent = False

    def save_name(self) -> str:
        """The name printed after ``-j`` in the save form (``struct xtables_target.alias``)."""
        return self.real_name or self.name

    def listed_name(self) -> str:
        """The name in the target column of ``-L``."""
        return self.real_name or self.name

    def changes(self) -> dict[str, tuple[int, int] | None]:
        """Packet fields it may change, for analysis: field → (clear, flip) meaning ``value & ~clear ^ flip``, or None
        for a value that is not known beforehand."""
        return {}

    def nft_form(self, spec: RuleSpec) -> Target:
        """The target as iptables-nft reads it back when it does not come back as it went."""
        return self

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """Act on the packet and say what follows."""
        from pyiptables.netfilter.packet import Verdict

        ctx.unknown(f"target {self.name} is not simulated")
        return Verdict.CONTINUE
