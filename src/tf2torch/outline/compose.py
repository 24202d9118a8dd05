"""Steps that follow one another become a Sequential, branches that are joined a Concat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tf2torch.ir.types import Node, Slot, Value
from tf2torch.outline.promote import arguments
from tf2torch.outline.structure import Block, Concat, Leaf, Module, Sequential, Step

_POOL = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode")
_AVERAGE = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
_ACTIVATIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "F.relu": ("nn.ReLU", ("input",)),
    "F.relu6": ("nn.ReLU6", ("input",)),
    "F.elu": ("nn.ELU", ("input",)),
    "F.silu": ("nn.SiLU", ("input",)),
    "F.hardswish": ("nn.Hardswish", ("input",)),
    "F.hardsigmoid": ("nn.Hardsigmoid", ("input",)),
    "F.leaky_relu": ("nn.LeakyReLU", ("input", "negative_slope")),
    "torch.tanh": ("nn.Tanh", ("input",)),
    "torch.sigmoid": ("nn.Sigmoid", ("input",)),
    "torch.relu": ("nn.ReLU", ("input",)),
}
_FORMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **_ACTIVATIONS,
    **{f"F.max_pool{n}d": (f"nn.MaxPool{n}d", _POOL) for n in (1, 2, 3)},
    **{f"F.avg_pool{n}d": (f"nn.AvgPool{n}d", _AVERAGE) for n in (1, 2, 3)},
    "F.local_response_norm": ("nn.LocalResponseNorm", ("input", "size", "alpha", "beta", "k")),
    "Tensor.flatten": ("nn.Flatten", ("input", "start_dim", "end_dim")),
    "F.softmax": ("nn.Softmax", ("input", "dim")),
}


def module_form(step: Step) -> Module | None:
    """The module that a step is or that its function has: F.relu is nn.ReLU(). None if it has none."""
    if not isinstance(step.target, Node):
        return step.target
    node = step.target
    form = _FORMS.get(node.op)
    if form is None or len(node.inputs) != 1:
        return None
    class_name, names = form
    given = arguments(node, names)
    if any(isinstance(value, Slot) for name, value in given.items() if name != "input"):
        return None
    return Leaf(class_name, {name: value for name, value in given.items() if name != "input"})


def is_activation(node: Node) -> bool:
    return node.op in _ACTIVATIONS and len(node.inputs) == 1


def compose(block: Block) -> None:
    """Turns the blocks within a block, from the innermost outwards, into Sequential and Concat where they are that."""
    for step in block.steps:
        if isinstance(step.target, Block):
            compose(step.target)
            if not has_own_layers(step.target):
                step.target = composed(step.target) or step.target


def has_own_layers(block: Block) -> bool:
    """Whether weighted layers stand in it directly, as in conv-bn-relu: it stays a class with a forward."""
    return any(isinstance(step.target, Leaf) and step.target.weights for step in block.steps)


def composed(block: Block) -> Module | None:
    """The block as Sequential and Concat. None if it is more than that, or has several inputs or outputs."""
    if len(block.inputs) != 1 or len(block.outputs) != 1 or block.weights:
        return None
    producers = {value: step for step in block.steps for value in step.outputs}
    counts: dict[Value, int] = dict.fromkeys(block.outputs, 1)
    for step in block.steps:
        for value in step.inputs:
            counts[value] = counts.get(value, 0) + 1
    path = _path(block.inputs[0], block.outputs[0], producers, counts)
    return None if path is None else as_module(path)


def as_module(path: list[Step]) -> Module:
    """A path of steps as one module."""
    if len(path) == 1 and path[0].module is not None:
        return path[0].module
    return Sequential(path)


def _path(start: Value, end: Value, producers: Mapping[Value, Step], counts: Mapping[Value, int]) -> list[Step] | None:
    """The steps from one value to another, if each takes what the one before gives and nobody else reads that."""
    path: list[Step] = []
    while end is not start:
        step = producers.get(end)
        if step is None or len(step.outputs) != 1:
            return None
        if is_concat(step):
            joined = _join(start, step, producers, counts)
            if joined is None:
                return None
            step, end = joined
        else:
            module = module_form(step)
            if module is None or len(step.inputs) != 1:
                return None
            step = Step(module, step.inputs, step.outputs, step.name, step.nodes)
            end = step.inputs[0]
        readers = len(step.target.branches) if isinstance(step.target, Concat) else 1
        if end is not start and counts[end] > readers:
            return None
        path.insert(0, step)
    return path


def is_concat(step: Step) -> bool:
    return isinstance(step.target, Node) and step.target.op == "torch.cat" and axis_of(step.target) == 1


def axis_of(node: Node) -> Any:
    return arguments(node, ("tensors", "dim")).get("dim", 0)


def _join(
    start: Value, join: Step, producers: Mapping[Value, Step], counts: Mapping[Value, int]
) -> tuple[Step, Value] | None:
    """The Concat that ends in a join, and where its branches fork; the nearest place at which they do."""
    for fork in _common_sources(start, join, producers):
        branches = [_path(fork, value, producers, counts) for value in join.inputs]
        if all(branch is not None for branch in branches) and len(branches) > 1:
            steps = [_branch(branch or [], fork, value) for branch, value in zip(branches, join.inputs, strict=True)]
            nodes = (*(node for step in steps for node in step.nodes), *join.nodes)
            return Step(Concat(steps), (fork,), join.outputs, join.name, nodes), fork
    return None


def _branch(path: list[Step], fork: Value, end: Value) -> Step:
    name = path[0].name if len(path) == 1 else ""
    return Step(as_module(path), (fork,), (end,), name, tuple(node for step in path for node in step.nodes))


def _common_sources(start: Value, join: Step, producers: Mapping[Value, Step]) -> list[Value]:
    """Values from which all inputs of a join derive, the nearest first."""
    common: list[Value] | None = None
    for value in join.inputs:
        line = [value]
        while line[-1] is not start and line[-1] in producers and producers[line[-1]].inputs:
            line.append(producers[line[-1]].inputs[0])
        common = line if common is None else [one for one in common if one in line]
    return common or []
