"""docs/ops.md: every op that has a handler, what it becomes, and what is refused."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tf2torch.ops.expr import Call, Constant, Expr, Var
from tf2torch.ops.registry import Handler, handlers

LONGEST = 110  # characters of an expression that still says something
HEAD = """# What each TensorFlow op becomes

{count} ops, by the module of `src/tf2torch/ops` in which they stand. Written by `python -m tests.ops.write_table`
from the handlers and the cases that test them; do not edit. The expressions are examples: those of an op's
first case, with TensorFlow's defaults. Image tensors stand channels first. `pad_same` and the like are functions of
`src/tf2torch/ops/helpers.py`, which the generated file contains where it needs them.
"""
SIGNS = dict(
    pair.split()
    for pair in (
        *("add +", "sub -", "mul *", "truediv /", "floordiv //", "mod %", "pow **", "matmul @", "and_ &", "or_ |"),
        *("xor ^", "lshift <<", "rshift >>", "eq ==", "ne !=", "lt <", "le <=", "gt >", "ge >="),
    )
)
PREFIXES = {"neg": "-", "invert": "~"}


@dataclass(frozen=True, slots=True)
class Example:
    """A tested case: the expressions of the op's outputs, or the reason why it is refused."""

    outputs: tuple[Expr, ...] = ()
    refusal: str | None = None


def markdown(examples: Mapping[str, Sequence[Example]]) -> str:
    """The table, from the examples of each op. Ops of our own, whose names are lower-case, are left out."""
    theirs = sorted(
        (handler for op, handler in handlers().items() if op[0].isupper()),
        key=lambda handler: (handler.family, handler.op),
    )
    parts = [HEAD.format(count=len(theirs))]
    for family, members in groupby(theirs, key=lambda handler: handler.family):
        rows = [_row(handler, examples.get(handler.op, ())) for handler in members]
        parts.append(
            "\n".join(
                [f"\n## {family.capitalize()}\n", "| TensorFlow | PyTorch | remarks |", "|---|---|---|", *rows, ""]
            )
        )
    return "".join(parts)


def _row(handler: Handler, examples: Sequence[Example]) -> str:
    remarks = [_summary(handler)]
    remarks += [f"Refused: {reason}." for reason in dict.fromkeys(e.refusal for e in examples) if reason]
    accepted = next((example for example in examples if example.refusal is None), Example())
    becomes = ", ".join(map(text, accepted.outputs))
    if len(becomes) > LONGEST:
        becomes = ""
    cells = (f"`{handler.op}`", becomes and f"`{becomes}`", " ".join(filter(None, remarks)))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _summary(handler: Handler) -> str:
    """The first sentence or two of the handler's docstring, on one line."""
    return " ".join((inspect.getdoc(handler.function) or "").partition("\n\n")[0].split())


def text(argument: Any) -> str:
    """An expression as source. Operands that are operators themselves stand in parentheses."""
    match argument:
        case Var():
            return argument.value.name
        case Constant():
            return argument.name
        case Call():
            return _call(argument)
        case slice():
            return ":".join("" if part is None else text(part) for part in _parts(argument))
        case list():
            return f"[{', '.join(map(text, argument))}]"
        case tuple():
            return f"({', '.join(map(text, argument))}{',' if len(argument) == 1 else ''})"
    return "..." if argument is Ellipsis else repr(argument)


def _parts(argument: slice) -> Iterator[Any]:
    yield from (argument.start, argument.stop)
    if argument.step is not None:
        yield argument.step


def _call(call: Call) -> str:
    module, _, name = call.function.partition(".")
    first, *others = [*map(text, call.args), *(f"{key}={text(value)}" for key, value in call.kwargs)] or [""]
    if call.function == "size":
        return f"{first}.shape[{others[0]}]"
    if name == "getitem":
        index = call.args[1]
        return f"{_operand(call.args[0])}[{text(index)[1:-1] if isinstance(index, tuple) else text(index)}]"
    if module == "operator":
        operands = [_operand(argument, call) for argument in call.args]
        return f"{operands[0]} {SIGNS[name]} {operands[1]}" if name in SIGNS else f"{PREFIXES[name]}{operands[0]}"
    if module == "Tensor":
        return f"{_operand(call.args[0])}.{name}({', '.join(others)})"
    return f"{name if module == 'helpers' else call.function}({', '.join([first, *others])})"


def _operand(argument: Any, of: Call | None = None) -> str:
    """In parentheses where it is an operator; not in a sum of more than two."""
    is_operator = isinstance(argument, Call) and argument.function.startswith("operator.")
    if not is_operator or argument.function == "operator.getitem":
        return text(argument)
    first_of_sum = of is not None and of.function == argument.function == "operator.add" and of.args[0] is argument
    return text(argument) if first_of_sum else f"({text(argument)})"
