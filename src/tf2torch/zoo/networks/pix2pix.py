"""pix2pix (Isola et al., 2016) as slim has it: a U-Net that repaints pictures, and a discriminator of patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim

BLOCKS = (64, 128, 256, 512, 512, 512, 512)  # channels, from the largest picture to the smallest
DROPPED_OUT = 3  # of the largest blocks, on the way back


def arg_scope() -> Any:
    with slim.arg_scope(
        [slim.conv2d],
        kernel_size=4,
        normalizer_fn=slim.instance_norm,
        normalizer_params={"center": True, "scale": True, "epsilon": 1e-5},
    ) as scope:
        return scope


def pix2pix_generator(images: Any, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    """Pictures from images [N, size, size, 3], the size a multiple of 128: output/Tanh, the same shape.

    The reference drops out at inference, too, for the sake of variety; here only training does.
    """
    x, encoded = images, []
    with tf.variable_scope("encoder"), slim.arg_scope([slim.conv2d], stride=2):
        for block, channels in enumerate(BLOCKS):
            last = block == len(BLOCKS) - 1
            normalizer = slim.instance_norm if block > 0 and not last else None
            activation = None if last else tf.nn.leaky_relu
            x = slim.conv2d(x, channels, normalizer_fn=normalizer, activation_fn=activation)
            encoded.append(x)
    with tf.variable_scope("decoder"):
        for block, channels in reversed([*enumerate(BLOCKS)]):
            x = x if x is encoded[block] else tf.concat([x, encoded[block]], axis=3)
            x = tf.nn.relu(x)  # which comes before the convolution, so that what is handed on keeps its sign
            x = tf.image.resize_nearest_neighbor(x, [2 * tf.shape(x)[1], 2 * tf.shape(x)[2]])
            x = slim.conv2d(x, channels, activation_fn=None)
            if block < DROPPED_OUT:
                x = slim.dropout(x, dropout_keep_prob, is_training=is_training)
    with tf.variable_scope("output"):
        x = slim.conv2d(x, 3, activation_fn=None, normalizer_fn=None)
        tf.tanh(x, name="Tanh")


def pix2pix_discriminator(images: Any, filters: Sequence[int] = (64, 128, 256, 512)) -> None:
    """How real each patch of images [N, size, size, channels] looks: conv<number of filters>/BiasAdd, [N, h, w, 1]."""
    x = images
    last = len(filters)
    with slim.arg_scope([slim.conv2d], padding="VALID", activation_fn=tf.nn.leaky_relu):
        for layer, channels in enumerate(filters):
            normalizer = slim.instance_norm if layer else None
            stride = 1 if layer == last - 1 else 2
            x = slim.conv2d(_mirrored(x), channels, stride=stride, normalizer_fn=normalizer, scope=f"conv{layer}")
        slim.conv2d(_mirrored(x), 1, activation_fn=None, normalizer_fn=None, scope=f"conv{last}")


def _mirrored(x: Any) -> Any:
    """Images with a margin of 2 that mirrors them, instead of one of zeros."""
    return tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="REFLECT")
