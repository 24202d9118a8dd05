"""Activations: what TensorFlow composes, in one node and in its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.ops.case import seeded
from tests.passes.documented import assert_shows, runs
from tf2torch.export.definition import tensor
from tf2torch.export.graph import read
from tf2torch.export.normalize import infer
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir.interpret import evaluate
from tf2torch.ir.types import Graph, Node, Value
from tf2torch.ops import registry
from tf2torch.passes.activations import activations
from tf2torch.passes.identities import identities
from tf2torch.passes.statics import statics


@runs(activations)
def test_what_the_docstring_shows(function: Callable[[Graph], Graph], before: str, after: str) -> None:
    assert_shows(function, before, after)


ROOT = np.sqrt(2 / np.pi)
FORMS: list[tuple[str, Callable[[Any], Any]]] = [
    ("silu", lambda x: x * tf.sigmoid(x)),
    ("silu", lambda x: tf.sigmoid(x) * x),
    ("silu", lambda x: tf.nn.swish(x)),
    ("silu", lambda x: x * tf.sigmoid(1.0 * x)),
    ("mish", lambda x: x * tf.tanh(tf.nn.softplus(x))),
    ("mish", lambda x: x * tf.tanh(tf.log(1 + tf.exp(x)))),
    ("hard_swish", lambda x: x * tf.nn.relu6(x + 3) * 0.16666667),
    ("hard_swish", lambda x: x * (tf.nn.relu6(x + 3) * (1 / 6))),
    ("hard_swish", lambda x: x * tf.nn.relu6(x + 3) / 6),
    ("hard_swish", lambda x: x * (tf.nn.relu6(3 + x) / 6)),
    ("hard_swish", lambda x: x * (tf.minimum(tf.maximum(x + 3, 0), 6) / 6)),
    ("hard_sigmoid", lambda x: tf.nn.relu6(x + 3) / 6),
    ("hard_sigmoid", lambda x: tf.nn.relu6(x + 3) * 0.16666667),
    ("gelu", lambda x: 0.5 * x * (1 + tf.erf(x / np.sqrt(2).astype(np.float32)))),
    ("gelu", lambda x: x * (0.5 * (1.0 + tf.erf(x / tf.sqrt(2.0))))),
    ("gelu", lambda x: 0.5 * (x * (1 + tf.erf(x * 0.7071067811865476)))),
    ("gelu", lambda x: 0.5 * x * tf.math.erfc(-x * 0.7071067811865476)),
    ("gelu", lambda x: x * 0.5 * tf.math.erfc(-x / tf.sqrt(2.0))),
    ("gelu", lambda x: x * (0.5 * (1.0 + tf.tanh(ROOT * (x + 0.044715 * tf.pow(x, 3)))))),
    ("gelu", lambda x: 0.5 * x * (1.0 + tf.tanh(x * 0.7978845608 * (1.0 + 0.044715 * x * x)))),
    ("gelu", lambda x: 0.5 * x * (1.0 + tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))),
    ("gelu", lambda x: 0.5 * x * (1.0 + tf.tanh(0.7978845608 * (x + 0.044715 * (x * tf.square(x)))))),
    ("LeakyRelu", lambda x: tf.maximum(x, 0.1 * x)),
    ("LeakyRelu", lambda x: tf.maximum(x * 0.01, x)),
    ("LeakyRelu", lambda x: tf.nn.relu(x) - 0.3 * tf.nn.relu(-x)),
    ("LeakyRelu", lambda x: tf.where(x > 0, x, 0.1 * x)),
    ("LeakyRelu", lambda x: 0.6 * x + 0.4 * tf.abs(x)),
    ("Softplus", lambda x: tf.log(1 + tf.exp(x))),
    ("Softplus", lambda x: tf.log1p(tf.exp(x))),
    ("Softplus", lambda x: tf.nn.relu(x) + tf.log1p(tf.exp(-tf.abs(x)))),
    ("Softsign", lambda x: x / (1 + tf.abs(x))),
    ("ClipByValue", lambda x: tf.clip_by_value(x, -1.0, 2.0)),
    ("ClipByValue", lambda x: tf.maximum(tf.minimum(x, 1.5), -0.5)),
    ("ClipByValue", lambda x: tf.minimum(tf.maximum(x, -0.5), 1.5)),
    ("Relu6", lambda x: tf.minimum(tf.nn.relu(x), 6)),
    ("Relu6", lambda x: tf.clip_by_value(x, 0, 6)),
    ("Relu", lambda x: tf.maximum(x, 0)),
]
OTHERS: list[Callable[[Any], Any]] = [  # similar, and something else
    lambda x: x * tf.sigmoid(1.702 * x),
    lambda x: x * tf.sigmoid(x + 1),
    lambda x: x * tf.nn.relu6(x + 2) / 6,
    lambda x: tf.maximum(x, 2.0 * x),
    lambda x: 0.6 * x + 0.5 * tf.abs(x),
    lambda x: 0.5 * x * (1 + tf.erf(x)),
    lambda x: tf.maximum(tf.minimum(x, -1.0), 1.0),
    lambda x: x * tf.reshape(tf.sigmoid(x), [1, 40]),
    lambda x: x * tf.sigmoid(tf.reverse(x, [0])),
]


def graph_of(function: Callable[[Any], Any], feed: Any) -> tuple[Graph, Any]:
    """A function of TensorFlow as our graph, and what TensorFlow computes."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, feed.shape, name="x")
        y = tf.identity(function(x), name="y")
    with session(graph) as running:
        wanted = running.run(y, {x: feed})
    result, _ = read(infer(graph.as_graph_def(), (tensor("x:0"),), (tensor("y:0"),), lambda _: {}, None), {})
    return identities(result), wanted


def computed(graph: Graph, feed: Any) -> Any:
    """What the handlers of element-wise ops compute."""
    values: dict[Value, Any] = {graph.inputs[0]: torch.from_numpy(feed)}
    for node in graph.nodes:
        if node.op == "Const":
            values[node.output] = torch.from_numpy(np.asarray(node.attrs["value"]))
        else:
            values[node.output] = evaluate(registry.lower(node)[0], values)
    return values[graph.outputs[0]].numpy()


def interesting(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op != "Const"]


@pytest.mark.parametrize(("op", "function"), FORMS, ids=[f"{op}{i}" for i, (op, _) in enumerate(FORMS)])
def test_one_node_computes_it(op: str, function: Callable[[Any], Any]) -> None:
    feed = seeded(40, low=-8, high=8)
    before, wanted = graph_of(function, feed)
    after = activations(before)
    (node,) = interesting(after)
    assert node.op == op
    assert node.origin == tuple(item.name for item in interesting(before))
    np.testing.assert_allclose(computed(after, feed), wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("function", OTHERS)
def test_what_is_something_else_stays(function: Callable[[Any], Any]) -> None:
    before, _ = graph_of(function, seeded(40))
    assert activations(before) is before


def test_a_part_that_somebody_else_reads_stays() -> None:
    def shared(x: Any) -> Any:
        gate = tf.sigmoid(x)
        return x * gate + gate

    before, _ = graph_of(shared, seeded(40))
    assert activations(before) is before


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_vectors_of_length_one(axis: int) -> None:
    feed = np.concatenate([seeded(3, 5, low=-8, high=8), np.zeros((1, 5), np.float32)])
    feed[:, 3] *= 1e-6  # shorter than the least length
    before, wanted = graph_of(lambda x: tf.nn.l2_normalize(x, axis, 1e-10), feed)
    after = activations(statics(before))
    (node,) = interesting(after)
    assert (node.op, dict(node.attrs)) == ("l2_normalize", {"axis": axis, "least": 1e-5})
    np.testing.assert_allclose(computed(after, feed), wanted, rtol=0, atol=1e-6)


def test_a_length_over_several_axes_stays() -> None:
    before, _ = graph_of(lambda x: tf.nn.l2_normalize(x, [0, 1]), seeded(3, 5))
    before = statics(before)
    assert activations(before) is before
