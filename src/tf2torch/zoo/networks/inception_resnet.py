"""Inception-ResNet v2 (Szegedy et al. 2016, arXiv:1602.07261), and the blocks that v1 has, too, of other sizes."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.inception import (
    REDUCED,
    Chain,
    Layer,
    auxiliary_logits,
    avg_pool,
    block,
    branches,
    chain,
    classify,
    conv,
    features,
    inception_arg_scope,
    max_pool,
)
from tf2torch.zoo.networks.slim import slim

STEM = (
    conv("1a_3x3", 32, **REDUCED),
    conv("2a_3x3", 32, padding="VALID"),
    conv("2b_3x3", 64),
    max_pool("3a_3x3"),
    conv("3b_1x1", 80, padding="VALID"),
    conv("4a_3x3", 192, padding="VALID"),
)


def block35(second: int, third: int) -> tuple[Chain, ...]:
    return (
        [conv("1x1", 32)],
        [conv("0a_1x1", 32), conv("0b_3x3", 32)],
        [conv("0a_1x1", 32), conv("0b_3x3", second), conv("0c_3x3", third)],
    )


def block17(first: int, second: int, third: int) -> tuple[Chain, ...]:
    return [conv("1x1", third)], [conv("0a_1x1", first), conv("0b_1x7", second), conv("0c_7x1", third)]


def block8(second: int, third: int) -> tuple[Chain, ...]:
    return [conv("1x1", 192)], [conv("0a_1x1", 192), conv("0b_1x3", second), conv("0c_3x1", third)]


def mixed_6a(channels: int, last: int) -> Layer:
    """From 35 x 35 to 17 x 17."""
    return block(
        "Mixed_6a",
        [conv("1a_3x3", 384, **REDUCED)],
        [conv("0a_1x1", channels), conv("0b_3x3", channels), conv("1a_3x3", last, **REDUCED)],
        [max_pool("1a_3x3")],
    )


def mixed_7a(channels: int, last: int) -> Layer:
    """From 17 x 17 to 8 x 8."""
    return block(
        "Mixed_7a",
        [conv("0a_1x1", 256), conv("1a_3x3", 384, **REDUCED)],
        [conv("0a_1x1", 256), conv("1a_3x3", channels, **REDUCED)],
        [conv("0a_1x1", 256), conv("0b_3x3", channels), conv("1a_3x3", last, **REDUCED)],
        [max_pool("1a_3x3")],
    )


def residual(scope: str, chains: tuple[Chain, ...], scale: float = 1.0, rectified: bool = True) -> Layer:
    """Branches whose result is brought to the channels of their input and added to it, scaled."""

    def build(x: Any) -> Any:
        with tf.variable_scope(scope):
            mixed = branches(x, *chains)
            up = slim.conv2d(mixed, x.shape[3], 1, activation_fn=None, normalizer_fn=None, scope="Conv2d_1x1")
            x += scale * up
            return tf.nn.relu(x) if rectified else x

    return build


def repeat(scope: str, count: int, name: str, chains: tuple[Chain, ...], scale: float) -> Layer:
    """Residual blocks name_1, name_2, ... in a scope."""

    def build(x: Any) -> Any:
        with tf.variable_scope(scope):
            return chain(x, (residual(f"{name}_{index}", chains, scale) for index in range(1, count + 1)))

    return build


MIDDLE = (
    *STEM,
    max_pool("5a_3x3"),
    block(
        "Mixed_5b",
        [conv("1x1", 96)],
        [conv("0a_1x1", 48), conv("0b_5x5", 64)],
        [conv("0a_1x1", 64), conv("0b_3x3", 96), conv("0c_3x3", 96)],
        [avg_pool, conv("0b_1x1", 64)],
    ),
    repeat("Repeat", 10, "block35", block35(48, 64), scale=0.17),
    mixed_6a(256, 384),
    repeat("Repeat_1", 20, "block17", block17(128, 160, 192), scale=0.1),
)
END = (
    mixed_7a(288, 320),
    repeat("Repeat_2", 9, "block8", block8(224, 256), scale=0.2),
    residual("Block8", block8(224, 256), rectified=False),
    conv("7b_1x1", 1536),
)


def arg_scope() -> Any:
    return inception_arg_scope(0.9997)


def inception_resnet_v2(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.8) -> None:
    """Logits of images [N, 299, 299, 3]: InceptionResnetV2/Logits/Logits, [N, num_classes], and those of AuxLogits."""
    training = slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training)
    with tf.variable_scope("InceptionResnetV2"), training:
        middle = chain(images, MIDDLE)
        auxiliary_logits(middle, num_classes, "Conv2d_2a_5x5", "Logits")
        x = chain(middle, END)
        with tf.variable_scope("Logits"):
            classify(features(x, dropout_keep_prob), num_classes, "Logits")
