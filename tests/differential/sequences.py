"""Random sessions: commands and restore files, most of them sound, some of them nonsense."""

from __future__ import annotations

from extension_words import ADDRESSES as NOTATIONS
from extension_words import extension_rules, extension_words
from hypothesis import strategies as st
from sessions import ADDRESSES, VARIANTS, Session, Step

BUILTIN = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
USER = ("a", "b", "c", "long-chain-name_0123456789.x")
#: Long names of commands and options, for words that are written in full, shortened or joined to their value.
LONG = {
    "-A": "append", "-C": "check", "-D": "delete", "-E": "rename-chain", "-F": "flush", "-I": "insert", "-L": "list", "-N": "new-chain", "-P": "policy",
    "-R": "replace", "-S": "list-rules", "-X": "delete-chain", "-Z": "zero", "-c": "set-counters", "-d": "destination", "-f": "fragments", "-g": "goto",
    "-i": "in-interface", "-j": "jump", "-m": "match", "-n": "numeric", "-o": "out-interface", "-p": "protocol", "-s": "source", "-t": "table",
    "-v": "verbose", "-w": "wait", "-x": "exact",
}  # fmt: skip
tables = st.sampled_from(["filter"] * 6 + ["nat", "mangle", "raw", "security"])
odd_words = st.sampled_from(["", "!", "-", "--", "-x", "--foo", "foo", "0", "-1", "1:2", "a b", "99999999999", "'", '"', "ä", "+"])
numbers = st.sampled_from(["1", "2", "3", "1", "2", "0", "7", "x", "01", "0x1"])
counters = st.sampled_from(["0", "1", "99999", "100000", "123456789", "18446744073709551615", "x"])


def _words(*choices: str) -> st.SearchStrategy[list[str]]:
    return st.sampled_from(choices).map(str.split)


def _pieces(family: int) -> st.SearchStrategy[list[str]]:
    """What a rule is put together from."""
    a = ADDRESSES[family]
    host, net, other = a["@HOST"], a["@NET"], a["@OTHER"]
    every = "0.0.0.0/0" if family == 4 else "::/0"
    addresses = st.sampled_from(
        [host, net, other, every, f"{host},{net}", f"{net},{net}", f"{host}/0", f"{host}/x", "localhost", "", *NOTATIONS[family]]
    )
    header = st.one_of(
        st.tuples(st.sampled_from([[], [], ["!"]]), st.sampled_from(["-s", "-d", "--src", "--destination"]), addresses).map(
            lambda t: [*t[0], t[1], t[2]]
        ),
        _words(
            "-i eth0", "! -i eth0", "-i eth+", "-i +", "-o eth1", "! -o eth1", "-o +", "-i 1234567890123456", "--in-interface lo",
            "-p tcp", "-p udp", "-p icmp", "-p ipv6-icmp", "-p 47", "-p 250", "! -p tcp", "-p all", "! -p 0", "-p TCP", "-p nosuch", "-p 0x6",
            "-f", "! -f", "-p 256", "-p -1", "-p icmpv6", "-p esp", "! -p udp", "-p sctp", "-p 0", "-p ipv6", "-p hopopt", "-i eth0/x", "-o !", "-p tcp -p udp",
        ),
    )  # fmt: skip
    matches = _words(
        "-p tcp --dport 22", "-p tcp --dport 1024:", "-p tcp ! --sport :1023", "-p tcp -m tcp --syn", "-p tcp --tcp-flags ALL NONE",
        "-p udp --dport domain", "-p udp -m udp --sport 53", "-p tcp --tcp-option 5", "-m tcp --dport 1", "-m mark --mark 0x1/0xf",
        "-m mark ! --mark 7", "-m mark", "-m comment --comment hello", "-m comment --comment", "-m limit --limit 5/min",
        "-m limit --limit 3/sec --limit-burst 7", "-m conntrack --ctstate NEW,RELATED", "-m conntrack ! --ctstate INVALID", "-m state --state NEW",
        "-p tcp -m multiport --dports 80,443,1000:2000", "-p icmp --icmp-type echo-request", "-p ipv6-icmp --icmpv6-type 128", "-m nosuch",
        "-m pkttype --pkt-type multicast", "-m mac --mac-source 00:11:22:33:44:55", "-m length --length 64:128", "-m ttl --ttl-gt 5", "-m hl --hl-lt 9",
    ) | st.sampled_from(["a b", 'say "x"', "back\\slash", "it's", "-j", "!", "", "x" * 300, "ü", "tab\tin"]).map(
        lambda text: ["-m", "comment", "--comment", text]
    )  # fmt: skip
    matches |= extension_words("match", family)
    target = st.one_of(
        extension_words("target", family),
        st.tuples(st.sampled_from(["-j", "-j", "-g", "--jump"]), st.sampled_from([*USER, *USER, "nowhere", "INPUT"])).map(list),
        _words(
            "-j ACCEPT", "-j ACCEPT", "-j DROP", "-j RETURN", "-j QUEUE", "-j LOG", "-j LOG --log-prefix pre --log-level 3", "-j LOG --log-uid",
            "-j MARK --set-mark 5", "-j MARK --set-xmark 1/3", "-j REJECT", "-j DNAT --to-destination 1.2.3.4", "-j SNAT", "-j MASQUERADE", "-g",
            "-j CONTINUE", "-j NOTRACK", "-j TCPMSS --clamp-mss-to-pmtu",
        ),
    )  # fmt: skip
    more = st.one_of(
        _words("-v", "-w", "-4", "-6", "-n", "-x", "-t nat", "--line-numbers"),
        st.tuples(counters, counters).map(lambda t: ["-c", *t]),
        odd_words.map(lambda word: [word]),
    )
    rule = st.tuples(
        st.lists(header, max_size=2), st.lists(matches, max_size=2), st.lists(target, max_size=1), st.sampled_from([0] * 9 + [1]), more
    )  # fmt: skip
    plain = rule.map(lambda t: [word for group in (*t[0], *t[1], *t[2], *([t[4]] if t[3] else [])) for word in group])
    return st.one_of(plain, plain, extension_rules(family))


def _commands(family: int, chains: st.SearchStrategy[str], in_file: bool) -> st.SearchStrategy[list[str]]:
    """A command with its words, without the table."""
    rule = _pieces(family)
    user = st.sampled_from(USER)
    maybe_chain = st.one_of(st.just([]), chains.map(lambda c: [c]))
    flags = _words("", "", "-n", "-v", "-n -v", "-n -v -x", "--line-numbers", "-n -v --line-numbers")
    adding = st.one_of(
        st.tuples(st.just("-A"), chains, rule).map(lambda t: [t[0], t[1], *t[2]]),
        st.tuples(st.just("-I"), chains, st.one_of(st.just([]), numbers.map(lambda n: [n])), rule).map(
            lambda t: [t[0], t[1], *t[2], *t[3]]
        ),
    )
    changing = st.one_of(
        st.tuples(st.sampled_from(["-D", "-C"]), chains, rule).map(lambda t: [t[0], t[1], *t[2]]),
        st.tuples(st.just("-D"), chains, numbers).map(list),
        st.tuples(st.just("-R"), chains, numbers, rule).map(lambda t: [*t[:3], *t[3]]),
        st.tuples(st.sampled_from(["-F", "-X", "-Z"]), maybe_chain, _words("", "", "-v")).map(lambda t: [t[0], *t[1], *t[2]]),
        st.tuples(st.just("-Z"), chains, numbers).map(list),
        st.tuples(st.just("-N"), st.one_of(user, user, chains, odd_words)).map(list),
        st.tuples(st.just("-E"), st.one_of(user, chains), st.one_of(user, chains)).map(list),
        st.tuples(st.just("-P"), chains, st.sampled_from(["ACCEPT", "DROP", "DROP", "RETURN", "-", "x"]), _words("", "", "-c 5 6", "-v")).map(
            lambda t: [*t[:3], *t[3]]
        ),
    )  # fmt: skip
    showing = st.one_of(
        st.tuples(st.just("-L"), maybe_chain, flags).map(lambda t: [t[0], *t[1], *t[2]]),
        st.tuples(st.just("-S"), maybe_chain, _words("", "", "-v")).map(lambda t: [t[0], *t[1], *t[2]]),
        st.tuples(st.sampled_from(["-L", "-S"]), chains, numbers, _words("", "-v")).map(lambda t: [*t[:3], *t[3]]),
        st.tuples(st.sampled_from(["-L", "-S"]), maybe_chain, st.just("-Z"), maybe_chain).map(lambda t: [t[0], *t[1], t[2], *t[3]]),
    )
    nonsense = st.lists(st.one_of(odd_words, st.sampled_from(["-A", "-L", "-N", "-j", "-p", "INPUT", "a", "-v", "-n", "--"])), max_size=4)
    if in_file:
        return st.one_of(adding, adding, adding, changing, changing, showing, nonsense)
    return st.one_of(adding, adding, changing, changing, showing, nonsense)


@st.composite
def _spelled(draw: st.DrawFn, words: list[str]) -> list[str]:
    """The same command, some of its options by long names, shortened, or joined to their values."""
    if draw(st.integers(0, 3)):
        return words
    found: list[str] = []
    for word in words:
        joined = len(found) and found[-1][:1] == "-" and word[:1] not in ("-", "!") and not draw(st.integers(0, 5))
        if word in LONG and draw(st.booleans()):
            name = LONG[word]
            found.append("--" + (name if draw(st.integers(0, 2)) else name[: draw(st.integers(1, len(name)))]))
        elif joined:
            found[-1] += f"={word}" if found[-1][:2] == "--" else word
        else:
            found.append(word)
    return found


def _chains(table: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*BUILTIN[table] * 2, *USER, *USER, "nowhere", "PREROUTING"])


def _line(words: list[str]) -> str:
    """Words as a restore line, quoted where need be."""
    quoted = []
    for word in words:
        if word and not any(c in word for c in ' \t"\\'):
            quoted.append(word)
        else:
            escaped = word.replace("\\", "\\\\").replace('"', '\\"')
            quoted.append(f'"{escaped}"')
    return " ".join(quoted)


@st.composite
def _files(draw: st.DrawFn, family: int) -> str:
    """A restore file."""
    out: list[str] = []
    messy = draw(st.integers(0, 3)) == 0
    for _ in range(draw(st.integers(1, 2))):
        table = draw(tables)
        out.append(f"*{table}")
        count = draw(st.integers(0, 4))
        for _ in range(count):
            chain = draw(_chains(table))
            policy = draw(st.sampled_from(["ACCEPT", "DROP", "-", "-"]) if chain in BUILTIN[table] else st.just("-"))
            numbers_ = draw(st.sampled_from([" [0:0]", " [0:0]", " [5:60]", *(["", " [x]"] if messy else [])]))
            out.append(f":{chain} {policy}{numbers_}")
        for _ in range(draw(st.integers(0, 6))):
            line = _line(draw(_spelled(draw(_commands(family, _chains(table), True)))))
            head, tail = draw(st.sampled_from(["", "", "", "[0:0] ", "[7:89] "])), ""
            if messy:
                head = draw(st.sampled_from([head, head, "[x:y] ", "[1] ", " ", "\t", "[1:2]", "[-1:2] "]))
                tail = draw(st.sampled_from([*[""] * 8, " ", "\t", " # c", ' ""', ' "', " '", "\\"]))
            out.append(head + line + tail)
        if draw(st.integers(0, 15)):
            out.append("COMMIT")
        if draw(st.integers(0, 9)) == 0:
            odd = [
                "# comment",
                "",
                " ",
                "garbage",
                "COMMIT",
                " COMMIT",
                "COMMIT ",
                "*",
                "* filter",
                "*nosuch",
                ":",
                ": a",
                ":a",
                ":INPUT",
                ":INPUT x",
                ":INPUT - [1:2]",
                "-t nat -L",
            ]
            out.insert(draw(st.integers(0, len(out))), draw(st.sampled_from(odd)))
    return "".join([f"{line}\n" for line in out])


@st.composite
def _transactions(draw: st.DrawFn) -> str:
    """A restore file of commands that undo each other, some of which only the kernel refuses."""
    table = draw(st.sampled_from(["filter", "mangle", "mangle", "nat"]))
    chain = st.sampled_from([*BUILTIN[table][-2:], "a", "b"])
    rule = st.sampled_from(
        ["-j ACCEPT", "-j DROP", "-j REJECT", "-j a", "-j b", "-g a", "-p tcp -j DROP", "-i eth0", "-j MARK --set-mark 1"]
    )
    number = st.sampled_from("123")
    line = st.one_of(
        st.tuples(st.sampled_from(["-A", "-A", "-I", "-D", "-C"]), chain, rule),
        st.tuples(st.sampled_from(["-I", "-R"]), chain, number, rule),
        st.tuples(st.just("-D"), chain, number),
        st.tuples(st.sampled_from(["-F", "-X", "-Z", "-N", "-S"]), chain),
        st.tuples(st.sampled_from(["-F", "-X", "-Z"])),
        st.tuples(st.just("-E"), chain, st.sampled_from(["new", "a", "b", "INPUT"])),
        st.tuples(st.just("-P"), chain, st.sampled_from(["ACCEPT", "DROP"])),
        st.tuples(chain.map(":{}".format), st.sampled_from(["- [0:0]", "ACCEPT [3:4]"])),
    )
    lines = [" ".join(words) for words in draw(st.lists(line, min_size=1, max_size=7))]
    return "".join([f"{text}\n" for text in (f"*{table}", *lines, "COMMIT")])


@st.composite
def _steps(draw: st.DrawFn, family: int, variant: str) -> Step:
    name = "iptables" if family == 4 else "ip6tables"
    kind = draw(st.sampled_from(["command"] * 7 + ["restore"] * 3 + ["save", "transaction"]))
    if kind == "transaction":
        return Step([f"{name}-restore", *draw(_words("", "-n", "-n", "-v", "-c -n"))], draw(_transactions()))
    if kind == "save":
        options = draw(_words("", "-c", "-t nat", "-t filter -c", "-c -t raw", "-x", "foo", "-f @DIR/out", "-ct filter", "--counters --table=nat", "--tab mangle", "-M x", "-t", "-V",
                              "-t nosuch", "--modprobe=x -c", "-6", "-4", "--file @DIR/no/such", "-t filter -t nat"))  # fmt: skip
        return Step([f"{name}-save", *options])
    if kind == "restore":
        options = draw(_words("", "", "-n", "-n", "-c", "-c -n", "-v", "-v -n", "--test", "-T filter", "-T nat -n", "-t -n", "-w", "-w 1", "--wait=2 -n", "-W 5", "-w -W 5",
                              "-M x", "--noflush --counters", "--nof", "--tes", "--table=nat", "-T nosuch", "-nc", "-cnt", "-b", "-x", "-V", "-4", "-6", "-T", "foo bar", "@DIR/no/such"))  # fmt: skip
        return Step([f"{name}-restore", *options], draw(_files(family)))
    table = draw(tables)
    words = draw(_spelled(draw(_commands(family, _chains(table), False))))
    where = [] if table == "filter" else ["-t", table]
    more = draw(
        st.sampled_from(
            [
                *[[]] * 40,
                ["-w"],
                ["-w", "2"],
                ["-W", "3"],
                ["-6"],
                ["-4"],
                ["--modprobe=x"],
                ["-x"],
                ["-t"],
                ["-t", "nosuch"],
                ["-V"],
                ["!", "-V"],
            ]
        )
    )
    return Step([name, *words, *where, *more] if draw(st.booleans()) else [name, *more, *where, *words])


def is_left_out(words: list[str]) -> bool:
    """What is known not to be copied: dumps of internals (-v twice)."""
    short = sum(word.count("v") for word in words if word[:1] == "-" and word[:2] != "--")
    return short + sum(word.startswith("--verb") for word in words) > 1


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Up to ten steps on an empty state, and a look at what is left."""
    family = draw(st.sampled_from((4, 6)))
    variant = draw(st.sampled_from(VARIANTS))
    steps = draw(st.lists(_steps(family, variant), min_size=1, max_size=10))
    kept = []
    for step in steps:
        lines = [step.argv, *[line.split(" ") for line in (step.stdin or "").split("\n")]]
        given = ["-v"] if "restore" in step.argv[0] and "-v" in step.argv else []
        if not any(is_left_out([*given, *line] if line is not step.argv else line) for line in lines):
            kept.append(step)
    name = "iptables" if family == 4 else "ip6tables"
    return Session("random", family, variant, [*kept, Step([f"{name}-save", "-c"]), Step([name, "-L", "-n", "-v"])])
