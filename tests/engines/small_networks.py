"""Run as a script where TensorFlow is: saves a small network with seeded weights, and what TensorFlow computes with it.

small_networks.py KIND FOLDER writes FOLDER/net.ckpt.* and, for the kind `whole`, FOLDER/reference.npz.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

tf = tf.compat.v1
tf.disable_v2_behavior()
random = np.random.default_rng(1)


def variable(name: str, *shape: int, mean: float = 0.0, deviation: float = 0.3, trainable: bool = True) -> tf.Variable:
    value = random.normal(mean, deviation, shape).astype(np.float32)
    return tf.get_variable(name, initializer=tf.constant(value), trainable=trainable)


def convolution(x: tf.Tensor, name: str, kernel: int, channels: int, stride: int) -> tf.Tensor:
    weights = variable(f"{name}/weights", kernel, kernel, int(x.shape[-1]), channels)
    return tf.nn.conv2d(x, weights, [1, stride, stride, 1], "SAME", name=f"{name}/Conv2D")


def batch_norm(x: tf.Tensor, name: str) -> tf.Tensor:
    channels = int(x.shape[-1])
    gamma = variable(f"{name}/gamma", channels, mean=1.0)
    beta = variable(f"{name}/beta", channels)
    mean = variable(f"{name}/moving_mean", channels, trainable=False)
    spread = tf.constant(random.uniform(0.5, 2.0, channels).astype(np.float32))
    variance = tf.get_variable(f"{name}/moving_variance", initializer=spread, trainable=False)
    x, _, _ = tf.nn.fused_batch_norm(
        x, gamma, beta, mean, variance, epsilon=0.001, is_training=False, name=f"{name}/bn"
    )
    return x


def body(image: tf.Tensor) -> tf.Tensor:
    x = tf.nn.relu(batch_norm(convolution(image, "conv1", 3, 8, 2), "conv1"))
    x = tf.nn.max_pool2d(x, 3, 2, "SAME")
    x = tf.nn.relu(tf.nn.bias_add(convolution(x, "conv2", 1, 12, 1), variable("conv2/biases", 12)))
    x = tf.nn.avg_pool2d(x, 6, 1, "VALID")
    return tf.squeeze(x, [1, 2], name="SpatialSqueeze")


def logits(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.bias_add(tf.matmul(x, variable("logits/weights", 12, 7)), variable("logits/biases", 7))


def build(kind: str) -> tuple[tf.Tensor, tf.Tensor]:
    if kind == "inception_v1":
        return inception_v1()
    image = tf.placeholder(tf.float32, [None, 22, 22, 3], name="input")
    if kind == "whole":
        x = tf.nn.softmax(logits(body(image)))
    elif kind == "unknown_to_parser":
        x = tf.nn.elu(body(image), name="first_elu")
        x = tf.nn.elu(tf.cumsum(x, axis=1, name="running_sum"), name="second_elu")
    elif kind == "unknown_to_emitter":
        x = tf.abs(tf.abs(body(image), name="inner_abs"), name="outer_abs")
    elif kind == "crashing":
        # A convolution whose kernel is computed: MMdnn looks for it in the checkpoint.
        kernel = tf.reshape(variable("flat", 27 * 4), [3, 3, 3, 4])
        x = tf.nn.conv2d(image, kernel, [1, 1, 1, 1], "VALID", name="computed_kernel")
    return image, tf.identity(x, name="MMdnn_Output")


def inception_v1() -> tuple[tf.Tensor, tf.Tensor]:
    """The variables of the published checkpoint, with other values."""
    from tf2torch.engines.mmdnn import adapter
    from tf2torch.export.legacy_layers import legacy_layers

    with adapter.modules(legacy_layers()):
        import tf_slim
        from tf_slim.nets import inception

        image = tf.placeholder(tf.float32, [None, 224, 224, 3])
        tf.set_random_seed(1)
        with tf_slim.arg_scope(inception.inception_v3_arg_scope()):
            return image, inception.inception_v1(image, num_classes=1001, is_training=False)[0]


def main(kind: str, folder: Path) -> None:
    image, output = build(kind)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(folder / ("inception_v1.ckpt" if kind == "inception_v1" else "net.ckpt")))
        if kind == "whole":
            x = random.normal(size=(10, 22, 22, 3)).astype(np.float32)
            np.savez(folder / "reference.npz", x=x, y=session.run(output, {image: x}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
