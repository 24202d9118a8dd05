"""A GraphDef that can be edited: nodes by name, tensors as (node, output)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from tf2torch.export.tensorflow import tf


class Tensor(NamedTuple):
    node: str
    output: int = 0

    @property
    def name(self) -> str:
        """node:0, as TensorFlow calls it."""
        return f"{self.node}:{self.output}"


def tensor(name: str) -> Tensor:
    """The tensor `node:1`; `node` is its first output."""
    node, _, output = name.partition(":")
    return Tensor(node, int(output or 0))


class Definition:
    """Nodes in the order in which the author made them. Control inputs are gone: inference has no side effects."""

    def __init__(self, definition: Any) -> None:
        self.nodes: dict[str, Any] = {}
        self._aliases: list[str] = []
        self._header = tf.GraphDef(versions=definition.versions, library=definition.library)
        for node in definition.node:
            copy = self.nodes[node.name] = tf.NodeDef()
            copy.CopyFrom(node)
            copy.attr.pop("_class", None)  # with which node it wants to share a device
            del copy.input[:]
            copy.input.extend(name for name in node.input if not name.startswith("^"))

    def inputs(self, node: str) -> list[Tensor]:
        return [tensor(name) for name in self.nodes[node].input]

    def producer(self, of: Tensor) -> Any:
        return self.nodes[of.node]

    def set_inputs(self, node: str, inputs: Iterable[Tensor]) -> None:
        target = self.nodes[node].input
        names = [item.name if item.output else item.node for item in inputs]
        if names != [*target]:
            del target[:]
            target.extend(names)

    def redirect(self, replacements: Mapping[Tensor, Tensor]) -> None:
        """Lets every user of a tensor read another instead; replacements of replacements are followed."""
        if not replacements:
            return

        def final(item: Tensor) -> Tensor:
            while item in replacements:
                item = replacements[item]
            return item

        for name in self.nodes:
            self.set_inputs(name, map(final, self.inputs(name)))

    def alias(self, name: str, target: Tensor) -> None:
        """Makes a node with a type T pass on another tensor. `bypass` takes such nodes out of the way."""
        node, dtype = self.nodes[name], self.nodes[name].attr["T"].type
        node.op = "Identity"
        node.ClearField("attr")
        node.attr["T"].type = dtype
        self.set_inputs(name, [target])
        self._aliases.append(name)

    def bypass(self) -> set[str]:
        """Lets the users of aliases read what these pass on. Returns the aliases that had users."""
        read = {item.node for name in self.nodes for item in self.inputs(name)}
        self.redirect({Tensor(name): self.inputs(name)[0] for name in self._aliases if name in self.nodes})
        return read.intersection(self._aliases)

    def users(self) -> dict[Tensor, list[tuple[str, int]]]:
        """The nodes that read each tensor, with the number of the input."""
        result: dict[Tensor, list[tuple[str, int]]] = {}
        for name in self.nodes:
            for index, item in enumerate(self.inputs(name)):
                result.setdefault(item, []).append((name, index))
        return result

    def prune(self, outputs: Iterable[Tensor]) -> None:
        """Keeps what the outputs need."""
        kept: set[str] = set()
        waiting = [item.node for item in outputs]
        while waiting:
            name = waiting.pop()
            if name not in kept:
                kept.add(name)
                waiting.extend(item.node for item in self.inputs(name))
        self.nodes = {name: node for name, node in self.nodes.items() if name in kept}

    def placeholder(self, name: str, dtype: int, shape: Any) -> None:
        """Puts a Placeholder in the place of a node, or as a new one. `dtype` and `shape` as a NodeDef has them."""
        node = self.nodes[name] = tf.NodeDef(name=name, op="Placeholder")
        node.attr["dtype"].type = dtype
        node.attr["shape"].shape.CopyFrom(shape)

    def constant(self, name: str, value: Any) -> None:
        """Puts a Const in the place of a node."""
        node = self.nodes[name] = tf.NodeDef(name=name, op="Const")
        proto = tf.make_tensor_proto(value)
        node.attr["dtype"].type = proto.dtype
        node.attr["value"].tensor.CopyFrom(proto)

    def order(self) -> list[str]:
        """The names in a topological order, that of creation wherever it is one. Loops are cut where they return."""
        place = {name: index for index, name in enumerate(self.nodes)}
        names = list(self.nodes)
        missing: dict[str, int] = {}
        readers: dict[str, list[str]] = {}
        for name, node in self.nodes.items():
            needed = {item.node for item in self.inputs(name)} if node.op != "NextIteration" else set()
            missing[name] = len(needed)
            for source in needed:
                readers.setdefault(source, []).append(name)
        ready = [place[name] for name, count in missing.items() if not count]
        heapify(ready)
        result = []
        while ready:
            name = names[heappop(ready)]
            result.append(name)
            for reader in readers.get(name, []):
                missing[reader] -= 1
                if not missing[reader]:
                    heappush(ready, place[reader])
        return result

    def graph_def(self) -> Any:
        result = tf.GraphDef()
        result.CopyFrom(self._header)
        result.node.extend(self.nodes.values())
        return result
