"""Units x + f(x) of which there are few of one shape need no class with a forward: they become a Residual."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tf2torch.ir.types import Node
from tf2torch.outline.compose import composed, has_own_layers
from tf2torch.outline.shape import inner_shape
from tf2torch.outline.structure import Block, Residual, Sequential, all_steps

FEW = 2  # units of one shape


def gather_residuals(root: Block) -> None:
    """Turns the blocks within the root into Residual where they are that."""
    units = [step for step in all_steps(root) if isinstance(step.target, Block)]
    counts = Counter(inner_shape(step.target) for step in units if isinstance(step.target, Block))
    few = [step for step in units if isinstance(step.target, Block) and counts[inner_shape(step.target)] <= FEW]
    for step in few:
        assert isinstance(step.target, Block)
        step.target = _as_residual(step.target) or step.target


def _as_residual(block: Block) -> Residual | None:
    """The block as a Residual, if what it gives is its input plus what a chain of modules makes of that."""
    total = block.steps[-1]
    if not isinstance(total.target, Node) or total.target.op != "operator.add" or has_own_layers(block):
        return None
    added = [value for value in total.inputs if value not in block.inputs]
    if len(added) != 1 or len(total.inputs) != 2 or list(total.outputs) != block.outputs:
        return None
    chain = composed(replace(block, outputs=added, steps=block.steps[:-1]))
    return Residual(chain.steps) if isinstance(chain, Sequential) else None
