"""``-m comment``: a remark on a rule (``libxt_comment.c``)."""

from __future__ import annotations

from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.analysis.region import Region
    from pyiptables.analysis.space import Space
    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.ruleset import RuleSpec
    from pyiptables.xtables.names import Names


class Comment(Match):
    """``values``: comment (text)."""

    __slots__ = ()

    name = "comment"
    summary = "a remark; matches every packet"
    idle = True
    # XT_MAX_COMMENT_LEN counts the closing zero byte; what is longer is cut.
    options = (Option("comment", Text(size=256), mandatory=True, help="the remark"),)

    canonical = r" --comment {TEXT:255}"

    def show(self, numeric: bool, names: Names) -> str:
        return f" /* {self.values['comment']} */"

    @classmethod
    def listed(cls, saved: str) -> str | None:
        text = saved.removeprefix(" --comment ")
        if text[:1] == '"' == text[-1:] and len(text) > 1:
            text = text[1:-1]
        return None if "\\" in text or '"' in text else f" /* {text} */"

    def matches(self, packet: Packet, ctx: Context) -> bool:
        return True

    def packet_set(self, space: Space, spec: RuleSpec) -> Region:
        return space.everything


EXTENSIONS = (Comment,)
