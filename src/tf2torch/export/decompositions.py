"""Ops that have no float64 kernel, or hold a number as a float32, as others that have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tf2torch.export.definition import Definition
from tf2torch.export.tensorflow import tf
from tf2torch.numerals import shortest

Decomposition = Callable[[Any, Sequence[Any]], Any]  # None: it does not know this form of the op


def _batch_norm(operation: Any, inputs: Sequence[Any]) -> Any:
    """FusedBatchNorm at inference: (x - mean) * (scale * rsqrt(variance + epsilon)) + offset."""
    if operation.get_attr("is_training"):
        return None
    features, *vectors = inputs[:5]
    if operation.get_attr("data_format") == b"NCHW":
        vectors = [tf.reshape(vector, [1, -1, 1, 1]) for vector in vectors]
    scale, offset, mean, variance = vectors
    factor = scale * tf.math.rsqrt(variance + shortest(operation.get_attr("epsilon")))
    return (features - mean) * factor + offset


def _leaky_relu(operation: Any, inputs: Sequence[Any]) -> Any:
    alpha = shortest(operation.get_attr("alpha"))
    return tf.where(inputs[0] > 0, inputs[0], alpha * inputs[0])


def _local_response_norm(operation: Any, inputs: Sequence[Any]) -> Any:
    """LRN: x / (bias + alpha * sum of squares over near channels) ** beta. The sum is a product with a band."""
    channels = operation.inputs[0].shape.as_list()[-1]
    if channels is None:
        return None
    place = np.arange(channels)
    band = (abs(place[:, None] - place) <= operation.get_attr("depth_radius")).astype(np.float64)
    squares = tf.tensordot(tf.square(inputs[0]), tf.constant(band), 1)
    bias, alpha, beta = (shortest(operation.get_attr(name)) for name in ("bias", "alpha", "beta"))
    return inputs[0] / tf.pow(bias + alpha * squares, beta)


def _pool_3d(operation: Any, inputs: Sequence[Any]) -> Any:
    """Over height and width first, then over depth."""
    if operation.get_attr("data_format") != b"NDHWC":
        return None
    pool = tf.nn.max_pool2d if operation.type == "MaxPool3D" else tf.nn.avg_pool2d
    padding = operation.get_attr("padding").decode()
    _, depth, *kernel, _ = operation.get_attr("ksize")
    _, step, *strides, _ = operation.get_attr("strides")
    size = tf.shape(inputs[0])
    channels = inputs[0].shape.as_list()[-1]
    planes = pool(tf.reshape(inputs[0], [-1, size[2], size[3], channels]), kernel, strides, padding)
    height, width = tf.shape(planes)[1], tf.shape(planes)[2]
    columns = tf.reshape(planes, [-1, size[1], height * width, channels])
    columns = pool(columns, [depth, 1], [step, 1], padding)
    return tf.reshape(columns, [-1, tf.shape(columns)[1], height, width, channels])


DECOMPOSITIONS: Mapping[str, Decomposition] = {
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _batch_norm),
    **dict.fromkeys(("AvgPool3D", "MaxPool3D"), _pool_3d),
    "LRN": _local_response_norm,
    "LeakyRelu": _leaky_relu,
}


def let_one_win(graph: Definition) -> None:
    """Lets a 3-D max pooling send its gradient to one of the elements that tie.

    That is what TensorFlow does everywhere else, and PyTorch. Its 3-D kernel for CPUs gives the whole gradient to each
    of them, so that one pooling on top of another, in whose result neighbours are the same element, counts it twice.
    """
    for node in graph.nodes.values():
        if node.op == "MaxPool3D" and node.attr["data_format"].s in (b"", b"NDHWC"):
            node.attr["_gradient_op_type"].s = _ONE_WINS.encode()


_ONE_WINS = "MaxPool3DWhereOneWins"


@tf.RegisterGradient(_ONE_WINS)  # type: ignore[untyped-decorator]  # TensorFlow has no types
def _gradient_to_one(operation: Any, gradient: Any) -> Any:
    (found,) = tf.gradients(_pool_3d(operation, operation.inputs), operation.inputs[0], gradient)
    return found
