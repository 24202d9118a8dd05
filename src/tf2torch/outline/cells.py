"""Cells in a row, each on what the last two gave, are called in a loop."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from tf2torch.ir.types import Value
from tf2torch.outline.structure import Block, Cells, Step

FEW = 2  # of them in a row are called one by one
INPUTS = ("x", "previous")


def gather_cells(root: Block) -> None:
    """Makes one step of each long run of cells: it takes the last two values before it and gives its own last two."""
    readers = Counter(value for step in root.steps for value in dict.fromkeys(step.inputs))
    readers.update(root.outputs)
    steps, rest = [], root.steps
    while rest:
        run = _within(_run(rest), readers)
        steps.append(_as_one(run) if len(run) > FEW else rest[0])
        rest = rest[len(run) if len(run) > FEW else 1 :]
    for loop, after in pairwise(steps):
        if isinstance(loop.target, Cells) and isinstance(after.target, Block) and after.inputs == loop.outputs:
            after.target.called = INPUTS
    root.steps = steps


def _run(steps: list[Step]) -> list[Step]:
    """The cells at the beginning of these steps."""
    run: list[Step] = []
    for step in steps:
        is_cell = isinstance(step.target, Block) and len(step.inputs) == 2 and len(step.outputs) == 1
        if not is_cell or (run and step.inputs != (run[-1].outputs[0], run[-1].inputs[0])):
            break
        run.append(step)
    return run


def _within(run: list[Step], readers: Counter[Value]) -> list[Step]:
    """As many of these cells as nobody but the two next ones looks into."""
    for index, step in enumerate(run):
        if readers[step.outputs[0]] > len(run[index + 1 : index + 3]):
            return run[: index + 2]
    return run


def _as_one(run: list[Step]) -> Step:
    for step in run:
        assert isinstance(step.target, Block)
        step.target.called = INPUTS
    nodes = tuple(node for step in run for node in step.nodes)
    return Step(Cells(run), run[0].inputs, (run[-1].outputs[0], run[-2].outputs[0]), "cells", nodes)
