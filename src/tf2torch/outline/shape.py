"""What two modules have in common: the shape of a module is its text without numbers; the numbers are a list beside it.

Modules of one shape can be instances of one class, whose arguments are the numbers in which they differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tf2torch.ir.types import Node, Slot, Value
from tf2torch.ops.expr import Call
from tf2torch.outline import names
from tf2torch.outline.structure import Block, Cells, Concat, Leaf, Module, Residual, Sequential, Step, substeps

Number = int | float | str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One number of a module: what it is called where it is used, and in which direct child."""

    name: str
    child: str
    value: Number


_NAMES = {
    "out_channels": "channels",
    "num_features": "channels",
    "kernel_size": "kernel",
    "out_features": "features",
    "mul": "scale",
}


def is_number(value: Any) -> bool:
    """Whether it may become an argument: a number, some numbers, or the word of a padding."""
    if isinstance(value, tuple):
        return bool(value) and all(isinstance(item, int) and not isinstance(item, bool) for item in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shape(module: Module) -> str:
    """Of a module with all that is in it, arguments of its block included."""
    given = [shape(step.target) for step in substeps(module) if step.is_argument and not isinstance(step.target, Node)]
    return inner_shape(module) + (f"<{','.join(given)}>" if given else "")


def inner_shape(module: Module) -> str:
    """Of the class that a module would be an instance of: what its instances are given is left out."""
    match module:
        case Leaf(class_name=name, args=args):
            if "padding" in args:  # instances that pad in different ways are of one class all the same
                name = f"nn.{name.removeprefix('nn.').removeprefix('Padded').removesuffix('Same')}"
            fixed = [f"{key}" if _varies(key, value) else f"{key}={value!r}" for key, value in args.items()]
            return f"{name}({','.join(fixed)})"
        case Cells(steps=steps):
            return f"Cells[{','.join(map(_target_shape, steps))}]"
        case Residual(steps=steps):
            return f"Residual[{','.join(map(_target_shape, steps))}]"
        case Sequential(steps=steps):
            return f"Sequential[{','.join(map(_target_shape, steps))}]"
        case Concat(branches=branches):
            return f"Concat[{','.join(map(_target_shape, branches))}]"
        case Block():
            return _program(module)


def _varies(key: str, value: Any) -> bool:
    return is_number(value) or key == "padding"


def _target_shape(step: Step) -> str:
    assert not isinstance(step.target, Node)
    return shape(step.target)


def _program(block: Block) -> str:
    """The steps of a block with its values numbered."""
    numbered: dict[Value, str] = {}

    def name(value: Value) -> str:
        return numbered.setdefault(value, f"%{len(numbered)}")

    weights = {value: f"w{index}" for index, value in enumerate(block.weights.values())}
    numbered.update(weights)
    lines = [",".join(map(name, block.inputs)), f"weights {','.join(_kind(block, value) for value in weights)}"]
    for step in block.steps:
        if isinstance(step.target, Node):
            text = f"{step.target.op}({_template(step.target, [name(v) for v in step.inputs])})"
        elif step.is_argument:
            text = f"argument({','.join(map(name, step.inputs))})"
        else:
            text = f"{shape(step.target)}({','.join(map(name, step.inputs))})"
        lines.append(f"{','.join(map(name, step.outputs))}={text}")
    lines.append(",".join(map(name, block.outputs)))
    return f"Block{block.family}{{" + ";".join(lines) + "}"


def _kind(block: Block, value: Value) -> str:
    return f"{block.kinds[value]} {value.type.dtype} {len(value.type.shape or ())}"


def _template(node: Node, inputs: list[str]) -> str:
    """The arguments of a function with names for its inputs and a mark for each number."""

    def text(argument: Any) -> str:
        if isinstance(argument, Slot):
            return inputs[argument.index]
        if isinstance(argument, Call):
            return f"{argument.function}({','.join(map(text, argument.args))})"
        if isinstance(argument, (list, tuple)) and not is_number(argument):
            return f"[{','.join(map(text, argument))}]"
        if isinstance(argument, slice):
            return f"{text(argument.start)}:{text(argument.stop)}:{text(argument.step)}"
        return "#" if is_number(argument) else repr(argument)

    args = [text(argument) for argument in node.attrs["args"]]
    return ",".join([*args, *(f"{key}={text(value)}" for key, value in node.attrs["kwargs"].items())])


def columns(module: Module) -> list[Column]:
    """The numbers of a module: those of its class first, then those of what it is given."""
    own, given = list(inner_columns(module)), []
    for step in substeps(module):
        if step.is_argument and not isinstance(step.target, Node):
            given += columns(step.target)
    return own + given


def inner_columns(module: Module) -> Iterator[Column]:
    """The numbers of the class of a module, in the order of its text."""
    if isinstance(module, Leaf):
        for key, value in module.args.items():
            if _varies(key, value):
                yield Column(_NAMES.get(key, key), "", value)
        return
    if isinstance(module, Block):
        yield from weight_columns(module)
    for index, step in enumerate(substeps(module)):
        if isinstance(step.target, Node):
            yield from node_columns(step)
        elif not step.is_argument:
            child = f"branch_{index}" if isinstance(module, Concat) else step.name
            for column in columns(step.target):
                yield Column(column.name, child, column.value)


def weight_columns(block: Block) -> list[Column]:
    """The sizes of the params of functions, which come before all other numbers of a block."""
    shapes = {name: value.type.shape or () for value, name in names.weights(block).items()}
    return [Column(f"{name}_size", "", size or 0) for name, shape in shapes.items() for size in shape]


def node_columns(step: Step) -> Iterator[Column]:
    assert isinstance(step.target, Node)

    def walk(argument: Any, name: str) -> Iterator[Column]:
        if is_number(argument):
            yield Column(name, step.name, argument)
        elif isinstance(argument, (list, tuple)):
            for item in argument:
                yield from walk(item, name)
        elif isinstance(argument, Call):
            for item in argument.args:
                yield from walk(item, name)
        elif isinstance(argument, slice):
            for item in (argument.start, argument.stop, argument.step):
                yield from walk(item, name)

    word = step.target.op.rpartition(".")[2]
    word = _NAMES.get(word, word)
    for argument in step.target.attrs["args"]:
        yield from walk(argument, word)
    for key, value in step.target.attrs["kwargs"].items():
        yield from walk(value, key)
