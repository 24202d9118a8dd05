"""A graph as text, one line a node, and back. Passes show Before and After in it, and tests compare it.

    input %x: float32[?, 8, 8, 3]
    param %w: float32[3, 3, 3, 4] trainable
    %y: float32[?, 8, 8, 4] = Conv2D(%x, %w, strides=(1, 1, 1, 1), padding="SAME")
    %z: float32[?, 4, 8, 8] ~permute(0, 3, 1, 2) = F.relu(%y, inplace=False)
    output %z

What follows ~ is the view through which the value is TensorFlow's tensor.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tf2torch.ir.types import Attr, Graph, Node, Param, Ref, Slot, TensorType, Value
from tf2torch.ir.views import Permute, View
from tf2torch.ops.expr import Call, Constant, Var

LONGEST_ARRAY = 16  # elements of it that are printed


def text(graph: Graph) -> str:
    """The whole graph. The same graph gives the same text."""
    lines = [f"input {_declared(value)}" for value in graph.inputs]
    lines += [f"param {_declared(value)} {param.kind}" for value, param in graph.params.items()]
    lines += [node_text(node) for node in graph.nodes]
    lines += [f"output %{value.name}" for value in graph.outputs]
    return "\n".join(lines)


def node_text(node: Node) -> str:
    """One node: %output: type = op(arguments)."""
    if is_torch(node):
        names = [f"%{value.name}" for value in node.inputs]
        arguments = [_argument(value, names) for value in node.attrs["args"]]
        arguments += [f"{name}={_argument(value, names)}" for name, value in node.attrs["kwargs"].items()]
    else:
        arguments = [f"%{value.name}" for value in node.inputs]
        arguments += [f"{name}={_argument(value, [])}" for name, value in node.attrs.items()]
    return f"{', '.join(map(_declared, node.outputs))} = {node.op}({', '.join(arguments)})"


def is_torch(node: Node) -> bool:
    """Whether the node is of the torch dialect: its op is a callable such as F.relu."""
    return "." in node.op


def _declared(value: Value) -> str:
    return f"%{value.name}: {value.type}{_view(value.ref.view) if value.ref else ''}"


def _view(view: View) -> str:
    steps = (
        f"permute({', '.join(map(str, step.axes))})"
        if isinstance(step, Permute)
        else f"reshape({', '.join(map(str, step.target))})"
        for step in view.steps
    )
    return "".join(f" ~{step}" for step in steps)


def _argument(argument: Attr, names: list[str]) -> str:
    def inner(item: Attr) -> str:
        return _argument(item, names)

    match argument:
        case Slot(index):
            return names[index]
        case Var(value):
            return f"%{value.name}"
        case Call(function, args, kwargs):
            return f"{function}({', '.join([*map(inner, args), *(f'{name}={inner(v)}' for name, v in kwargs)])})"
        case Constant(name):
            return name
        case slice():
            return f"slice({inner(argument.start)}, {inner(argument.stop)}, {inner(argument.step)})"
        case tuple():
            return f"({', '.join(map(inner, argument))}{',' if len(argument) == 1 else ''})"
        case list():
            return f"[{', '.join(map(inner, argument))}]"
        case Mapping():
            return f"{{{', '.join(f'{name!r}: {inner(value)}' for name, value in argument.items())}}}"
        case np.ndarray():
            elements = str(argument.tolist()) if argument.size <= LONGEST_ARRAY else str(list(argument.shape))
            return f'{"array" if argument.size <= LONGEST_ARRAY else "long_array"}("{argument.dtype.name}", {elements})'
        case str():
            return f'"{argument}"'
    return repr(argument)


_NAME = r"%([\w./:\-]+)"
_DECLARED = re.compile(rf"{_NAME}: (\w+)\[([^\]]*)\]")


def parse(source: str) -> Graph:
    """The graph of a text. Views are none, and every node's name is that of its first output.

    Raises ValueError for a line that is not one of a graph.
    """
    values: dict[str, Value] = {}
    inputs: list[Value] = []
    outputs: list[Value] = []
    nodes: list[Node] = []
    params: dict[Value, Param] = {}
    for line in filter(None, map(str.strip, source.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "output":
            outputs.append(values[rest.removeprefix("%")])
            continue
        declared = [_value(*found) for found in _DECLARED.findall(line.partition(" = ")[0])]
        if not declared:
            raise ValueError(f"not a line of a graph: {line}")
        values.update({value.name: value for value in declared})
        if word == "input":
            inputs += declared
        elif word == "param":
            params[declared[0]] = Param(Ref(declared[0].name), rest.rpartition(" ")[2])  # type: ignore[arg-type]  # test
        else:
            nodes.append(_node(line.partition(" = ")[2], tuple(declared), values))
    return Graph(tuple(inputs), tuple(outputs), tuple(nodes), params)


def _value(name: str, dtype: str, axes: str) -> Value:
    shape = None if axes == "*" else tuple(None if n == "?" else int(n) for n in axes.split(", ") if n)
    return Value(name, TensorType(dtype, shape), Ref(name))


def _node(source: str, outputs: tuple[Value, ...], values: Mapping[str, Value]) -> Node:
    tree = ast.parse(re.sub(_NAME, r'_["\1"]', source), mode="eval").body
    if not isinstance(tree, ast.Call):
        raise ValueError(f"not a call: {source}")
    op = ast.unparse(tree.func)
    inputs: list[Value] = []

    def slot(value: Value) -> Slot:
        if value not in inputs:
            inputs.append(value)
        return Slot(inputs.index(value))

    if "." in op:
        args = tuple(_parsed(arg, values, slot) for arg in tree.args)
        kwargs = {str(word.arg): _parsed(word.value, values, slot) for word in tree.keywords}
        attrs: dict[str, Attr] = {"args": args, "kwargs": kwargs}
    else:
        inputs = [_parsed(arg, values, lambda value: value) for arg in tree.args]
        attrs = {str(word.arg): _parsed(word.value, values, Var) for word in tree.keywords}
    name = outputs[0].name
    return Node(op, tuple(inputs), outputs, MappingProxyType(attrs), tuple(name.split("/")[:-1]), (name,))


def _parsed(tree: ast.expr, values: Mapping[str, Value], tensor: Callable[[Value], Any]) -> Any:
    def inner(item: ast.expr) -> Any:
        return _parsed(item, values, tensor)

    match tree:
        case ast.Subscript(slice=ast.Constant(value=name)):
            return tensor(values[str(name)])
        case ast.Tuple(elts=elements):
            return tuple(map(inner, elements))
        case ast.List(elts=elements):
            return list(map(inner, elements))
        case ast.Dict(keys=keys, values=elements):
            return {ast.literal_eval(key): inner(item) for key, item in zip(keys, elements, strict=True) if key}
        case ast.Call(func=ast.Name(id="slice"), args=args):
            return slice(*map(inner, args))
        case ast.Call(func=ast.Name(id="array"), args=[dtype, elements]):
            return np.array(inner(elements), inner(dtype))
        case ast.Call(func=called, args=args, keywords=keywords):
            return Call(
                ast.unparse(called),
                tuple(map(inner, args)),
                tuple((str(word.arg), inner(word.value)) for word in keywords),
            )
        case ast.Attribute():
            return Constant(ast.unparse(tree))
    return ast.literal_eval(tree)
