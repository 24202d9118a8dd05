"""What the Inception networks are made of: chains of named layers, side by side, each in a scope of its own.

A layer's name is slim's without the kind: "0b_1x7" of a convolution is the scope Conv2d_0b_1x7, with a kernel of 1 x 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim

Layer = Callable[[Any], Any]  # [N, H, W, C] float32 -> the same, of other sizes
Chain = Iterable[Layer]
REDUCED: dict[str, Any] = {"stride": 2, "padding": "VALID"}


def inception_arg_scope(decay: float) -> Any:
    """Layers with a batch norm that has no gamma."""
    batch_norm = {"decay": decay, "epsilon": 0.001}
    kinds = [slim.conv2d, slim.fully_connected]
    with slim.arg_scope(kinds, normalizer_fn=slim.batch_norm, normalizer_params=batch_norm) as scope:
        return scope


def conv(name: str, channels: int, **how: Any) -> Layer:
    """A convolution with what the argument scope puts after it; `how` are slim's stride and padding."""
    return lambda x: slim.conv2d(x, channels, _kernel(name), scope=f"Conv2d_{name}", **how)


def max_pool(name: str) -> Layer:
    return lambda x: slim.max_pool2d(x, _kernel(name), scope=f"MaxPool_{name}", **REDUCED)


def avg_pool(x: Any) -> Any:
    """The layer before the last convolution of a block: it changes no sizes."""
    return slim.avg_pool2d(x, 3, stride=1, padding="SAME", scope="AvgPool_0a_3x3")


def fork(*layers: Layer) -> Layer:
    """Layers of one input, their results joined along the channels."""
    return lambda x: tf.concat([layer(x) for layer in layers], 3)


def chain(x: Any, layers: Chain) -> Any:
    """What the layers make of x, one after the other."""
    for layer in layers:
        x = layer(x)
    return x


def branches(x: Any, *chains: Chain) -> Any:
    """Chains of one input in the scopes Branch_0, Branch_1, ..., their results joined along the channels."""
    results = []
    for index, layers in enumerate(chains):
        with tf.variable_scope(f"Branch_{index}"):
            results.append(chain(x, layers))
    return tf.concat(results, 3)


def block(scope: str, *chains: Chain) -> Layer:
    """Branches in a scope."""

    def build(x: Any) -> Any:
        with tf.variable_scope(scope):
            return branches(x, *chains)

    return build


def auxiliary_logits(x: Any, classes: int, last_conv: str, logits: str) -> None:
    """The second classifier, which takes the 17 x 17 features in the middle of the network, in the scope AuxLogits."""
    with tf.variable_scope("AuxLogits"):
        x = slim.avg_pool2d(x, 5, stride=3, padding="VALID", scope="AvgPool_1a_5x5")
        x = slim.conv2d(x, 128, 1, scope="Conv2d_1b_1x1")
        x = slim.conv2d(x, 768, x.shape[1:3], padding="VALID", scope=last_conv)
        classify(slim.flatten(x), classes, logits)


def classify(x: Any, classes: int, scope: str) -> None:
    """The logits [N, classes] of features [N, C]."""
    slim.fully_connected(x, classes, activation_fn=None, normalizer_fn=None, scope=scope)


def features(x: Any, dropout_keep_prob: float) -> Any:
    """The mean over all positions, [N, C], some of it dropped in training."""
    x = slim.avg_pool2d(x, x.shape[1:3], padding="VALID", scope="AvgPool_1a_8x8")
    return slim.dropout(slim.flatten(x), dropout_keep_prob, scope="Dropout")


def _kernel(name: str) -> list[int]:
    """The two lengths at the end of a layer's name."""
    return [int(length) for length in name.rsplit("_", 1)[-1].split("x")]
