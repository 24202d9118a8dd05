"""MobileNet v2 (arXiv:1801.04381): inverted residuals whose narrow ends are linear."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.inverted_residual import arg_scope, classifier, divisible, global_mean, inverted_residual
from tf2torch.zoo.networks.slim import slim

__all__ = ["arg_scope", "mobilenet_v2"]

GROUPS = (  # expansion, channels, units, and the stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(
    images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.8, multiplier: float = 1.0
) -> None:
    """Of [N, H, W, 3] the logits MobilenetV2/Logits/output, [N, num_classes].

    multiplier: of the channels of every layer; the last has 1280 at least.
    """
    with (
        tf.variable_scope("MobilenetV2"),
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
        slim.arg_scope([slim.conv2d], activation_fn=tf.nn.relu6),
    ):
        x = slim.conv2d(images, divisible(32 * multiplier), 3, stride=2)
        for expansion, channels, units, stride in GROUPS:
            for unit in range(units):
                width = divisible(channels * multiplier)
                x = inverted_residual(x, expansion, width, tf.nn.relu6, stride=1 if unit else stride)
        x = slim.conv2d(x, divisible(1280 * max(1.0, multiplier)), 1)
        classifier(global_mean(x), num_classes, dropout_keep_prob)
