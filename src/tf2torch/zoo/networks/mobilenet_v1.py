"""MobileNet v1 (arXiv:1704.04861): depthwise separable convolutions."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim

LAYERS = (  # stride and channels
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    *[(1, 512)] * 5,
    (2, 1024),
    (1, 1024),
)


def arg_scope() -> Any:
    with (
        slim.arg_scope([slim.batch_norm], decay=0.9997, epsilon=0.001, scale=True),
        slim.arg_scope(
            [slim.conv2d, slim.separable_conv2d], activation_fn=tf.nn.relu6, normalizer_fn=slim.batch_norm
        ) as scope,
    ):
        return scope


def mobilenet_v1(
    images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.999, multiplier: float = 1.0
) -> None:
    """Of [N, H, W, 3] the logits MobilenetV1/Logits/SpatialSqueeze, [N, num_classes].

    multiplier: of the channels of every layer, of which 8 remain at least.
    """

    def width(channels: int) -> int:
        return max(8, int(channels * multiplier))

    with (
        tf.variable_scope("MobilenetV1"),
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
    ):
        x = slim.conv2d(images, width(32), 3, stride=2, scope="Conv2d_0")
        for index, (stride, channels) in enumerate(LAYERS, start=1):
            x = slim.separable_conv2d(x, None, 3, 1, stride=stride, scope=f"Conv2d_{index}_depthwise")
            x = slim.conv2d(x, width(channels), 1, scope=f"Conv2d_{index}_pointwise")
        with tf.variable_scope("Logits"):
            x = slim.avg_pool2d(x, x.shape.as_list()[1:3], scope="AvgPool_1a")
            x = slim.dropout(x, dropout_keep_prob, scope="Dropout_1b")
            x = slim.conv2d(x, num_classes, 1, activation_fn=None, normalizer_fn=None, scope="Conv2d_1c_1x1")
            tf.squeeze(x, [1, 2], name="SpatialSqueeze")
