"""Integer expressions of ``$((…))``, ``((…))`` and ``let``: 64 bits, the operators of C (bash manual 6.5)."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["NotKnown", "evaluate"]

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+#[0-9A-Za-z@_]+|\d+)|([A-Za-z_]\w*(?:\[[^\]]*\])?)"
    r"|(<<=|>>=|\*\*|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^<>=!~?:(),]))"
)
_LEVELS = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7, "<<": 8,
    ">>": 8,
    "+": 9, "-": 9, "*": 10, "/": 10, "%": 10, "**": 11,
}  # fmt: skip
_ASSIGNING = {"=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="}


class NotKnown(Exception):
    """The expression has a part that is not known, or none that can be computed."""


def _wrap(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def _operate(op: str, left: int, right: int) -> int:
    if op in ("/", "%"):
        if right == 0:
            raise NotKnown("division by zero")
        quotient = abs(left) // abs(right)
        quotient = quotient if (left < 0) == (right < 0) else -quotient
        return _wrap(quotient if op == "/" else left - right * quotient)
    if op in ("<<", ">>"):
        return _wrap(left << (right & 63)) if op == "<<" else left >> (right & 63)
    if op == "**":
        if right < 0:
            raise NotKnown("negative exponent")
        return _wrap(pow(left, right, 1 << 64))
    results = {
        "+": left + right, "-": left - right, "*": left * right, "|": left | right, "^": left ^ right,
        "&": left & right, "==": left == right, "!=": left != right, "<": left < right, ">": left > right,
        "<=": left <= right, ">=": left >= right,
    }  # fmt: skip
    return _wrap(int(results[op]))


class _Expression:
    def __init__(self, text: str, value_of: Callable[[str], str], assign: Callable[[str, int], None], depth: int) -> None:
        self.value_of = value_of
        self.assign = assign
        self.depth = depth
        self.tokens: list[tuple[str, str]] = []
        # Side effects of a part that is skipped (`0 && x++`) do not happen.
        self.live = True
        self.level = 0
        at = 0
        text = text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found or len(self.tokens) > 2000:
                raise NotKnown(f"`{text[at : at + 20]}` is no arithmetic")
            number, name, op = found.groups()
            self.tokens.append(("number", number) if number else ("name", name) if name else ("op", op))
            at = found.end()
        self.at = 0

    def peek(self) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        return text if kind == "op" else ""

    def accept(self, op: str) -> bool:
        if self.peek() == op:
            self.at += 1
            return True
        return False

    def whole(self) -> int:
        if not self.tokens:
            return 0
        value = self.comma()
        if self.at < len(self.tokens):
            raise NotKnown("trailing text")
        return value

    def comma(self) -> int:
        value = self.ternary()
        while self.accept(","):
            value = self.ternary()
        return value

    def ternary(self) -> int:
        self.level += 1
        if self.level > 60:
            raise NotKnown("nested too deeply")
        value = self.binary(1)
        if self.accept("?"):
            live = self.live
            self.live = live and value != 0
            yes = self.ternary()
            if not self.accept(":"):
                raise NotKnown("`:` is missing")
            self.live = live and value == 0
            no = self.ternary()
            self.live = live
            value = yes if value else no
        self.level -= 1
        return value

    def binary(self, lowest: int) -> int:
        left = self.unary()
        while True:
            op = self.peek()
            level = _LEVELS.get(op, 0)
            if level < lowest or not level:
                return left
            self.at += 1
            live = self.live
            if op in ("&&", "||"):
                self.live = live and bool(left) == (op == "&&")
            right = self.binary(level + (op != "**"))
            self.live = live
            if op == "&&":
                left = int(bool(left and right))
            elif op == "||":
                left = int(bool(left or right))
            else:
                left = _operate(op, left, right) if live else 0

    def unary(self) -> int:
        if not self.peek():
            return self.primary()
        self.level += 1
        if self.level > 60:
            raise NotKnown("nested too deeply")
        try:
            for op in ("++", "--"):
                if self.accept(op):
                    if self.at < len(self.tokens) and self.tokens[self.at][0] == "name":
                        name = self.tokens[self.at][1]
                        self.at += 1
                        return self.store(name, self.read(name) + (1 if op == "++" else -1))
                    return self.unary()
            if self.accept("-"):
                return _wrap(-self.unary())
            if self.accept("+"):
                return self.unary()
            if self.accept("!"):
                return int(not self.unary())
            if self.accept("~"):
                return ~self.unary()
            return self.primary()
        finally:
            self.level -= 1

    def primary(self) -> int:
        if self.accept("("):
            value = self.comma()
            if not self.accept(")"):
                raise NotKnown("`)` is missing")
            return value
        if self.at >= len(self.tokens):
            raise NotKnown("an operand is missing")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return number(text)
        if kind != "name":
            raise NotKnown(f"`{text}` is no operand")
        op = self.peek()
        if op in _ASSIGNING:
            self.at += 1
            value = self.ternary()
            if op != "=":
                value = _operate(op[:-1], self.read(text), value)
            return self.store(text, value)
        value = self.read(text)
        for op, change in (("++", 1), ("--", -1)):
            if self.accept(op):
                self.store(text, value + change)
        return value

    def read(self, name: str) -> int:
        if not self.live:
            return 0
        text = self.value_of(name).strip()
        if re.fullmatch(r"-?\d{1,19}", text):
            return number(text)
        if not text:
            return 0
        if self.depth > 8:
            raise NotKnown("refers to itself")
        return _Expression(text, self.value_of, self.assign, self.depth + 1).whole()

    def store(self, name: str, value: int) -> int:
        value = _wrap(value)
        if self.live:
            self.assign(name, value)
        return value


def number(text: str) -> int:
    """A constant: decimal, octal with a leading 0, hexadecimal, or ``base#digits``."""
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("-")
    try:
        if "#" in text:
            base, _, digits = text.partition("#")
            return _wrap(int(digits, int(base)))
        if text[:2].lower() == "0x":
            return _wrap(int(text, 16))
        if text.startswith("0") and len(text) > 1:
            return sign * _wrap(int(text, 8))
        return sign * _wrap(int(text[:400]))
    except ValueError:
        raise NotKnown(f"`{text}` is no number") from None


def evaluate(text: str, value_of: Callable[[str], str], assign: Callable[[str, int], None]) -> int:
    """The value of an expression.

    ``value_of`` gives the text of a variable (raising :class:`NotKnown`), ``assign`` takes what the
    expression stores.
    """
    return _Expression(text, value_of, assign, 0).whole()
