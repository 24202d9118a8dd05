"""The author's scopes become blocks. A scope of one operation, or one that is no unit, is dissolved."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from tf2torch.ir.types import Graph, Node, Value
from tf2torch.outline.layers import gather_layers, gather_parts
from tf2torch.outline.structure import Block, Leaf, Step, leaves


def build(graph: Graph, steps: list[Step]) -> Block:
    """The whole network as a block of blocks."""
    readers = _readers(steps, graph.outputs)
    body = _level(steps, 0, readers, graph)
    while len(body) == 1 and isinstance(body[0].target, Block):  # one scope around everything
        body = body[0].target.steps
    root = Block(list(graph.inputs), list(graph.outputs), _without_wrapper(body))
    _own_weights(root, graph)
    return root


def _readers(steps: Iterable[Step], outputs: Collection[Value]) -> dict[Value, list[Step | None]]:
    """Who reads each value; None stands for the network's outputs."""
    readers: dict[Value, list[Step | None]] = {value: [None] for value in outputs}
    for step in steps:
        for value in dict.fromkeys(step.inputs):
            readers.setdefault(value, []).append(step)
    return readers


def _level(steps: list[Step], depth: int, readers: dict[Value, list[Step | None]], graph: Graph) -> list[Step]:
    """The steps of one scope, those of inner scopes gathered into blocks."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        scope = step.nodes[-1].scope
        if len(scope) > depth:
            groups.setdefault(scope[depth], []).append(step)
    gathered: dict[Step, list[Step]] = {}  # the first step of a group -> what stands for the group
    members: dict[Step, Step] = {}
    for name, group in groups.items():
        inner = _level(group, depth + 1, readers, graph)
        replacement = _gather(name, inner, group, readers, graph)
        gathered[group[0]] = replacement
        members.update(dict.fromkeys(group, group[0]))
    result: list[Step] = []
    for step in steps:
        if step in gathered:
            result += gathered[step]
        elif step not in members:
            result.append(step)
    return in_order(gather_parts(gather_layers(result, readers), readers))


def _gather(
    name: str, inner: list[Step], members: list[Step], readers: dict[Value, list[Step | None]], graph: Graph
) -> list[Step]:
    """One step for a scope; or its steps, where it is one operation, holds nothing that is learned, or is no unit."""
    if len(inner) == 1:
        inner[0].name = name
        return inner
    if not any(step.module for step in inner) or not _is_unit(members, readers):
        return inner
    produced = {value for step in inner for value in step.outputs}
    inputs = [value for step in inner for value in step.inputs if value not in produced]
    inputs = [value for value in dict.fromkeys(inputs) if value not in graph.params or len(readers[value]) > 1]
    own = set(members)
    outputs = [v for step in inner for v in step.outputs if any(reader not in own for reader in readers.get(v, ()))]
    nodes = tuple(node for step in inner for node in step.nodes)
    block = Block(inputs, outputs, inner, name)
    return [Step(block, tuple(inputs), tuple(outputs), name, nodes)]


def _is_unit(members: list[Step], readers: dict[Value, list[Step | None]]) -> bool:
    """Whether nothing outside stands between two of its steps: it can be called as a whole."""
    own = set(members)
    pending = [reader for step in members for value in step.outputs for reader in readers.get(value, ())]
    outside = [reader for reader in pending if reader is not None and reader not in own]
    seen: set[Step] = set()
    while outside:
        step = outside.pop()
        if step in seen:
            continue
        seen.add(step)
        for value in step.outputs:
            for reader in readers.get(value, ()):
                if reader in own:
                    return False
                if reader is not None:
                    outside.append(reader)
    return True


def in_order(steps: list[Step]) -> list[Step]:
    """In topological order, and in the author's where there is a choice. Blocks that wait for each other dissolve."""
    while True:
        result = _sorted(steps)
        stuck = [step for step in steps if step not in set(result)]
        if not stuck:
            return result
        first = next(step for step in stuck if isinstance(step.target, Block))
        assert isinstance(first.target, Block)
        index = steps.index(first)
        steps = [*steps[:index], *first.target.steps, *steps[index + 1 :]]


def _sorted(steps: list[Step]) -> list[Step]:
    """In order, as far as steps do not wait for each other in a circle."""
    producer = {value: index for index, step in enumerate(steps) for value in step.outputs}
    needs = [{producer[value] for value in step.inputs if value in producer} for step in steps]
    waiting: dict[int, list[int]] = {}
    for index, needed in enumerate(needs):
        for other in needed:
            waiting.setdefault(other, []).append(index)
    ready = [index for index, needed in enumerate(needs) if not needed]
    heapq.heapify(ready)
    result: list[Step] = []
    while ready:
        index = heapq.heappop(ready)
        result.append(steps[index])
        for other in waiting.get(index, ()):
            needs[other].discard(index)
            if not needs[other]:
                heapq.heappush(ready, other)
    return result


def _without_wrapper(steps: list[Step]) -> list[Step]:
    """Without a block that holds most of the network: InceptionV3/InceptionV3 beside InceptionV3/Logits."""
    total = sum(1 for step in steps if step.module for _ in leaves(step.module))
    for index, step in enumerate(steps):
        if isinstance(step.target, Block) and 4 * sum(1 for _ in leaves(step.target)) >= 3 * total > 0:
            return _without_wrapper(in_order([*steps[:index], *step.target.steps, *steps[index + 1 :]]))
    return steps


def dissolve(block: Block, unwanted: Callable[[Step], bool]) -> None:
    """Puts the steps of the unwanted blocks, however deep, in their place."""
    changed = True
    while changed:
        changed = False
        result: list[Step] = []
        for step in block.steps:
            if isinstance(step.target, Block) and unwanted(step):
                result += step.target.steps
                block.weights.update(step.target.weights)
                block.kinds.update(step.target.kinds)
                _hand_down_name(step)
                changed = True
            else:
                result.append(step)
        block.steps = in_order(result)
    for step in block.steps:
        if isinstance(step.target, Block):
            dissolve(step.target, unwanted)


def _hand_down_name(step: Step) -> None:
    """The only thing in it that is learned is called what the scope was called."""
    assert isinstance(step.target, Block)
    weighted = [inner for inner in step.target.steps if inner.module]
    if len(weighted) == 1:
        weighted[0].name = step.name


def _own_weights(root: Block, graph: Graph) -> None:
    """Params that functions read belong to the innermost block that holds all their readers."""
    counts = Counter(value for node in graph.nodes for value in dict.fromkeys(node.inputs) if value in graph.params)

    def own(block: Block) -> Counter[Value]:
        inside: Counter[Value] = Counter()
        for step in block.steps:
            if isinstance(step.target, Block):
                inside += own(step.target)
            elif isinstance(step.target, Node):
                inside.update(value for value in dict.fromkeys(step.inputs) if value in graph.params)
            elif isinstance(step.target, Leaf):
                inside.update(step.target.weights.values())
        promoted = {value for leaf in leaves(block) for value in leaf.weights.values()}
        for value, count in list(inside.items()):
            if count == counts[value] and value not in promoted:
                block.weights[graph.params[value].ref.tensor] = value
                block.kinds[value] = graph.params[value].kind
                block.inputs = [given for given in block.inputs if given is not value]
                del inside[value]
        return inside

    own(root)
    _forget_owned(root)


def _forget_owned(block: Block) -> None:
    """A call of a block does not hand over what the block owns."""
    for step in block.steps:
        if isinstance(step.target, Block):
            _forget_owned(step.target)
            step.inputs = tuple(step.target.inputs)
