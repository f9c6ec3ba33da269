"""Programs that run another one given as their arguments: ``sudo``, ``ip netns exec``, ``sh -c`` …"""

from __future__ import annotations

import re
from typing import NamedTuple

from pyiptables.lint.shell.reading import Word

__all__ = ["Inner", "unwrap"]


class Inner(NamedTuple):
    """The command inside: its words, or the text that a shell is to read (then the words are its ``$0``,
    ``$1`` …)."""

    words: list[Word]
    netns: str = ""
    script: Word | None = None
    functions: bool = False


# Options that take the next word as their value, and how many operands stand before the command.
_PLAIN: dict[str, tuple[str, int]] = {
    "sudo": ("-u -g -h -p -C -r -t -T -U -D -R --user --group --chdir --host --prompt", 0),
    "doas": ("-u -C", 0),
    "env": ("-u -C --unset --chdir", 0),
    "nice": ("-n --adjustment", 0),
    "ionice": ("-c -n -p --class --classdata", 0),
    "chrt": ("", 1),
    "taskset": ("", 1),
    "timeout": ("-s -k --signal --kill-after", 1),
    "time": ("-f -o --format --output", 0),
    "nohup": ("", 0),
    "setsid": ("", 0),
    "stdbuf": ("-i -o -e", 0),
    "busybox": ("", 0),
    "chroot": ("", 1),
    "unshare": ("-S -G", 0),
    "setpriv": ("--reuid --regid --groups", 0),
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


def _behind_options(words: list[Word], valued: str, operands: int = 0) -> list[Word]:
    """The words behind the wrapper's own options and operands."""
    takes = set(valued.split())
    at = 1
    while at < len(words):
        text = words[at].prefix
        if text == "--":
            at += 1
            break
        if not text.startswith("-") or text == "-":
            break
        at += 2 if text in takes and words[at].text is not None else 1
    return words[at + operands :]


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
    rest = _behind_options(words, valued, operands)
    if name in ("sudo", "env", "doas"):
        while rest and _ASSIGNMENT.match(rest[0].prefix):
            rest = rest[1:]
        if rest and rest[0].text == "-S":
            return None
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
    for index, word in enumerate(words[1:], 1):
        text = word.text or ""
        if not text.startswith("-"):
            return None
        if "c" in text and not text.startswith("--"):
            rest = words[index + 1 :]
            return Inner(rest[1:] or [words[0]], script=rest[0]) if rest else Inner([])
    return None


def _ip(words: list[Word]) -> Inner | None:
    rest = _behind_options(words, "-n -netns -b -batch -rc")
    texts = [word.text for word in rest[:3]]
    if texts[:1] in (["netns"], ["netn"]) and texts[1:2] in (["exec"], ["e"]) and len(rest) > 2:
        return Inner(rest[3:], rest[2].shown)
    if texts[:1] == ["netns"] and texts[1:2] == ["exec"]:
        return Inner(rest[2:], "all")
    if texts[:1] == ["vrf"] and texts[1:2] == ["exec"]:
        return Inner(rest[3:])
    return None


def _container(words: list[Word]) -> Inner | None:
    """``docker exec [-it] NAME …``, ``podman exec``, ``kubectl exec POD -- …``."""
    rest = _behind_options(words, "-n --namespace -H --context")
    if not rest or rest[0].text != "exec":
        return None
    inner = _behind_options(rest, "-u -e -w --user --env --workdir -c --container -n --namespace")
    if not inner:
        return None
    command = inner[1:]
    if command and command[0].text == "--":
        command = command[1:]
    return Inner(command, f"{words[0].shown.rpartition('/')[2]}:{inner[0].shown}")


def _nsenter(words: list[Word]) -> Inner | None:
    rest = _behind_options(words, "-t --target -S -G --setuid --setgid")
    into = [word.shown for word in words[1 : len(words) - len(rest)]]
    if not any(text.startswith(("-n", "--net")) or re.match(r"-\w*n", text) for text in into):
        return Inner(rest)
    return Inner(rest, "nsenter " + " ".join(into))


def _lxc(words: list[Word]) -> Inner | None:
    texts = [word.text for word in words]
    if "--" not in texts:
        return None
    at = texts.index("--")
    return Inner(
        words[at + 1 :],
        "lxc:" + " ".join(word.shown for word in words[1:at] if word.text not in ("exec", "-n")),
    )


def _su(words: list[Word]) -> Inner | None:
    texts = [word.text for word in words]
    for option in ("-c", "--command"):
        if option in texts[:-1]:
            return Inner(words[:1], script=words[texts.index(option) + 1])
    return None


_SPECIAL = {
    "ip": _ip,
    "docker": _container,
    "podman": _container,
    "kubectl": _container,
    "nerdctl": _container,
    "nsenter": _nsenter,
    "lxc": _lxc,
    "lxc-attach": _lxc,
    "su": _su,
    "runuser": _su,
}
