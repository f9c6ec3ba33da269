"""``-m owner``: who sends (``libxt_owner.c``, kernel ``xt_owner.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT32, scan_unsigned
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, bad_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_USER, _GROUP, _SOCKET, _SUPPLEMENTARY = "uid-owner", "gid-owner", "socket-exists", "suppl-groups"


class Owner(Match):
    """``values``: uid-owner, gid-owner (low, high), socket-exists, suppl-groups. The packet's attributes ``uid``, ``gid``,
    ``groups`` (supplementary ones), ``socket_exists``."""

    __slots__ = ()

    name = "owner"
    summary = "the user or group of the local process that sends"
    hooks = ("OUTPUT", "POSTROUTING")
    options = (
        Option(_USER, Text(), invert=True, metavar="user|uid[-uid]", help="user who owns the socket"),
        Option(_GROUP, Text(), invert=True, metavar="group|gid[-gid]", help="group that owns the socket"),
        Option(_SOCKET, invert=True, help="the packet comes from a socket"),
        Option(_SUPPLEMENTARY, help="--gid-owner looks at supplementary groups too", code=6),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name in (_USER, _GROUP):
            find = parsing.names.user_number if option.name == _USER else parsing.names.group_number
            number = find(value)
            value = _range(value, option.name) if number is None else (number, number)
        elif option.name == _SUPPLEMENTARY and _GROUP not in self.values:
            raise bad_value("owner", _SUPPLEMENTARY, "you need to use --gid-owner first")
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if not self.values:
            raise ParameterProblem("owner: At least one of --uid-owner, --gid-owner or --socket-exists is required")

    def kernel_check(self, parsing: Parsing) -> None:
        """``owner_check``: ranges go up."""
        if any(self.values[name][1] < self.values[name][0] for name in (_USER, _GROUP) if name in self.values):
            raise KernelRefusal(EINVAL)

    def _text(self, words: dict[str, str], numeric: bool, names: Names | None) -> str:
        text = ""
        for name, word in words.items():
            if name not in self.values:
                continue
            text += f"{' !' if name in self.inverted else ''} {word}"
            if name in (_USER, _GROUP):
                low, high = self.values[name]
                found = None
                if low == high and not numeric and names is not None:
                    found = names.user_name(low) if name == _USER else names.group_name(low)
                text += f" {low}-{high}" if low != high else f" {found or low}"
        return text

    def save(self) -> str:
        return self._text({name: f"--{name}" for name in (_SOCKET, _USER, _GROUP, _SUPPLEMENTARY)}, True, None)

    def show(self, numeric: bool, names: Names) -> str:
        words = {_SOCKET: "owner socket exists", _USER: "owner UID match", _GROUP: "owner GID match", _SUPPLEMENTARY: "incl. suppl. groups"}
        return self._text(words, numeric, names)

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """``owner_mt``: without a socket only what was inverted holds; one number above all stands for that."""
        region = space.everything
        supplementary = " or supplementary" if _SUPPLEMENTARY in self.values else ""
        for name in (_USER, _GROUP):
            if name not in self.values:
                continue
            if name == _GROUP and supplementary:
                region &= space.atom(f"{name} {self.values[name]}{supplementary}", name in self.inverted, ())
            else:
                field = space.number(name, UINT32 + 1)
                region &= space.values(field, self.values[name], invert=name in self.inverted)
        if _SOCKET in self.values:
            region &= space.atom("socket", _SOCKET in self.inverted, ())
        return region

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``owner_mt``: without a socket only what was inverted holds."""
        attrs = packet.attrs
        exists = attrs.get("socket_exists", True if "uid" in attrs or "gid" in attrs else None)
        if exists is None:
            ctx.unknown("which user's socket sends this is not described (uid)")
            return None
        if not exists:
            return self.inverted >= self.values.keys()
        if _SOCKET in self.inverted:
            return False
        if not attrs.get("socket_file", True):
            return self.inverted >= self.values.keys() & {_USER, _GROUP}
        for name, key in ((_USER, "uid"), (_GROUP, "gid")):
            if name not in self.values:
                continue
            if attrs.get(key) is None:
                ctx.unknown(f"no {key} is described")
                return None
            low, high = self.values[name]
            numbers = [attrs[key]]
            if name == _GROUP and _SUPPLEMENTARY in self.values:
                numbers += attrs.get("groups", ())
            if any(low <= number <= high for number in numbers) == (name in self.inverted):
                return False
        return True


def _range(text: str, option: str) -> tuple[int, int]:
    got = scan_unsigned(text, 0, UINT32 - 1)
    if got is None:
        raise bad_value("owner", option, text)
    low, end = got
    if end == len(text):
        return low, low
    if text[end] in "-:":
        got = scan_unsigned(text[end + 1 :], 0, UINT32 - 1)
        if got is not None and end + 1 + got[1] == len(text):
            return low, got[0]
    raise bad_value("owner", option, text)


EXTENSIONS = (Owner,)
