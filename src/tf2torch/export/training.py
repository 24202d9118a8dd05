"""What only training needs, taken out: switches, pipelines, dropout, statistics of the batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from tf2torch.export.definition import Definition, Tensor, tensor
from tf2torch.export.tensorflow import tf
from tf2torch.numerals import shortest

_PIPELINES = ("QueueDequeue", "QueueDequeueMany", "QueueDequeueUpTo", "IteratorGetNext", "IteratorGetNextSync")
_TRUTHS: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("Identity", "Squeeze", "Reshape", "Cast"), lambda x, *_: x),
    "LogicalNot": np.logical_not,
    "LogicalAnd": np.logical_and,
    "LogicalOr": np.logical_or,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
    "Greater": np.greater,
    "Less": np.less,
}
_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
_UNIFORM = ("RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2")
_TO_MASK = ("Cast", "Floor", "Add", "AddV2", "Mul", "Sub", "GreaterEqual", "Identity", "RealDiv")


def resolve_flags(graph: Definition, inputs: Collection[Tensor]) -> None:
    """Placeholders like is_training are false. One with a default is an input if it has axes, else its default."""
    for name, node in list(graph.nodes.items()):
        if Tensor(name) in inputs or node.op not in ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault"):
            continue
        shape, dtype = node.attr["shape"].shape, node.attr["dtype"].type
        scalar = shape.unknown_rank or not shape.dim
        if dtype == tf.bool.as_datatype_enum and scalar:
            graph.constant(name, np.array(False))
        elif node.op == "PlaceholderV2" or (node.op == "PlaceholderWithDefault" and not scalar):
            graph.placeholder(name, dtype, shape)
        elif node.op == "PlaceholderWithDefault":
            node.attr["T"].type = dtype
            graph.alias(name, graph.inputs(name)[0])


def resolve_switches(graph: Definition) -> None:
    """Takes the branch that a known predicate chooses; tf.cond is a Switch into each branch and a Merge out of them."""
    passed: dict[Tensor, Tensor] = {}  # what the living output of a Switch is
    closed: set[Tensor] = set()  # its other output
    dead: set[str] = set()
    for name in graph.order():
        node = graph.nodes[name]
        inputs = [passed.get(item, item) for item in graph.inputs(name)]
        graph.set_inputs(name, inputs)
        living = [item for item in inputs if item not in closed and item.node not in dead]
        if node.op in ("Merge", "RefMerge") and living:
            if len(living) == 1 < len(inputs):
                graph.alias(name, living[0])
        elif len(living) < len(inputs):
            dead.add(name)
        elif node.op in ("Switch", "RefSwitch"):
            chosen = _truth(graph, inputs[1])
            if chosen is not None:
                passed[Tensor(name, int(chosen))] = inputs[0]
                closed.add(Tensor(name, int(not chosen)))
    graph.redirect(passed)
    for name in dead | {item.node for item in closed}:
        del graph.nodes[name]


def _truth(graph: Definition, item: Tensor) -> bool | None:
    """The value of a predicate; None if it is not known before the graph runs."""
    value = _known(graph, item)
    return None if value is None or value.size != 1 else bool(value.ravel()[0])


def _known(graph: Definition, item: Tensor) -> Any:
    node = graph.producer(item)
    if node.op == "Const":
        return tf.make_ndarray(node.attr["value"].tensor)
    compute = _TRUTHS.get(node.op)
    if compute is None:
        return None
    values = [_known(graph, source) for source in graph.inputs(item.node)]
    return None if any(value is None for value in values) else np.asarray(compute(*values))


def cut_pipelines(graph: Definition) -> None:
    """What comes out of a queue or an iterator is an input, of any batch size."""
    replacements = {}
    for item in list(graph.users()):
        node = graph.nodes[item.node]
        if node.op.removesuffix("V2") in _PIPELINES:
            dtypes = node.attr["component_types"].list.type or node.attr["output_types"].list.type
            name = f"{item.node}/output_{item.output}"
            noted = _shape(graph, node, item.output)
            shape = None if noted.rank is None else noted.as_list()
            opened = tf.TensorShape(shape and [None, *shape[1:]])
            graph.placeholder(name, dtypes[item.output], opened.as_proto())
            replacements[item] = Tensor(name)
            if shape and shape[0] is not None:
                _open_batch(graph, item, shape[0])
    graph.redirect(replacements)
    for node in graph.nodes.values():  # TensorFlow would hold the graph to them
        node.attr.pop("_output_shapes", None)


def _shape(graph: Definition, node: Any, output: int) -> Any:
    """As TensorFlow noted it in the graph, or as the queue has it; else unknown."""
    noted = node.attr["_output_shapes"].list.shape or node.attr["output_shapes"].list.shape
    shape = tf.TensorShape(noted[output]) if output < len(noted) else tf.TensorShape(None)
    if shape.rank is None and node.op.startswith("Queue"):
        queue, *count = (graph.producer(item) for item in graph.inputs(node.name))
        shapes = queue.attr["shapes"].list.shape
        if output < len(shapes):
            batch = [_constant(count[0])] if count else []
            shape = tf.TensorShape(batch).concatenate(tf.TensorShape(shapes[output]))
    return shape


def _constant(node: Any) -> int | None:
    return int(tf.make_ndarray(node.attr["value"].tensor)) if node.op == "Const" else None


def _open_batch(graph: Definition, item: Tensor, batch: int) -> None:
    """Lets reshapes to a fixed batch, which TensorFlow has made of x.shape, keep whatever batch there is."""
    depending = {item.node}
    for name in graph.order():
        node, inputs = graph.nodes[name], graph.inputs(name)
        if not any(source.node in depending for source in inputs):
            continue
        depending.add(name)
        if node.op != "Reshape" or graph.producer(inputs[1]).op != "Const":
            continue
        shape = tf.make_ndarray(graph.producer(inputs[1]).attr["value"].tensor)
        if shape.size and shape[0] == batch and -1 not in shape:
            graph.constant(f"{name}/any_batch", np.array([-1, *shape[1:]], shape.dtype))
            graph.set_inputs(name, [inputs[0], Tensor(f"{name}/any_batch")])


def remove_dropout(graph: Definition) -> None:
    """X * scale * mask, where the mask compares a uniform random number, is x."""
    for name, node in list(graph.nodes.items()):
        inputs = graph.inputs(name)
        if node.op == "Mul":
            masks = [index for index, item in enumerate(inputs) if _is_mask(graph, item)]
            kept = _unscaled(graph, inputs[1 - masks[0]]) if len(masks) == 1 else None
        elif node.op in ("Select", "SelectV2") and _is_mask(graph, inputs[0]):
            kept = _unscaled(graph, inputs[1])
        else:
            continue
        if kept is not None:
            graph.alias(name, kept)


def _is_mask(graph: Definition, item: Tensor) -> bool:
    """floor(keep + uniform), or uniform >= rate, perhaps as a number."""
    node = graph.producer(item)
    while node.op in ("Cast", "Identity"):
        node = graph.producer(graph.inputs(node.name)[0])
    if node.op not in ("Floor", "GreaterEqual"):
        return False
    waiting, seen = [node.name], set[str]()
    while waiting and len(seen) < 20:  # a mask is a few nodes; what is more is something else
        name = waiting.pop()
        op = graph.nodes[name].op
        if op in _UNIFORM:
            return True
        if name not in seen and op in _TO_MASK:
            seen.add(name)
            waiting.extend(source.node for source in graph.inputs(name))
    return False


def _unscaled(graph: Definition, item: Tensor) -> Tensor | None:
    """X of x / keep or x * (1 / keep)."""
    node = graph.producer(item)
    if node.op not in ("Mul", "RealDiv", "Div"):
        return None
    first, second = graph.inputs(item.node)
    if _is_scalar(graph, second):
        return first
    return second if node.op == "Mul" and _is_scalar(graph, first) else None


def _is_scalar(graph: Definition, item: Tensor) -> bool:
    node = graph.producer(item)
    if node.op == "Const":
        return not node.attr["value"].tensor.tensor_shape.dim
    if node.op == "Placeholder":
        return node.attr["shape"].shape.unknown_rank or not node.attr["shape"].shape.dim
    if node.op in ("Identity", "Cast", "Sub", "RealDiv", "Reciprocal"):
        return all(_is_scalar(graph, source) for source in graph.inputs(item.node))
    return False


class Averages:
    """The moving averages that a training graph updates: their decay, and the statistics of the batch they follow."""

    def __init__(self, graph: Definition) -> None:
        self.decays: dict[str, float] = {}
        self.followed: dict[Tensor, str] = {}
        for name, node in graph.nodes.items():
            if node.op in ("AssignSub", "AssignSubVariableOp"):
                self._read(graph, *graph.inputs(name)[:2])

    def _read(self, graph: Definition, target: Tensor, delta: Tensor) -> None:
        """Its update is assign_sub(average, (average - statistic) * (1 - decay))."""
        variable, product = peel(graph, target).node, peel(graph, delta)
        if graph.nodes[variable].op not in _VARIABLES or graph.producer(product).op != "Mul":
            return
        sides = [peel(graph, item) for item in graph.inputs(product.node)]
        for difference, factor in (sides, sides[::-1]):
            value = _rate(graph, factor) if graph.producer(difference).op == "Sub" else None
            if value is None:
                continue
            average, statistic = (peel(graph, item) for item in graph.inputs(difference.node))
            # An average of a variable itself is one of weights, which the network does not compute with.
            if average.node == variable and graph.producer(statistic).op not in _VARIABLES:
                self.decays[variable] = round(1 - value, 9)
                self.followed[statistic] = variable

    def use(self, graph: Definition) -> None:
        """Normalises by the moving averages where the graph does so by the batch."""
        graph.redirect({item: Tensor(name) for item, name in self.followed.items() if item.node in graph.nodes})
        for name, node in graph.nodes.items():
            if not node.op.startswith("FusedBatchNorm") or not node.attr["is_training"].b:
                continue
            moving = [self.followed.get(Tensor(name, index)) for index in (1, 2)]
            given = graph.inputs(name)[3:5]
            if all(moving):
                given = [Tensor(str(variable)) for variable in moving]
            if all(graph.producer(peel(graph, item)).op in _VARIABLES for item in given):
                node.attr["is_training"].b = False
                graph.set_inputs(name, [*graph.inputs(name)[:3], *given])


def _rate(graph: Definition, item: Tensor) -> float | None:
    """1 - decay, a number or computed of numbers. Where tf.cond chooses between 1 and another, it is the other."""
    item = peel(graph, item)
    node = graph.producer(item)
    if node.op == "Const":
        value = tf.make_ndarray(node.attr["value"].tensor)
        return shortest(value.item()) if value.size == 1 else None
    if node.op not in ("Sub", "Merge"):
        return None
    values = [_rate(graph, source) for source in graph.inputs(item.node)]
    if node.op == "Merge":
        return next((value for value in values if value != 1), None)
    first, second = values
    return None if first is None or second is None else first - second


def peel(graph: Definition, item: Tensor) -> Tensor:
    """What a tensor is a copy of: behind reads, casts and the doors of tf.cond."""
    while graph.producer(item).op in ("Identity", "Cast", "ReadVariableOp", "Switch", "RefSwitch"):
        item = tensor(graph.producer(item).input[0])
    return item
