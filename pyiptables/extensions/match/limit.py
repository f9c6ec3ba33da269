"""``-m limit``: a token bucket for the rule (``libxt_limit.c``, kernel ``xt_limit.c``)."""

from __future__ import annotations

from errno import ERANGE

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.rates import CREDITS_PER_JIFFY, JIFFY, limit_cost, limit_credits, rate_text
from pyiptables.xtables.values import Text, UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_BURST = 5
#: 3/hour.
_COST = 10000 * 1200


class Limit(Match):
    """``values``: limit (cost of a packet in ten-thousandths of a second), limit-burst (packets)."""

    __slots__ = ()

    name = "limit"
    summary = "at most so many packets in a time"
    deterministic = False
    canonical = r" --limit [1-9]\d?/(?:sec|min)(?: --limit-burst (?:[6-9]|[1-9]\d))?"
    options = (
        Option("limit", Text(), metavar="rate[/unit]", help="average rate: packets per second, minute, hour or day"),
        Option("limit-burst", UInt(32, 0, 10000), metavar="number", help="packets let through before the rate counts"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == "limit":
            cost = limit_cost(value)
            if cost is None:
                raise ParameterProblem(f'bad rate "{value}"\'')
            if cost == 0:
                raise ParameterProblem(f'Rate too fast "{value}"')
            value = cost
        super().accept(option, value, invert, parsing)

    def kernel_check(self, parsing: Parsing) -> None:
        """``limit_mt_check`` refuses a bucket whose size overflows, if it notices; nft's own limit has no such bound."""
        cost, burst = self.values.get("limit", _COST), self.values.get("limit-burst", _BURST)
        if parsing.variant == "legacy" and (burst == 0 or limit_credits(cost * burst) < limit_credits(cost)):
            raise KernelRefusal(ERANGE)

    def nft_form(self, earlier: list[Match], spec: RuleSpec) -> Match | None:
        """nft's own limit (``add_nft_limit``) knows no burst of nothing: the kernel takes five."""
        if self.values.get("limit-burst") == 0:
            self.values["limit-burst"] = _BURST
        return self

    def save(self) -> str:
        text = f" --limit {rate_text(self.values.get('limit', _COST))}"
        burst = self.values.get("limit-burst", _BURST)
        return text if burst == _BURST else f"{text} --limit-burst {burst}"

    def show(self, numeric: bool, names: Names) -> str:
        rate = rate_text(self.values.get("limit", _COST))
        return f" limit: avg {rate} burst {self.values.get('limit-burst', _BURST)}"

    def matches(self, packet: Packet, ctx: Context) -> bool:
        """``limit_mt``: jiffies passed give credit, a packet costs; 32-bit numbers, whose overflows make buckets smaller."""
        tick = ctx.now // JIFFY
        bucket = ctx.state(self, lambda: self._full(tick))
        credit, since, cost, most = bucket
        credit = min(most, credit + (tick - since) * CREDITS_PER_JIFFY & UINT32)
        passes: bool = credit >= cost
        bucket[0], bucket[1] = credit - cost if passes else credit, tick
        return passes

    def _full(self, tick: int) -> list[int]:
        """``limit_mt_check``: credit, when it was counted, cost of a packet, most credit."""
        cost = self.values.get("limit", _COST)
        most = limit_credits(cost * self.values.get("limit-burst", _BURST))
        return [most, tick, limit_credits(cost), most]


EXTENSIONS = (Limit,)
