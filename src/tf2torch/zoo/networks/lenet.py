"""LeNet, slim's variant of the network of LeCun et al. (1998) for digits of 28 x 28 pixels."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim


def arg_scope() -> Any:
    with slim.arg_scope([slim.conv2d, slim.fully_connected], activation_fn=tf.nn.relu) as scope:
        return scope


def lenet(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    """Logits are LeNet/fc4/BiasAdd, [N, num_classes]."""
    with tf.variable_scope("LeNet"):
        x = slim.conv2d(images, 32, 5, scope="conv1")
        x = slim.max_pool2d(x, 2, 2, scope="pool1")
        x = slim.conv2d(x, 64, 5, scope="conv2")
        x = slim.max_pool2d(x, 2, 2, scope="pool2")
        x = slim.fully_connected(slim.flatten(x), 1024, scope="fc3")
        x = slim.dropout(x, dropout_keep_prob, is_training=is_training, scope="dropout3")
        slim.fully_connected(x, num_classes, activation_fn=None, scope="fc4")
