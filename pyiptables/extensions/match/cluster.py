"""``-m cluster``: the share of a node in a cluster (``libxt_cluster.c``, kernel ``xt_cluster.c``)."""

from __future__ import annotations

from errno import EDOM, EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_TOTAL, _NODE, _MASK, _SEED = (
    "cluster-total-nodes", "cluster-local-node", "cluster-local-nodemask", "cluster-hash-seed",
)  # fmt: skip


class Cluster(Match):
    """``values``: cluster-total-nodes, cluster-local-node, cluster-local-nodemask, cluster-hash-seed."""

    __slots__ = ()

    name = "cluster"
    summary = "the part of the traffic that a node of a cluster is to handle"
    options = (
        Option(_TOTAL, UInt(32, 1, 32), mandatory=True, help="number of nodes, up to 32"),
        Option(_NODE, UInt(32, 1, 32), invert=True, excl=(_MASK,), help="number of this node, from 1"),
        Option(_MASK, UInt(32, 1, 32), invert=True, excl=(_NODE,), metavar="mask", help="bits of this node"),
        Option(_SEED, UInt(32), mandatory=True, help="seed of the hash, the same on all nodes"),
    )

    def _nodes(self) -> int:
        """Of both, which are only refused in the end, the one given last."""
        bits = 0
        for name, value in self.values.items():
            if name in (_NODE, _MASK):
                bits = 1 << value - 1 if name == _NODE else value
        return bits

    def final_check(self, parsing: Parsing) -> None:
        given = self.values
        complete = _TOTAL in given and _SEED in given
        too_big = complete and self._nodes() >= 1 << given[_TOTAL]
        if complete and _NODE in given:
            if too_big:
                raise ParameterProblem("cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'")
            return
        if complete and _MASK in given:
            if too_big:
                raise ParameterProblem("cluster match: `--cluster-local-nodemask' too big for `--cluster-total-nodes'")
            return
        if _NODE not in given and _MASK not in given:
            raise ParameterProblem("cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing")

    def kernel_check(self, parsing: Parsing) -> None:
        if self.values[_TOTAL] > 32:
            raise KernelRefusal(EINVAL)
        if self._nodes() >= 1 << self.values[_TOTAL]:
            raise KernelRefusal(EDOM)

    def save(self) -> str:
        mark = " !" if self.inverted else ""
        total, seed = self.values[_TOTAL], self.values[_SEED]
        return f"{mark} --{_MASK} 0x{self._nodes():08x} --{_TOTAL} {total} --{_SEED} 0x{seed:08x}"

    def saves_all(self) -> bool:
        """A mask is read as a number up to 32, whatever was saved."""
        return self._nodes() <= 32

    def show(self, numeric: bool, names: Names) -> str:
        mark = "!" if self.inverted else ""
        total, seed = self.values[_TOTAL], self.values[_SEED]
        return f" cluster {mark}node_mask=0x{self._nodes():08x} total_nodes={total} hash_seed=0x{seed:08x}"

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        """``xt_cluster_mt``: Jenkins' hash of the source address of the original direction picks the node.

        A unicast packet that came in a multicast frame is made one for this host.
        """
        if packet.pkttype == "multicast" and packet.dst >> (28 if packet.family == 4 else 120) != (14 if packet.family == 4 else 0xFF):
            packet.pkttype = "unicast"
        from pyiptables.netfilter.connection import TEMPLATE

        if packet.ct is None or packet.ctstate == "INVALID" or packet.ct.status & TEMPLATE:
            return False
        from pyiptables.xtables.jenkins import jhash_words, reciprocal_scale

        connection = packet.ct.master or packet.ct
        # Of an IPv6 address the kernel takes as many words as one word has octets to the word: one.
        first = connection.original[0] >> (0 if connection.family == 4 else 96)
        words = [int.from_bytes(first.to_bytes(4, "big"), "little")]
        node = reciprocal_scale(jhash_words(words, self.values[_SEED]), self.values[_TOTAL])
        return bool(self._nodes() >> node & 1) != bool(self.inverted)


EXTENSIONS = (Cluster,)
