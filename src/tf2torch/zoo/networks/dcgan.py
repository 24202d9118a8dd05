"""DCGAN (Radford et al., 2015) as slim has it: a generator of pictures from noise, and the discriminator against it."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim


def arg_scope() -> Any:
    with (
        slim.arg_scope([slim.batch_norm], decay=0.999, epsilon=0.001, fused=False),
        slim.arg_scope([slim.conv2d, slim.conv2d_transpose], kernel_size=4, stride=2) as scope,
    ):
        return scope


def dcgan_generator(noise: Any, is_training: bool, depth: int = 64, final_size: int = 64) -> None:
    """Pictures of three channels from noise [N, any]: Generator/logits/BiasAdd, [N, final_size, final_size, 3].

    Each layer doubles the size, which begins at 4, and halves the channels, which end at `depth`.
    """
    layers = final_size.bit_length() - 2
    with (
        tf.variable_scope("Generator"),
        slim.arg_scope([slim.batch_norm], is_training=is_training),
        slim.arg_scope([slim.conv2d_transpose], normalizer_fn=slim.batch_norm),
    ):
        x = tf.expand_dims(tf.expand_dims(noise, 1), 1)
        x = slim.conv2d_transpose(x, depth << layers - 1, stride=1, padding="VALID", scope="deconv1")
        for layer in range(2, layers):
            x = slim.conv2d_transpose(x, depth << layers - layer, scope=f"deconv{layer}")
        x = slim.conv2d_transpose(x, depth, normalizer_fn=None, activation_fn=None, scope=f"deconv{layers}")
        slim.conv2d(x, 3, kernel_size=1, stride=1, padding="VALID", activation_fn=None, scope="logits")


def dcgan_discriminator(images: Any, is_training: bool, depth: int = 64) -> None:
    """How real images [N, size, size, 3] look, the size a power of two: Discriminator/Reshape, [N, 1].

    Each layer halves the size down to 1, and doubles the channels, which begin at `depth`.
    """
    layers = images.shape.as_list()[1].bit_length() - 1
    with (
        tf.variable_scope("Discriminator"),
        slim.arg_scope([slim.batch_norm], is_training=is_training),
        slim.arg_scope([slim.conv2d], activation_fn=tf.nn.leaky_relu),
    ):
        x = images
        for layer in range(layers):
            normalizer = slim.batch_norm if layer else None
            x = slim.conv2d(x, depth << layer, normalizer_fn=normalizer, scope=f"conv{layer + 1}")
        x = slim.conv2d(x, 1, kernel_size=1, stride=1, padding="VALID", activation_fn=None)
        tf.reshape(x, [-1, 1])
