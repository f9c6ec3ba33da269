"""Programs that run a command elsewhere: in another network namespace, in a container, on another machine."""

from __future__ import annotations

import re
from collections.abc import Callable

from pyiptables.lint.shell.reading import Word
from pyiptables.lint.shell.state import merged
from pyiptables.lint.shell.wrapped import Inner, behind_options

__all__ = ["ELSEWHERE"]

_SSH = "-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -P -p -Q -R -S -W -w"
_COMPOSE = "-f --file -p --project-name --profile --env-file --project-directory --ansi --parallel"
_EXEC = "-u -e -w --user --env --workdir -c --container -n --namespace --index --env-file --detach-keys"
#: Options of ``docker run`` without a value.
_FLAGS = re.compile(
    r"-[ditPq]+|--(?:rm|detach|interactive|tty|privileged|init|read-only|publish-all|quiet|no-healthcheck|oom-kill-disable|replace)(?:=.*)?"
)


def _shell(rest: list[Word]) -> list[Word]:
    """The command; a shell where none is given."""
    return rest or [Word("sh")]


def _ip(words: list[Word]) -> Inner | None:
    rest = behind_options(words, "-n -netns -b -batch -rc")
    texts = [word.text for word in rest[:3]]
    if texts[:1] in (["netns"], ["netn"]) and texts[1:2] in (["exec"], ["e"]):
        if any(word.text in ("-all", "-a") for word in words[1:]):
            return Inner(rest[2:], "all")
        return Inner(rest[3:], rest[2].shown) if len(rest) > 2 else Inner(rest[2:], "all")
    if texts[:1] == ["vrf"] and texts[1:2] == ["exec"]:
        return Inner(rest[3:])
    return None


def _container(words: list[Word]) -> Inner | None:
    """``docker exec [-it] NAME …``, ``docker run … IMAGE …``, ``docker compose exec``, ``kubectl exec POD -- …``."""
    name = words[0].shown.rpartition("/")[2]
    rest = behind_options(words, "-n --namespace -H --context --host --kubeconfig " + (_COMPOSE if "compose" in name else ""))
    if rest and rest[0].text == "compose":
        rest = behind_options(rest, _COMPOSE)
    if rest and rest[0].text == "container":
        rest = rest[1:]
    verb = rest[0].text if rest else None
    if verb == "run" and "compose" not in name:
        return _run(name, rest)
    if verb not in ("exec", "shell"):
        return None
    inner = behind_options(rest, _EXEC)
    if not inner:
        return None
    command = inner[1:]
    divider = next((at for at, word in enumerate(command) if word.text == "--"), -1)
    return Inner(command[divider + 1 :], f"{name}:{inner[0].shown}")


def _run(name: str, rest: list[Word]) -> Inner | None:
    at, network = 1, ""
    while at < len(rest) and rest[at].prefix.startswith("-"):
        text = rest[at].prefix
        option, equals, value = text.partition("=")
        at += 1
        if not equals and not _FLAGS.fullmatch(text):
            value = rest[at].shown if at < len(rest) else ""
            at += 1
        if option in ("--net", "--network"):
            network = value
    if at >= len(rest):
        return None
    return Inner(rest[at + 1 :], "" if network == "host" else f"{name}:{rest[at].shown}")


def _nsenter(words: list[Word]) -> Inner | None:
    rest = behind_options(words, "-t --target -S -G --setuid --setgid")
    into = [word.shown for word in words[1 : len(words) - len(rest)]]
    if not any(text.startswith(("-n", "--net", "--all")) or re.match(r"-\w*[na]", text) for text in into):
        return Inner(_shell(rest))
    return Inner(_shell(rest), "nsenter " + " ".join(into))


def _unshare(words: list[Word]) -> Inner | None:
    rest = behind_options(words, "-S -G -R -w --setuid --setgid --root --wd --map-user --map-group --map-users --map-groups")
    own = [word.prefix for word in words[1 : len(words) - len(rest)]]
    new = any(text.startswith("--net") or re.match(r"-[A-Za-z]*n", text) for text in own)
    return Inner(_shell(rest), "unshare" if new else "")


def _divided(words: list[Word]) -> Inner | None:
    """``lxc exec NAME -- …``, ``pct exec ID -- …``: what stands behind ``--``."""
    texts = [word.text for word in words]
    if "--" not in texts:
        return None
    at = texts.index("--")
    where = " ".join(word.shown for word in words[1:at] if word.text not in ("exec", "ssh", "-n"))
    name = words[0].shown.rpartition("/")[2]
    return Inner(words[at + 1 :], f"{name}:{where}" if where else name)


def _machinectl(words: list[Word]) -> Inner | None:
    rest = behind_options(words, "-E --setenv --uid -M --machine -H --host")
    if len(rest) < 2 or rest[0].text != "shell":
        return None
    return Inner(_shell(rest[2:]), f"machine:{rest[1].shown}")


def _ssh(words: list[Word]) -> Inner | None:
    """The words are one text for the shell over there, which reads its commands from here when there are none."""
    rest = behind_options(words, _SSH)
    if not rest:
        return None
    where = f"ssh:{rest[0].shown}"
    # Options may come behind the host as well.
    rest = behind_options(rest, _SSH)
    return Inner([Word("sh")], where, _joined(rest) if rest else None, remote=True)


def _vagrant(words: list[Word]) -> Inner | None:
    texts = [word.text for word in words]
    if texts[1:2] == ["ssh"] and "-c" in texts[:-1]:
        return Inner([Word("sh")], "vagrant", words[texts.index("-c") + 1], remote=True)
    return None


def _adb(words: list[Word]) -> Inner | None:
    rest = behind_options(words, "-s -t -H -P -L")
    if len(rest) < 2 or rest[0].text != "shell":
        return None
    return Inner([Word("sh")], "adb", _joined(rest[1:]), remote=True)


def _joined(words: list[Word]) -> Word:
    if len(words) == 1:
        return words[0]
    return Word(merged(part for word in words for part in (" ", *word.pieces)), words[0].location)


ELSEWHERE: dict[str, Callable[[list[Word]], Inner | None]] = {
    "ip": _ip, "docker": _container, "podman": _container, "kubectl": _container, "oc": _container, "nerdctl": _container,
    "crictl": _container, "docker-compose": _container, "podman-compose": _container, "nsenter": _nsenter, "unshare": _unshare,
    "lxc": _divided, "lxc-attach": _divided, "incus": _divided, "pct": _divided, "multipass": _divided, "minikube": _divided,
    "machinectl": _machinectl, "ssh": _ssh, "vagrant": _vagrant, "adb": _adb,
}  # fmt: skip
