"""From TensorFlow's ops to PyTorch's calls: what the handlers return, one call a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from tf2torch.errors import UnsupportedError
from tf2torch.ir.types import Graph, Node, Param, Ref, Slot, TensorType, Value
from tf2torch.numerals import shortest
from tf2torch.ops import registry
from tf2torch.ops.expr import Call, Expr, Var, call
from tf2torch.passes.rewrite import prune

_SHOWN = 2  # names of nodes in a message


def lower(graph: Graph) -> Graph:
    """Every node as the calls that its handler returns. Raises UnsupportedError, which lists all that cannot be.

    A constant that is one number becomes a literal where Python allows it, every other one a buffer.

    Before:
        input %x: float32[?, 4]
        %half: float32[] = Const(value=array("float32", 0.5))
        %y: float32[?, 4] = LeakyRelu(%x, alpha=0.1)
        %z: float32[?, 4] = Identity(%y)
        output %z
    After:
        input %x: float32[?, 4]
        %y: float32[?, 4] = F.leaky_relu(%x, negative_slope=0.1)
        output %y
    """
    graph = prune(graph)
    calls, problems = _Calls(graph), _Problems()
    for node in graph.nodes:
        if node.op == "Const":
            continue
        if node.op not in registry.handlers():
            problems.add(node)
            continue
        try:
            expressions = registry.lower(node, calls.numbers(node))
        except (registry.Refuse, ValueError) as reason:  # ValueError: a rank that is not known
            problems.add(node, str(reason))
        else:
            calls.add(node, expressions)
    if problems.of:
        raise UnsupportedError(problems.message(graph), tuple(problems.of))
    return prune(calls.result())


class _Calls:
    """The graph that is being made."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.constants = {node.output: node for node in graph.nodes if node.op == "Const"}
        self.params = dict(graph.params)
        self.names = {value.name for value in graph.values()}
        self.same: dict[Value, Value] = {}  # outputs that are another value

    def result(self) -> Graph:
        outputs = tuple(self.latest(value) for value in self.graph.outputs)
        return replace(self.graph, nodes=tuple(self.nodes), outputs=outputs, params=self.params)

    def add(self, node: Node, expressions: tuple[Expr, ...]) -> None:
        """What a node computes, as calls."""
        together = _all_of_one(expressions)
        if together is not None:  # x.split(...), whose items are the outputs
            _Expression(self, node).emit(together, node.outputs)
            return
        expression = _Expression(self, node)
        for value, result in zip(node.outputs, expressions, strict=True):
            expression.become(value, result)

    def latest(self, value: Value) -> Value:
        """What to read for a value; a constant becomes a buffer once it is read."""
        while value in self.same:
            value = self.same[value]
        if value in self.constants and value not in self.params:
            self.params[value] = Param(Ref(self.constants[value].name), "buffer")
        return value

    def numbers(self, node: Node) -> dict[Value, int | float]:
        """Constants of one element that an element-wise op takes as numbers: others decide its dtype and rank."""
        if registry.handlers()[node.op].layout != registry.ELEMENTWISE:
            return {}
        found = {value: _number(self.constants.get(value)) for value in node.inputs}
        deciding = [value for value in node.inputs if found[value] is None]
        return {
            value: number
            for value, number in found.items()
            if number is not None and any(_decides(other, value) for other in deciding)
        }


class _Expression:
    """The expressions of one node, flattened. What they share is computed once."""

    def __init__(self, calls: _Calls, node: Node) -> None:
        self.calls, self.node = calls, node
        self.done: dict[int, Value] = {}
        self.count = 0

    def become(self, value: Value, expression: Any) -> None:
        """Makes `value` what the expression computes."""
        if isinstance(expression, Var):
            self.calls.same[value] = expression.value
        elif isinstance(expression, Call) and id(expression) in self.done:
            self.calls.same[value] = self.done[id(expression)]
        elif isinstance(expression, Call) and not expression.is_host:
            self.done[id(expression)] = value
            self.emit(expression, (value,))
        else:  # a size or a number, which something may read as a tensor
            self.emit(call("torch.tensor", expression), (value,))

    def emit(self, expression: Call, outputs: tuple[Value, ...]) -> None:
        inputs: list[Value] = []
        attrs = {
            "args": tuple(self.argument(item, inputs) for item in expression.args),
            "kwargs": MappingProxyType({name: self.argument(item, inputs) for name, item in expression.kwargs}),
        }
        self.calls.nodes.append(
            Node(
                expression.function,
                tuple(inputs),
                outputs,
                MappingProxyType(attrs),
                self.node.scope,
                self.node.origin,
            )
        )

    def argument(self, item: Any, inputs: list[Value]) -> Any:
        """An argument with slots in the place of tensors; calls that compute tensors become nodes before this one."""

        def inner(part: Any) -> Any:
            return self.argument(part, inputs)

        match item:
            case Var(value):
                return self.slot(self.calls.latest(value), inputs)
            case Call() if not item.is_host:
                return self.slot(self.computed(item), inputs)
            case Call(function, args, kwargs):
                return Call(function, tuple(map(inner, args)), tuple((name, inner(part)) for name, part in kwargs))
            case slice():
                return slice(inner(item.start), inner(item.stop), inner(item.step))
            case tuple() | list():
                return type(item)(map(inner, item))
            case Mapping():
                return {name: inner(part) for name, part in item.items()}
        return item

    def computed(self, expression: Call) -> Value:
        if id(expression) not in self.done:
            first = self.node.outputs[0]
            value = Value(self.name(first.name), TensorType(first.type.dtype, None), None)
            self.done[id(expression)] = value
            self.emit(expression, (value,))
        return self.calls.latest(self.done[id(expression)])

    def name(self, whole: str) -> str:
        """A name for a part of what the node computes, which nothing else in the graph has."""
        self.count += 1
        name = f"{whole}.{self.count}"
        return self.name(whole) if name in self.calls.names else name

    @staticmethod
    def slot(value: Value, inputs: list[Value]) -> Slot:
        if value not in inputs:
            inputs.append(value)
        return Slot(inputs.index(value))


def _number(node: Node | None) -> int | float | None:
    """The only element of a constant. A float32 means its shortest decimal."""
    array = np.asarray(node.attrs["value"]) if node is not None else None
    if array is None or array.size != 1 or array.dtype.kind not in "fiu":
        return None
    item = array.reshape(-1)[0]
    result: int | float = shortest(item) if array.dtype == np.float32 else item.item()
    return result


def _decides(tensor: Value, constant: Value) -> bool:
    """Whether a result has the tensor's dtype and no fewer axes than it, whatever the constant."""
    if tensor.type.dtype != constant.type.dtype or constant.type.shape is None:
        return False
    return not constant.type.shape or (
        tensor.type.shape is not None and len(tensor.type.shape) >= len(constant.type.shape)
    )


def _all_of_one(expressions: tuple[Expr, ...]) -> Call | None:
    """The call whose items 0, 1, ... the expressions are."""
    if len(expressions) < 2:
        return None
    first = expressions[0]
    source = first.args[0] if isinstance(first, Call) and first.function == "operator.getitem" else None
    for index, item in enumerate(expressions):
        if not isinstance(item, Call) or item.function != "operator.getitem" or item.args != (source, index):
            return None
    return source if isinstance(source, Call) else None


class _Problems:
    """What cannot be converted: by op, its nodes and the reasons."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[list[str], dict[str, None]]] = {}

    def add(self, node: Node, reason: str = "") -> None:
        nodes, reasons = self.of.setdefault(node.op, ([], {}))
        nodes.append(node.name)
        if reason:
            reasons[reason] = None

    def message(self, graph: Graph) -> str:
        """All of it at once, in the user's own names."""
        total = len({node.op for node in graph.nodes})
        name, verb = graph.info.get("name", "the network"), "is" if len(self.of) == 1 else "are"
        lines = [f"Cannot convert {name}: {len(self.of)} of {total} op types {verb} not supported."]
        width = max(map(len, self.of))
        for op, (nodes, reasons) in self.of.items():
            count = f"{len(nodes)} node{'s' if len(nodes) > 1 else ''}"
            shown = ", ".join(nodes[:_SHOWN]) + (", ..." if len(nodes) > _SHOWN else "")
            why = f"   ({'; '.join(reasons)})" if reasons else ""
            lines.append(f"  {op:<{width}}   {count:<9} {shown}{why}")
        lines.append(
            "Add one: a function in src/tf2torch/ops/<family>.py and a row in tests/ops/cases; "
            "docs/adding-an-op.md shows how."
        )
        return "\n".join(lines)
