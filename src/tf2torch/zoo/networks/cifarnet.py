"""CifarNet, slim's network for the pictures of CIFAR-10: 32 x 32 pixels, normalised across neighbouring channels."""

from __future__ import annotations

from functools import partial
from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim


def arg_scope() -> Any:
    with slim.arg_scope([slim.conv2d, slim.fully_connected], activation_fn=tf.nn.relu) as scope:
        return scope


def cifarnet(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    """Logits are CifarNet/logits/BiasAdd, [N, num_classes]."""
    normalise = partial(tf.nn.lrn, depth_radius=4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)
    with tf.variable_scope("CifarNet"):
        x = slim.conv2d(images, 64, 5, scope="conv1")
        x = slim.max_pool2d(x, 2, 2, scope="pool1")
        x = normalise(x, name="norm1")
        x = slim.conv2d(x, 64, 5, scope="conv2")
        x = normalise(x, name="norm2")
        x = slim.max_pool2d(x, 2, 2, scope="pool2")
        x = slim.fully_connected(slim.flatten(x), 384, scope="fc3")
        x = slim.dropout(x, dropout_keep_prob, is_training=is_training, scope="dropout3")
        x = slim.fully_connected(x, 192, scope="fc4")
        slim.fully_connected(x, num_classes, activation_fn=None, scope="logits")
