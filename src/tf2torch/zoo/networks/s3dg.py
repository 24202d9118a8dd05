"""S3D-G (Xie et al., 2017): Inception v1 for films, its convolutions split in space and time, its features gated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim

Conv = Callable[[Any, int, str], Any]  # features, channels, scope
Gate = Callable[[Any, str], Any]  # features, scope

POOLS = {  # before the block: name, kernel and stride in time and space
    "Mixed_3b": ("MaxPool_3a_3x3", (1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ("MaxPool_4a_3x3", (3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ("MaxPool_5a_2x2", (2, 2, 2), (2, 2, 2)),
}
BLOCKS = {  # channels of the four branches; two branches reduce them first
    "Mixed_3b": (64, (96, 128), (16, 32), 32),
    "Mixed_3c": (128, (128, 192), (32, 96), 64),
    "Mixed_4b": (192, (96, 208), (16, 48), 64),
    "Mixed_4c": (160, (112, 224), (24, 64), 64),
    "Mixed_4d": (128, (128, 256), (24, 64), 64),
    "Mixed_4e": (112, (144, 288), (32, 64), 64),
    "Mixed_4f": (256, (160, 320), (32, 128), 128),
    "Mixed_5b": (256, (160, 320), (32, 128), 128),
    "Mixed_5c": (384, (192, 384), (48, 128), 128),
}


def arg_scope() -> Any:
    with (
        slim.arg_scope([slim.batch_norm], decay=0.999, epsilon=0.001, fused=False),
        slim.arg_scope([slim.conv3d], activation_fn=tf.nn.relu, normalizer_fn=slim.batch_norm),
        slim.arg_scope([slim.max_pool3d], padding="SAME") as scope,
    ):
        return scope


def s3dg(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.8) -> None:
    """Logits of films [N, frames, height, width, 3]: InceptionV1/Logits/SpatialSqueeze, [N, num_classes]."""
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        inception_3d(images, num_classes, dropout_keep_prob, frames=3, conv=_separable, gate=_gated)


def inception_3d(
    images: Any, num_classes: int, dropout_keep_prob: float, *, frames: int, conv: Conv, gate: Gate
) -> None:
    """Inception v1 with a third axis for time.

    `frames` is how many the first convolution looks at, `conv` makes those of 3 x 3 x 3, `gate` goes on top of blocks.
    """
    with tf.variable_scope("InceptionV1"):
        x = slim.conv3d(images, 64, [frames, 7, 7], stride=2, scope="Conv2d_1a_7x7")
        x = slim.max_pool3d(x, [1, 3, 3], [1, 2, 2], scope="MaxPool_2a_3x3")
        x = slim.conv3d(x, 64, 1, scope="Conv2d_2b_1x1")
        x = gate(conv(x, 192, "Conv2d_2c_3x3"), "Conv2d_2c_3x3")
        for name, channels in BLOCKS.items():
            if name in POOLS:
                scope, kernel, stride = POOLS[name]
                x = slim.max_pool3d(x, kernel, stride, scope=scope)
            with tf.variable_scope(name):
                x = _block(x, *channels, conv=conv, gate=gate)
        with tf.variable_scope("Logits"):
            window = [min(size, most) for size, most in zip(x.shape.as_list()[1:4], (2, 7, 7), strict=True)]
            x = slim.avg_pool3d(x, window, stride=1, scope="AvgPool_0a_7x7")
            x = slim.dropout(x, dropout_keep_prob, scope="Dropout_0b")
            x = slim.conv3d(x, num_classes, 1, activation_fn=None, normalizer_fn=None, scope="Conv2d_0c_1x1")
            tf.squeeze(tf.reduce_mean(x, axis=1), [1, 2], name="SpatialSqueeze")


def _block(
    x: Any, direct: int, medium: tuple[int, int], small: tuple[int, int], pooled: int, *, conv: Conv, gate: Gate
) -> Any:
    """Four branches over the same features, behind one another in the channels of the result."""
    with tf.variable_scope("Branch_0"):
        y = slim.conv3d(x, direct, 1, scope="Conv2d_0a_1x1")
        branches = [gate(y, "Conv2d_0a_1x1")]
    for branch, (reduced, channels) in enumerate((medium, small), start=1):
        with tf.variable_scope(f"Branch_{branch}"):
            y = slim.conv3d(x, reduced, 1, scope="Conv2d_0a_1x1")
            y = conv(y, channels, "Conv2d_0b_3x3")
            branches.append(gate(y, "Conv2d_0b_3x3"))
    with tf.variable_scope("Branch_3"):
        y = slim.max_pool3d(x, 3, 1, scope="MaxPool_0a_3x3")
        y = slim.conv3d(y, pooled, 1, scope="Conv2d_0b_1x1")
        branches.append(gate(y, "Conv2d_0b_1x1"))
    return tf.concat(branches, axis=4)


def _separable(x: Any, channels: int, scope: str) -> Any:
    """A convolution in space, then one in time, which has a bias instead of a norm."""
    x = slim.conv3d(x, channels, [1, 3, 3], scope=scope)
    return slim.conv3d(x, channels, [3, 1, 1], normalizer_fn=None, scope=f"{scope}/temporal")


def _gated(x: Any, scope: str) -> Any:
    """Each channel by a factor between 0 and 1, which follows from the means of all channels over space and time."""
    with tf.variable_scope(f"{scope}/self_gating"):
        means = tf.reduce_mean(x, [1, 2, 3], keepdims=True)
        weights = slim.conv3d(
            means,
            x.shape.as_list()[-1],
            1,
            activation_fn=None,
            normalizer_fn=None,
            biases_initializer=None,
            scope="transformer_W",
        )
        return x * tf.sigmoid(weights)
