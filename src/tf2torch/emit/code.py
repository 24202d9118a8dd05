"""Calls as Python text. Numbers come from a `Numbers`, so that a class prints its arguments in their place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tf2torch.ir.types import Node, Slot
from tf2torch.ops.expr import Call, Constant
from tf2torch.outline.shape import is_number

ATOM, POWER, UNARY, PRODUCT, SUM, SHIFT, AND, XOR, OR, COMPARE = range(10)  # how tightly text binds, the tightest first
_BINARY = {
    "operator.pow": ("**", POWER),
    "operator.mul": ("*", PRODUCT),
    "operator.truediv": ("/", PRODUCT),
    "operator.floordiv": ("//", PRODUCT),
    "operator.mod": ("%", PRODUCT),
    "operator.matmul": ("@", PRODUCT),
    "operator.add": ("+", SUM),
    "operator.sub": ("-", SUM),
    "operator.lshift": ("<<", SHIFT),
    "operator.rshift": (">>", SHIFT),
    "operator.and_": ("&", AND),
    "operator.xor": ("^", XOR),
    "operator.or_": ("|", OR),
    "operator.eq": ("==", COMPARE),
    "operator.ne": ("!=", COMPARE),
    "operator.lt": ("<", COMPARE),
    "operator.le": ("<=", COMPARE),
    "operator.gt": (">", COMPARE),
    "operator.ge": (">=", COMPARE),
}
_UNARY = {"operator.neg": "-", "operator.invert": "~"}


@dataclass(frozen=True, slots=True)
class Text:
    """Source of an expression, and how tightly it binds."""

    source: str
    binding: int = ATOM

    def within(self, binding: int) -> str:
        """As an operand of an operator that binds like that."""
        return self.source if self.binding <= binding else f"({self.source})"


@dataclass(slots=True)
class Uses:
    """What a printed piece of source needs: names to import and helper functions. A by-product of printing."""

    modules: set[str] = field(default_factory=set)  # "torch", "F", "math"
    helpers: dict[str, None] = field(default_factory=dict)
    pads_any_shape: bool = False


class Numbers:
    """The numbers of a module in the order of its text: of each, what stands in the source for it."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts

    def next(self) -> str:
        return next(self._texts)


def literal(value: Any) -> str:
    """A Python value as source."""
    if isinstance(value, float):
        if math.isinf(value) or math.isnan(value):
            return {math.inf: "math.inf", -math.inf: "-math.inf"}.get(value, "math.nan")
        return repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def function(node: Node, inputs: Sequence[Text], numbers: Numbers, uses: Uses) -> Text:
    """A call of the torch dialect with texts for its inputs."""

    def text(argument: Any) -> Text:
        if isinstance(argument, Slot):
            return inputs[argument.index]
        if isinstance(argument, Call):
            return _call(argument.function, [text(item) for item in argument.args], [], uses)
        if is_number(argument):
            given = numbers.next()
            _note_math(given, uses)
            return Text(given, UNARY if given.startswith("-") else ATOM)
        if isinstance(argument, list):
            return Text(f"[{', '.join(text(item).source for item in argument)}]")
        if isinstance(argument, tuple):
            comma = "," if len(argument) == 1 else ""
            return Text(f"({', '.join(text(item).source for item in argument)}{comma})")
        if isinstance(argument, slice):
            return Text(_slice([None if part is None else text(part).source for part in _parts(argument)]))
        if isinstance(argument, Constant):
            uses.modules.add(argument.name.lstrip("-").partition(".")[0])
            return Text(argument.name)
        return Text("..." if argument is Ellipsis else literal(argument))

    if node.op == "helpers.pad_same" and not _is_square(node):
        uses.pads_any_shape = True
    args = [text(argument) for argument in node.attrs["args"]]
    kwargs = [(name, text(argument)) for name, argument in node.attrs["kwargs"].items()]
    return _call(node.op, args, kwargs, uses)


def _is_square(node: Node) -> bool:
    """Whether padding is that of images by one number, for which a shorter function does."""
    shape = node.inputs[0].type.shape
    numbers = node.attrs["args"][1:]
    is_image = shape is not None and len(shape) == 4
    return (
        is_image
        and len(numbers) == 2
        and all(isinstance(number, int) for number in numbers)
        and set(node.attrs["kwargs"]) <= {"value"}
    )


def _parts(argument: slice) -> tuple[Any, Any, Any]:
    return argument.start, argument.stop, argument.step


def _slice(parts: list[str | None]) -> str:
    start, stop, step = (part or "" for part in parts)
    return f"{start}:{stop}" + (f":{step}" if step else "")


def _note_math(source: str, uses: Uses) -> None:
    if "math." in source:
        uses.modules.add("math")


def _call(name: str, args: list[Text], kwargs: list[tuple[str, Text]], uses: Uses) -> Text:
    if name in _BINARY:
        sign, binding = _BINARY[name]
        left, right = args
        # Of operators that bind alike, Python computes the left one first: a - (b - c) keeps its parentheses.
        # Not so ** and comparisons: a ** b ** c is a ** (b ** c), and a < b < c both at once.
        first = left.within(binding - 1 if binding in (POWER, COMPARE) else binding)
        return Text(f"{first} {sign} {right.within(binding - 1)}", binding)
    if name in _UNARY:
        return Text(f"{_UNARY[name]}{args[0].within(UNARY - 1)}", UNARY)
    if name == "size":
        return Text(f"{args[0].within(ATOM)}.shape[{args[1].source}]")
    if name == "operator.getitem":
        index = args[1].source
        return Text(f"{args[0].within(ATOM)}[{index[1:-1] if index.startswith('(') and len(index) > 3 else index}]")
    module, _, rest = name.partition(".")
    given = [*(arg.source for arg in args), *(f"{key}={value.source}" for key, value in kwargs)]
    if module == "Tensor":
        return Text(f"{args[0].within(ATOM)}.{rest}({', '.join(given[1:])})")
    if module == "helpers":
        uses.helpers[rest] = None
        return Text(f"{rest}({', '.join(given)})")
    uses.modules.add(module)
    return Text(f"{name}({', '.join(given)})")
