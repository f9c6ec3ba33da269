"""``-m bpf``: a BPF program decides (``libxt_bpf.c``, kernel ``xt_bpf.c``)."""

from __future__ import annotations

import re
from errno import EINVAL

from pyiptables.xtables.errors import KernelRefusal, ParameterProblem
from pyiptables.xtables.numbers import UINT32, strtoul
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
_NUMBER = r"\s*([-+]?\d++)"
_LENGTH = re.compile(f"{_NUMBER},", re.ASCII)
_INSTRUCTION = re.compile(_NUMBER * 4, re.ASCII)

# Classes, modes and operations of ``linux/bpf_common.h``.
_LD, _LDX, _ST, _STX, _ALU, _JMP, _RET, _MISC = range(8)
_IMM, _ABS, _IND, _MEM, _LEN, _MSH = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
_DIV, _MOD, _LSH, _RSH, _NEG, _X = 0x30, 0x90, 0x60, 0x70, 0x80, 0x08
_MEMORY = 16
#: ``chk_code_allowed``.
_ALLOWED = frozenset(
    [_ALU | operation | source for operation in (0x00, 0x10, 0x20, _DIV, 0x40, 0x50, _LSH, _RSH, _MOD, 0xA0) for source in (0, _X)]
    + [_ALU | _NEG, _LD | _IMM, _LD | _MEM, _LD | _LEN, _LDX | _IMM, _LDX | _MEM, _LDX | _LEN, _LDX | _MSH | 0x10, _ST, _STX]
    + [_LD | mode | size for mode in (_ABS, _IND) for size in (0x00, 0x08, 0x10)]
    + [_JMP, *[_JMP | test | source for test in (0x10, 0x20, 0x30, 0x40) for source in (0, _X)]]
    + [_RET, _RET | 0x10, _MISC, _MISC | 0x80]
)
#: Loads from here on are of what the kernel knows besides the packet (``SKF_AD_OFF``), by multiples of four.
_ANCILLARY = range(0xFFFFF000, 0xFFFFF000 + 64, 4)


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
        if not _sound(self.values[_BYTECODE]):
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


def _sound(program: tuple[tuple[int, ...], ...]) -> bool:
    """``bpf_check_classic``, ``check_load_and_stores``: jumps stay inside, the end returns, memory is written before it is read."""
    written, reaching = 0, [~0] * len(program)
    for at, (code, jump_true, jump_false, k) in enumerate(program):
        kind = code & 7
        after = len(program) - at - 1
        if code not in _ALLOWED:
            return False
        written &= reaching[at]
        if kind == _ALU and not code & _X and ((code & 0xF0 in (_DIV, _MOD) and not k) or (code & 0xF0 in (_LSH, _RSH) and k >= 32)):
            return False
        if kind == _LD and code & 0xE0 == _ABS and k >= _ANCILLARY.start and k not in _ANCILLARY:
            return False
        reads = kind in (_LD, _LDX) and code & 0xE0 == _MEM
        if (reads or kind in (_ST, _STX)) and k >= _MEMORY:
            return False
        if reads and not written >> k & 1:
            return False
        if kind in (_ST, _STX):
            written |= 1 << k
        elif kind == _JMP:
            ways = (k,) if code == _JMP else (jump_true, jump_false)
            if max(ways) >= after:
                return False
            for way in ways:
                reaching[at + 1 + way] &= written
            written = ~0
    return program[-1][0] in (_RET, _RET | 0x10)


def _unsigned(text: str, high: int) -> int:
    """``scanf``: wraps as ``strtoul`` does, then to the width."""
    return strtoul(text, 10)[0] & high


def _program(text: str) -> tuple[tuple[int, ...], ...]:
    """``bpf_parse_string``."""
    found = _LENGTH.match(text)
    if found is None:
        raise ParameterProblem("bpf: error parsing program length")
    length = _unsigned(found[1], 0xFFFF)
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
        program.append(tuple([_unsigned(number, high) for number, high in zip(found.groups(), (0xFFFF, 0xFF, 0xFF, UINT32), strict=True)]))
        at = text.find(",", at) + 1
    if len(program) != length:
        raise ParameterProblem("bpf: parsed program length is less than the encoded length parameter")
    return tuple(program)


EXTENSIONS = (Bpf,)
