"""Random shell scripts whose every value is known from the text: what they call can be read and run alike."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["random_script"]

_VALUES = (
    "22", "80 443", "10.0.0.0/8", "a:b:c", " x  y ", "", "eth0", "-p tcp", "k=v", "tcp", "it's", 'say "hi"', "back\\slash",
    "#no", "a,b,,c", "1", "A-Z", "/usr/local/bin", "file.tar.gz", "$HOME", "`x`", ":lead", "trail:", "x\ty", "-n", "ab" * 9,
)  # fmt: skip
_BARE = ("22", "tcp", "-j", "ACCEPT", "eth+", "10.0.0.1", "a:b", "x,y", "-s", "!", "--dport", "k=v", "a%b", "@x", "/a/b")
_PATTERNS = ("*:", ":*", "a*", "*.*", "*b", "?", "[a-c]", "*/", "/*", "[!a-z]*", "tcp", "\\*", '":"', "x", "")
_NAMES = ("a", "b", "c")
_NUMBERS = ("n", "m")


class _Writer:
    """Writes one script; ``bash`` allows what only bash has."""

    def __init__(self, rng: random.Random, bash: bool) -> None:
        self.rng = rng
        self.bash = bash
        self.functions: list[str] = []
        self.depth = 0
        self.loops = 0
        self.counter = 0
        self.lines: list[str] = []

    # -- words
    def quoted(self, text: str) -> str:
        return "'" + text.replace("'", "'\\''") + "'"

    def literal(self) -> str:
        value = self.rng.choice(_VALUES)
        kind = self.rng.randrange(4)
        if kind == 0:
            return self.rng.choice(_BARE)
        if kind == 1 and "'" not in value:
            return f"'{value}'"
        if kind == 2:
            for char in '\\"$`':
                value = value.replace(char, "\\" + char)
            return f'"{value}"'
        return self.quoted(value)

    def parameter(self, inside: bool = False) -> str:
        """An expansion, without quotes around it."""
        rng, name = self.rng, self.rng.choice(_NAMES)
        forms: list[Callable[[], str]] = [
            lambda: f"${name}",
            lambda: f"${{{name}}}",
            lambda: f"${{{name}:-{self.operand(inside)}}}",
            lambda: f"${{{name}-{self.operand(inside)}}}",
            lambda: f"${{unset_:-{self.operand(inside)}}}",
            lambda: f"${{{name}:+{self.operand(inside)}}}",
            lambda: f"${{{name}:={self.operand(inside)}}}",
            lambda: f"${{{name}{rng.choice(('#', '##', '%', '%%'))}{rng.choice(_PATTERNS)}}}",
            lambda: f"${{{name}#${rng.choice(_NAMES)}}}",
            lambda: f"${{#{name}}}",
            lambda: f"$(({self.number()}))",
            lambda: f"${rng.choice(_NUMBERS)}",
            lambda: f"$(echo {rng.choice(_BARE[:6])})",
            lambda: f"$(printf '%s' {self.word(0)})",
            lambda: f"`echo ${name}`",
            lambda: rng.choice(("$1", "$2", "$#", "${1:-one}", "${3-three}", "$*", "$@")),
        ]
        if self.bash:
            forms += [
                lambda: f"${{{name}/{rng.choice(('a', ':', '?', '[0-9]', '1'))}/{rng.choice(('-', '', 'zz'))}}}",
                lambda: f"${{{name}//{rng.choice(('a', ':', ' ', '.', '[a-c]'))}/{rng.choice(('-', '', '_'))}}}",
                lambda: f"${{{name}:{rng.randrange(4)}}}",
                lambda: f"${{{name}:{rng.randrange(3)}:{rng.randrange(4)}}}",
                lambda: f"${{{name}: -{rng.randrange(1, 4)}}}",
                lambda: f"${{{name}{rng.choice(('^^', ',,', '^', ','))}}}",
                lambda: f"${{r[{rng.randrange(3)}]}}",
                lambda: f"${{r[@]{rng.choice(('', ':1', ':0:2', '%:*', '#a'))}}}",
                lambda: f"${{{rng.choice('#!')}r[@]}}",
                lambda: "${r[*]}",
                lambda: f"${{k[{rng.choice(('one', 'two', 'three'))}]}}",
                lambda: "${@:2}",
                lambda: "${!p}",
            ]
        return rng.choice(forms)()

    def operand(self, inside: bool) -> str:
        self.depth += 1
        kind = self.rng.randrange(3 if self.depth < 4 else 1)
        made = self.rng.choice(("dflt", "d e", "", "80", "a:b", "-x"))
        if kind == 1:
            made = self.parameter(inside)
        elif kind == 2 and not inside:
            made = f'"{self.parameter(True)}"'
        self.depth -= 1
        return made

    def number(self) -> str:
        rng = self.rng
        ops = ["+", "-", "*", "<<", "|", "&", "^", "<", ">", "==", "!=", "&&", "||", "<=", ">="]
        left = rng.choice(("n", "$n", "m", "${m}", "3", "0x1f", "010", "(n + 1)", "-2", "!n", "~m"))
        right = rng.choice(("n", "m", "2", "7", "(m - 1)"))
        if rng.randrange(4) == 0:
            return f"{left} % 3 ? {right} : {rng.choice(('n', '4'))}"
        return f"{left} {rng.choice(ops)} {right}"

    def word(self, depth: int = 0) -> str:
        rng = self.rng
        kind = rng.randrange(9)
        self.depth += 1
        try:
            if kind < 3 or self.depth > 4:
                return self.literal()
            if kind == 3:
                return self.parameter()
            if kind < 6:
                return f'"{self.parameter(True)}"'
            if kind == 6:
                return f'"{rng.choice(("a ", "x:", ""))}{self.parameter(True)}{rng.choice(("", " z", "/24"))}"'
            if kind == 7:
                return rng.choice(("a", "x:", "-", "p=")) + self.parameter() + rng.choice(("", "/24", ",z"))
            if self.bash:
                return rng.choice(
                    ("{a,b}", "{1..3}", "p{x,y}s", "{a,b{1,2}}", "{01..03}", "{c..a}", '{"$a",z}', "{x}", "{3..1}", "{,q}", "$'a\\tb'")
                )
            return self.literal()
        finally:
            self.depth -= 1

    def words(self, least: int = 1, most: int = 4) -> str:
        return " ".join([self.word() for _ in range(self.rng.randint(least, most))])

    # -- statements
    def line(self, text: str, level: int) -> None:
        self.lines.append("    " * level + text)

    def call(self) -> str:
        program = self.rng.choice(("iptables", "ip6tables", "iptables", "$ipt", "$wrapped", "sudo iptables"))
        self.counter += 1
        return f"{program} -A C{self.counter} {self.words()}"

    def test(self) -> str:
        rng = self.rng
        name = rng.choice(_NAMES)
        forms = [
            f'[ -z "${name}" ]', f'[ -n "${name}" ]', f'[ "${name}" = {self.literal()} ]', f'[ "${name}" != x ]',
            f"[ $n -{rng.choice(('eq', 'ne', 'lt', 'le', 'gt', 'ge'))} {rng.randrange(5)} ]", f'! [ "${name}" ]',
            f'[ "$n" -gt 1 -a -n "${name}" ]', f'[ -n "${name}" ] && [ $m -lt 3 ]', "true", "false", f'test "$#" -gt {rng.randrange(3)}',
            f'[ ! -n "${name}" ]', f'[ "x${name}" = "x" ]', '[ "$n" = 1 -o "$m" = 1 ]',
        ]  # fmt: skip
        if self.bash:
            forms += [
                f"[[ ${name} == {rng.choice(('a*', '*:*', '*', '2?', '[0-9]*', 'tcp'))} ]]", f"[[ ${name} != *b* ]]", f"[[ -z ${name} ]]",
                f"[[ -n ${name} && $n -lt 3 ]]", f"(( {self.number()} ))", f"[[ ${name} =~ ^[0-9]+$ ]]", f"[[ ${name} < m || $m == 2 ]]",
                f"[[ ! ( -z ${name} ) ]]", f'[[ ${name} == "a*" ]]', "[[ -v a ]]",
            ]  # fmt: skip
        return rng.choice(forms)

    def assign(self) -> str:
        rng, name = self.rng, self.rng.choice(_NAMES)
        forms = [
            f"{name}={self.word()}", f"{name}={self.word()}", f"n=$(({self.number()}))", f"m={rng.randrange(5)}",
            f"{name}={rng.choice(('$a', '$b:$c', '$(echo $a)', '$@', '$*', '${a}x'))}", f"unset {name}", f"set -- {self.words(0, 4)}",
            f": ${{{name}:={self.operand(False)}}}",
        ]  # fmt: skip
        if self.bash:
            forms += [
                f"r=({self.words(0, 4)})", f"r+=({self.word()})", f"{name}+={self.word()}", f"r[{rng.randrange(4)}]={self.word()}",
                f"k[{rng.choice(('one', 'two'))}]={self.word()}", f"(( n {rng.choice(('+= 1', '-= 2', '*= 2', '= m', '++'))} )) || :",
                f"read -r a b <<< {self.word()}", f"IFS=: read -ra r <<< {self.word()}", f"printf -v {name} '%s-%d' {self.word()} $n",
                f"p={name}", f"let m=n+{rng.randrange(3)} || :",
            ]  # fmt: skip
        return rng.choice(forms)

    def block(self, level: int, most: int = 3) -> None:
        for _ in range(self.rng.randint(1, most)):
            self.statement(level)

    def statement(self, level: int) -> None:
        rng = self.rng
        kinds: list[Callable[[int], None]] = [
            self.plain, self.plain, self.plain, self.set, self.set, self.conditional, self.choice, self.loop, self.reading, self.function,
            self.piped, self.shifting, self.restore, self.listed, self.grouped, self.evaluated, self.counting, self.splitting, self.xargs,
            self.captured,
        ]  # fmt: skip
        rng.choice(kinds if level < 4 else kinds[:5])(level)

    def plain(self, level: int) -> None:
        self.line(self.call(), level)

    def set(self, level: int) -> None:
        self.line(self.assign(), level)

    def conditional(self, level: int) -> None:
        self.line(f"if {self.test()}; then", level)
        self.block(level + 1)
        if self.rng.randrange(2):
            self.line(f"elif {self.test()}; then", level)
            self.block(level + 1)
        if self.rng.randrange(2):
            self.line("else", level)
            self.block(level + 1)
        self.line("fi", level)

    def choice(self, level: int) -> None:
        rng = self.rng
        subject = rng.choice(("$a", '"$b"', "$1", "$n", '"$a$c"'))
        self.line(f"case {subject} in", level)
        for _ in range(rng.randint(1, 3)):
            patterns = "|".join(
                rng.sample(("*:*", "tcp", "[0-9]*", "?", "''", '"a:b:c"', "a*", "*b", "1", "[!x]*", "${c}"), rng.randint(1, 2))
            )
            self.line(f"  {rng.choice(('', '('))}{patterns})", level)
            self.block(level + 1, 2)
            self.line("  ;;" if not self.bash or rng.randrange(4) else rng.choice(("  ;&", "  ;;&")), level)
        if rng.randrange(2):
            self.line("  *)", level)
            self.block(level + 1, 2)
            self.line("  ;;", level)
        self.line("esac", level)

    def loop(self, level: int) -> None:
        name = self.rng.choice(_NAMES)
        self.loops += 1
        lists = (
            f"in {self.words(0, 4)}",
            f"in {self.words(1, 3)}",
            "",
            f"in ${self.rng.choice(_NAMES)}",
            "in $(seq 1 2)",
            "in `seq 3 -1 2`",
        )
        self.line(
            f"for {name} {self.rng.choice(lists)}{self.rng.choice((';', ''))}".rstrip() + (" do" if self.lines[-1:] == [";"] else ""), level
        )
        self.line("do", level)
        self.block(level + 1, 2)
        if self.rng.randrange(4) == 0:
            self.line(f"{self.test()} && {self.rng.choice(('break', 'continue'))}", level + 1)
            self.block(level + 1, 1)
        self.line("done", level)

    def counting(self, level: int) -> None:
        rng = self.rng
        self.counter += 1
        mine = f"i{self.counter}"
        if self.bash and rng.randrange(2):
            self.line(f"for (({mine} = 0; {mine} < {rng.randrange(1, 4)}; {mine}++)); do", level)
            self.block(level + 1, 2)
            self.line(f"iptables -I K{self.counter} ${mine}", level + 1)
        else:
            self.line(f"{mine}={rng.randrange(3)}", level)
            word, test = rng.choice((("while", f"[ ${mine} -lt 3 ]"), ("until", f"[ ${mine} -ge 3 ]")))
            self.line(f"{word} {test}; do", level)
            self.block(level + 1, 2)
            self.line(f"{mine}=$(({mine} + 1))", level + 1)
        self.line("done", level)

    def reading(self, level: int) -> None:
        rng = self.rng
        expands = rng.randrange(2)
        prefix = rng.choice(("", "IFS= ", "IFS=: ", "IFS=, "))
        names = rng.choice(("a", "a b", "a b c"))
        self.line(f"while {prefix}read {rng.choice(('-r ', ''))}{names}; do", level)
        if rng.randrange(3) == 0:
            self.line('case "$a" in "#"*|"") continue ;; esac', level + 1)
        self.block(level + 1, 2)
        self.line("done <<" + ("EOF" if expands else "'EOF'"), level)
        for _ in range(rng.randint(1, 3)):
            if not expands and not rng.randrange(6):
                self.lines.append("q\\")
            self.lines.append(
                rng.choice(
                    (
                        "one two three four",
                        "a:b:c",
                        "# note",
                        "",
                        "  22  tcp ",
                        "$b $n",
                        "x\\ty z",
                        "a,b, c",
                        "${c:-none} `echo sub`",
                        "a::b:",
                    )
                )
            )
        self.lines.append("EOF")

    def function(self, level: int) -> None:
        rng = self.rng
        if not self.functions or (level == 0 and rng.randrange(2)):
            name = f"f{len(self.functions)}"
            self.line(f"{name}() {{", level)
            if rng.randrange(2):
                self.line(f'local {rng.choice(_NAMES)}="${rng.randint(1, 2)}"', level + 1)
            kept, self.functions = self.functions, []
            self.block(level + 1)
            self.functions = kept
            if rng.randrange(3) == 0:
                self.line(f"{self.test()} && return {rng.randrange(2)}", level + 1)
                self.plain(level + 1)
            self.line("}", level)
            self.functions.append(name)
        self.line(f"{rng.choice(self.functions)} {self.words(0, 3)}", level)

    def piped(self, level: int) -> None:
        rng = self.rng
        feed = rng.choice((f"printf '%s\\n' {self.words()}", "printf 'a b\\nc'", "echo a b c", "seq 3", f"echo {self.word()} | tr a-z A-Z", "printf '%s:%s\\n' 1 2 3 4 5",
                           "printf 'x y\\n#z\\n' | grep -v '^#'", "echo a:b:c | cut -d: -f2-", "printf '3\\n1\\n2\\n' | sort -r | head -n 2",
                           "echo tcp/22 | sed 's/\\(.*\\)\\/\\(.*\\)/\\2 \\1/'"))  # fmt: skip
        self.line(f"{feed} | while read -r {rng.choice(('a', 'a b'))}; do", level)
        self.block(level + 1, 2)
        self.line("done", level)

    def captured(self, level: int) -> None:
        rng = self.rng
        feed = rng.choice(("echo $a | tr ',:' '  '", "basename /usr/sbin/x.sh .sh", "dirname $b/x", "echo a:b:c | cut -d: -f1", "printf '%03d' $n",
                           "echo $a | sed -e 's/a/b/g'", "seq 1 2 5", "printf 'b\\na\\n' | sort", "echo 1 2 | xargs -n1 echo p", "expr $n + 4",
                           "cat <<E\nin $a\nE\n"))  # fmt: skip
        if feed.startswith("dirname"):
            feed = "dirname /a/b/c"
        self.line(f"{rng.choice(_NAMES)}=$({feed})", level)

    def shifting(self, level: int) -> None:
        self.line("while [ $# -gt 0 ]; do", level)
        self.line('iptables -N "$1"', level + 1)
        self.line("shift", level + 1)
        self.line("done", level)

    def restore(self, level: int) -> None:
        rng = self.rng
        self.counter += 1
        kind = rng.randrange(4 if self.bash else 3)
        if kind == 0:
            tag = rng.choice(("EOF", "'EOF'", "-EOF"))
            self.line(f"iptables-restore -n <<{tag}", level)
            self.lines += [rng.choice(("\t", "")) + text for text in ("*filter", f"-A X{self.counter} $a \\$b", "COMMIT # `echo c`")]
            self.lines.append("EOF")
        elif kind == 1:
            value = self.parameter(True)
            self.line("{ echo '*nat'; echo \"-A X $n " + value + "\"; printf 'COMMIT\\n'; } | ip6tables-restore", level)
        elif kind == 2:
            self.line(f"echo '*raw' > file{self.counter}", level)
            self.line(f'echo "-A $n ${rng.choice(_NAMES)}" >> file{self.counter}', level)
            self.line(f"iptables-restore < file{self.counter}", level)
        else:
            self.line(f'iptables-restore <<< "*filter {self.parameter(True)}"', level)

    def listed(self, level: int) -> None:
        rng = self.rng
        form = rng.choice(("{t} && {c}", "{t} || {c}", "{t} && {c} || {d}", "{c} || true", "{c} && {d}", "! {t} || {c}", "iptables -C {w} || {c}",
                           "{t} && {{ {c}; {d}; }}", "{t} || {{ {c}; }}", "{c}; {d}", "{c} 2>/dev/null", "{t} && {u} && {c}"))  # fmt: skip
        self.line(form.format(t=self.test(), u=self.test(), c=self.call(), d=self.call(), w=self.words(1, 2)), level)

    def grouped(self, level: int) -> None:
        self.line(self.rng.choice(("(", "{")), level)
        opening = self.lines[-1].strip()
        self.block(level + 1)
        self.line(")" if opening == "(" else "}", level)

    def evaluated(self, level: int) -> None:
        rng = self.rng
        self.counter += 1
        text = rng.choice(
            (
                f"iptables -A E{self.counter} $n tcp",
                f"iptables -A E{self.counter} \\$n '$m'",
                "x=$n; iptables -A E \\$x",
                "for q in 1 2; do iptables -A E \\$q; done",
            )
        )
        self.line(f'eval "{text}"' if "'" not in text else f"eval {self.quoted(text)}", level)

    def splitting(self, level: int) -> None:
        rng = self.rng
        self.line(f"old=$IFS; IFS={rng.choice((':', ',', chr(39) + ': ' + chr(39), chr(39) * 2))}", level)
        self.line(f"iptables -A S {rng.choice(('$a', '$b', '$c', 'x$a', '$a$b', '$*', chr(34) + '$*' + chr(34), '$(echo $b)'))}", level)
        self.line("IFS=$old", level)

    def xargs(self, level: int) -> None:
        rng = self.rng
        feed = rng.choice(("echo 1 2 3", "printf '%s\\n' a b", "echo $n $m", "seq 2"))
        how = rng.choice(("-n1 iptables -A X", "-I{} iptables -A X p{} -j {}", "iptables -A X", "-n 2 iptables -A X --"))
        self.line(f"{feed} | xargs {how}", level)

    def script(self) -> str:
        head = "#!/bin/bash" if self.bash else "#!/bin/sh"
        self.lines = [head, "n=1 m=2 ipt=iptables wrapped='iptables -w'"]
        for name in _NAMES:
            self.line(f"{name}={self.literal()}", 0)
        if self.bash:
            self.line("declare -A k=([one]=1 [two]='b c'); p=a; r=(x 'y z' w)", 0)
        for _ in range(self.rng.randint(2, 7)):
            self.statement(0)
        return "\n".join([*self.lines, ""])


def random_script(seed: int, bash: bool) -> str:
    """The script of a seed."""
    return _Writer(random.Random(seed), bash).script()
