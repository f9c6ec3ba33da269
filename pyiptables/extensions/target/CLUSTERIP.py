"""``-j CLUSTERIP``: one address for a cluster (``libipt_CLUSTERIP.c``); kernels since 6.x have it no more."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.hosts import EtherMac
from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_NEW = ("new",)
_FULL = {"new", "hashmode", "clustermac", "total-nodes", "local-node"}
_MODES = ("sourceip", "sourceip-sourceport", "sourceip-sourceport-destport")
_NODES = 16


class Clusterip(Target):
    """``values``: new, hashmode, clustermac (bytes), total-nodes, local-node, hash-init."""

    __slots__ = ()

    name = "CLUSTERIP"
    families = (4,)
    summary = "share an address among the nodes of a cluster"
    options = (
        Option("new", help="create a new cluster address"),
        Option("hashmode", Text(), also=_NEW, metavar="mode", words=_MODES, help="what decides which node"),
        Option("clustermac", EtherMac(), also=_NEW, help="multicast MAC address of the cluster"),
        Option("total-nodes", UInt(16, 0, _NODES), also=_NEW, help="number of nodes"),
        Option("local-node", UInt(16, 0, _NODES), also=_NEW, help="number of this node"),
        Option("hash-init", UInt(32), also=_NEW, help="start value of the hash"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "hashmode" and value not in _MODES:
            raise ParameterProblem(f'Unknown hashmode "{value}"')
        if option.name == "clustermac" and not value[0] & 1:
            raise ParameterProblem("MAC has to be a multicast ethernet address")
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if self.values and not _FULL.issubset(self.values):
            raise ParameterProblem("CLUSTERIP target: Invalid parameter combination")

    def kernel_check(self, parsing: Parsing) -> None:
        """``clusterip_tg_check``: one address as destination, and an interface where the cluster is made."""
        spec = parsing.spec
        assert spec is not None
        if spec.dst_mask != UINT32 or not spec.dst or ("new" in self.values and not spec.iniface):
            raise KernelRefusal(EINVAL)

    def _mac(self) -> str:
        return ":".join([f"{octet:02X}" for octet in self.values["clustermac"]])

    def save(self) -> str:
        given = self.values
        if "new" not in given:
            return ""
        return (
            f" --new --hashmode {given['hashmode']} --clustermac {self._mac()} --total-nodes {given['total-nodes']}"
            f" --local-node {given['local-node']} --hash-init {given.get('hash-init', 0)}"
        )

    def show(self, numeric: bool, names: Names) -> str:
        given = self.values
        if "new" not in given:
            return " CLUSTERIP"
        return (
            f" CLUSTERIP hashmode={given['hashmode']} clustermac={self._mac()} total_nodes={given['total-nodes']}"
            f" local_node={given['local-node']} hash_init={given.get('hash-init', 0)}"
        )

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"pkttype": None}


EXTENSIONS = (Clusterip,)
