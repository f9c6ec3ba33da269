"""What the shell reader finds in scripts: every command with its line, its words, and how certain it is."""

from __future__ import annotations

import re
import subprocess

import pytest

pytest.importorskip("tree_sitter_bash", reason="scripts need the lint extra")

from pyiptables.lint.shell import Limits, ScriptReading, read, read_script

# name, script, what it calls: "line: command", with "?" behind what runs only perhaps.
SCRIPTS: list[tuple[str, str, str]] = [
    ("plain", "iptables -A INPUT -j ACCEPT", "1: iptables -A INPUT -j ACCEPT"),
    ("absolute path", "/usr/sbin/ip6tables -F", "1: ip6tables -F"),
    ("legacy and nft names", "iptables-legacy -F\nip6tables-nft -X", "1: iptables-legacy -F\n2: ip6tables-nft -X"),
    ("several on a line", "iptables -F; iptables -X && iptables -Z", "1: iptables -F\n1: iptables -X\n1: iptables -Z"),
    ("a backslash joins lines", "iptables -A INPUT \\\n  -p tcp \\\n  -j ACCEPT", "1: iptables -A INPUT -p tcp -j ACCEPT"),
    ("comments", "iptables -F # all\n# iptables -X\niptables -X #", "1: iptables -F\n3: iptables -X"),
    ("in quotes it is no command", "echo 'iptables -F'; x=\"iptables -X\"; : <<E\niptables -Z\nE", ""),
    ("variable as program", "IPT=/sbin/iptables\n$IPT -F\n\"$IPT\" -X\n${IPT} -Z", "2: iptables -F\n3: iptables -X\n4: iptables -Z"),
    ("program with options in a variable", 'IPT="iptables -w 5"\n$IPT -F', "2: iptables -w 5 -F"),
    ("program nobody set", "$IPTABLES -F\n${IP6T} -X", "1: iptables -F\n2: ip6tables -X"),
    ("program from which", "I=$(which iptables)\n$I -F\nJ=`command -v ip6tables`\n$J -X", "2: iptables -F\n4: ip6tables -X"),
    ("program from which, else", "I=$(command -v iptables || echo /sbin/iptables)\n$I -F", "2: iptables -F"),
    ("one way or the other", "X=$(if [ -x /a ]; then echo /sbin/iptables; else echo iptables; fi)\n$X -F", "2: iptables -F"),
    ("the same either way", "W=$(case $q in a) echo 22;; *) echo 22;; esac)\niptables $W", "2: iptables 22"),
    ("early return in a function", 'f() {\n for p; do\n  [ -x "$p" ] && { echo "$p"; return; }\n done\n echo /opt/iptables\n}\nX=$(f /sbin/iptables)\n$X -F', "8: iptables -F"),
    ("written on one way only", "iptables -A INPUT $([ -n \"$L\" ] && echo -v) -j X", "1: iptables -A INPUT $([ -n \"$L\" ] && echo -v) -j X"),
    ("a lone == in braces", 'f() { test "$1" == x && iptables $1; }\nf x', "1: iptables x"),
    ("one of two programs", "[ -z $N ] && I=iptables || I=nft\n$I add table t\n$I -A INPUT -j DROP", "3: iptables -A INPUT -j DROP"),
    ("for over the arguments", "f() { for i do iptables $i; done; }\nf a b", "1: iptables a\n1: iptables b"),
    ("assignment with a redirection", "n=$((1 + 1)) 2>/dev/null && iptables $n", "1: iptables 2"),
    ("default of a variable", "iptables -A INPUT -i ${IF:-eth0} -j DROP", "1: iptables -A INPUT -i eth0 -j DROP"),
    ("default assigned", ": ${IF:=eth0}\niptables -A INPUT -i $IF -j DROP", "2: iptables -A INPUT -i eth0 -j DROP"),
    ("default of an argument", 'P=${1:-22}\niptables -A INPUT -p tcp --dport "$P"', "2: iptables -A INPUT -p tcp --dport 22"),
    ("quoted default is one word", 'iptables -A I ${x:-"a b"} ${x:-c d}', "1: iptables -A I 'a b' c d"),
    ("alternative", "V=1\niptables -A I ${V:+-v} ${W:+-w} -j X", "2: iptables -A I -v -j X"),
    ("arguments or none", 'f() { iptables -A I ${1+"$@"}; }\nf "a b" c\nf', "1: iptables -A I 'a b' c\n1: iptables -A I"),
    ("prefix and suffix", 'm=80:10.0.0.5:8080\niptables ${m%%:*} ${m##*:} ${m#*:} ${m%:*}', "2: iptables 80 8080 10.0.0.5:8080 80:10.0.0.5"),
    ("replace, slice, case, length", "v=a.b.c\niptables ${v//./-} ${v/./} ${v:2} ${v:0:1} ${v^^} ${#v}", "2: iptables a-b-c ab.c b.c a A.B.C 5"),
    ("field splitting", 'P="80 443"\niptables $P "$P"', "2: iptables 80 443 '80 443'"),
    ("IFS", "IFS=,; P=1,2,,3\niptables $P", "2: iptables 1 2 '' 3"),
    ("arithmetic", "n=4; (( n += 2 )); iptables $((n * 10 + 1)) $((n<<2)); let n--; iptables $n", "1: iptables 61 24\n1: iptables 5"),
    ("hexadecimal and octal", "iptables $((0x10)) $((010))", "1: iptables 16 8"),
    ("array", "P=(22 80)\nP+=(443)\nfor p in \"${P[@]}\"; do iptables $p ${#P[@]} ${P[1]}; done", "3: iptables 22 3 80\n3: iptables 80 3 80\n3: iptables 443 3 80"),
    ("array with keys", 'declare -A M=([a]=1 [b]=2)\nfor k in "${!M[@]}"; do iptables $k ${M[$k]}; done', "2: iptables a 1\n2: iptables b 2"),
    ("for over words", "for p in 22 80; do\n iptables $p\ndone", "2: iptables 22\n2: iptables 80"),
    ("for over a range", "for i in {1..3}; do iptables $i; done", "1: iptables 1\n1: iptables 2\n1: iptables 3"),
    ("for over seq", "for i in $(seq 2 2 4); do iptables $i; done", "1: iptables 2\n1: iptables 4"),
    ("counting for", "for ((i=0; i<2; i++)); do iptables $i; done", "1: iptables 0\n1: iptables 1"),
    ("for over nothing", "for x in; do iptables $x; done\nfor x in\ndo iptables $x; done", ""),
    ("for over what is not known", "for ip in $(cat /etc/bans); do iptables -s $ip; done", "1: iptables -s $ip"),
    ("braces", "iptables -A {IN,OUT}PUT x{1,2}y", "1: iptables -A INPUT OUTPUT x1y x2y"),
    ("loop over braces", "for c in {i,ip6}; do iptables $c; done", "1: iptables i\n1: iptables ip6"),
    ("while with a counter", "i=0; while [ $i -lt 2 ]; do iptables $i; i=$((i+1)); done", "1: iptables 0\n1: iptables 1"),
    ("a menu is gone through until nothing new comes", 'while true; do read c; case $c in 1) iptables -A I;; 3) break;; esac; echo $c >> log; a=("$c"); done; iptables -X',
     "1: iptables -A I ?\n1: iptables -A I ?\n1: iptables -X"),
    ("while true that ends nobody knows when", "i=0; while :; do [ -f /x$i ] && break; i=$((i+1)); done; iptables $i", "1: iptables $i"),
    ("while true that ends", "i=0; while true; do i=$((i+1)); [ $i = 50 ] && break; done; iptables $i", "1: iptables 50"),
    ("until", "n=2; until (( n == 0 )); do iptables $n; ((n--)); done", "1: iptables 2\n1: iptables 1"),
    ("break and continue", "for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; iptables $i; done", "1: iptables 1\n1: iptables 3"),
    ("while read over a here-document", "while read -r p n; do iptables $p \"$n\"; done <<E\n22 the shell\n80 web\nE", "1: iptables 22 'the shell'\n1: iptables 80 web"),
    ("while IFS read", "while IFS=: read -r a b; do iptables $b $a; done <<< x:y", "1: iptables y x"),
    ("while read skips comments", "while read x; do case $x in '#'*|'') continue;; esac; iptables $x; done <<E\n# no\n\nyes\nE", "1: iptables yes"),
    ("a last line without its end", "printf 'a\\nb' | while read x; do iptables $x; done", "1: iptables a"),
    ("pipe into a loop", "printf '%s\\n' a b | while read x; do iptables $x; done", "1: iptables a\n1: iptables b"),
    ("grep, cut, tr, sort, sed", "printf 'b:1\\n#c\\na:2\\n' | grep -v '^#' | sort | cut -d: -f1 | tr a-z A-Z | sed s/B/x/ | while read v; do iptables $v; done", "1: iptables A\n1: iptables x"),
    ("function", "f() { iptables -A \"$1\" -j $2; }\nf INPUT DROP\nfunction g { f OUTPUT \"$@\"; }\ng ACCEPT", "1: iptables -A INPUT -j DROP\n1: iptables -A OUTPUT -j ACCEPT"),
    ("wrapper with all arguments", 'ipt() { iptables -w "$@" || exit 1; }\nipt -A INPUT -m comment --comment "a b"', "1: iptables -w -A INPUT -m comment --comment 'a b'"),
    ("wrapper for both families", 'both() { for t in iptables ip6tables; do $t "$@"; done; }\nboth -F', "1: iptables -F\n1: ip6tables -F"),
    ("command in a word", 'run() { "$@"; }\nrun iptables -F', "1: iptables -F"),
    ("shift", 'f() { c=$1; shift; iptables -A $c "$@"; }\nf X -j Y', "1: iptables -A X -j Y"),
    ("local", "x=1; f() { local x=2; iptables $x; }; f; iptables $x", "1: iptables 2\n1: iptables 1"),
    ("return", "f() { return 0; iptables -F; }; f; iptables -X", "1: iptables -X"),
    ("function nobody calls", "f() { iptables -F; }", "1: iptables -F ?"),
    ("menus that call each other", 'menu() { read c; case $c in 1) add;; 2) iptables -F; menu;; esac; iptables -X; }\nadd() { iptables -A I; menu; }\nmenu',
     "2: iptables -A I ?\n1: iptables -F ?\n1: iptables -X"),
    ("recursion that ends", 'f() { [ $1 = 0 ] || { iptables $1; f $(($1 - 1)); }; }\nf 2', "1: iptables 2\n1: iptables 1"),
    ("shadowed program", "iptables() { command iptables -w \"$@\"; }\niptables -F", "1: iptables -w -F"),
    ("exit", "iptables -F; exit; iptables -X", "1: iptables -F"),
    ("case of a known word", "m=a; case $m in a|b) iptables 1;; *) iptables 2;; esac", "1: iptables 1"),
    ("case falls through", "case a in a) iptables 1;& b) iptables 2;; c) iptables 3;; esac", "1: iptables 1\n1: iptables 2"),
    ("case of the first argument", 'case "$1" in start) iptables 1;; stop) iptables 2;; esac', "1: iptables 1 ?\n1: iptables 2 ?"),
    ("if that is known", "D=1\nif [ \"$D\" = 1 ]; then iptables 1; else iptables 2; fi", "2: iptables 1"),
    ("if that is not known", "if [ -f /x ]; then iptables 1; elif [ $X ]; then iptables 2; else iptables 3; fi", "1: iptables 1 ?\n1: iptables 2 ?\n1: iptables 3 ?"),
    ("both sides of an if join", "if [ -f /x ]; then p=1; else p=2; fi\niptables $p", "2: iptables $p"),
    ("test", "[[ -n $X && 1 -eq 1 ]] && iptables 1; [[ abc == a* ]] && iptables 2; [[ a =~ ^b ]] || iptables 3", "1: iptables 1 ?\n1: iptables 2\n1: iptables 3"),
    ("an exclamation mark needs no quotes", "iptables -A I ! -s $X -j 'a b'", "1: iptables -A I ! -s $X -j 'a b'"),
    ("not", "! true || iptables 1; if ! [ a = b ]; then iptables 2; fi; ! (( 1 )) || iptables 3", "1: iptables 1\n1: iptables 2\n1: iptables 3"),
    ("check, else add", "iptables -C I -j X 2>/dev/null || iptables -A I -j X", "1: iptables -C I -j X\n1: iptables -A I -j X ?"),
    ("failure does not matter", "iptables -N X || true; iptables -F X", "1: iptables -N X\n1: iptables -F X"),
    ("success is assumed", "iptables -N X && iptables -A X || exit 1; iptables -L", "1: iptables -N X\n1: iptables -A X\n1: iptables -L"),
    ("subshell", "x=1; ( x=2; iptables $x ); iptables $x", "1: iptables 2\n1: iptables 1"),
    ("group in the background", "{ iptables -F; } & iptables -X &", "1: iptables -F\n1: iptables -X"),
    ("redirections", "iptables -L >/dev/null 2>&1 < /dev/null; >x iptables -S; iptables -F &> log", "1: iptables -L\n1: iptables -S\n1: iptables -F"),
    ("sudo, env, nice, timeout", "sudo -u root iptables 1; env A=b iptables 2; nice -n 5 iptables 3; timeout -s 9 5 iptables 4", "1: iptables 1\n1: iptables 2\n1: iptables 3\n1: iptables 4"),
    ("sudo in a variable", "$SUDO iptables -F", "1: iptables -F"),
    ("busybox and multi-call", "busybox iptables 1; xtables-nft-multi iptables 2; xtables-legacy-multi ip6tables-restore < /x", "1: iptables 1\n1: iptables-nft 2\n1: ip6tables-legacy-restore"),
    ("network namespace", "ip netns exec blue iptables -F", "1: iptables -F"),
    ("xargs", "echo 1 2 | xargs -n1 iptables -s; echo a | xargs -I% iptables -d % -j %x", "1: iptables -s 1\n1: iptables -s 2\n1: iptables -d a -j ax"),
    ("eval", 'x="iptables -A I"; eval "$x -j \'A B\'"; eval $x', "1: iptables -A I -j 'A B'\n1: iptables -A I"),
    ("sh -c", "sh -c 'iptables -A $1' sh X; bash -ec \"iptables -F\"", "1: iptables -A X\n1: iptables -F"),
    ("shell fed with a here-document", "sudo bash <<'E'\nx=1\niptables $x\nE", "3: iptables 1"),
    ("trap", "trap 'iptables -F' EXIT; iptables -X", "1: iptables -X\n1: iptables -F"),
    ("command substitution is no command of its own", "x=$(iptables -S | wc -l); iptables -A $x", "1: iptables -S\n1: iptables -A $x"),
    ("unknown words keep what is known", "iptables -s 10.0.$N.1 -p $(proto) --dport `port`", "1: iptables -s 10.0.$N.1 -p $(proto) --dport `port`"),
    ("printf into a variable", "printf -v r -- '-p %s --dport %d' tcp 22; iptables -A I $r", "1: iptables -A I -p tcp --dport 22"),
    ("indirection", "eth=x; n=eth; iptables ${!n}", "1: iptables x"),
    ("set", "set -- a 'b c'; iptables \"$@\" $# \"$*\"", "1: iptables a 'b c' 2 'a b c'"),
    ("alias", "shopt -s expand_aliases; alias ipt='iptables -w'\nipt -F", "2: iptables -w -F"),
    ("restore fed from a file that the script wrote", "cat > /tmp/r <<E\n*filter\nE\niptables-restore < /tmp/r", "4: iptables-restore"),
    ("old arithmetic", 'n=4; iptables $[n*2+1] "x$[ $n - 1 ]" $[y', "1: iptables 9 x3 '$[y'"),
    ("carriage returns", "X=1\r\niptables $X -j Y\r\n", "2: iptables 1 -j Y"),
    ("no text at all", "", ""),
]  # fmt: skip


def shown(reading: ScriptReading) -> str:
    return "\n".join([f"{one.location.line}: {one.shown}{'' if one.certain else ' ?'}" for one in reading.invocations])


@pytest.mark.parametrize(("script", "calls"), [row[1:] for row in SCRIPTS], ids=[row[0] for row in SCRIPTS])
def test_commands_of_a_script(script: str, calls: str) -> None:
    assert shown(read_script(script.encode(), "s.sh")) == calls


# What shells read although it is seldom written, with one call of iptables in it.
UNUSUAL = [
    "if [[ $a == b ]] then iptables -F; fi",
    "if ( true ) then iptables -F; fi",
    "if { true; } then iptables -F; fi",
    "while (( i < 1 )) do iptables -F; (( i++ )); done",
    "if a; then if b; then iptables -F; fi fi",
    "if a; then (iptables -F) else :; fi",
    "f() { for i in 1; do { iptables -F; } done }\nf",
    "while read a; do case $a in x) iptables -F;; esac done < list",
    "case $a in x) iptables -F;; y) esac",
    "{ flock 9; iptables -F; } 9<>/run/lock",
    "exec 9<>/run/lock && iptables -F",
    'read a > log <<< "$b"; iptables -F',
    "a[$i]=$[ a[$i] + 1 ]; iptables -F",
    "if (( $[ x + 1 ] > 1 )); then iptables -F; fi",
    "for x in a; { iptables -F; }",
    "for x in a\n{\niptables -F\n}",
    "select x in a; { iptables -F; }",
    "f() for x in a; do iptables -F; done\nf",
    "f() for x in a; { iptables -F; }",
    "f() while b; do iptables -F; done",
    "f() case $x in a) iptables -F;; esac",
    "function f until b; do iptables -F; done",
    "if case $x in a) b;; esac then iptables -F; fi",
    "! { iptables -F; }",
    "a && ! if b; then iptables -F; fi || c",
    "! ! iptables -F",
    "if ! { a; }; then iptables -F; fi",
    "case $x in a) ! while b; do iptables -F; done;; esac",
    "time { iptables -F; }",
    "time -p for x in a; do iptables -F; done | tee b",
    "time ( iptables -F )",
    "coproc iptables -F",
    "coproc N { iptables -F; }",
    "coproc ( coproc iptables -F )",
    "coproc while a; do iptables -F; done",
    "for ((i=0;\ni<1;\ni++)); do iptables -F; done",
    "shopt -s extglob; ls !(a|b) *.@(c); iptables -F",
    "if [[ $a != *-@(b|c) && $d == !(e) ]]; then iptables -F; fi",
    "a@b; c%d; iptables -F",
    'nft add rule x "(syn)" == syn; [[ a == b ]]; f() { echo a == b; }; iptables -F',
]


@pytest.mark.parametrize("script", UNUSUAL)
def test_what_is_unusual_is_no_error(script: str) -> None:
    reading = read_script(script.encode(), "s.sh")
    assert [error for error in reading.errors if error.what == "syntax"] == []
    assert [one.shown for one in reading.invocations] == ["iptables -F"]


def test_a_negated_group_negates() -> None:
    script = "! { true; } && iptables -F; ! { false; } && iptables -X; ! { true; } | false && iptables -Z"
    assert [one.shown for one in read_script(script.encode(), "s.sh").invocations] == ["iptables -X", "iptables -Z"]


@pytest.mark.parametrize("script", ["for i in {1..3} do iptables -F; done", "f() { iptables -F }", "while true do iptables -F; done"])
def test_what_is_wrong_is_still_an_error(script: str) -> None:
    assert [error.what for error in read_script(script.encode(), "s.sh").errors if error.what == "syntax"]


def test_arguments_and_values_from_outside() -> None:
    script = b'case "$1" in start) iptables -A I -i $WAN;; *) iptables -F;; esac'
    reading = read_script(script, "s.sh", args=["start"], set_values={"WAN": "ppp0"})
    assert shown(reading) == "1: iptables -A I -i ppp0"
    assert shown(read_script(script, "s.sh", args=[])) == "1: iptables -F"


def test_sourced_file_beside_the_script() -> None:
    files = {"dir/fw.conf": b"PORT=2222\nopen() { iptables --dport $1; }\n"}
    script = b'. "$(dirname "$0")/fw.conf"\nopen $PORT\n. /etc/none\n'
    asked: list[str] = []

    def reader(name: str, asking: str) -> tuple[str, bytes] | None:
        asked.append(name)
        return ("fw.conf", files[name]) if name in files else None

    reading = read_script(script, "dir/s.sh", source=reader)
    assert [(one.location.file, one.location.line, one.shown) for one in reading.invocations] == [("fw.conf", 2, "iptables --dport 2222")]
    assert asked == ["dir/fw.conf", "/etc/none"]
    assert [(one.location.line, one.what, one.why) for one in reading.unresolved] == [(3, "source /etc/none", "the file is not read")]


def test_words_know_their_places() -> None:
    reading = read_script(b"P='80 443'\niptables -A I --dports \"$P\" -j ACCEPT\n", "s.sh")
    word = reading.invocations[0].argv[3]
    assert (word.location.line, word.location.column, word.location.text) == (2, 24, '"$P"')
    assert (word.origin.line, word.origin.text) == (1, "'80 443'")


def test_guards_name_the_condition_and_the_side() -> None:
    reading = read_script(b"if [ -f /x ]; then iptables 1; else iptables 2; fi\niptables -C I || iptables -A I\n", "s.sh")
    one, two, check, add = reading.invocations
    assert [(g.condition, g.branch) for g in one.guard + two.guard] == [("[ -f /x ]", "then"), ("[ -f /x ]", "else")]
    assert one.guard[0].location == two.guard[0].location
    assert add.guarded_by_check == check.location


# What a pipeline writes, as the real programs do; None where it is not followed.
WRITTEN: list[tuple[str, str | None]] = [
    ("seq -s, 1 5", "1,2,3,4,5"), ("seq -s ' ' 3", "1 2 3"), ("seq 5 -2 1", "5\n3\n1"), ("seq -w 8 11", None),
    ("echo a b | awk '{print $1}' | xargs echo x", "x a"), ("echo a:b:c | awk -F: '{print $3, $NF\"/\"$1}'", "c c/a"),
    ("printf 'a 1\\nb 2\\n' | awk '/b/ {print $2}'", "2"), ("printf 'a\\nb\\n' | awk NR==2", "b"), ("echo a b | awk '{print $3}'", ""),
    ("echo a::b | awk -F: '{print $2 \"x\" $3}'", "xb"), ("echo 5 | awk '{print $1*2}'", None), ("echo a.b | awk -F[.] '{print $1}'", None),
    ("echo a,b,c | cut -d, -f1,3", "a,c"), ("echo a,b,c | cut -d , -f2-", "b,c"), ("echo abc | cut -c2-", "bc"), ("echo abc | cut -s -d, -f1", ""),
    ("echo abc | cut -d, -f1", "abc"), ("echo a,b | cut -d$x -f1", None), ("echo ab1 | tr -dc 0-9", "1"), ("echo ab | tr -d \"$x\"", None),
    ("echo abc | sed -e s/a/x/ -e 's/[bc]*$/y/'", "xy"), ("echo aab | sed 's/a*/x/g'", None), ("echo 'a b' | sed 's/ /\\n/'", None),
    ("echo ab | sed -E 's/a|ab/x/'", None), ("echo a.b | sed 's/[\\.]/-/'", None), ("echo 'a$b' | sed 's/a$b/x/'", None),
    ("echo 'a \"b c\"' | xargs -n1", "a\nb c"), ("echo a,b | xargs -d, -n1 echo", None), ("echo \"a'b\" | xargs", None),
]  # fmt: skip


@pytest.mark.parametrize(("script", "text"), WRITTEN)
def test_text_is_worked_out_exactly_or_not_at_all(script: str, text: str | None) -> None:
    call = read_script(f'v=$({script})\niptables "$v"\n'.encode(), "s.sh").invocations[-1]
    assert call.argv[0].text == text
    if text is not None:
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.rstrip("\n") == text


# Programs that run another one; "?" marks what they run only perhaps, "@" where it is not the host itself.
WRAPPED = [
    ("flock -w 5 /run/l iptables -F", "iptables -F"),
    ("bash -euo pipefail -c 'iptables -F'", "iptables -F"),
    ("bash -o errexit -c 'iptables -A $1' x Y", "iptables -A Y"),
    ("env -S 'iptables -F'", "iptables -F"),
    ("setpriv --reuid 0 --inh-caps +net_admin iptables -F", "iptables -F"),
    ("runuser -u root -- iptables -F; su - root -c 'iptables -X'", "iptables -F, iptables -X"),
    ("sudo -s <<E\niptables -F\nE", "iptables -F"),
    ("su - <<E\niptables -F\nE", "iptables -F"),
    ("echo iptables -F | bash -s x", "iptables -F"),
    ("watch -n 1 'iptables -L; iptables -S'; watch -d iptables -Z", "iptables -L, iptables -S, iptables -Z"),
    ("script -qc 'iptables -F' /dev/null", "iptables -F"),
    ("pkexec chronic strace -o f iptables -F", "iptables -F"),
    ("systemd-run --scope -p A=b iptables -F", "iptables -F"),
    ("systemd-run --on-active 30 --unit u iptables -F", "iptables -F ?"),
    ("echo iptables -F | at now + 5 minutes", "iptables -F ?"),
    ("find /etc -name '*.x' -exec iptables -A I -s {} \\; -exec iptables-restore {} +", "iptables -A I -s {} ?, iptables-restore {} ?"),
    ("find . -exec sh -c 'iptables -A $1' _ {} \\;", "iptables -A $1 ?"),
    ("run 5 iptables -A INPUT -j DROP", "iptables -A INPUT -j DROP ?"),
    ("parallel iptables -A INPUT -s {} -j DROP ::: 10.0.0.1", "iptables -A INPUT -s {} -j DROP ?"),
    ("/etc/init.d/iptables save; service iptables restart; bash -c \"$(curl -L https://x.example/iptables.sh)\"", ""),
    ("apt-get install iptables -y; grep iptables -A 3 f; echo iptables -A INPUT -j DROP; which iptables", ""),
    ("ip netns exec blue iptables 1; ip -all netns exec iptables 2", "iptables 1 @blue, iptables 2 @all"),
    ("docker exec -it box iptables 1; docker compose exec -T web sh -c 'iptables 2'", "iptables 1 @docker:box, iptables 2 @docker:web"),
    ("docker run --rm -v a:b --net host im iptables 1; podman run -e X im iptables 2", "iptables 1, iptables 2 @podman:im"),
    ("kubectl exec pod -c c -n ns -- iptables 1; pct exec 100 -- iptables 2", "iptables 1 @kubectl:pod, iptables 2 @pct:100"),
    ("nsenter -t 1 -n iptables 3; nsenter -at 1 iptables 4; nsenter -m -t 1 iptables 5",
     "iptables 3 @nsenter -t 1 -n, iptables 4 @nsenter -at 1, iptables 5"),
    ("unshare -rn iptables 1; unshare -m iptables 2", "iptables 1 @unshare, iptables 2"),
    ("X=1; ssh -p 22 root@h 'iptables -A $X'", "iptables -A $X @ssh:root@h"),
    ("sudo -nu root iptables -F", "iptables -F"),
    ("ssh h -t sudo iptables -F", "iptables -F @ssh:h"),
    ("ssh h <<E\niptables -F\nE\nssh h sudo bash -s <<E\niptables -X\nE", "iptables -F @ssh:h, iptables -X @ssh:h"),
    ("sshpass -p x ssh h iptables -F; adb shell \"su -c 'iptables -X'\"", "iptables -F @ssh:h, iptables -X @adb"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "calls"), WRAPPED)
def test_programs_that_run_another_one(script: str, calls: str) -> None:
    found = read_script(script.encode(), "s.sh").invocations
    assert ", ".join(f"{one.shown}{'' if one.certain else ' ?'}{f' @{one.netns}' if one.netns else ''}" for one in found) == calls


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("run iptables -A INPUT -j DROP", "what it does with the iptables command in its arguments"),
        ("python3 -c \"import os; os.system('iptables -A INPUT -j DROP')\"", "the iptables commands in its text are not read"),
        ("awk '{ system(\"ip6tables -w -I INPUT -s \" $1) }' list", "the iptables commands in its text are not read"),
        ("ssh h bash -s < other.sh", "the file is not read"),
        ("at -f undo.sh now", "the file is not read"),
    ],
)
def test_what_is_not_seen_is_said(script: str, what: str) -> None:
    assert [one.why for one in read_script(script.encode(), "s.sh").unresolved] == [what]


RESTORES = [
    ("here-document", "L=10.0.0.0/8\niptables-restore <<E\n*filter\n-A I -s $L\nCOMMIT\nE", [(3, "*filter"), (4, "-A I -s 10.0.0.0/8"), (5, "COMMIT")]),
    ("quoted here-document", "iptables-restore <<'E'\n-A I $L\nE", [(2, "-A I $L")]),
    ("tabs taken off", "iptables-restore <<-E\n\t*nat\n\tE", [(2, "*nat")]),
    ("here-string", "iptables-restore <<< '*raw'", [(1, "*raw")]),
    ("pipe", "{ echo '*nat'; for p in 1 2; do echo \"-A P $p\"; done; } | iptables-restore -n", [(1, "*nat"), (1, "-A P 1"), (1, "-A P 2")]),
    ("cat", "cat <<E | sudo iptables-restore\n*filter\nE", [(2, "*filter")]),
    ("a line for each argument", "add() { printf '%s\\n' \"$@\" >> f; }\n: > f\nadd '*filter' \\\n COMMIT\niptables-restore f",
     [(3, "*filter"), (4, "COMMIT")]),
    ("file written before", "echo '*filter' > f\necho COMMIT >> f\niptables-restore f", [(1, "*filter"), (2, "COMMIT")]),
    ("unknown part", "iptables-restore <<E\n-s $(ip)\nE", [(2, None)]),
    ("two on a line", "cat <<A - <<B | iptables-restore\nx\nA\ny\nB", [(4, "y")]),
    ("file outside", "iptables-restore < /etc/r", None),
]  # fmt: skip


@pytest.mark.parametrize(("script", "lines"), [row[1:] for row in RESTORES], ids=[row[0] for row in RESTORES])
def test_what_a_restore_reads(script: str, lines: list[tuple[int, str | None]] | None) -> None:
    (restore,) = read_script(script.encode(), "s.sh").invocations
    if lines is None:
        assert restore.stdin is None
        assert not restore.resolved
        return
    assert restore.stdin is not None
    assert [(line.location.line, line.text) for line in restore.stdin.lines] == lines


CARRIERS = [
    ("wg-quick", "wg0.conf", "[Interface]\nPostUp = iptables -A F -i %i; iptables -X # x\nPreDown = iptables -D F -i %i\n[Peer]\n",
     "2: iptables -A F -i wg0\n2: iptables -X\n3: iptables -D F -i wg0 ?"),
    ("systemd", "fw@wan.service", "[Service]\nEnvironment=P=22 \"N=a b\"\nExecStart=-/sbin/iptables -A I -i %i \\\n  --dport ${P} -m \"$N\" ; /sbin/iptables -X\nExecStop=/sbin/iptables -F\n",
     "3: iptables -A I -i wan --dport 22 -m 'a b'\n4: iptables -X\n5: iptables -F ?"),
    ("systemd with a shell", "fw.service", "[Service]\nExecStart=/bin/sh -c 'for p in 1 2; do iptables $$p; done'\n", "2: iptables 1\n2: iptables 2"),
    ("systemd takes back", "fw.service", "[Service]\nExecStart=/sbin/iptables 1\nExecStart=\nExecStart=/sbin/iptables 2\n", "4: iptables 2"),
    ("ifupdown", "interfaces", "iface eth0 inet static\n  up iptables -i $IFACE \\\n     -j X\n  post-down iptables -F\n", "2: iptables -i eth0 -j X\n4: iptables -F ?"),
    ("Dockerfile", "Dockerfile", "FROM x\nENV P=22\nRUN apt-get update && \\\n # note\n iptables --dport $P\nENTRYPOINT [\"sh\", \"-c\", \"iptables -F\"]\n",
     "5: iptables --dport 22\n6: iptables -F"),
    ("Dockerfile with a here-document", "Dockerfile", "FROM x\nRUN <<E\niptables 1\nip6tables 2\nE\nCMD iptables 3\n", "3: iptables 1\n4: ip6tables 2\n6: iptables 3"),
    ("Dockerfile with flags on lines of their own", "Dockerfile",
     "FROM x\nRUN --mount=type=cache,id=a \\\n    --mount=type=bind,id=$B <<E\niptables 1\nE\nRUN --network=none \\\n  iptables 2\n",
     "4: iptables 1\n7: iptables 2"),
    ("unit found by content", "rules", "[Unit]\nDescription=x\n[Service]\nExecStart=/sbin/iptables -F\n", "4: iptables -F"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "calls"), [row[1:] for row in CARRIERS], ids=[row[0] for row in CARRIERS])
def test_files_with_shell_lines_in_them(file: str, text: str, calls: str) -> None:
    assert shown(read(text.encode(), file)) == calls


# What a hostile script asks for, and what is said instead of doing it.
BOTTOMLESS = [
    ("recursion", "f() { f; iptables -F; }; f", "nested too deeply"),
    ("two functions in a circle", "f() { g; g; }; g() { f; f; }; f", "nested too deeply"),
    ("eval of itself", 'x=\'eval "$x"\'; eval "$x"', "nested too deeply"),
    ("million rounds", "for i in {1..1000000}; do iptables $i; done", "too many words"),
    ("nested loops", "for a in {1..100}; do for b in {1..100}; do for c in {1..100}; do iptables $a; done; done; done", "more rounds"),
    ("braces of braces", "iptables {1..99}{1..99}{1..99}{1..99}", "too many words"),
    ("doubling value", "x=ab; while true; do x=$x$x; done; iptables $x", "more commands"),
    ("doubling branches", "\n".join(f"if [ -f /{n} ]; then x=$x{n}; else iptables {n}; fi" for n in range(300)), ""),
    ("counting to a billion", "i=0; while [ $i -lt 1000000000 ]; do i=$((i+1)); done", "more commands"),
    ("seq to a billion", "for i in $(seq 1000000000); do iptables $i; done", "output of seq"),
    ("endless counting for", "for ((;;)); do iptables -F; done", "ends only from inside"),
    ("substitutions in substitutions", "x=" + "$(echo " * 200 + "a" + ")" * 200 + "; iptables $x", None),
    ("parentheses in parentheses", "(" * 500 + "iptables -F" + ")" * 500, None),
    ("tower of powers", "iptables $((9**9**9**9**9))", None),
    ("wide pattern", "x=" + "a" * 3000 + "; case $x in *a*a*a*a*a*a*a*b) iptables -F;; esac; iptables ${x//*a*a*a*b/}", None),
    ("printf of a million blanks", "x=$(printf '%1000000s' a); iptables $x", None),
    ("if in if", "if [ -f /a ]; then " * 150 + "iptables -F" + "; fi" * 150, None),
    ("case doubling", "case $1 in " + "".join(f"{n}) x=$x{n};; " for n in range(500)) + "esac; iptables $x", None),
]  # fmt: skip


@pytest.mark.parametrize(("script", "why"), [row[1:] for row in BOTTOMLESS], ids=[row[0] for row in BOTTOMLESS])
def test_work_is_bounded(script: str, why: str | None, slowdown: float) -> None:
    import re
    import time

    begin = time.process_time()
    reading = read_script(script.encode(), "s.sh")
    assert time.process_time() - begin < 5 * slowdown
    assert len(reading.invocations) <= Limits().commands
    said = "; ".join([f"{one.what}: {one.why}" for one in reading.unresolved + reading.errors])
    if why:
        assert re.search(why, said)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("if true; then # x\nfi", "then"), ("if true; then :\nelif false; then\nfi", "then"), ("if true; then :; else\n# x\nfi", "else"),
        ("for a in 1; do\ndone", "do"), ("while :; do # x\ndone", "do"), ("f() {\n}", "{"),
    ],
)  # fmt: skip
def test_a_body_without_a_command(body: str, word: str) -> None:
    """The shell says the same of each, and takes all of them with a command in its place."""
    reading = read_script(body.encode())
    assert [error.why for error in reading.errors] == [f"no command behind `{word}`"]
    assert subprocess.run(["sh", "-n", "-c", body], check=False, capture_output=True).returncode != 0
    at = len(re.findall(rf"(?s).*(?<!\w){re.escape(word)}(?!\w)", body)[0])
    filled = body[:at] + " >x\n" + body[at:]
    assert not read_script(filled.encode()).errors
    assert subprocess.run(["sh", "-n", "-c", filled], check=False, capture_output=True).returncode == 0
