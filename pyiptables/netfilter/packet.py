"""The words between the engine and the extensions: Packet, Context, Verdict, NatRange.

A match decides with ``matches(packet, ctx) -> bool | None`` (None: the description does not say enough; tell why with
``ctx.unknown``), a target acts with ``apply(packet, ctx) -> Verdict``. They see a packet as the kernel's ``sk_buff``
shows it to ``xt_match``/``xt_target`` (``include/linux/netfilter/x_tables.h``), and the surroundings as a
:class:`Context` (``struct xt_action_param``). Nothing here walks tables or tracks connections; see ``traverse``,
``conntrack``, ``nat``, ``pipeline``. Connections are described in :mod:`pyiptables.netfilter.connection`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar, Protocol, TypeVar

    from pyiptables.netfilter.connection import Connection, FlowTuple
    from pyiptables.netfilter.host import Host

    T = TypeVar("T")

    class Random(Protocol):
        """Where chance comes from; ``random.Random(seed)`` is one."""

        def getrandbits(self, bits: int, /) -> int: ...

    class PacketSets(Protocol):
        """The ipsets known to the trace (``ipset save``); ``ipsets`` has the real ones and says what the options mean."""

        def knows(self, name: str) -> bool:
            """Is there such a set?"""

        def find(
            self,
            name: str,
            directions: tuple[str, ...],
            packet: Packet,
            ctx: Context,
            *,
            shielded: bool = False,
            update: bool = True,
            update_members: bool = True,
            wanted: Callable[[int, int], bool] | None = None,
        ) -> Any:
            """The entry that the packet meets, False when there is none, None when the description leaves it open."""

        def add(self, name: str, directions: tuple[str, ...], packet: Packet, ctx: Context, timeout: int | None, exist: bool) -> bool:
            """``-j SET --add-set``."""

        def delete(self, name: str, directions: tuple[str, ...], packet: Packet, ctx: Context) -> bool:
            """``-j SET --del-set``."""


__all__ = ["Context", "NatRange", "Packet", "Reject", "Verdict"]


class Verdict:
    """What a target says. Compare with ``is``.

    ACCEPT, DROP, QUEUE, STOLEN, REPEAT are netfilter's (``NF_*``); CONTINUE (``XT_CONTINUE``) goes on with the next
    rule, RETURN (``XT_RETURN``) with the calling chain. A target that answers for itself (REJECT, SYNPROXY)
    calls :meth:`Context.reject` or :meth:`Context.send` and returns DROP or STOLEN.
    """

    __slots__ = ("name",)

    ACCEPT: ClassVar[Verdict]
    DROP: ClassVar[Verdict]
    CONTINUE: ClassVar[Verdict]
    RETURN: ClassVar[Verdict]
    QUEUE: ClassVar[Verdict]
    STOLEN: ClassVar[Verdict]
    REPEAT: ClassVar[Verdict]

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Verdict.{self.name}"


for _name in ("ACCEPT", "DROP", "CONTINUE", "RETURN", "QUEUE", "STOLEN", "REPEAT"):
    setattr(Verdict, _name, Verdict(_name))


class Packet:
    """One packet, mutable, on its way through one host.

    Addresses are integers, ports 0 where the protocol has none. Units: bytes unless said.

    Network header
        ``family`` 4 or 6; ``src``, ``dst``; ``proto`` the transport protocol number (after IPv6 extension headers);
        ``ttl`` TTL or hop limit; ``tos`` the whole TOS/traffic class byte (DSCP = tos >> 2, ECN = tos & 3);
        ``id`` IPv4 identification; ``df``; ``frag_offset`` in units of 8 bytes (non-zero: no transport header is
        there, port and flag matches must fail; offset 1 also sets ``ctx.hotdrop`` in tcp); ``more_fragments``;
        ``flow_label`` (IPv6); ``ip_options`` raw IPv4 options; ``ext_headers`` IPv6 extension headers in order, as
        ``(protocol number of that header, its raw bytes)``; ``length`` of the whole IP packet (keep it right when
        you change the size).
    Transport header
        ``sport``, ``dport`` (tcp, udp, udplite, sctp, dccp); ``tcp_flags`` bits FIN 1 SYN 2 RST 4 PSH 8 ACK 16
        URG 32 ECE 64 CWR 128; ``tcp_seq``, ``tcp_ack``, ``tcp_window``, ``tcp_options`` (raw bytes, padded);
        ``icmp_type``, ``icmp_code``, ``icmp_id``, ``icmp_seq``, ``icmp_rest`` (4 bytes after the checksum of an
        error, as a number: MTU); ``inner`` the packet inside an ICMP error; ``l4`` raw transport bytes of protocols
        without fields here (also sctp, dccp, esp, ah, gre: chunk types, SPI …), None when unknown;
        ``bad_checksum``.
    Payload
        ``payload`` bytes after the transport header, None when the description does not say;
        ``payload_len`` its length, which is known even then.
    Link and devices
        ``iniface``, ``outiface`` ('' = none at this hook); ``physin``, ``physout`` bridge ports ('' = none);
        ``mac_src``, ``mac_dst`` 6 bytes or None; ``pkttype`` 'unicast', 'broadcast', 'multicast' or
        'otherhost' (``skb->pkt_type``; the host's own packets on lo are unicast).
    Meta data
        ``mark`` (nfmark), ``priority`` (``skb->priority``, CLASSIFY), ``secmark``;
        ``attrs`` declared facts that only a live host knows. Missing key = not described (answer None). Keys:
        ``uid``, ``gid`` (numbers), ``socket_exists`` (bool), ``socket_file`` (has a process opened it?), ``cgroup`` (path) and
        ``classid``, ``cpu``, ``realm``, ``queues`` (numbers of the NFQUEUE queues somebody listens to), ``timezone``,
        ``devgroup_in``, ``devgroup_out``, ``helper`` (name), ``policy`` (list of dicts with the words of
        ``-m policy``, [] = no IPsec), ``policy_out`` the same for the way out, ``socket`` (dict: ``transparent``,
        ``wildcard``, ``mark``; None = there is no socket), ``sets`` (names of ipsets it is in), ``os`` (genre for osf),
        ``bpf`` (dict program text → bool), ``bridged`` (bool), ``dropped_mac`` … An extension may define more;
        say so in its docstring. ``offloaded`` (bool): devices make segments of it, so no MTU counts. ``for_host`` (no host is
        described, but the packet is for it) and ``payload_open`` (the packet may have one, though the description has none) are
        not for people.
    Connection tracking
        ``ct`` the :class:`~pyiptables.netfilter.connection.Connection` or None (not tracked yet, INVALID, UNTRACKED);
        ``ctstate`` 'NEW', 'ESTABLISHED', 'RELATED', 'INVALID' or 'UNTRACKED' as ``-m conntrack --ctstate`` sees it
        (before tracking, in raw, it is 'INVALID', as in the kernel); ``ctdir`` 0 original, 1 reply (0 without ct);
        ``template`` what ``-j CT`` asked for (see :meth:`Context.set_template`). Marks, labels, status, counters,
        tuples are attributes of ``ct``.
    """

    #: IPv6: traffic class and hop limit when connection tracking found the checksum right (CHECKSUM_COMPLETE).
    verified: tuple[int, int] | None = None
    #: Of a fragment that was read as octets: those that it carries of its packet.
    fragment: bytes | None = None

    def __init__(self, family: int, src: int, dst: int, proto: int) -> None:
        self.family = family
        self.src = src
        self.dst = dst
        self.proto = proto
        self.sport = self.dport = 0
        self.ttl = 64
        self.tos = 0
        self.id = 0
        self.df = False
        self.frag_offset = 0
        self.more_fragments = False
        self.flow_label = 0
        self.ip_options = b""
        self.ext_headers: tuple[tuple[int, bytes], ...] = ()
        self.length = 0
        self.tcp_flags = 0
        self.tcp_seq = self.tcp_ack = 0
        self.tcp_window = 0
        self.tcp_options = b""
        self.icmp_type = self.icmp_code = 0
        self.icmp_id = self.icmp_seq = self.icmp_rest = 0
        self.inner: Packet | None = None
        self.l4: bytes | None = None
        self.bad_checksum = False
        self.payload: bytes | None = None
        self.payload_len = 0
        self.iniface = self.outiface = ""
        self.physin = self.physout = ""
        self.mac_src: bytes | None = None
        self.mac_dst: bytes | None = None
        self.pkttype = "unicast"
        self.mark = 0
        self.priority = 0
        self.secmark = 0
        self.attrs: dict[str, Any] = {}
        self.ct: Connection | None = None
        self.ctstate = "INVALID"
        self.ctdir = 0
        self.template: dict[str, Any] | None = None

    def copy(self) -> Packet:
        """A packet of its own; the inner packet is copied too, the connection is shared."""
        other = Packet.__new__(Packet)
        other.__dict__.update(self.__dict__)
        other.attrs = dict(self.attrs)
        if self.inner is not None:
            other.inner = self.inner.copy()
        return other

    @property
    def network_header(self) -> int:
        """Bytes before the transport header: IPv4 header with options, IPv6 header with extension headers."""
        if self.family == 4:
            return 20 + len(self.ip_options)
        return 40 + sum(len(raw) for _, raw in self.ext_headers)

    @property
    def hidden_by(self) -> int:
        """The extension header behind which a simple reader finds no transport header (44, 51), or 0."""
        return next((kind for kind, _ in self.ext_headers if kind in (44, 51)), 0) if self.ext_headers else 0

    @property
    def transport_length(self) -> int:
        """Bytes of transport header and payload as ``length`` says."""
        return self.length - self.network_header

    def lacks(self, size: int) -> bool:
        """Whether the transport header is known to be shorter than ``size`` octets."""
        return self.l4 is not None and len(self.l4) + self.payload_len < size

    def octets(self) -> bytes | None:
        """The packet as it stands on the wire, from its IP header on; None when its payload is unknown."""
        from pyiptables.netfilter.wire import build

        return build(self)

    def transport(self) -> bytes | None:
        """Transport header and payload as bytes; None when the payload is unknown."""
        whole = self.octets()
        return None if whole is None else whole[self.network_header :]


class NatRange:
    """What a NAT target asks for (``struct nf_nat_range2``).

    ``addresses`` (low, high) as integers or None to keep the address; ``ports`` (low, high) or None (for ICMP: ids);
    ``netmap`` the address range is a network, host bits stay (NETMAP); ``random``, ``random_fully`` and
    ``persistent`` as the options; ``base_port`` shifts a port range (``--to-destination a:1-9/base``) or None.
    """

    __slots__ = ("addresses", "base_port", "netmap", "persistent", "ports", "random", "random_fully")

    def __init__(
        self,
        addresses: tuple[int, int] | None = None,
        ports: tuple[int, int] | None = None,
        *,
        netmap: bool = False,
        random: bool = False,
        random_fully: bool = False,
        persistent: bool = False,
        base_port: int | None = None,
    ) -> None:
        self.addresses = addresses
        self.ports = ports
        self.netmap = netmap
        self.random = random
        self.random_fully = random_fully
        self.persistent = persistent
        self.base_port = base_port


class Reject:
    """An answer that the host is to send: ``kind`` 'tcp-reset' or 'icmp' with ``type`` and ``code``."""

    __slots__ = ("code", "kind", "packet", "type")

    def __init__(self, packet: Packet, kind: str, type: int, code: int) -> None:
        self.packet = packet
        self.kind = kind
        self.type = type
        self.code = code


class Context:
    """Where a rule is being looked at, and what it may ask of the engine.

    Place
        ``family``; ``table``; ``hook`` 'PREROUTING' … 'POSTROUTING' (also inside user chains); ``chain``;
        ``rulenum`` from 1; ``hotdrop`` set it True in a match to drop the packet at once (``par->hotdrop``).
    Time and chance
        ``now`` nanoseconds since 1970, set by the description; never ask a clock. ``begun`` is when the rules were loaded.
        ``chance(p)`` throws dice, ``random()`` a number in [0, 1), ``random_bits(n)`` n bits, all by the seed of the trace.
        ``moment`` numbers the packets of the description; what the host answers at once is of the same moment.
    State
        ``state(key, factory)`` gives the object kept under ``key`` for the whole trace, made by ``factory()`` on first
        use. The key is the extension object itself (``ctx.state(self, …)``: one a rule) for limit, quota,
        statistic, and ``("recent", name)``, ``("hashlimit", name)``, ``("rateest", name)`` for what rules share;
        ``first(self, option)`` tells which of them made it.
    Surroundings
        ``host`` the :class:`~pyiptables.netfilter.host.Host` or None when no host is described: addresses, routes,
        interfaces, MTU (``addrtype``, ``rpfilter``, ``MASQUERADE``, ``REDIRECT``, TCPMSS ``--clamp``);
        ``gateway`` the next hop's address in FORWARD, OUTPUT and POSTROUTING, None when it is the destination itself;
        ``mtu`` that of the route there, 0 when only the device has one;
        ``sets`` the ipsets or None; ``tracked(flow, …)`` the connection that a tuple belongs to (connlimit).
    Acts
        :meth:`setup_nat`, :meth:`reject`, :meth:`send`, :meth:`notrack`, :meth:`set_template`; :meth:`note` leaves a
        word for the trace (the log line of LOG, the queue number …). Changed header fields, marks and the like
        are seen by the engine itself and need no note.
    Unknown
        :meth:`unknown` says why a match answers None.
    """

    __slots__ = (
        "_nat",
        "_rng",
        "_rules",
        "_tracked",
        "begun",
        "chain",
        "chooser",
        "family",
        "gateway",
        "hook",
        "host",
        "hotdrop",
        "moment",
        "mtu",
        "notes",
        "now",
        "reasons",
        "rejects",
        "rulenum",
        "sent",
        "sets",
        "store",
        "table",
    )  # fmt: skip

    def __init__(
        self,
        family: int,
        *,
        host: Host | None = None,
        now: int = 0,
        rng: Random | None = None,
        nat: Callable[[Packet, str, NatRange, Context], Verdict] | None = None,
        tracked: Callable[[FlowTuple, int, str], Connection | None] | None = None,
        sets: PacketSets | None = None,
        rules: Callable[[str], Iterable[Any]] | None = None,
    ) -> None:
        self.family = family
        self.table = ""
        self.hook = ""
        self.chain = ""
        self.rulenum = 0
        self.hotdrop = False
        self.gateway: int | None = None
        self.mtu = 0
        self.now = self.begun = now
        self.moment = 0
        self.host = host
        self.sets = sets
        self.store: dict[Any, Any] = {}
        self.reasons: list[str] = []
        self.notes: dict[str, Any] = {}
        self.rejects: list[Reject] = []
        self.sent: list[tuple[str, Packet, dict[str, Any]]] = []
        #: Decides what is open either way when every outcome is followed; None otherwise.
        self.chooser: Callable[[str, float | None], bool] | None = None
        self._rng = rng
        self._nat = nat
        self._tracked = tracked
        self._rules = rules

    def unknown(self, reason: str) -> None:
        """Record why the answer is None, in a few words for people: ``"no uid is described"``."""
        self.reasons.append(reason)

    def cut_short(self, packet: Packet) -> bool:
        """Is there less than the header of a protocol that has fields here? Then the packet is dropped (``hotdrop``)."""
        if packet.l4 is None:
            return False
        self.hotdrop = True
        return True

    def note(self, key: str, value: Any) -> None:
        """Leave a word in the step's ``effect``."""
        self.notes[key] = value

    def state(self, key: Any, factory: Callable[[], T]) -> T:
        """The object kept under ``key`` during the trace."""
        try:
            found: T = self.store[key]
        except KeyError:
            found = self.store[key] = factory()
        return found

    def first(self, match: Any, option: str) -> Any:
        """Of the matches of a kind that have the same value of an option, the one that the kernel loads first.

        What such matches share is made by that one, wherever packets come first.
        """
        known: dict[Any, Any] = self.state(("first", match.name, option), dict)
        if not known and self._rules is not None:
            for each in self._rules(match.name):
                known.setdefault(each.values.get(option), each)
        return known.setdefault(match.values.get(option), match)

    def random_bits(self, bits: int) -> int:
        """So many random bits, the same in every run with the same seed."""
        if self._rng is None:
            from random import Random as Mersenne

            self._rng = Mersenne(0)
        return self._rng.getrandbits(bits)

    def random(self) -> float:
        """A number in [0, 1)."""
        return self.random_bits(53) / (1 << 53)

    def chance(self, probability: float) -> bool:
        """True with this probability (0 to 1): ``statistic --mode random`` and whatever else throws dice.

        A trace that follows every outcome splits here, so ask this rather than compare :meth:`random` yourself.
        """
        if self.chooser is not None:
            return self.chooser(f"chance {probability:.4g}", probability)
        return self.random() < probability

    def tracked(self, flow: FlowTuple, zone: int = 0, zone_dir: str = "both") -> Connection | None:
        """The tracked (confirmed) connection that a tuple belongs to, in either direction (``nf_conntrack_find_get``)."""
        return None if self._tracked is None else self._tracked(flow, zone, zone_dir)

    def setup_nat(self, packet: Packet, which: str, wanted: NatRange) -> Verdict:
        """Bind the packet's connection: ``which`` is 'src' or 'dst' (``nf_nat_setup_info``).

        Returns the verdict to pass on: ACCEPT, or DROP when no tuple is free or there is no new connection.
        Address choice for MASQUERADE (address of the way out) and REDIRECT (address of the interface in, loopback in
        OUTPUT) is done by the target with ``ctx.host`` before.
        """
        if self._nat is None:
            self.unknown("no connection tracking here")
            return Verdict.ACCEPT
        return self._nat(packet, which, wanted, self)

    def reject(self, packet: Packet, kind: str, type: int = 0, code: int = 0) -> Verdict:
        """Have the host answer (``nf_send_reset``, ``icmp_send``) and drop the packet.

        ``kind`` 'tcp-reset', or 'icmp' with the ICMP (family 6: ICMPv6) ``type`` and ``code``. Whether an answer may
        be sent at all (errors about errors, fragments, broadcasts, RST about RST) is the engine's business.
        """
        self.rejects.append(Reject(packet, kind, type, code))
        return Verdict.DROP

    def send(self, kind: str, packet: Packet, **detail: Any) -> None:
        """Have the host send a packet of its own: TEE's copy ('tee', gateway=, oif=), SYNPROXY's answer ('synproxy', with its options)."""
        self.sent.append((kind, packet.copy(), detail))

    def notrack(self, packet: Packet) -> None:
        """``CT --notrack``, NOTRACK: the packet becomes UNTRACKED unless it has a connection or a template."""
        if packet.ct is None and packet.template is None:
            packet.ctstate = "UNTRACKED"

    def set_template(self, packet: Packet, **wanted: Any) -> bool:
        """What ``-j CT`` asks connection tracking to do with the packet when it comes there.

        Keys: ``helper`` (name), ``zone`` (number), ``zone_dir`` ('orig', 'reply' or 'both'), ``zone_mark`` (zone from
        the packet's mark), ``timeout`` (policy name), ``ctevents``, ``expevents`` (masks). Ignored when the packet has
        a connection or a template already, as ``xt_ct_target`` does: then the answer is False.
        """
        if packet.ct is None and packet.template is None and packet.ctstate != "UNTRACKED":
            from pyiptables.netfilter.connection import template

            packet.template = wanted
            # What stands in for the connection until there is one looks new to matches.
            packet.ct = template(packet.family)
            packet.ctstate = "NEW"
            return True
        return False
