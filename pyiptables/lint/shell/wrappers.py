"""Programs that run another one given as their arguments: ``sudo``, ``timeout``, ``sh -c`` …; ``elsewhere`` beside it."""

from __future__ import annotations

import re

from pyiptables.lint.shell.elsewhere import ELSEWHERE
from pyiptables.lint.shell.reading import Word
from pyiptables.lint.shell.state import merged
from pyiptables.lint.shell.wrapped import Inner, behind_options

__all__ = ["unwrap"]

# Options that take the next word as their value, and how many operands stand before the command.
_PLAIN: dict[str, tuple[str, int]] = {
    "sudo": ("-u -g -h -p -C -r -t -T -U -D -R --user --group --chdir --host --prompt", 0),
    "doas": ("-u -C", 0),
    "env": ("-u -C --unset --chdir", 0),
    "nice": ("-n --adjustment", 0),
    "ionice": ("-c -n -p --class --classdata", 0),
    "chrt": ("-T -P -D", 1),
    "taskset": ("", 1),
    "timeout": ("-s -k --signal --kill-after", 1),
    "time": ("-f -o --format --output", 0),
    "nohup": ("", 0),
    "setsid": ("", 0),
    "stdbuf": ("-i -o -e", 0),
    "busybox": ("", 0),
    "chroot": ("", 1),
    "setpriv": (
        "--reuid --regid --euid --ruid --egid --rgid --groups --inh-caps --ambient-caps --bounding-set --securebits --pdeathsig "
        "--selinux-label --apparmor-profile",
        0,
    ),
    "pkexec": ("--user", 0),
    "chronic": ("", 0),
    "strace": ("-a -b -e -E -I -o -O -p -P -s -S -u -U -X", 0),
    "sshpass": ("-p -f -d -P", 0),
    "flock": ("-w -E --wait --timeout", 1),
    "exec": ("-a", 0),
    "builtin": ("", 0),
    "command": ("", 0),
    "xtables-multi": ("", 0),
    "xtables-nft-multi": ("", 0),
    "xtables-legacy-multi": ("", 0),
    "cgexec": ("-g", 0),
    "chpst": ("-u -U -b -/ -n -m", 0),
    "tini": ("-p -e", 0),
    "dumb-init": ("-r", 0),
    "gosu": ("", 1),
    "su-exec": ("", 1),
}
_SHELLS = {"sh", "bash", "dash", "ash", "ksh", "zsh"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def unwrap(name: str, words: list[Word]) -> Inner | None:
    """The command that a wrapper would run; None if ``name`` is no wrapper."""
    plain = _PLAIN.get(name)
    if plain is not None:
        return _plain(name, words, *plain)
    if name in _SHELLS:
        return _shell(words)
    special = _SPECIAL.get(name)
    return special(words) if special is not None else None


def _plain(name: str, words: list[Word], valued: str, operands: int) -> Inner | None:
    rest = behind_options(words, valued, operands)
    if name in ("sudo", "env", "doas"):
        while rest and _ASSIGNMENT.match(rest[0].prefix):
            rest = rest[1:]
        own = [word.text for word in words[1 : len(words) - len(rest)]]
        if name == "env" and rest and own and own[-1] in ("-S", "--split-string"):
            return Inner(words[:1], script=rest[0])
        if name == "sudo" and not rest and {"-s", "-i", "--shell", "--login"} & set(own):
            return Inner([Word("sh")])
    elif name.startswith("xtables-") and rest:
        program = rest[0].text
        kind = {"xtables-nft-multi": "-nft", "xtables-legacy-multi": "-legacy"}.get(name, "")
        found = re.match(r"(ip6?tables)(?!-nft|-legacy)(.*)", program or "")
        if found:
            rest = [Word(f"{found.group(1)}{kind}{found.group(2)}", rest[0].location), *rest[1:]]
    elif name == "flock" and rest and rest[0].text in ("-c", "--command"):
        return Inner(words[:1], script=rest[1]) if len(rest) > 1 else Inner([])
    return Inner(rest, functions=name in ("builtin", "time") and bool(rest))


def _shell(words: list[Word]) -> Inner | None:
    at = 1
    while at < len(words):
        text = words[at].text or ""
        if len(text) < 2 or text[0] not in "-+" or text == "--":
            return None
        at += 1
        if text in ("--rcfile", "--init-file"):
            at += 1
        elif not text.startswith("--"):
            # `-euo pipefail -c` takes a word for its `o`.
            at += ("o" in text) + ("O" in text)
            if "c" in text:
                rest = words[at:]
                return Inner(rest[1:] or [words[0]], script=rest[0]) if rest else Inner([])
    return None


def _su(words: list[Word]) -> Inner | None:
    texts = [word.text or "" for word in words]
    for at, text in enumerate(texts[:-1]):
        if text in ("-c", "--command", "--session-command") or re.fullmatch(r"-[a-z]*c", text):
            return Inner(words[:1], script=words[at + 1])
    if "-u" in texts:
        rest = words[texts.index("-u") + 2 :]
        return Inner(rest[1:] if rest and rest[0].text == "--" else rest)
    return Inner([Word("sh")])


def _script(words: list[Word]) -> Inner | None:
    """``script -c TEXT``, ``capsh … -- -c TEXT``."""
    texts = [word.text or "" for word in words]
    at = next((at for at, text in enumerate(texts[:-1]) if at and re.fullmatch(r"--command|-[a-z]*c", text)), 0)
    return Inner(words[:1], script=words[at + 1]) if at else None


def _watch(words: list[Word]) -> Inner | None:
    """The words are one text for a shell."""
    rest = behind_options(words, "-n --interval -q --equexit")
    if not rest:
        return None
    if any(word.text in ("-x", "--exec") for word in words[1 : len(words) - len(rest)]):
        return Inner(rest)
    text = rest[0] if len(rest) == 1 else Word(merged(part for word in rest for part in (" ", *word.pieces)), rest[0].location)
    return Inner(words[:1], script=text)


_UNITS = (
    "-u --unit -p --property -M --machine -H --host --description --slice --service-type --uid --gid --nice --working-directory -E "
    "--setenv --on-active --on-boot --on-startup --on-unit-active --on-unit-inactive --on-calendar --timer-property --path-property "
    "--socket-property"
)


def _systemd_run(words: list[Word]) -> Inner | None:
    rest = behind_options(words, _UNITS)
    own = [word.prefix for word in words[1 : len(words) - len(rest)]]
    apart = any(text.startswith(("-M", "--machine", "-H", "--host")) for text in own)
    return Inner(rest, "systemd-run " + " ".join(own) if apart else "", later=any(text.startswith("--on-") for text in own))


_SPECIAL = {**ELSEWHERE, "su": _su, "runuser": _su, "script": _script, "capsh": _script, "watch": _watch, "systemd-run": _systemd_run}
