"""Layers that follow one another become a block where the author gave them no scope, as in Keras."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tf2torch.ir.types import Node, Value
from tf2torch.outline.compose import is_activation
from tf2torch.outline.structure import Block, Leaf, Step

SEVERAL = 2
_PART = re.compile(r"(.*\d)_([A-Za-z]\w*)")  # Conv2d_1 and its part depthwise
Readers = Mapping[Value, Sequence[Step | None]]


def gather_layers(steps: list[Step], readers: Readers) -> list[Step]:
    """The steps of a scope, each weighted layer with its batch norm and activation as one, if there are several."""
    chains = [chain for step in steps if len(chain := _chain(step, readers)) > 1]
    if len(chains) < SEVERAL:
        return steps
    blocks = {chain[0]: _as_block(chain, chain[0].name) for chain in chains}
    within = {step for chain in chains for step in chain[1:]}
    return [blocks.get(step, step) for step in steps if step not in within]


def gather_parts(steps: list[Step], readers: Readers) -> list[Step]:
    """The steps of a scope, Conv2d_1_depthwise and Conv2d_1_pointwise as Conv2d_1, if there are several such."""
    chains: list[list[Step]] = []
    for step in steps:
        if chains and _continues(chains[-1][-1], step, readers):
            chains[-1].append(step)
        else:
            chains.append([step])
    alike = Counter(_parts(chain) for chain in chains)
    return [
        step
        for chain in chains
        for step in ([_whole(chain)] if len(chain) > 1 and alike[_parts(chain)] >= SEVERAL else chain)
    ]


def _continues(step: Step, following: Step, readers: Readers) -> bool:
    """Whether two modules that follow one another, and of which nobody else reads the first, are parts of one thing."""
    parts = [_PART.fullmatch(item.name) for item in (step, following) if item.module is not None]
    if len(parts) < 2 or None in parts or len({part[1] for part in parts if part}) > 1:
        return False
    found = [node for reader in readers.get(step.outputs[0], ()) for node in (reader.nodes if reader else (None,))]
    return following.inputs == step.outputs and set(found) <= set(following.nodes)


def _parts(chain: list[Step]) -> tuple[str, ...]:
    return tuple(part[2] for step in chain if (part := _PART.fullmatch(step.name)))


def _whole(chain: list[Step]) -> Step:
    whole = _as_block(chain, _PART.sub(r"\1", chain[0].name))
    for step, name in zip(chain, _parts(chain), strict=True):
        step.name = name
    return whole


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


def _as_block(chain: list[Step], name: str) -> Step:
    first, last = chain[0], chain[-1]
    block = Block(list(first.inputs), list(last.outputs), chain, name)
    nodes = tuple(node for step in chain for node in step.nodes)
    return Step(block, first.inputs, last.outputs, name, nodes)
