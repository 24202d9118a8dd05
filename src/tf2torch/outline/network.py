"""The whole way from a lowered graph to the network's classes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tf2torch.ir.types import Graph
from tf2torch.outline import classes, names
from tf2torch.outline.arrange import arrange, head
from tf2torch.outline.attributes import attributes
from tf2torch.outline.cells import gather_cells
from tf2torch.outline.classes import Class
from tf2torch.outline.compose import compose, module_form
from tf2torch.outline.families import set_apart
from tf2torch.outline.promote import SAME_POOLS, promote
from tf2torch.outline.residuals import gather_residuals
from tf2torch.outline.scopes import build, dissolve
from tf2torch.outline.shape import inner_shape
from tf2torch.outline.shortcuts import open_shortcuts
from tf2torch.outline.structure import Block, Leaf, Step, is_weighted, leaves

SMALL = 3  # layers of a block


@dataclass(frozen=True, slots=True)
class Network:
    name: str  # of its class
    root: Block
    classes: dict[str, Class]  # by inner shape, in the order of the source
    head: str | None  # attribute of the classifier, if the network ends in one


def outline(graph: Graph, name: str) -> Network:
    """The classes of a lowered graph. `name` is the network's, as a recipe writes it: resnet_v1_50."""
    root = build(graph, promote(graph))
    _dissolve_single_layers(root)
    open_shortcuts(root)
    compose(root)
    gather_residuals(root)
    last = head(root)
    arrange(root)
    _spell_out_pools(root)
    gather_cells(root)
    set_apart(root)
    class_name = names.network(name)
    found = classes.find(root, class_name)
    position = next((index for index, step in enumerate(root.steps) if step is last), None)
    return Network(class_name, root, found, None if position is None else attributes(root)[position])


def _dissolve_single_layers(root: Block) -> None:
    """A block around one layer is worth a class only if there are several of its shape.

    And arithmetic reads better where it is used, if the block around is small: x * (F.relu6(self.conv_1(x) + 3) / 6).
    """
    counts: Counter[str] = Counter()
    within_small: set[Step] = set()

    def count(block: Block) -> None:
        for step in block.steps:
            if isinstance(step.target, Block):
                counts[inner_shape(step.target)] += 1
                count(step.target)
                if block is not root and _layers(block) <= SMALL and _calculates(step.target):
                    within_small.add(step)

    def unwanted(step: Step) -> bool:
        assert isinstance(step.target, Block)
        if _layers(step.target) > 1 or not is_weighted(step.target):
            return False
        return counts[inner_shape(step.target)] == 1 or step in within_small

    count(root)
    dissolve(root, unwanted)


def _layers(block: Block) -> int:
    return sum(bool(leaf.weights) for leaf in leaves(block))


def _calculates(block: Block) -> bool:
    """Whether there is more in it than layers, activations and pools."""
    return any(module_form(step) is None for step in block.steps)


def _spell_out_pools(block: Block) -> None:
    """In a forward, pooling that pads reads better as two calls of functions than as a module of ours."""
    steps: list[Step] = []
    for step in block.steps:
        if isinstance(step.target, Block):
            _spell_out_pools(step.target)
        if isinstance(step.target, Leaf) and step.target.class_name in SAME_POOLS and not step.is_argument:
            steps += [Step(node, node.inputs, node.outputs, step.name, (node,)) for node in step.nodes]
        else:
            steps.append(step)
    block.steps = steps
