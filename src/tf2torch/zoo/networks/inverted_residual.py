"""What MobileNet v2 and v3 share: a wide depthwise convolution between two narrow layers, and the classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim

Activation = Callable[[Any], Any]


def arg_scope() -> Any:
    with (
        slim.arg_scope([slim.batch_norm], decay=0.997, epsilon=0.001, scale=True),
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], normalizer_fn=slim.batch_norm) as scope,
    ):
        return scope


def divisible(channels: float) -> int:
    """A multiple of 8 near a number of channels, and not less than 90 % of it."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def inverted_residual(
    x: Any,
    expansion: float,
    channels: int,
    activation: Activation,
    kernel_size: int = 3,
    stride: int = 1,
    gate: Activation = tf.identity,
) -> Any:
    """[N, H, W, C] -> [N, H / stride, W / stride, channels], wide in between by the factor expansion.

    gate: what comes between the depthwise convolution and the last one.
    """
    narrow = x.shape.as_list()[-1]
    wide = divisible(narrow * expansion)
    with tf.variable_scope(None, "expanded_conv"):
        y = x
        if wide > narrow:
            y = slim.conv2d(y, wide, 1, activation_fn=activation, scope="expand")
        y = slim.separable_conv2d(y, None, kernel_size, 1, stride=stride, activation_fn=activation, scope="depthwise")
        y = slim.conv2d(gate(y), channels, 1, activation_fn=None, scope="project")
        return x + y if stride == 1 and channels == narrow else y


def global_mean(x: Any) -> Any:
    """[N, H, W, C] -> [N, 1, 1, C]."""
    return tf.reduce_mean(x, [1, 2], keepdims=True)


def classifier(x: Any, num_classes: int, dropout_keep_prob: float) -> None:
    """The logits Logits/output, [N, num_classes], of [N, 1, 1, C]."""
    with tf.variable_scope("Logits"):
        x = slim.dropout(x, dropout_keep_prob, scope="Dropout")
        x = slim.conv2d(x, num_classes, 1, activation_fn=None, normalizer_fn=None, scope="Conv2d_1c_1x1")
        tf.squeeze(x, [1, 2], name="output")
