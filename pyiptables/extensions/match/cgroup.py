"""``-m cgroup``: the control group of the sending socket (``libxt_cgroup.c``, kernel ``xt_cgroup.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text, UInt, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing


class Cgroup(Match):
    """``values``: path, cgroup (class id)."""

    __slots__ = ()

    name = "cgroup"
    summary = "the control group of the local socket"
    hooks = ("INPUT", "OUTPUT", "POSTROUTING")
    options = (
        Option("path", Text(size=512), invert=True, metavar="path", help="path below the cgroup2 mount"),
        Option("cgroup", UInt(32), invert=True, metavar="classid", help="net_cls class id"),
    )

    def kernel_check(self, parsing: Parsing) -> None:
        """``cgroup_mt_check_v2``: one of the two, not both, and the path must exist."""
        if ("path" in self.values) == ("cgroup" in self.values):
            raise KernelRefusal(EINVAL)
        if "path" in self.values and self.values["path"] not in ("", "/") and not parsing.elsewhere:
            raise KernelRefusal(EINVAL)

    def save(self) -> str:
        text = ""
        if "path" in self.values:
            text += f"{' !' if 'path' in self.inverted else ''} --path{quoted(self.values['path'])}"
        if "cgroup" in self.values:
            text += f"{' !' if 'cgroup' in self.inverted else ''} --cgroup {self.values['cgroup']}"
        return text

    def show(self, numeric: bool, names: Names) -> str:
        text = " cgroup"
        for name in ("path", "cgroup"):
            if name in self.values:
                text += f" {'! ' if name in self.inverted else ''}{self.values[name]}"
        return text

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        """``cgroup_mt``: a packet without a local socket matches neither way."""
        return space.atom("socket", depends=()) & space.inverse(self.save(), bool(self.inverted), ())

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        key = "cgroup" if "path" in self.values else "classid"
        if packet.attrs.get("socket_exists") is False:
            return False
        if key not in packet.attrs:
            ctx.unknown("no control group is described")
            return None
        if key == "classid":
            return bool((packet.attrs[key] == self.values["cgroup"]) != bool(self.inverted))
        wanted = self.values["path"].strip("/")
        path = str(packet.attrs[key]).strip("/")
        inside = path == wanted or path.startswith(f"{wanted}/") or not wanted
        return inside != bool(self.inverted)


EXTENSIONS = (Cgroup,)
