"""Where the channels stand: PyTorch has them second, TensorFlow last.

One sweep, forwards. Each op says in one word what it wants (`ops.registry.Layout`); a node "permute" is inserted
where a value has another order of axes than its reader wants, once for each value and order. From here on a value's
shape is that in memory, and its view says how it is TensorFlow's tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tf2torch.ir.types import Attr, Graph, Node, Ref, TensorType, Value
from tf2torch.ops import registry
from tf2torch.passes import grouping, host, slices
from tf2torch.passes.rewrite import arguments

Axes = tuple[int, ...]  # axis i in memory is TensorFlow's axis axes[i]; None where the order is TensorFlow's
_OF_SHAPES = frozenset({"Shape", "ShapeN", "Size", "Rank"})


def layout(graph: Graph) -> Graph:
    """Images stand channels first from the input to the outputs, as far as the ops between them let them.

    Before:
        input %x: float32[?, 8, 9, 3]
        param %w: float32[1, 1, 3, 4] trainable
        %y: float32[?, 8, 9, 4] = Conv2D(%x, %w, strides=(1, 1, 1, 1), padding="VALID")
        %z: float32[?, 8, 9, 4] = Relu(%y)
        %flat: float32[?, 288] = Reshape(%z, shape=(-1, 288))
        output %z
        output %flat
    After:
        input %x: float32[?, 3, 8, 9] ~permute(0, 3, 1, 2)
        param %w: float32[1, 1, 3, 4] trainable
        %y: float32[?, 4, 8, 9] ~permute(0, 3, 1, 2) = Conv2D(%x, %w, strides=(1, 1, 1, 1), padding="VALID")
        %z: float32[?, 4, 8, 9] ~permute(0, 3, 1, 2) = Relu(%y)
        %z.0123: float32[?, 8, 9, 4] = permute(%z, axes=(0, 2, 3, 1))
        %flat: float32[?, 288] = Reshape(%z.0123, shape=(-1, 288))
        output %z
        output %flat
    """
    sweep = _Sweep(graph)
    for node in graph.nodes:
        sweep.visit(node)
    return sweep.result()


def channels_first(rank: int) -> Axes:
    return (0, rank - 1, *range(1, rank - 1))


class _Sweep:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.order: dict[Value, Axes | None] = {}  # of TensorFlow's values: how they stand in memory
        self.latest: dict[Value, Value] = {value: value for value in graph.params}  # what stands for them
        self.made: dict[tuple[Value, Axes | None, int], Value] = {}
        self.names = {value.name for value in graph.values()}
        self.channels_last = host.channels_are_last(graph)
        users = graph.users()
        for value in graph.inputs:
            first = _starts_channels_first(value, users, frozenset(graph.outputs))
            self.set(value, channels_first(len(value.type.shape or ())) if first else None)

    def result(self) -> Graph:
        return replace(
            self.graph,
            inputs=tuple(self.latest[value] for value in self.graph.inputs),
            outputs=tuple(self.latest[value] for value in self.graph.outputs),
            nodes=tuple(self.nodes),
        )

    def set(self, value: Value, axes: Axes | None) -> Value:
        """Says how TensorFlow's value stands in memory, and gives what stands for it."""
        axes = None if axes is not None and axes == tuple(range(len(axes))) else axes
        self.order[value] = axes
        self.latest[value] = value if axes is None else _permuted(value, value.name, axes)
        return self.latest[value]

    def emit(self, node: Node, inputs: Sequence[Value], orders: Sequence[Axes | None], **attrs: Attr) -> None:
        outputs = tuple(self.set(value, axes) for value, axes in zip(node.outputs, orders, strict=True))
        changed = MappingProxyType({**node.attrs, **attrs}) if attrs else node.attrs
        self.nodes.append(replace(node, inputs=tuple(inputs), outputs=outputs, attrs=changed))

    def as_it_is(self, value: Value) -> Axes | None:
        return self.order.get(value)

    def standing(self, value: Value, axes: Axes | None, reader: Node) -> Value:
        """The value in this order of axes."""
        have, source = self.as_it_is(value), self.latest[value]
        if have == axes:
            return source
        rank = len(source.type.shape or ())
        now, then = have or tuple(range(rank)), axes or tuple(range(rank))
        if (value, axes, rank) not in self.made:
            moves = tuple(now.index(axis) for axis in then)
            result = _permuted(source, self.name(value, then), moves)
            self.insert("permute", source, result, reader, axes=moves)
            self.made[value, axes, rank] = result
        return self.made[value, axes, rank]

    def broadcast(self, value: Value, axes: Axes, reader: Node) -> Value:
        """A value of lower rank so that it broadcasts with those that stand in this order: [C] becomes [C, 1, 1]."""
        source = self.standing(value, None, reader)
        if (value, axes, len(axes)) not in self.made:
            shape = source.type.shape or ()
            full = (*(1,) * (len(axes) - len(shape)), *shape)
            target = tuple(full[axis] for axis in axes)
            name = self.name(value, axes)
            moved = [axis for axis in axes if full[axis] != 1]
            if moved == sorted(moved) and shape.count(None) <= 1:  # nothing passes anything else
                while target[0] == 1:
                    target = target[1:]
                result = _reshaped(source, name, target)
                self.insert("reshape", source, result, reader, shape=_sizes(target))
            else:
                whole = _reshaped(source, f"{name}.whole", full)
                self.insert("reshape", source, whole, reader, shape=_sizes(full))
                result = _permuted(whole, name, axes)
                self.insert("permute", whole, result, reader, axes=axes)
            self.made[value, axes, len(axes)] = result
        return self.made[value, axes, len(axes)]

    def name(self, value: Value, axes: Axes) -> str:
        """A name for a value in another order, which nothing else in the graph has."""
        name = f"{value.name}.{''.join(map(str, axes))}"
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def insert(self, op: str, source: Value, result: Value, reader: Node, **attrs: Attr) -> None:
        self.nodes.append(Node(op, (source,), (result,), MappingProxyType(attrs), reader.scope, reader.origin))

    def visit(self, node: Node) -> None:
        handler = registry.handlers().get(node.op)
        kind = handler.layout.kind if handler is not None else "opaque"
        if node.op in _OF_SHAPES:
            orders = tuple(map(self.as_it_is, node.inputs))
            attrs: dict[str, Attr] = {"order": orders} if any(orders) else {}  # which axis is which, for passes.sizes
            if not self.channels_last:
                attrs["channels_last"] = False
            self.emit(node, [self.latest[value] for value in node.inputs], [None] * len(node.outputs), **attrs)
            return
        done = False
        if node.op == "Transpose":
            done = self.absorb(node)
        elif node.op == "Reshape":
            done = self.regroup(node)
        elif node.op == "StridedSlice":
            done = self.slice(node)
        elif handler is not None and kind == "channels":
            done = self.channels(node, handler)
        elif handler is not None and kind == "axes":
            done = self.along(node, handler)
        elif kind == "elementwise":
            done = self.elementwise(node)
        if not done:
            inputs = [self.standing(value, None, node) for value in node.inputs]
            self.emit(node, inputs, [None] * len(node.outputs))

    def absorb(self, node: Node) -> bool:
        """A transpose of what does not stand in TensorFlow's order moves nothing: it says how memory is to be seen."""
        value = node.inputs[0]
        axes, perm = self.as_it_is(value), node.attrs.get("perm")
        if axes is None or perm is None:
            return False
        seen: Axes | None = tuple(tuple(perm).index(axis) for axis in axes)
        seen = None if seen == tuple(range(len(axes))) else seen
        if seen is not None and node.output in self.graph.outputs:
            return False
        self.order[node.output], self.latest[node.output] = seen, self.latest[value]
        return True

    def regroup(self, node: Node) -> bool:
        """A reshape that splits channels into groups, or joins them again, where they stand."""
        value, result = node.inputs[0], node.output
        if self.as_it_is(value) is None:
            return False
        before, after = value.type.shape or (), result.type.shape or ()
        if grouping.splits(before, after):
            axes, op = channels_first(len(before)), "unflatten"
            seen = grouping.groups_first(len(after), len(before) - 1)
            attrs: dict[str, Attr] = {"axis": 1, "sizes": after[len(before) - 1 :]}
        elif grouping.splits(after, before):
            axes, op = grouping.groups_first(len(before), len(after) - 1), "flatten"
            seen = channels_first(len(after))
            attrs = {"start": 1, "end": len(before) - len(after) + 1}
        else:
            return False
        new = replace(node, op=op, attrs=MappingProxyType(attrs))
        self.emit(new, [self.standing(value, axes, node)], [seen])
        return True

    def slice(self, node: Node) -> bool:
        axes = self.as_it_is(node.inputs[0])
        found = slices.reordered(node.attrs, axes) if axes is not None else None
        if axes is None or found is None:
            return False
        attrs, gone = found
        self.emit(node, [self.latest[node.inputs[0]]], [_without(axes, gone)], **attrs)
        return True

    def channels(self, node: Node, handler: registry.Handler) -> bool:
        images = _images(handler) if _is_channels_last(node) else ()

        def wanted(value: Value) -> Axes | None:
            return channels_first(_rank(value)) if images and _rank(value) > 2 else None

        inputs = [
            self.standing(value, wanted(value) if name in images else None, node)
            for name, values in arguments(node).items()
            for value in values
        ]
        self.emit(node, inputs, [wanted(value) for value in node.outputs])
        return True

    def elementwise(self, node: Node) -> bool:
        rank = _rank(node.outputs[0])
        if rank < 0 or any(_rank(value) < 0 for value in node.inputs):
            return False
        axes = self.joined(node.inputs, rank)
        if axes is None:
            return False
        inputs = []
        for value in node.inputs:
            if all(n == 1 for n in value.type.shape or ()):
                inputs.append(self.latest[value])
            elif _rank(value) == rank:
                inputs.append(self.standing(value, axes, node))
            else:
                inputs.append(self.broadcast(value, axes, node))
        self.emit(node, inputs, [axes if _rank(value) == rank else None for value in node.outputs])
        return True

    def joined(self, values: Sequence[Value], rank: int) -> Axes | None:
        """The first order that is not TensorFlow's."""
        orders = (self.as_it_is(value) for value in values if _rank(value) == rank)
        return next((axes for axes in orders if axes is not None), None)

    def along(self, node: Node, handler: registry.Handler) -> bool:
        """Ops that go along axes: they follow their tensors, and the axes are renamed."""
        given = arguments(node)
        tensors = given[handler.tensors[0].removeprefix("*")]
        rank = _rank(tensors[0])
        if not handler.layout.axes and not handler.layout.per_axis:
            tensors = node.inputs
        axes = self.joined(tensors, rank)
        if axes is None:
            return False
        attrs = {**handler.attrs, **node.attrs}
        try:
            renamed = {name: _renamed(attrs[name], axes) for name in handler.layout.axes}
            renamed |= {name: _reordered(attrs[name], axes) for name in handler.layout.per_axis}
        except (KeyError, TypeError, ValueError):  # not known before the network runs
            return False
        orders = [_remaining(axes, rank, _rank(value), handler, attrs, tensors[0]) for value in node.outputs]
        if None in orders:
            return False
        inputs = [
            self.standing(value, axes if value in tensors and _rank(value) == rank else None, node)
            for value in node.inputs
        ]
        self.emit(node, inputs, orders, **renamed)
        return True


def _remaining(
    axes: Axes, rank: int, result: int, handler: registry.Handler, attrs: Mapping[str, Attr], tensor: Value
) -> Axes | None:
    """The order of what an op leaves of its axes; None where it makes new ones."""
    if result == rank:
        return axes
    gone: set[int] = set()
    for name in handler.layout.axes:
        named = attrs[name]
        gone |= {axis % rank for axis in ((named,) if isinstance(named, int) else named or ())}
    if not gone:  # Squeeze without axes
        gone = {axis for axis, n in enumerate(tensor.type.shape or ()) if n == 1}
    return _without(axes, gone) if rank - len(gone) == result else None


def _without(axes: Axes, gone: set[int]) -> Axes:
    """The order of the axes that are left, numbered anew."""
    left = [axis for axis in axes if axis not in gone]
    return tuple(sorted(left).index(axis) for axis in left)


def _renamed(named: Any, axes: Axes) -> Any:
    """An axis of TensorFlow's, or several of them, in memory."""
    if isinstance(named, int):
        return axes.index(named % len(axes))
    return None if named is None else tuple(axes.index(axis % len(axes)) for axis in named)


def _reordered(entries: Any, axes: Axes) -> Any:
    """What has one entry for each axis, in memory's order."""
    if len(entries) != len(axes):
        raise ValueError(f"{len(entries)} entries for {len(axes)} axes")
    return tuple(entries[axis] for axis in axes)


def _starts_channels_first(value: Value, users: Mapping[Value, list[Node]], outputs: frozenset[Value]) -> bool:
    """Whether all that is read of an input goes to ops that want the channels first, through ops that do not care."""
    readers = [node for node in users.get(value, ()) if node.op not in _OF_SHAPES]
    if _rank(value) not in (3, 4, 5) or value in outputs or not readers:
        return False
    return all(_wants_channels_first(node, value, users, outputs) for node in readers)


def _wants_channels_first(
    node: Node, value: Value, users: Mapping[Value, list[Node]], outputs: frozenset[Value]
) -> bool:
    handler = registry.handlers().get(node.op)
    axes = channels_first(_rank(value))
    if node.op == "Transpose":
        return node.attrs.get("perm") == axes
    if handler is not None and handler.layout.kind == "channels":
        given = arguments(node)
        return _is_channels_last(node) and any(value in given.get(name, ()) for name in _images(handler))
    if handler is None or not _follows(node, value, handler, axes):
        return False
    return all(
        _rank(output) == _rank(value) and _starts_channels_first(output, users, outputs) for output in node.outputs
    )


def _follows(node: Node, value: Value, handler: registry.Handler, axes: Axes) -> bool:
    """Whether an op takes the value in whatever order it stands."""
    if node.op == "StridedSlice":
        return slices.reordered(node.attrs, axes) is not None
    if handler.layout.kind == "axes":
        named = (*handler.layout.axes, *handler.layout.per_axis)
        return value in node.inputs[:1] and all(name in {**handler.attrs, **node.attrs} for name in named)
    return handler.layout.kind == "elementwise"


def _images(handler: registry.Handler) -> tuple[str, ...]:
    """The parameters that an op of images wants channels first."""
    return handler.layout.images or (handler.tensors[0].removeprefix("*"),)


def _is_channels_last(node: Node) -> bool:
    return not str(node.attrs.get("data_format", "NHWC")).startswith("NC")


def _rank(value: Value) -> int:
    """-1 where it is not known."""
    return -1 if value.type.shape is None else len(value.type.shape)


def _permuted(value: Value, name: str, axes: Axes) -> Value:
    shape = tuple((value.type.shape or ())[axis] for axis in axes)
    ref = None if value.ref is None else Ref(value.ref.tensor, value.ref.view.permute(axes))
    return Value(name, TensorType(value.type.dtype, shape), ref)


def _reshaped(value: Value, name: str, target: tuple[int | None, ...]) -> Value:
    ref = None
    if value.ref is not None and value.type.shape is not None and target.count(None) <= 1:
        ref = Ref(value.ref.tensor, value.ref.view.reshape(_sizes(value.type.shape), _sizes(target)))
    return Value(name, TensorType(value.type.dtype, target), ref)


def _sizes(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(-1 if n is None else n for n in shape)
