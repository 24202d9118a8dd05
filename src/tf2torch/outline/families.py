"""Blocks of one shape that are too different for one class: those that the author calls alike get one of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tf2torch.ir.types import Node
from tf2torch.outline import names
from tf2torch.outline.shape import inner_columns, inner_shape, node_columns
from tf2torch.outline.structure import Block, Module, substeps

LEGIBLE = 6  # arguments of a class


def set_apart(root: Block) -> None:
    """Names the family of blocks that would need too many arguments together, and hardly any among those called alike.

    block17_1 to block17_20 and block8_1 to block8_9, say: branches of the same layers, with every number another.
    """
    alike: dict[str, dict[str, list[Block]]] = {}
    for name, block in _blocks(root):
        called = names.kind(block.hint or name)
        alike.setdefault(inner_shape(trunk(block) or block), {}).setdefault(called, []).append(block)
    for families in alike.values():
        every = [block for family in families.values() for block in family]
        numbered = 2 * len(families) <= len(every)  # else each block has a name of its own, which says nothing
        if numbered and differing(every) > LEGIBLE and all(differing(family) <= 1 for family in families.values()):
            for called, family in families.items():
                for block in family:
                    block.family = called


def trunk(block: Block) -> Block | None:
    """The block without the function that it ends in, as ConvBn is that of ConvBnRelu. None if there is no such end."""
    if len(block.steps) < 2 or block.outputs != list(block.steps[-1].outputs):
        return None
    last, rest = block.steps[-1], block.steps[:-1]
    if not isinstance(last.target, Node) or len(last.inputs) != 1 or list(node_columns(last)):
        return None
    return replace(block, outputs=[last.inputs[0]], steps=rest)


def _blocks(module: Module) -> Iterator[tuple[str, Block]]:
    for step in substeps(module):
        if isinstance(step.target, Block):
            yield step.name, step.target
        if step.module is not None:
            yield from _blocks(step.module)


def differing(instances: Sequence[Module]) -> int:
    """In how many numbers instances of one shape differ, those that are equal in each of them counted once."""
    rows = [[column.value for column in inner_columns(instance)] for instance in instances]
    return len({values for values in zip(*rows, strict=True) if len(set(values)) > 1})
