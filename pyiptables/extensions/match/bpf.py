"""``-m bpf``: a BPF program decides (``libxt_bpf.c``, kernel ``xt_bpf.c``)."""

from __future__ import annotations

import re
from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.option import Match, Option
from pyiptables.xtables.values import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyiptables.netfilter.packet import Context, Packet
    from pyiptables.xtables.names import Names
    from pyiptables.xtables.option import Parsing

_BYTECODE, _PINNED = "bytecode", "object-pinned"
#: ``XT_BPF_MAX_NUM_INSTR``.
_MOST = 64
_INSTRUCTION = re.compile(r"\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)")
_RETURN = 0x06


class Bpf(Match):
    """``values``: bytecode (instructions: code, jt, jf, k), object-pinned (path). What a program says of a packet may be
    described by its attribute ``bpf``: program text → bool."""

    __slots__ = ()

    name = "bpf"
    summary = "a Berkeley Packet Filter program returns non-zero"
    options = (
        Option(_BYTECODE, Text(), metavar="program", help="classic BPF: number of instructions, then the instructions"),
        Option(_PINNED, Text(size=512), metavar="path", help="path of a pinned eBPF program"),
    )

    def accept(self, option: Option, value: Any, invert: bool, parsing: Parsing) -> None:
        if option.name == _BYTECODE:
            value = _program(value)
        else:
            raise ParameterProblem("bpf: failed to get bpf object")
        super().accept(option, value, invert, parsing)

    def final_check(self, parsing: Parsing) -> None:
        if _BYTECODE not in self.values:
            raise ParameterProblem("bpf: one of --bytecode or --pinned is required")

    def kernel_check(self, parsing: Parsing) -> None:
        """``bpf_check_classic``: jumps stay inside, the end returns."""
        program = self.values[_BYTECODE]
        if program[-1][0] & 7 != _RETURN:
            raise KernelRefusal(EINVAL)
        for at, (code, jump_true, jump_false, k) in enumerate(program):
            if code & 7 == 5:
                furthest = k if code & 0xF0 == 0 else max(jump_true, jump_false)
                if at + 1 + furthest >= len(program):
                    raise KernelRefusal(EINVAL)

    def _code(self) -> str:
        return ",".join([" ".join(map(str, instruction)) for instruction in self.values[_BYTECODE]])

    def save(self) -> str:
        return f' --bytecode "{len(self.values[_BYTECODE])},{self._code()}"'

    def show(self, numeric: bool, names: Names) -> str:
        return f"match bpf {self._code()}\0"

    def matches(self, packet: Packet, ctx: Context) -> bool | None:
        known = packet.attrs.get("bpf", {}).get(f"{len(self.values[_BYTECODE])},{self._code()}")
        if known is None:
            ctx.unknown("what the BPF program returns is not described")
        return None if known is None else bool(known)


def _program(text: str) -> tuple[tuple[int, ...], ...]:
    """``bpf_parse_string``."""
    found = re.match(r"\s*(\d+),", text)
    if found is None:
        raise ParameterProblem("bpf: error parsing program length")
    length = int(found[1]) & 0xFFFF
    if not length:
        raise ParameterProblem("bpf: illegal zero length program")
    if length > _MOST:
        raise ParameterProblem("bpf: number of instructions exceeds maximum")
    program: list[tuple[int, ...]] = []
    at = text.find(",") + 1
    while at and at < len(text):
        if len(program) >= length:
            raise ParameterProblem("bpf: real program length exceeds the encoded length parameter")
        found = _INSTRUCTION.match(text, at)
        if found is None:
            raise ParameterProblem(f"bpf: error at instr {len(program)}")
        code, jump_true, jump_false, k = map(int, found.groups())
        program.append((code & 0xFFFF, jump_true & 0xFF, jump_false & 0xFF, k & 0xFFFFFFFF))
        at = text.find(",", at) + 1
    if len(program) != length:
        raise ParameterProblem("bpf: parsed program length is less than the encoded length parameter")
    return tuple(program)


EXTENSIONS = (Bpf,)
