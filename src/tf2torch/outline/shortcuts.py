"""Residual units that differ in their shortcut are one class, to which the shortcut is an argument."""

from __future__ import annotations

import re
from dataclasses import replace

from tf2torch.ir.types import Node, Value
from tf2torch.outline.compose import as_module, module_form
from tf2torch.outline.shape import inner_shape
from tf2torch.outline.structure import Block, Leaf, Step

IDENTITY = "nn.Identity"


def open_shortcuts(root: Block) -> None:
    """Makes the shortcut of a block an argument, where that gives blocks that are called alike one shape."""
    blocks = [block for block in _blocks(root) if block is not root]
    families: dict[tuple[str, str], list[tuple[Block, list[Step]]]] = {}
    for block in blocks:
        steps = _opened(block)
        if steps is not None:
            shape = inner_shape(replace(block, steps=steps))
            families.setdefault((re.sub(r"\d+$", "", block.hint), shape), []).append((block, steps))
    for family in families.values():
        if len({inner_shape(block) for block, _ in family}) > 1:
            for block, steps in family:
                block.steps = steps


def _blocks(block: Block) -> list[Block]:
    found = [block]
    for step in block.steps:
        if isinstance(step.target, Block):
            found += _blocks(step.target)
    return found


def _opened(block: Block) -> list[Step] | None:
    """The steps with what is added to the rest as a module that is given; None if there is no such sum."""
    if len(block.inputs) != 1:  # the sum of two things that it is given
        return None
    producers = {value: step for step in block.steps for value in step.outputs}
    readers: dict[Value, int] = {}
    for step in block.steps:
        for value in step.inputs:
            readers[value] = readers.get(value, 0) + 1
    for step in block.steps:
        if isinstance(step.target, Node) and step.target.op == "operator.add" and len(step.inputs) == 2:
            for index, value in enumerate(step.inputs):
                path = _path(value, block.inputs[0], producers, readers)
                other = step.inputs[1 - index]
                if path is not None and (len(path) <= 1) and other is not block.inputs[0]:
                    return _replaced(block, step, index, path)
    return None


def _path(value: Value, start: Value, producers: dict[Value, Step], readers: dict[Value, int]) -> list[Step] | None:
    """The steps, each a module on the one before, from the block's input to a value that only the sum reads."""
    path: list[Step] = []
    while value is not start:
        step = producers.get(value)
        if step is None or len(step.inputs) != 1 or len(step.outputs) != 1 or readers[value] != 1:
            return None
        module = module_form(step)
        if module is None:
            return None
        path.insert(0, Step(module, step.inputs, step.outputs, step.name, step.nodes))
        value = step.inputs[0]
    return path


def _replaced(block: Block, total: Step, index: int, path: list[Step]) -> list[Step]:
    assert isinstance(total.target, Node)
    start = block.inputs[0]
    if path:
        given = Step(
            as_module(path), (start,), path[-1].outputs, "shortcut", tuple(n for s in path for n in s.nodes), True
        )
    else:  # a value of its own, which is the input all the same
        value = Value(f"{start.name}.shortcut", start.type, start.ref)
        given = Step(Leaf(IDENTITY, {}), (start,), (value,), "shortcut", (), True)
    inputs = tuple(given.outputs[0] if place == index else value for place, value in enumerate(total.inputs))
    total = Step(total.target, inputs, total.outputs, total.name, total.nodes)
    moved = {step.outputs for step in path}
    rest = [step for step in block.steps if step.outputs not in moved and step.outputs != total.outputs]
    place = next(i for i, step in enumerate(block.steps) if step.outputs == total.outputs)
    before = [step for step in block.steps[:place] if step in rest]
    return [given, *before, total, *(step for step in block.steps[place + 1 :] if step in rest)]
