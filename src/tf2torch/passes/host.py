"""Arithmetic of sizes: what TensorFlow computes with tensors of integers, and PyTorch with Python ints.

Every value is an object array whose elements are numbers or, where the size is known only when the network runs,
expressions of `size(x, axis)`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf2torch.ir.types import Graph, Node, Value
from tf2torch.numerals import shortest
from tf2torch.ops import registry
from tf2torch.ops.expr import Expr, Var, size
from tf2torch.passes.rewrite import positional

Array = np.ndarray[Any, Any]
LARGEST = 1024  # elements: sizes are few, and what is more is no arithmetic of sizes
_LAST_FIXED = 4  # from this rank on a value is an image: its sizes are those of the input, but for its channels


def evaluate(graph: Graph) -> dict[Value, Array]:
    """The values that are known, or are arithmetic of sizes. Constants are there as they are."""
    known: dict[Value, Array] = {}
    everywhere = channels_are_last(graph)
    fixed = set(graph.params)
    for node in graph.nodes:
        if node.op == "Const":
            known[node.output] = np.asarray(node.attrs["value"])
            fixed.add(node.output)
        elif node.op in _OF_SHAPES:
            orders = node.attrs.get("order", (None,) * len(node.inputs))  # as passes.layout leaves it
            channels_last = node.attrs.get("channels_last", everywhere)
            shapes = [
                dimensions(value, value in fixed, channels_last, order)
                for value, order in zip(node.inputs, orders, strict=True)
            ]
            if all(shape is not None for shape in shapes):
                results = [_OF_SHAPES[node.op](_array(shape)) for shape in shapes]
                known.update(zip(node.outputs, results, strict=True))
        elif node.op in _ARITHMETIC and all(_is_small(known.get(value)) for value in node.inputs):
            known.update(_arithmetic(node, known))
    return known


def dimensions(value: Value, is_fixed: bool, channels_last: bool, order: tuple[int, ...] | None) -> list[Any] | None:
    """TensorFlow's shape of a value, in numbers where these hold for every input; None if its rank is not known.

    order: axis i in memory is TensorFlow's axis order[i].

    The height and width of an image depend on the input, even if they were known at conversion: the generated
    network runs at other sizes too.
    """
    shape = value.type.shape
    if shape is None:
        return None
    positions = [order.index(axis) if order else axis for axis in range(len(shape))]
    follows_input = len(shape) >= _LAST_FIXED and not is_fixed
    return [
        size(Var(value), at)
        if shape[at] is None or (follows_input and not (channels_last and axis == len(shape) - 1))
        else shape[at]
        for axis, at in enumerate(positions)
    ]


def channels_are_last(graph: Graph) -> bool:
    """Whether every image in a graph of TensorFlow's has its channels last, as far as one can tell."""
    return not any(map(_moves_channels, graph.nodes))


def _moves_channels(node: Node) -> bool:
    if node.op == "Transpose":
        return tuple(node.attrs.get("perm", ()))[-1:] != (len(node.output.type.shape or ()) - 1,)
    return str(node.attrs.get("data_format", "")).startswith("NC")


def _is_small(array: Array | None) -> bool:
    return array is not None and array.size <= LARGEST and (array.dtype == object or array.dtype.kind in "iufb")


def _arithmetic(node: Node, known: Mapping[Value, Array]) -> dict[Value, Array]:
    """The outputs of a node; nothing where it is more than PyTorch does with Python ints."""
    try:
        results = _ARITHMETIC[node.op](node, *_operands(node, known))
    except (TypeError, ValueError, IndexError, ZeroDivisionError, np.exceptions.AxisError):
        return {}
    arrays = results if isinstance(results, list) else [results]
    return dict(zip(node.outputs, map(_array, arrays), strict=True))


def _operands(node: Node, known: Mapping[Value, Array]) -> list[Array]:
    """What a node is given, in TensorFlow's order; statics that are attributes already are among it."""
    handler = registry.handlers().get(node.op)
    given = [_objects(known[value]) for value in node.inputs]
    moved = [name for name in handler.statics if name in node.attrs] if handler is not None else []
    if not moved:
        return given
    names = positional(node.op)
    spare = len(given) + len(moved) - sum(not name.startswith("*") for name in names)  # what the list of tensors takes
    operands: list[Array] = []
    for name in names:
        count = spare if name.startswith("*") else 1
        if name in moved:
            operands.append(np.array(node.attrs[name], object))
        else:
            operands, given = [*operands, *given[:count]], given[count:]
    return operands


def _objects(array: Array) -> Array:
    if array.dtype == object:
        return array
    result = np.empty(array.shape, object)
    for index, item in np.ndenumerate(array):
        result[index] = shortest(item) if array.dtype == np.float32 else item.item()
    return result


def _array(value: Any) -> Array:
    """An object array of what is one, a list of elements, or an element."""
    if isinstance(value, np.ndarray):
        return value
    result = np.empty((len(value),) if isinstance(value, list) else (), object)
    result[...] = value
    return result


def _is(value: Any, number: int) -> bool:
    return not isinstance(value, Expr) and bool(value == number)


def _add(a: Any, b: Any) -> Any:
    return a if _is(b, 0) else b if _is(a, 0) else a + b


def _sub(a: Any, b: Any) -> Any:
    return a if _is(b, 0) else a - b


def _mul(a: Any, b: Any) -> Any:
    a, b = _whole(a, b), _whole(b, a)
    return a if _is(b, 1) else b if _is(a, 1) else 0 if _is(a, 0) or _is(b, 0) else a * b


def _whole(number: Any, other: Any) -> Any:
    """A float that multiplies a size: only a whole one leaves it a size."""
    if isinstance(number, float) and isinstance(other, Expr):
        if not number.is_integer():
            raise ValueError(f"{number} times a size is no size")
        return int(number)
    return number


def _floordiv(a: Any, b: Any) -> Any:
    return a if _is(b, 1) else a // b


def _true_division(a: Any, b: Any) -> Any:
    if isinstance(a, Expr) or isinstance(b, Expr):
        raise TypeError("a size divided is no size")
    return a / b if isinstance(a, float) else int(a / b)


def _cast(node: Node, x: Array) -> Array:
    dtype = np.dtype(node.output.type.dtype)
    return _each(lambda item: item if isinstance(item, Expr) else dtype.type(item).item(), x)


def _each(function: Callable[..., Any], *arrays: Array) -> Array:
    return _array(np.frompyfunc(function, len(arrays), 1)(*arrays))


def _pairwise(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda _, x, y: _each(function, x, y)


def _reduction(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    step = np.frompyfunc(function, 2, 1)

    def reduce(node: Node, x: Array, axes: Array) -> Array:
        keep = bool(node.attrs.get("keep_dims", False))
        for axis in sorted({int(axis) % x.ndim for axis in axes.flat}, reverse=True):
            x = _array(step.reduce(x, axis, keepdims=keep))
        return x

    return reduce


def _strided_slice(node: Node, x: Array, begin: Array, end: Array, strides: Array) -> Any:
    index: list[Any] = []
    for position in range(begin.size):

        def marked(mask: str, bit: int = 1 << position) -> bool:
            return bool(node.attrs.get(mask, 0) & bit)

        if marked("ellipsis_mask"):
            index.append(...)
        elif marked("new_axis_mask"):
            index.append(None)
        elif marked("shrink_axis_mask"):
            index.append(operator.index(begin[position]))
        else:
            first = None if marked("begin_mask") else begin[position]
            index.append(slice(first, None if marked("end_mask") else end[position], strides[position]))
    return x[tuple(index)]


def _slice(_: Node, x: Array, begin: Array, lengths: Array) -> Array:
    ends = (None if n == -1 else b + n for b, n in zip(begin, lengths, strict=True))
    result: Array = x[tuple(slice(b, end) for b, end in zip(begin, ends, strict=True))]
    return result


def _unpack(node: Node, x: Array) -> list[Any]:
    return list(np.moveaxis(x, node.attrs.get("axis", 0), 0))


def _squeeze(node: Node, x: Array) -> Array:
    return np.squeeze(x, tuple(node.attrs.get("squeeze_dims", ())) or None)


def _pack(node: Node, *items: Array) -> Array:
    return np.stack(items, node.attrs.get("axis", 0))


def _gather(_: Node, x: Array, indices: Array, axis: Array | None = None) -> Any:
    return np.take(x, indices.astype(int), 0 if axis is None else axis.item())


def _fill(_: Node, shape: Array, value: Array) -> Array:
    return np.full(tuple(shape.astype(int)), value[()], object)


def _range(_: Node, start: Array, limit: Array, delta: Array) -> Array:
    return _array(list(range(*(operator.index(item[()]) for item in (start, limit, delta)))))


def _product(shape: Array) -> Array:
    result: Any = 1
    for item in shape:
        result = _mul(result, item)
    return _array(result)


_OF_SHAPES: dict[str, Callable[[Array], Array]] = {
    "Shape": lambda shape: shape,
    "ShapeN": lambda shape: shape,
    "Rank": lambda shape: _array(len(shape)),
    "Size": _product,
}
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Add": _pairwise(_add),
    "AddV2": _pairwise(_add),
    "Sub": _pairwise(_sub),
    "Mul": _pairwise(_mul),
    "FloorDiv": _pairwise(_floordiv),
    "RealDiv": _pairwise(_true_division),
    "FloorMod": _pairwise(lambda a, b: a % b),
    "Maximum": _pairwise(max),
    "Minimum": _pairwise(min),
    "Neg": lambda _, x: _each(lambda item: -item, x),
    "Prod": _reduction(_mul),
    "Sum": _reduction(_add),
    "Max": _reduction(max),
    "Min": _reduction(min),
    "Cast": _cast,
    "Identity": lambda _, x: x,
    "StridedSlice": _strided_slice,
    "Slice": _slice,
    "Pack": _pack,
    "Unpack": _unpack,
    "ConcatV2": lambda _, *items: np.concatenate(items[:-1], items[-1].item()),
    "Concat": lambda _, axis, *items: np.concatenate(items, axis.item()),
    "Reshape": lambda _, x, shape: x.reshape(tuple(shape.astype(int))),
    "ExpandDims": lambda _, x, axis: np.expand_dims(x, axis.item()),
    "Squeeze": _squeeze,
    "Gather": _gather,
    "GatherV2": _gather,
    "Fill": _fill,
    "Range": _range,
}
