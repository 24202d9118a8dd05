"""A graph as data. Everything is frozen: a pass takes a graph and returns another.

The same classes hold two dialects. In the TensorFlow dialect `Node.op` is a TensorFlow op and `attrs` are its
attributes, under TensorFlow's names. In the torch dialect (out of `passes.lower`) `Node.op` is a callable, see
`tf2torch.ops.expr`, and `attrs` are {"args": (...), "kwargs": {...}} in which `Slot(i)` stands for `inputs[i]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from tf2torch.ir.views import IDENTITY, View

DType = str  # numpy's name of it: float32, int64, bool, ...; "string" for text
Shape = tuple[int | None, ...]  # None: an axis of unknown length
Scope = tuple[str, ...]  # of a node a/b/c: ("a", "b")
Attr = Any  # bool, int, float, str, None, a dtype's name, a tuple of these, or a numpy array
Kind = Literal["trainable", "frozen", "buffer"]


@dataclass(frozen=True, slots=True)
class TensorType:
    dtype: DType
    shape: Shape | None  # None: not even the rank is known

    def __str__(self) -> str:
        axes = "*" if self.shape is None else ", ".join("?" if n is None else str(n) for n in self.shape)
        return f"{self.dtype}[{axes}]"


@dataclass(frozen=True, slots=True)
class Ref:
    """A TensorFlow tensor, seen through a view. A variable is called by its name, a value node:0."""

    tensor: str
    view: View = IDENTITY


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """Something that is computed or fed once. Its identity is the object; the name is for people and for printing."""

    name: str
    type: TensorType  # with the shape as it is in memory, not as TensorFlow had it
    ref: Ref | None  # None: TensorFlow has no such tensor

    def __repr__(self) -> str:
        return f"%{self.name}: {self.type}"


@dataclass(frozen=True, slots=True)
class Param:
    """A weight. trainable and frozen ones become nn.Parameters, buffers (statistics, large constants) buffers."""

    ref: Ref
    kind: Kind


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for `inputs[index]` within the arguments of a node of the torch dialect."""

    index: int


def _no_attrs() -> Mapping[str, Attr]:
    return MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    op: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attrs: Mapping[str, Attr] = field(default_factory=_no_attrs)
    scope: Scope = ()
    origin: tuple[str, ...] = ()  # names of the TensorFlow nodes that it came from, the one it computes last

    @property
    def output(self) -> Value:
        """The only output of a node that has one."""
        (value,) = self.outputs
        return value

    @property
    def name(self) -> str:
        """The user's own name for it."""
        return self.origin[-1] if self.origin else self.op

    def __repr__(self) -> str:
        return f"<{self.op} {self.name}>"


@dataclass(frozen=True, eq=False, slots=True)
class Graph:
    """Nodes in source order, which is a topological order: the order in which the author wrote the network."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    params: Mapping[Value, Param]
    info: Mapping[str, Attr] = field(default_factory=_no_attrs)  # what export knows: "name", "batch_norm_decay", ...

    def producers(self) -> dict[Value, Node]:
        """The node that computes each value; inputs and params have none."""
        return {value: node for node in self.nodes for value in node.outputs}

    def users(self) -> dict[Value, list[Node]]:
        """The nodes that read each value, in order, once each. A value that is only an output has none."""
        result: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                result.setdefault(value, []).append(node)
        return result

    def values(self) -> Iterator[Value]:
        """Every value: inputs, params, then what the nodes compute."""
        yield from self.inputs
        yield from self.params
        for node in self.nodes:
            yield from node.outputs

    def with_nodes(self, nodes: Iterator[Node] | list[Node] | tuple[Node, ...]) -> Graph:
        """The same graph of other nodes."""
        return replace(self, nodes=tuple(nodes))
