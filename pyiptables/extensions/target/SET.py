"""``-j SET``: put addresses into ipsets (``libxt_SET.c``, kernel ``xt_set.c``)."""

from __future__ import annotations

from pyiptables.xtables.errors import ParameterProblem
from pyiptables.xtables.numbers import UINT32, scan_unsigned
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.set_names import parse_set, set_text
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_ADD, _DEL, _MAP = "add-set", "del-set", "map-set"


class Set(Target):
    """``values``: add-set, del-set, map-set (name, directions), exist, timeout (seconds), map-mark, map-prio, map-queue."""

    __slots__ = ()

    name = "SET"
    summary = "add the packet's addresses to an ipset, delete them, or map them"
    options = (
        Option(_ADD, Text(), metavar="set dir[,…]", help="add to the set"),
        Option(_DEL, Text(), metavar="set dir[,…]", help="delete from the set"),
        Option("exist", help="with --add-set: set the timeout anew if it is there already", code=ord("3")),
        Option("timeout", Text(), metavar="seconds", help="with --add-set: timeout of the entry"),
        Option(_MAP, Text(), metavar="set dir[,…]", help="take mark, priority or queue from the set's entry"),
        Option("map-mark", help="with --map-set: the mark", code=ord("6")),
        Option("map-prio", help="with --map-set: the priority", code=ord("7")),
        Option("map-queue", help="with --map-set: the hardware queue", code=ord("8")),
    )

    def parse(self, option: Option, text: str, invert: bool, parsing: Parsing) -> None:
        name = option.name
        value: Any = True
        if name in (_ADD, _DEL, _MAP):
            value = parse_set(text, name, name in self.values, parsing)
        elif name == "timeout":
            got = scan_unsigned(text, 0, UINT32 - 1)
            if got is None or got[1] != len(text):
                raise ParameterProblem(f"Invalid value for option --timeout or out of range 0-{UINT32 - 1}")
            value = got[0]
        self.accept(option, value, False, parsing)

    def final_check(self, parsing: Parsing) -> None:
        given = self.values
        if not given.keys() & {_ADD, _DEL, _MAP}:
            raise ParameterProblem("You must specify either `--add-set' or `--del-set' or `--map-set'")
        if _ADD not in given:
            if "exist" in given:
                raise ParameterProblem("Flag `--exist' can be used with `--add-set' only")
            if "timeout" in given:
                raise ParameterProblem("Option `--timeout' can be used with `--add-set' only")
        maps = [flag for flag in ("map-mark", "map-prio", "map-queue") if flag in given]
        if _MAP not in given and maps:
            raise ParameterProblem(f"Flag `--{maps[0]}' can be used with `--map-set' only")
        if _MAP in given and not maps:
            raise ParameterProblem("You must specify flags `--map-mark' or '--map-prio` or `--map-queue'")

    def _text(self, prefix: str) -> str:
        given = self.values
        text = f" {prefix}{_ADD} {set_text(given[_ADD])}" if _ADD in given else ""
        if "exist" in given:
            text += f" {prefix}exist"
        if "timeout" in given:
            text += f" {prefix}timeout {given['timeout']}"
        text += "".join([f" {prefix}{name} {set_text(given[name])}" for name in (_DEL, _MAP) if name in given])
        return text + "".join([f" {prefix}{flag}" for flag in ("map-mark", "map-prio", "map-queue") if flag in given])

    def save(self) -> str:
        return self._text("--")

    def show(self, numeric: bool, names: Names) -> str:
        return self._text("")

    def changes(self) -> dict[str, tuple[int, int] | None]:
        changed: dict[str, tuple[int, int] | None] = {"set": None}
        if "map-mark" in self.values:
            changed["mark"] = None
        if "map-prio" in self.values:
            changed["priority"] = None
        return changed

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        from pyiptables.netfilter.packet import Verdict

        given = self.values
        sets = ctx.sets
        for key in (_ADD, _DEL, _MAP):
            if key in given and (sets is None or not sets.knows(given[key][0])):
                ctx.note("set", f"{given[key][0]} is not described")
                if key == _MAP:
                    ctx.unknown(f"set {given[key][0]} is not described")
        if sets is None:
            return Verdict.CONTINUE
        if _ADD in given:
            name, ways = given[_ADD]
            if sets.add(name, ways, packet, ctx, given.get("timeout"), "exist" in given):
                ctx.note("set", f"added to {name}")
        if _DEL in given:
            name, ways = given[_DEL]
            if sets.delete(name, ways, packet, ctx):
                ctx.note("set", f"deleted from {name}")
        if _MAP in given:
            name, ways = given[_MAP]
            if sets.knows(name):
                self._map(sets.find(name, ways, packet, ctx, update=False), packet)
        return Verdict.CONTINUE

    def _map(self, entry: Any, packet: Packet) -> None:
        """Take over what the entry carries (``set_target_v3``)."""
        if not entry:
            return
        if "map-mark" in self.values and entry.mark is not None:
            value, mask = entry.mark
            packet.mark = packet.mark & ~mask ^ value
        if "map-prio" in self.values and entry.priority is not None:
            packet.priority = entry.priority


EXTENSIONS = (Set,)
