"""CycleGAN's generator (Zhu et al., 2017) as slim has it: residual blocks between two strides of 2 each way."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim


def arg_scope() -> Any:
    with slim.arg_scope(
        [slim.conv2d],
        padding="VALID",
        normalizer_fn=slim.instance_norm,
        normalizer_params={"center": True, "scale": True, "epsilon": 0.001},
    ) as scope:
        return scope


def cyclegan_generator(images: Any, blocks: int = 9, filters: int = 64) -> None:
    """Pictures in another style from images [N, height, width, 3], sizes multiples of 4: output/Tanh."""
    with tf.variable_scope("input"):
        x = slim.conv2d(_mirrored(images, 3), filters, 7)
    with tf.variable_scope("encoder"):
        for channels in (2 * filters, 4 * filters):
            x = slim.conv2d(_mirrored(x, 1), channels, 3, stride=2)
    with tf.variable_scope("residual_blocks"):
        for block in range(blocks):
            with tf.variable_scope(f"block_{block}"):
                residual = slim.conv2d(_mirrored(x, 1), 4 * filters, 3)
                residual = slim.conv2d(_mirrored(residual, 1), 4 * filters, 3, activation_fn=None)
                x += residual
    with tf.variable_scope("decoder"):
        for stage, channels in enumerate((2 * filters, filters), start=1):
            with tf.variable_scope(f"decoder{stage}"), tf.variable_scope("upconv"):
                x = slim.conv2d_transpose(x, channels, 3, stride=2, padding="VALID")[:, 1:, 1:, :]
    with tf.variable_scope("output"):
        x = slim.conv2d(_mirrored(x, 3), 3, 7, activation_fn=None, normalizer_fn=None)
        tf.tanh(x, name="Tanh")


def _mirrored(x: Any, width: int) -> Any:
    """Images with a margin that mirrors them, instead of one of zeros."""
    return tf.pad(x, [[0, 0], [width, width], [width, width], [0, 0]], mode="REFLECT")
