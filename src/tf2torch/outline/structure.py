"""The tree of modules that a network becomes.

A module is a Leaf (nn.Conv2d), a Sequential or a Concat of modules, or a Block with a forward of its own. Every
instance of the network has a module of its own here; that several are of one class is found later (`classes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tf2torch.ir.types import Kind, Node, Value


@dataclass(eq=False, slots=True)
class Leaf:
    """A module of torch.nn, or one of ours that pads as TensorFlow does: class name and constructor arguments."""

    class_name: str
    args: dict[str, Any]  # every argument that matters, defaults filled in
    weights: dict[str, Value] = field(default_factory=dict)  # attribute -> param


@dataclass(eq=False, slots=True)
class Sequential:
    steps: list[Step]


@dataclass(eq=False, slots=True)
class Residual(Sequential):
    """What the modules make of the input, plus the input."""


@dataclass(eq=False, slots=True)
class Cells(Sequential):
    """Modules one after another, each on what the last two gave."""


@dataclass(eq=False, slots=True)
class Concat:
    """Branches side by side on the same input, joined along the channels. A branch without steps is the input."""

    branches: list[Step]


@dataclass(eq=False, slots=True)
class Block:
    """A forward of its own: steps in order. weights: params that functions in it use, by name."""

    inputs: list[Value]
    outputs: list[Value]
    steps: list[Step]
    hint: str = ""  # what the author called it: the innermost scope
    family: str = ""  # blocks of other families are of other classes, even where they have the same shape
    weights: dict[str, Value] = field(default_factory=dict)
    kinds: dict[Value, Kind] = field(default_factory=dict)  # of those weights
    called: tuple[str, ...] = ()  # the inputs, where their role is known


Module = Leaf | Sequential | Concat | Block


@dataclass(eq=False, slots=True)
class Step:
    """One call: of a module, or of a function, which is a node of the torch dialect."""

    target: Module | Node
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    name: str  # of the scope, as the author wrote it
    nodes: tuple[Node, ...]  # everything that it computes
    is_argument: bool = False  # instances of its block differ in what stands here, so they are given it

    @property
    def module(self) -> Module | None:
        return None if isinstance(self.target, Node) else self.target


def substeps(module: Module) -> list[Step]:
    """The calls directly within a module."""
    match module:
        case Sequential(steps=steps) | Block(steps=steps):
            return steps
        case Concat(branches=branches):
            return branches
    return []


def all_steps(module: Module) -> Iterator[Step]:
    """The calls within a module and within those that it calls."""
    for step in substeps(module):
        yield step
        if step.module is not None:
            yield from all_steps(step.module)


def leaves(module: Module) -> Iterator[Leaf]:
    """Every leaf within a module."""
    if isinstance(module, Leaf):
        yield module
    for step in substeps(module):
        if step.module is not None:
            yield from leaves(step.module)


def is_weighted(module: Module) -> bool:
    """Whether anything in it is learned."""
    own = module.weights if isinstance(module, (Leaf, Block)) else {}
    return bool(own) or any(step.module is not None and is_weighted(step.module) for step in substeps(module))
