"""``-m bpf``: a BPF program decides (``libxt_bpf.c``, kernel ``xt_bpf.c``)."""

from __future__ import annotations

import re
from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT32
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
    described by its attribute ``bpf``: program text → bool; else it is run on the packet's octets."""

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
        if known is not None:
            return bool(known)
        data = packet.octets()
        answer = None if data is None else _run(self.values[_BYTECODE], data)
        if answer is None:
            ctx.unknown("what the BPF program returns is not described")
        return answer


def _run(program: tuple[tuple[int, ...], ...], data: bytes) -> bool | None:
    """Does the program return other than 0 for these octets (RFC 9669's ancestor, ``Documentation/networking/filter.rst``)?

    None where it asks for what is not in the packet (negative offsets: interface, mark, random numbers …).
    """
    a = x = at = 0
    memory = [0] * 16
    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        kind, how = code & 7, code & 0xE0
        if kind in (0, 1):
            if how == 0x00:
                value = k
            elif how == 0x60:
                value = memory[k & 15]
            elif how == 0x80:
                value = len(data)
            elif how in (0x20, 0x40, 0xA0):
                place = k + (x if how == 0x40 else 0) & UINT32
                if place >> 31:
                    return None
                width = 1 if how == 0xA0 else {0x00: 4, 0x08: 2, 0x10: 1}.get(code & 0x18, 4)
                if place + width > len(data):
                    return False
                value = int.from_bytes(data[place : place + width], "big")
                if how == 0xA0:
                    value = (value & 15) * 4
            else:
                return None
            if kind == 0:
                a = value
            else:
                x = value
        elif kind in (2, 3):
            memory[k & 15] = a if kind == 2 else x
        elif kind == 4:
            operand = x if code & 8 else k
            if code & 0xF0 in (0x30, 0x90) and not operand:
                return False
            a = _compute(code & 0xF0, a, operand)
        elif kind == 5:
            operand = x if code & 8 else k
            test = code & 0xF0
            if test == 0:
                at += k
            else:
                holds = {0x10: a == operand, 0x20: a > operand, 0x30: a >= operand}.get(test, bool(a & operand))
                at += jump_true if holds else jump_false
        elif kind == 6:
            return bool(a if code & 0x18 == 0x10 else x if code & 0x18 == 0x08 else k)
        elif code & 0xF8:
            a = x
        else:
            x = a


def _compute(operation: int, a: int, b: int) -> int:
    """One arithmetic instruction on 32 bits."""
    if operation == 0x30:
        return a // b
    if operation == 0x90:
        return a % b
    if operation in (0x60, 0x70):
        b &= 31
        return a << b & UINT32 if operation == 0x60 else a >> b
    return {0x00: a + b, 0x10: a - b, 0x20: a * b, 0x40: a | b, 0x50: a & b, 0xA0: a ^ b}.get(operation, -a) & UINT32


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
