"""``-j CONNMARK``: the mark of the connection (``libxt_CONNMARK.c``, kernel ``xt_connmark.c``)."""

from __future__ import annotations

from errno import EINVAL

from pyiptables.extensions.target.MARK import change_text, mark_change
from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.marks import MarkMask
from pyiptables.xtables.numbers import UINT32
from pyiptables.xtables.option import Option, Target
from pyiptables.xtables.values import UInt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyiptables.netfilter.packet import Context, Packet, Verdict
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_SET = ("set-mark", "and-mark", "or-mark", "xor-mark", "set-xmark")
_SAVE, _RESTORE = "save-mark", "restore-mark"
_ONE_OF = (*_SET, _SAVE, _RESTORE)
_LEFT, _RIGHT = "left-shift-mark", "right-shift-mark"


class Connmark(Target):
    """``values``: the operation, ctmask, nfmask, mask, shifts by bits."""

    __slots__ = ()

    name = "CONNMARK"
    summary = "change the connection's mark, or copy between it and the packet's"
    numbering = (
        "set-mark", _SAVE, _RESTORE, "and-mark", "or-mark", "xor-mark", _LEFT, _RIGHT, "set-xmark", "ctmask", "nfmask", "mask",
    )  # fmt: skip
    canonical = r" --(?:set-xmark {HEX32}|(?:save|restore)-mark --nfmask 0xffffffff --ctmask 0xffffffff)"
    options = (
        Option("set-xmark", MarkMask(), excl=_ONE_OF, help="clear the mask's bits, then xor the value"),
        Option("set-mark", MarkMask(), excl=_ONE_OF, help="clear the mask's bits, then or the value"),
        Option("and-mark", UInt(32), excl=_ONE_OF, metavar="bits", help="and the mark with it"),
        Option("or-mark", UInt(32), excl=_ONE_OF, metavar="bits", help="or the mark with it"),
        Option("xor-mark", UInt(32), excl=_ONE_OF, metavar="bits", help="xor the mark with it"),
        Option("save-mark", excl=_ONE_OF, help="copy the packet's mark to the connection", code=1),
        Option("restore-mark", excl=_ONE_OF, help="copy the connection's mark to the packet", code=2),
        Option(_LEFT, UInt(8, 0, 32), metavar="bits", help="shift left while copying"),
        Option(_RIGHT, UInt(8, 0, 32), metavar="bits", help="shift right while copying"),
        Option("ctmask", UInt(32), excl=("mask",), metavar="bits", help="bits of the connection's mark"),
        Option("nfmask", UInt(32), excl=("mask",), metavar="bits", help="bits of the packet's mark"),
        Option("mask", UInt(32), excl=("ctmask", "nfmask"), metavar="bits", help="both masks at once"),
    )

    def final_check(self, parsing: Parsing) -> None:
        if not self.values.keys() & set(_ONE_OF):
            raise ParameterProblem("CONNMARK target: No operation specified")

    def kernel_check(self, parsing: Parsing) -> None:
        """``connmark_tg_check``: 32 bits are too many to shift by."""
        if self._shift()[1] > 31:
            raise KernelRefusal(EINVAL)

    def _what(self) -> tuple[str, int, int, int]:
        """(operation, value, ctmask, nfmask): options write the masks in the order they came."""
        operation, value, ctmask, nfmask = "", 0, UINT32, UINT32
        for name, given in self.values.items():
            if name in _SET:
                operation = "set"
                value, ctmask = mark_change(name, given)
            elif name in (_SAVE, _RESTORE):
                operation = name
            elif name == "ctmask":
                ctmask = given
            elif name == "nfmask":
                nfmask = given
            elif name == "mask":
                ctmask = nfmask = given
        return operation, value, ctmask, nfmask

    def _shift(self) -> tuple[str, int]:
        name, bits = _LEFT, 0
        for given in self.values:
            if given in (_LEFT, _RIGHT):
                name, bits = given, self.values[given]
        return name, bits

    def save(self) -> str:
        operation, value, ctmask, nfmask = self._what()
        if operation == "set":
            text = f" --set-xmark 0x{value:x}/0x{ctmask:x}"
        else:
            text = f" --{operation} --nfmask 0x{nfmask:x} --ctmask 0x{ctmask:x}"
        name, bits = self._shift()
        return text + (f" --{name} {bits}" if bits else "")

    def show(self, numeric: bool, names: Names) -> str:
        operation, value, ctmask, nfmask = self._what()
        if operation == "set":
            text = change_text("CONNMARK", value, ctmask)
        else:
            text = f" CONNMARK {operation[:-5]}"
            if ctmask == nfmask:
                text += "" if ctmask == UINT32 else f" mask 0x{ctmask:x}"
            elif operation == _SAVE:
                text += f" nfmask 0x{nfmask:x} ctmask ~0x{ctmask:x}"
            else:
                text += f" ctmask 0x{ctmask:x} nfmask ~0x{nfmask:x}"
        name, bits = self._shift()
        return text + (f" {name} {bits}" if bits else "")

    def changes(self) -> dict[str, tuple[int, int] | None]:
        return {"mark" if _RESTORE in self.values else "connmark": None}

    def apply(self, packet: Packet, ctx: Context) -> Verdict:
        """``connmark_tg_shift``."""
        from pyiptables.netfilter.packet import Verdict

        ct = packet.ct
        if ct is None:
            return Verdict.CONTINUE
        operation, value, ctmask, nfmask = self._what()
        name, bits = self._shift()
        if operation == "set":
            ct.mark = _moved(ct.mark & ~ctmask ^ value, name, bits)
        elif operation == _SAVE:
            ct.mark = ct.mark & ~ctmask ^ _moved(packet.mark & nfmask, name, bits)
        else:
            packet.mark = packet.mark & ~nfmask ^ _moved(ct.mark & ctmask, name, bits)
        return Verdict.CONTINUE


def _moved(mark: int, how: str, bits: int) -> int:
    return mark >> bits if how == _RIGHT else mark << bits & UINT32


EXTENSIONS = (Connmark,)
