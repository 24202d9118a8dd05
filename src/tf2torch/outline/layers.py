"""Layers that follow one another become a block where the author gave them no scope, as in Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tf2torch.ir.types import Node, Value
from tf2torch.outline.compose import is_activation
from tf2torch.outline.structure import Block, Leaf, Step

SEVERAL = 2
Readers = Mapping[Value, Sequence[Step | None]]


def gather_layers(steps: list[Step], readers: Readers) -> list[Step]:
    """The steps of a scope, each weighted layer with its batch norm and activation as one, if there are several."""
    chains = [chain for step in steps if len(chain := _chain(step, readers)) > 1]
    if len(chains) < SEVERAL:
        return steps
    blocks = {chain[0]: _as_block(chain) for chain in chains}
    within = {step for chain in chains for step in chain[1:]}
    return [blocks.get(step, step) for step in steps if step not in within]


def _chain(step: Step, readers: Readers) -> list[Step]:
    """A layer and what goes with it: a batch norm, an activation, or both, which alone read what stands before."""
    chain = [step]
    if not _is_layer(step) or _is_batch_norm(step):
        return chain
    for belongs in (_is_batch_norm, _is_activation):
        following = _only_reader(chain[-1], readers)
        if following is not None and belongs(following):
            chain.append(following)
    return chain


def _only_reader(step: Step, readers: Readers) -> Step | None:
    found = readers.get(step.outputs[0], ())
    return found[0] if len(found) == len(step.outputs) == 1 else None


def _is_layer(step: Step) -> bool:
    return isinstance(step.target, Leaf) and bool(step.target.weights)


def _is_batch_norm(step: Step) -> bool:
    return isinstance(step.target, Leaf) and step.target.class_name.startswith(("nn.BatchNorm", "nn.InstanceNorm"))


def _is_activation(step: Step) -> bool:
    return isinstance(step.target, Node) and is_activation(step.target)


def _as_block(chain: list[Step]) -> Step:
    first, last = chain[0], chain[-1]
    block = Block(list(first.inputs), list(last.outputs), chain, first.name)
    nodes = tuple(node for step in chain for node in step.nodes)
    return Step(block, first.inputs, last.outputs, first.name, nodes)
